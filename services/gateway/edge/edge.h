/*
 * The edge: sockets, WebSocket framing and JSON framing; nothing of what the JSON means.
 *
 *     struct edge *edge = edge_new(ev, &settings, &handlers, argument);
 *     ... on_open, on_object, on_reached, on_close (connection.h) are called from the loop
 *     edge_close_all(edge);              on the way out: sends what is queued, closes politely
 *     edge_destroy(&edge);
 *
 * One libwebsockets context on the given libev loop serves all transports: WebSocket and HTTP on
 * one port, raw TCP with JSON objects one after the other on another, YouIM's binary framing on a
 * third, whose objects look to the owner as on the others. With a certificate, each has a second
 * port with TLS. All of it belongs to the loop's thread.
 * What an owner does with one connection is in connection.h.
 */
#ifndef PARLEY_GATEWAY_EDGE_H
#define PARLEY_GATEWAY_EDGE_H

#include <ev.h>

#include "services/gateway/edge/connection.h"
#include "services/gateway/edge/settings.h"

/* Sockets beyond `max_connections` and `transfers_max`: EDGE_KEPT_SOCKETS and EDGE_DOWNLOADS_MAX of
 * HTTP; as many again for status 1013, requests over HTTP, connections being closed. So HTTP takes
 * no client's place.
 */
#define EDGE_SPARE_SOCKETS 256

struct edge;

/* NULL with one logged line when it can't read `web_root` or the certificate, or listen, or when a
 * port is taken and `listen_wait_ms` is 0. `settings` and `handlers` are borrowed for the edge's
 * life. */
struct edge *edge_new(struct ev_loop *ev, const struct edge_settings *settings,
                      const struct edge_handlers *handlers, void *argument);
/* Stops listening, hands over what was read (on_end; at most 2.5 s) and closes every connection
 * once its queue is written (at most 1 s), on_close for each; returns when all are gone. Runs the
 * loop while it waits. */
void edge_close_all(struct edge *edge);
/* Cuts whatever connection is left, with on_close. Not to be called from a handler, nor is
 * edge_close_all. */
void edge_destroy(struct edge **self);

/* Whether all ports are open. */
bool edge_is_listening(const struct edge *edge);
/* The number of the plain port, or of that with TLS; 0 while it isn't open. */
uint16_t edge_port(const struct edge *edge, enum edge_transport transport, bool tls);

/* Reads `web_root` again; where that fails, as the log says, what is served stays. */
void edge_read_site(struct edge *edge);

/* Reads `tls_certificate` and `tls_key` again, for connections from now on; where that fails, as
 * the log says, the old ones stay in force. */
void edge_read_certificate(struct edge *edge);
/* Unix time; 0 without a certificate. */
int64_t edge_certificate_expires_s(const struct edge *edge);

/* Connections that are open, how many there may be, and bytes queued over all of them. */
size_t edge_count(const struct edge *edge);
size_t edge_limit(const struct edge *edge);
/* Long files on their way over HTTP, of EDGE_DOWNLOADS_MAX. */
size_t edge_downloads(const struct edge *edge);
/* Exchanges (exchange.h), of `transfers_max`. */
size_t edge_exchange_count(const struct edge *edge);
/* A text is stored, so long after it was read: transfers are held back by that (budget.h). */
void edge_note_text(struct edge *edge, int64_t took_us);
/* What they may move in a second beside texts. */
uint64_t edge_transfer_budget(const struct edge *edge);
uint64_t edge_total_queued_bytes(const struct edge *edge);
/* Input of connections that are not trusted, of `untrusted_input_bytes`. */
uint64_t edge_untrusted_input_bytes(const struct edge *edge);

#endif
