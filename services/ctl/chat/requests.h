/*
 * Requests that have no answer yet, in the order in which they were made. After a new connection
 * all of them are sent again under their `ref`, so that each is done once.
 *
 *     chat_requests_add(&requests, 5, body, NULL);          a text
 *     while ((request = chat_requests_next(&requests)) != NULL) ... send it, request->sent = true
 *     request = chat_requests_find(&requests, ref);         its 300 is here
 *     chat_requests_remove(&requests, request);
 */
#ifndef PARLEY_CTL_CHAT_REQUESTS_H
#define PARLEY_CTL_CHAT_REQUESTS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"

/* limit: tool | requests of `chat` without an answer | {CHAT_REQUESTS_MAX} | it reads no more input
 */
/* As many as the server itself takes of one connection. */
#define CHAT_REQUESTS_MAX 64
/* limit: tool | a request of `chat`, as JSON | {CHAT_OBJECT_MAX_BYTES} | refused: as the server
 * would */
#define CHAT_OBJECT_MAX_BYTES ((size_t)65536)
#define CHAT_REF_BYTES 17

struct chat_request {
    char ref[CHAT_REF_BYTES];
    int number;
    cJSON *body;
    const char *command; /* that it is of; NULL: a text */
    bool sent;           /* on this connection */
    struct chat_request *prev, *next;
};

struct chat_requests {
    struct chat_request *first;
    size_t count;
};

/* A `ref` at random. */
void chat_requests_make_ref(char ref[CHAT_REF_BYTES]);

/* Takes `body` over, whatever happens; NULL counts as no memory. NULL: there are too many, or no
 * memory. `command` is borrowed. */
struct chat_request *chat_requests_add(struct chat_requests *self, int number, cJSON *body,
                                       const char *command);
struct chat_request *chat_requests_find(struct chat_requests *self, const char *ref);
void chat_requests_remove(struct chat_requests *self, struct chat_request *request);
void chat_requests_free(struct chat_requests *self);

/* The first that is to be sent. */
struct chat_request *chat_requests_next(struct chat_requests *self);
/* All are to be sent again. */
void chat_requests_rewind(struct chat_requests *self);

/* Adds the object, with its line feed, to `out`. `ref` and `token` may be NULL. False: no memory,
 * or longer than CHAT_OBJECT_MAX_BYTES; nothing was added. */
bool chat_requests_write(struct buffer *out, int number, const char *ref, const char *token,
                         cJSON *body);

#endif
