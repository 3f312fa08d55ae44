/*
 * One client's connection, whatever its transport. The owner gets it in on_open and may use it in
 * any callback until on_close has returned. No function here calls a handler before it returns, but
 * for edge_count_fault.
 *
 * Reading: on_object gets one whole JSON object's text (valid UTF-8, at most EDGE_MAX_OBJECT bytes,
 * nesting at most EDGE_MAX_DEPTH). While a connection is paused no further object is handed over,
 * and nothing more is read from its socket than one turn of the loop had already read; nor is
 * anything read while the kernel takes no more of the connection's output.
 * Writing: edge_send copies text into the connection's queue; all that is queued is written in one
 * go at the end of the loop's turn (one WebSocket message per text; on TCP each text with a "\n"
 * behind it; on YouIM's port one frame, for which a text must have a `msgType` of at most 255 and
 * no white space). The queue is bounded by `send_queue_bytes`, and all of them together by
 * `send_queues_bytes`: beyond it edge_send refuses and nothing is queued. A paced connection
 * (edge_pace) is written one text at a time.
 *
 * Closed without the owner's asking: WebSocket messages or objects over EDGE_MAX_OBJECT (status
 * 1009), WebSocket text that is not UTF-8 (1007), EDGE_MAX_FAULTS faults in a row (1008); on_fault
 * is called for these before. So is, with status 1013, one of the connections that hold most input
 * when those that are not trusted hold more than `untrusted_input_bytes` together.
 *
 * A client may be silent. A WebSocket from which nothing arrives for `ping_interval_ms` is pinged;
 * where two pings in a row are not answered for as long, it is closed (1001). On the other
 * transports the kernel finds out: it ends a connection whose client's kernel has acknowledged
 * neither data nor probes for `vanished_timeout_ms`.
 */
/*
 * limit: gateway | marks on their way per connection | 1 | the next covers what was written
 * since
 */
#ifndef PARLEY_GATEWAY_EDGE_CONNECTION_H
#define PARLEY_GATEWAY_EDGE_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/record.h"

/* limit: client | faulty objects in a row | {EDGE_MAX_FAULTS} | closed, 1008 */
/* Faulty objects in a row after which a connection is closed. */
#define EDGE_MAX_FAULTS 10
/* limit: gateway | closing a connection | {EDGE_CLOSE_MS} | cut */
/* From edge_close to the cut, however much is still queued. */
#define EDGE_CLOSE_MS 5000

struct edge_connection;
struct edge_exchange_handlers;

enum edge_transport { EDGE_WEBSOCKET, EDGE_TCP, EDGE_YOUIM, EDGE_TRANSPORT_COUNT };

enum edge_limit {
    EDGE_LIMIT_ADDRESS, /* `connections_per_address` */
    EDGE_LIMIT_INPUT    /* `untrusted_input_bytes` */
};

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
     * over: the owner finishes its work for it, and calls edge_close. After `end_timeout_ms` the
     * connection is cut. Texts that are sent meanwhile are written to a client that has closed only
     * its own half (TCP, YouIM); to any other nothing can be written (edge_can_write). Called once
     * more when the whole connection closes later. */
    void (*on_end)(void *argument, struct edge_connection *connection);
    /* The last call for this connection; marks that were not reached never will be. */
    void (*on_close)(void *argument, struct edge_connection *connection);
    /* A handshake of TLS is done, or has failed. */
    void (*on_handshake)(void *argument, bool done);
    /* One more was closed at once, since there are `edge_limit` connections. */
    void (*on_refused)(void *argument);
    /* One was refused or closed at this limit. */
    void (*on_limited)(void *argument, enum edge_limit limit);
    /* Appends a fault, as a client of this transport is told of it that has sent nothing yet. */
    void (*write_fault)(void *argument, enum edge_transport transport, const char *reason,
                        struct buffer *out);
    /* A port was not free within `listen_wait_ms`, as the log says. Never from edge_new. */
    void (*on_failed)(void *argument);
    const struct edge_exchange_handlers *exchanges; /* exchange.h; NULL: there are none */
};

/* The owner's pointer for a connection, NULL at first. */
void edge_set_owner(struct edge_connection *connection, void *owner);
void *edge_owner(const struct edge_connection *connection);

uint64_t edge_id(const struct edge_connection *connection); /* never reused; never 0 */
enum edge_transport edge_transport(const struct edge_connection *connection);
/* The client's, with its port, for logs; and without. Behind a proxy, what the proxy's line says.
 */
const char *edge_address(const struct edge_connection *connection);
const char *edge_host(const struct edge_connection *connection);

/* The state of the client's end of the socket, also while nothing is read from it. */
enum edge_remote_end {
    EDGE_REMOTE_OPEN,
    /* It sends no more. It may still wait for answers, or all that it sent is already read. */
    EDGE_REMOTE_FINISHED,
    EDGE_REMOTE_LEFT /* it has closed, waits for nothing, and that is not read yet */
};
enum edge_remote_end edge_remote_end(const struct edge_connection *connection);
/* How long ago the client's last byte arrived, pongs included; on the transports where it need not
 * send any, also its kernel's last acknowledgement. */
uint64_t edge_silent_ms(const struct edge_connection *connection);
/* The shortest time in which something was acknowledged. */
int64_t edge_round_trip_ms(const struct edge_connection *connection);

/* Queues one text (copied). 0; -1 when the queue is full or the connection is closing. */
int edge_send(struct edge_connection *connection, struct slice text)
    __attribute__((warn_unused_result));
/* false: the client has closed, and nothing can be written to it; see on_end. */
bool edge_can_write(const struct edge_connection *connection);
size_t edge_queued_bytes(const struct edge_connection *connection);
/* All that was ever queued; of that, what the client's kernel has acknowledged (TCP and YouIM; on a
 * WebSocket 0: only marks show it). */
uint64_t edge_sent_bytes(const struct edge_connection *connection);
uint64_t edge_acknowledged_bytes(const struct edge_connection *connection);

/* How many of all bytes ever sent the client's kernel takes (TCP and YouIM; 0: not known). It takes
 * more as its program reads, though it reports that only when something arrives, and at first also
 * as it enlarges its buffer. */
uint64_t edge_window_end(const struct edge_connection *connection);

/* TCP alone: from now on each text is written by itself, `pace_ms` after the client's kernel
 * acknowledged the one before; 0: as fast as it takes them, again. Texts that are queued when the
 * connection is closed keep to it, too. */
void edge_pace(struct edge_connection *connection, uint64_t pace_ms);
bool edge_is_paced(const struct edge_connection *connection);

/* Asks for on_reached once all that was queued so far has reached the client. One mark may be
 * outstanding: false while an earlier one is, and when the connection is closing. WebSocket: a ping
 * behind what is queued; a paused connection's answer waits with its other input. TCP and YouIM:
 * looked at every 100 ms. */
bool edge_mark(struct edge_connection *connection);

void edge_pause(struct edge_connection *connection);
/* Goes on reading; objects that wait are handed over from the loop, never from within this call. */
void edge_resume(struct edge_connection *connection);

/* Whether input that waits counts towards `untrusted_input_bytes`, as it does at first. */
void edge_trust(struct edge_connection *connection, bool trusted);

/* For an object that on_object handed over and that turns out to be no valid JSON: calls on_fault,
 * and closes after EDGE_MAX_FAULTS in a row. The edge counts what it finds itself. */
void edge_count_fault(struct edge_connection *connection, const char *reason);
/* For an object that is valid: ends the row. */
void edge_count_good(struct edge_connection *connection);

/* Closes once the queue is written, or after EDGE_CLOSE_MS. WebSocket status such as 1000, 1008;
 * ignored on the others; 0: none, but 1001 while edge_close_all runs. `reason` is short, for the
 * close frame and the log; copied. No object is handed over from now on; on_close follows from the
 * loop. */
void edge_close(struct edge_connection *connection, unsigned status, const char *reason);

#endif
