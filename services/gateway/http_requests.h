/*
 * Requests over HTTP that the edge hands over: those for files (file_transfers.h) and those of the
 * HTTP API (api_calls.h), told apart by their paths.
 */
#ifndef PARLEY_GATEWAY_HTTP_REQUESTS_H
#define PARLEY_GATEWAY_HTTP_REQUESTS_H

#include "services/gateway/edge/exchange.h"

/* For edge_handlers; their argument is the struct gateway. */
extern const struct edge_exchange_handlers http_request_handlers;

#endif
