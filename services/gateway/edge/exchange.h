/*
 * A request over HTTP that the edge's owner answers, in its own time: its body is handed over piece
 * by piece, and so is the answer's taken. The owner gets it in on_request and may use it in any
 * callback until on_end has returned; no function here calls one before it returns.
 *
 *     on_request: edge_exchange_set_owner(exchange, mine); edge_exchange_read(exchange);
 *     on_body, on_body_end                                 edge_exchange_pause, _read between them
 *     edge_exchange_answer(exchange, "204 No Content", "Upload-Offset: 5\r\n", slice)      or
 *     edge_exchange_begin(exchange, "200 OK", "ETag: ...\r\n", length);
 *     edge_exchange_write(exchange, piece);                on_taken: the next one
 *     on_end
 *
 * A socket has one exchange at a time. A client from which nothing of a body arrives for
 * `transfer_silence_ms` is cut, and so are one that takes nothing for `vanished_timeout_ms`, and
 * one that is slower than `transfer_least_bytes` (rate.h). An owner that lets a client wait longer
 * than that calls edge_exchange_pause meanwhile. What of a body is left unread at the answer's end
 * is read, and goes nowhere, for EDGE_DISCARD_S, so that the client sees the answer; then the
 * socket is closed.
 */
#ifndef PARLEY_GATEWAY_EDGE_EXCHANGE_H
#define PARLEY_GATEWAY_EDGE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/record.h"

/* limit: client | the rest of an upload that is answered already | {EDGE_DISCARD_BYTES}, 5 s | it
 * goes nowhere; then the socket is closed */
#define EDGE_DISCARD_BYTES ((size_t)134217728)
/* limit: client | path and parameters of an upload or download | {EDGE_TARGET_BYTES} | 414 */
#define EDGE_TARGET_BYTES 4096

/* limit: gateway | read of an upload in its turn | {EDGE_BODY_PIECE_BYTES} | the rest in its next
 * one */
#define EDGE_BODY_PIECE_BYTES ((size_t)65536)

struct edge_exchange;

enum edge_method {
    EDGE_GET,
    EDGE_HEAD,
    EDGE_PUT,
    EDGE_POST,
    EDGE_PATCH,
    EDGE_DELETE,
    EDGE_OPTIONS,
    EDGE_METHOD_COUNT
};

struct edge_exchange_handlers {
    /* Whether the path is the owner's; where it is not, nothing may be done with the exchange. */
    bool (*is_mine)(void *argument, struct slice path);
    void (*on_request)(void *argument, struct edge_exchange *exchange);
    /* One was refused, since there are so many (of its address). */
    void (*on_crowded)(void *argument, bool of_address);
    /* Bytes of the body, at most EDGE_BODY_PIECE_BYTES; none while it is paused. */
    void (*on_body)(struct edge_exchange *exchange, struct slice bytes);
    /* All of the body was handed over. */
    void (*on_body_end)(struct edge_exchange *exchange);
    /* The kernel has taken what was written. */
    void (*on_taken)(struct edge_exchange *exchange);
    /* The last call. `complete`: all of the answer was written. */
    void (*on_end)(struct edge_exchange *exchange, bool complete);
};

void edge_exchange_set_owner(struct edge_exchange *exchange, void *owner);
void *edge_exchange_owner(const struct edge_exchange *exchange);

/* Its bytes give way to texts from now on (budget.h). To be called in on_request. */
void edge_exchange_stand_back(struct edge_exchange *exchange);

/* All of these live as long as the exchange. */
enum edge_method edge_exchange_method(const struct edge_exchange *exchange);
struct slice edge_exchange_path(const struct edge_exchange *exchange);     /* decoded */
struct slice edge_exchange_raw_path(const struct edge_exchange *exchange); /* as it was sent */
struct slice edge_exchange_query(const struct edge_exchange *exchange);
const char *edge_exchange_host(const struct edge_exchange *exchange);
/* Bytes of the body; a request with a body that does not tell them is answered before it comes
 * here. */
uint64_t edge_exchange_length(const struct edge_exchange *exchange);

/* The first header of this name; empty where there is none. */
struct slice edge_exchange_header(const struct edge_exchange *exchange, const char *name);

/* Bodies are not read at first. Reading goes on from the loop. */
void edge_exchange_read(struct edge_exchange *exchange);
/* Called again, it says that the owner still works for the client, which is to wait. */
void edge_exchange_pause(struct edge_exchange *exchange);

/* A whole answer with a short body (copied), of at most EDGE_ANSWER_BYTES with its headers.
 * `headers` are whole lines. To HEAD, and with a status that has none, no body is sent. */
#define EDGE_ANSWER_BYTES ((size_t)8192)
void edge_exchange_answer(struct edge_exchange *exchange, const char *status, const char *headers,
                          struct slice body);
/* The head of an answer of so many bytes, which edge_exchange_write adds. */
void edge_exchange_begin(struct edge_exchange *exchange, const char *status, const char *headers,
                         uint64_t length);
/* The next bytes: borrowed until on_taken, before which there must be no others. */
void edge_exchange_write(struct edge_exchange *exchange, struct slice piece);
/* Closes the socket from the loop; on_end follows. */
void edge_exchange_cut(struct edge_exchange *exchange);

#endif
