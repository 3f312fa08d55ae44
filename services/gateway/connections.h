/*
 * Clients' connections, from the edge's first call to its last: what each calls for, and the parts
 * that make up a client.
 */
#ifndef PARLEY_GATEWAY_CONNECTIONS_H
#define PARLEY_GATEWAY_CONNECTIONS_H

#include "services/gateway/edge/edge.h"

/* For edge_new; its argument is the struct gateway. */
extern const struct edge_handlers connection_handlers;

#endif
