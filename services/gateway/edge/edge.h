/*
 * The edge: sockets, WebSocket framing and JSON framing; nothing of what the JSON means.
 *
 *     struct edge *edge = edge_new(ev, &settings, &handlers, argument);
 *     ... on_open, on_object, on_reached, on_close are called from the loop
 *     edge_close_all(edge);              on the way out: sends what is queued, closes politely
 *     edge_destroy(&edge);
 *
 * One libwebsockets context on the given libev loop serves all transports: WebSocket and HTTP on
 * one port, raw TCP with JSON objects one after the other on another, YouIM's binary framing on a
 * third (edge_youim.c), whose objects look to the owner as on the others. A connection is born in
 * on_open and dead after on_close; in between the owner may use it in any callback. No function
 * below calls a handler before it returns, but for edge_count_fault, edge_close_all and
 * edge_destroy. All of it belongs to the loop's thread.
 *
 * Reading: on_object gets one whole JSON object's text (valid UTF-8, at most EDGE_MAX_OBJECT bytes,
 * nesting at most EDGE_MAX_DEPTH). While a connection is paused no further object is handed over,
 * and nothing more is read from its socket than what one turn of the loop had already read; nor is
 * anything read while the kernel takes no more of what is written to it.
 * Writing: edge_send copies text into the connection's queue; all that is queued is written in one
 * go at the end of the loop's turn (one WebSocket message per text; on TCP each text with a "\n"
 * behind it; on YouIM's port one frame, for which a text must have a `msgType` of at most 255 and
 * no white space). The queue is bounded by `send_queue_bytes`, and all of them together by
 * `send_queues_bytes`: beyond it edge_send refuses and nothing is queued. A paced connection
 * (edge_pace) is written one text at a time.
 *
 * Closed without the owner's asking: WebSocket messages or objects over EDGE_MAX_OBJECT (status
 * 1009), WebSocket text that is not UTF-8 (1007), EDGE_MAX_FAULTS faults in a row (1008); on_fault
 * tells of these before.
 *
 * Silence is no reason. Of a WebSocket that says nothing for `ping_interval_ms` the client is
 * pinged; where two pings in a row are not answered for as long, it is gone (1001). On the other
 * transports the kernel finds out who is: it ends a connection whose client's kernel has not
 * acknowledged for `vanished_timeout_ms` what it was sent, or asked.
 */
#ifndef PARLEY_GATEWAY_EDGE_H
#define PARLEY_GATEWAY_EDGE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/record.h"

#define EDGE_MAX_OBJECT ((size_t)65536)
#define EDGE_MAX_DEPTH 16
/* A connection's queue while all of them together are beyond their limit. */
#define EDGE_SHARE_BYTES ((size_t)65536)
/* Pings in a row without an answer after which a WebSocket is closed. */
#define EDGE_UNANSWERED_PINGS 2
/* Faulty objects in a row after which a connection is closed. */
#define EDGE_MAX_FAULTS 10

struct edge;
struct edge_connection;

struct edge_settings {
    const char *bind_address;                 /* numeric addresses, as of listen.h */
    uint16_t http_port, tcp_port, youim_port; /* 0: the kernel chooses, edge_port tells */
    uint64_t listen_wait_ms;                  /* for ports that somebody has */
    uint64_t ping_interval_ms;     /* without a byte from the client; and to answer a ping */
    uint64_t vanished_timeout_ms;  /* for the client's kernel to acknowledge; whole seconds */
    uint64_t handshake_timeout_ms; /* to complete an HTTP request; at most 20 s */
    uint64_t end_timeout_ms;       /* for what was read of a client that has closed */
    uint64_t send_queue_bytes;     /* per connection */
    /* Over all of them: beyond it a connection's queue takes EDGE_SHARE_BYTES, or one text. */
    uint64_t send_queues_bytes;
    /* Beyond it new ones are closed at once (WebSocket status 1013). Taken lower where the limit of
     * open files asks for it. */
    uint64_t max_connections;
    /* Clients come through a proxy that begins each connection with a line of the PROXY protocol
     * (version 1), on all three ports. Whoever sends none within 5 s is cut. */
    bool proxy_protocol;
};

enum edge_transport { EDGE_WEBSOCKET, EDGE_TCP, EDGE_YOUIM, EDGE_TRANSPORT_COUNT };

struct edge_handlers {
    void (*on_open)(void *argument, struct edge_connection *connection);
    /* One object; `text` lives for the call. */
    void (*on_object)(void *argument, struct edge_connection *connection, struct slice text);
    /* Input that is no acceptable object (not JSON, too deep, not UTF-8, not an object). `reason`
     * is one English sentence without a full stop. The owner answers it in its own way. */
    void (*on_fault)(void *argument, struct edge_connection *connection, const char *reason);
    /* Everything sent before the last edge_mark has reached the client: its stack answered a ping
     * (WebSocket), or its kernel acknowledged the bytes (TCP, YouIM). */
    void (*on_reached)(void *argument, struct edge_connection *connection);
    /* The client has closed (edge_close_all: we do), and all that was read before has been handed
     * over: what the owner has still to do with it, it does, and calls edge_close. After
     * `end_timeout_ms` the connection is cut. What is sent meanwhile is written to a client that
     * has closed only its own half (TCP, YouIM); any other is mute (edge_is_mute). Called once
     * more when the connection becomes that. */
    void (*on_end)(void *argument, struct edge_connection *connection);
    /* The last call for this connection; what was not reached never will be. */
    void (*on_close)(void *argument, struct edge_connection *connection);
    /* One more was closed at once, since there are `edge_limit` connections. */
    void (*on_refused)(void *argument);
    /* A port could not be had within `listen_wait_ms`, as the log says. Never from edge_new. */
    void (*on_failed)(void *argument);
};

/* NULL with one logged line when it can't listen, or when a port is taken and `listen_wait_ms` is
 * 0. `settings` and `handlers` are borrowed for the edge's life. */
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
/* The port that is listened on; 0 while it can't be had. */
uint16_t edge_port(const struct edge *edge, enum edge_transport transport);

/* The owner's pointer for a connection, NULL at first. */
void edge_set_owner(struct edge_connection *connection, void *owner);
void *edge_owner(const struct edge_connection *connection);

uint64_t edge_id(const struct edge_connection *connection); /* never reused; never 0 */
enum edge_transport edge_transport(const struct edge_connection *connection);
/* The client's, with its port, for logs; and without. Behind a proxy what that said. */
const char *edge_address(const struct edge_connection *connection);
const char *edge_host(const struct edge_connection *connection);
/* Whether the client has closed it, which nobody has read yet while it is paused. Half of a TCP
 * connection may be closed by a client that still waits for its answers: that is not meant. */
bool edge_is_left(const struct edge_connection *connection);
/* How long ago the client was heard: its last byte, pongs included; on the transports where it need
 * not send any, also its kernel's last acknowledgement. */
uint64_t edge_silent_ms(const struct edge_connection *connection);
/* Whether the client has hung up, which is not read while the connection is paused. */
bool edge_has_left(const struct edge_connection *connection);

/* Queues one text (copied). 0; -1 when the queue is full or the connection is closing. */
int edge_send(struct edge_connection *connection, struct slice text)
    __attribute__((warn_unused_result));
size_t edge_queued_bytes(const struct edge_connection *connection);
/* The shortest time in which something was acknowledged. */
int64_t edge_round_trip_ms(const struct edge_connection *connection);
/* All that was ever queued; of that, what the client's kernel has acknowledged (TCP and YouIM; 0:
 * only marks tell). */
uint64_t edge_sent_bytes(const struct edge_connection *connection);
uint64_t edge_acknowledged_bytes(const struct edge_connection *connection);

/* TCP alone: from now on each text is written by itself, `pace_ms` after the client's kernel
 * acknowledged the one before; 0: as fast as it takes them, again. What is queued when the
 * connection is closed keeps to it, too. */
void edge_pace(struct edge_connection *connection, uint64_t pace_ms);
bool edge_is_paced(const struct edge_connection *connection);
/* The client has closed, and nothing can be written to it; see on_end. */
bool edge_is_mute(const struct edge_connection *connection);

/* Asks for on_reached once all that was queued so far has reached the client. One mark may be
 * outstanding: false while an earlier one is, and when the connection is closing. WebSocket: a ping
 * behind what is queued; a paused connection's answer waits with its other input. TCP and YouIM:
 * looked at every 100 ms. */
bool edge_mark(struct edge_connection *connection);

void edge_pause(struct edge_connection *connection);
/* Goes on reading; objects that wait are handed over from the loop, never from within this call. */
void edge_resume(struct edge_connection *connection);

/* For an object that on_object handed over and that turns out to be no valid JSON: calls on_fault,
 * and closes after EDGE_MAX_FAULTS in a row. The edge counts what it finds itself. */
void edge_count_fault(struct edge_connection *connection, const char *reason);
/* For one that is: ends the row. */
void edge_count_good(struct edge_connection *connection);

/* Closes once the queue is written, or after 5 s. WebSocket status such as 1000, 1008; ignored on
 * the others; 0: none, but 1001 while edge_close_all runs. `reason` is short, for the close frame
 * and the log; copied. No object is handed over from now on; on_close follows from the loop. */
void edge_close(struct edge_connection *connection, unsigned status, const char *reason);

/* Connections that are open, how many there may be, and bytes queued over all of them. */
size_t edge_count(const struct edge *edge);
size_t edge_limit(const struct edge *edge);
uint64_t edge_total_queued_bytes(const struct edge *edge);

#endif
