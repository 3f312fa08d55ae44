/*
 * The transport over WebSocket: messages (message.h), pings, which carry marks and find silent
 * clients that are gone, and the close frames.
 */
#ifndef PARLEY_GATEWAY_EDGE_WEBSOCKET_H
#define PARLEY_GATEWAY_EDGE_WEBSOCKET_H

#include "services/gateway/edge/connection_private.h"

/* Pings in a row without an answer after which a WebSocket is closed. */
#define EDGE_UNANSWERED_PINGS 2

/* libwebsockets' events of the HTTP port from the upgrade on. `connection`: NULL while there is
 * none. Returns what libwebsockets is to get. */
int edge_websocket_event(struct edge_shared *shared, struct lws *wsi,
                         enum lws_callback_reasons reason, struct edge_connection *connection,
                         struct slice in);

#endif
