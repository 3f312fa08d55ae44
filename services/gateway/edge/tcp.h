/*
 * The transports over raw TCP: JSON objects one after the other (json.h), and YouIM's frames
 * (youim.h). Both read alike, and their marks are answered by the kernel's count of unacknowledged
 * bytes.
 *
 *     edge_tcp_start(&shared);                         before either has a connection
 *     ... edge_tcp_callback, edge_youim_callback are libwebsockets' protocols ...
 *     edge_tcp_stop(&shared);
 */
#ifndef PARLEY_GATEWAY_EDGE_TCP_H
#define PARLEY_GATEWAY_EDGE_TCP_H

#include "services/gateway/edge/connection_private.h"

void edge_tcp_start(struct edge_shared *shared);
void edge_tcp_stop(struct edge_shared *shared);

int edge_tcp_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t length);
int edge_youim_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t length);

#endif
