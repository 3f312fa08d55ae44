/*
 * Calls of the HTTP API, `/api/v1/...` (dialect/api.h): each is let in by its API key, read,
 * carried out by messages to services one after the other, and answered.
 *
 * The services check the API key again where a message is the operator's. A call whose client has
 * gone is carried out to its end. What fails for now is tried again within `send_timeout_ms`.
 */
#ifndef PARLEY_GATEWAY_API_CALLS_H
#define PARLEY_GATEWAY_API_CALLS_H

#include "services/gateway/edge/exchange.h"
#include "services/gateway/gateway.h"

struct api_calls;

/* Of the paths below /api/v1; their argument is the struct gateway. */
extern const struct edge_exchange_handlers api_exchange_handlers;

/* NULL without memory. */
struct api_calls *api_calls_new(struct gateway *gateway);
/* When the edge and the links are gone. */
void api_calls_destroy(struct api_calls **self);

#endif
