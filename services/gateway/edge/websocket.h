/*
 * The transport over WebSocket: frames (frame.h), pings, which carry marks and find silent clients
 * that are gone, and the close frames.
 */
#ifndef PARLEY_GATEWAY_EDGE_WEBSOCKET_H
#define PARLEY_GATEWAY_EDGE_WEBSOCKET_H

#include "services/gateway/edge/connection_private.h"

/* Pings in a row without an answer after which a WebSocket is closed. */
#define EDGE_UNANSWERED_PINGS 2

/* Whether there may be no further connection: `close_r` gets the close frame that says so, to be
 * written behind the answer to the upgrade. */
bool edge_websocket_is_refused(struct edge_shared *shared, struct lws *wsi, struct buffer *close_r);
/* The upgrade is answered: the socket is a connection from now on. `input` is what was read behind
 * the request. */
void edge_websocket_open(struct edge_shared *shared, struct lws *wsi, struct slice input);

#endif
