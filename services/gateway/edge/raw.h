/*
 * What all transports have in common on a socket: reading, closing, and libwebsockets' events.
 * libwebsockets closes a socket as soon as the client has closed its half, though the client may
 * still wait for answers. So it is kept from reading, and only writes.
 *
 *     edge_raw_event(wsi, reason, connection, in, &transport);    for a port whose sockets are
 *                                                                 connections from the begin
 *     edge_raw_start(connection); ... edge_raw_release(connection);    within `start`, `release`
 *     edge_raw_input(connection, input); edge_raw_read(connection);    read before it had one
 */
#ifndef PARLEY_GATEWAY_EDGE_RAW_H
#define PARLEY_GATEWAY_EDGE_RAW_H

#include "services/gateway/edge/connection_private.h"

/* What libwebsockets is to get. With TLS the connection is made once the handshake is done. */
int edge_raw_event(struct lws *wsi, enum lws_callback_reasons reason,
                   struct edge_connection *connection, void *in,
                   const struct edge_transport_calls *transport);

void edge_raw_start(struct edge_connection *connection);
void edge_raw_release(struct edge_connection *connection);

/* Of the transport's table. */
void edge_raw_set_reading(struct edge_connection *connection, bool reading);
void edge_raw_stop_reading(struct edge_connection *connection);

/* Takes these bytes as if they were read just now. */
void edge_raw_input(struct edge_connection *connection, struct slice input);
/* Reads what the kernel does not announce: the rest of a record of TLS. */
void edge_raw_read_rest(struct edge_connection *connection);

/* Tells the client that no more follows. It is not closed yet: with input unread that would be a
 * reset, which takes our last words from the client. It is closed when the client does. */
void edge_raw_end_output(struct edge_connection *connection);

#endif
