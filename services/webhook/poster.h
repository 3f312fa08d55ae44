/*
 * Posts to addresses outside, in the loop: libcurl's multi interface waits on libev.
 *
 *     struct poster *poster = poster_new(ev, &options);
 *     struct post *post = poster_send(poster, &request);
 *     ... request.done (request.argument, &result), from the loop, once; `post` is no more then
 *     post_cancel(&post);                                or it is given up before
 *     poster_destroy(&poster);
 *
 * Redirects are not followed, so that an address leads nowhere but where the operator sent it;
 * nothing but http and https is spoken, no proxy of the environment is used, certificates are
 * verified. Of an answer its status counts alone, and the body is read up to POSTER_ANSWER_BYTES
 * and forgotten, unless the request has a buffer for it. Connections are kept and used again, so
 * addresses of strangers have a poster of their own.
 */
#ifndef PARLEY_WEBHOOK_POSTER_H
#define PARLEY_WEBHOOK_POSTER_H

#include <ev.h>
#include <stdint.h>

#include "common/record.h"

/* limit: hooks | an answer of a hook's address | {POSTER_ANSWER_BYTES} | the connection is closed;
 * the status counts */
#define POSTER_ANSWER_BYTES ((size_t)65536)
/* limit: hooks | connecting to a hook's address | {POSTER_CONNECT_MS} | the attempt has failed */
#define POSTER_CONNECT_MS 5000
/* limit: hooks | connections that are kept open | {POSTER_CONNECTIONS_MAX} | the oldest is closed
 */
#define POSTER_CONNECTIONS_MAX 64
/* no limit: texts for people */
#define POSTER_FAULT_BYTES 256

struct poster;
struct post;

struct poster_options {
    const char *ca_file; /* of certificates that are trusted; empty: the system's */
    bool public_only;    /* strangers choose addresses: only https, and the public internet */
};

struct post_result {
    long status;            /* of HTTP; 0: there was none */
    int64_t retry_after_ms; /* the answer asks to wait so long; 0: it does not */
    const char *fault;      /* a sentence, unless status is 2xx */
};

struct post_request {
    const char *url;
    const char *const *headers; /* `Name: value`, NULL-terminated; copied */
    struct slice body;          /* borrowed until `done` */
    uint64_t timeout_ms;        /* of all of it */
    struct buffer *answer;      /* NULL, or gets the answer's body; borrowed until `done`. A longer
                                   one than it takes is a fault */
    void (*done)(void *argument, const struct post_result *result);
    void *argument;
};

/* `ev` and `options` are borrowed. NULL after a logged line. */
struct poster *poster_new(struct ev_loop *ev, const struct poster_options *options);
/* Posts under way end without `done`. */
void poster_destroy(struct poster **self);

/* NULL without memory: `done` is not called. */
struct post *poster_send(struct poster *self, const struct post_request *request)
    __attribute__((warn_unused_result));
/* `done` is not called. Not from within a `done`. */
void post_cancel(struct post **post);

#endif
