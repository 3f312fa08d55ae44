/* Exchanges as the HTTP port sees them; an owner sees exchange.h alone. */
#ifndef PARLEY_GATEWAY_EDGE_EXCHANGE_PRIVATE_H
#define PARLEY_GATEWAY_EDGE_EXCHANGE_PRIVATE_H

#include "services/gateway/edge/exchange.h"
#include "services/gateway/edge/http_socket.h"

/* Whether the request is the owner's: the socket was left then. Behind the answer it is an HTTP
 * socket with `ask` again. `path` is the request's, unescaped. */
bool edge_exchange_begin_with(struct edge_http_socket *socket,
                              const struct edge_http_request *request, struct slice path,
                              edge_http_ask *ask);
/* libwebsockets can write. */
void edge_exchange_writeable(struct edge_exchange *exchange);
/* The socket is closed. */
void edge_exchange_free(struct edge_exchange **exchange);

#endif
