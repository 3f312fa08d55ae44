/*
 * The HTTP port: the files of a site, `/api/info` and `/healthz`, 404 for all else, and at any path
 * the upgrade to a WebSocket, which is websocket.h's from then on. Sockets that ask for files are
 * no connections, and count as none.
 */
#ifndef PARLEY_GATEWAY_EDGE_HTTP_H
#define PARLEY_GATEWAY_EDGE_HTTP_H

#include <libwebsockets.h>

/* libwebsockets' first protocol, whose context's user is a struct edge_shared. */
int edge_http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t length);

#endif
