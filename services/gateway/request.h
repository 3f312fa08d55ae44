/*
 * The request that a connection has in progress: one at a time, but for texts, which are the
 * outbox's once their recipient is known. While there is one, nothing more is read.
 *
 *     request_take(client, &request);             it is in progress
 *     request_start(client, ask);                 from here on its time runs
 *     static void ask(client)                     asks another service,
 *         { request_ask(client, peers, message, &body, done); }
 *     static void done(client, err, reply)        and ends, or sets another `ask` and calls it
 *         { request_fail(client, err, ""); }
 *
 * `ask` is called again, with pauses, after a failure that is transient, so it has to ask the same.
 * `done` gets success, any other failure, or the last one when the request's time is over.
 */
#ifndef PARLEY_GATEWAY_REQUEST_H
#define PARLEY_GATEWAY_REQUEST_H

#include <ev.h>

#include "common/peers.h"
#include "services/gateway/dialect/dialect.h"
#include "services/gateway/retry.h"

struct client;
struct pending_call;
struct people_page;

struct client_request {
    struct dialect_request request;     /* while busy */
    bool busy;                          /* it is in progress, or waits for the texts before it */
    bool started;                       /* it no longer waits for them */
    struct retry retry;                 /* from its start on */
    unsigned char nonce[NONCE_BYTES];   /* the same for each try */
    void (*ask)(struct client *client); /* what is asked now */
    struct record_arena arena;          /* what it keeps from one reply to the next */
    struct people_page *page;           /* in the arena; a list that is being put together */
    const char *said;                   /* the service's text to an error, while `done` runs */
    struct pending_call *call;          /* its reply is awaited; NULL: none is */
    void *kept;                         /* request_keep's */
    ev_timer timer;                     /* asks again, or looks whether the client has left */
};

typedef void request_done(struct client *client, enum err err, const void *reply);

/* Of a new client. */
void request_init(struct client *client);
/* Takes the request over. */
void request_take(struct client *client, const struct dialect_request *request);
/* Starts the time within which it is tried, and calls `ask`. */
void request_start(struct client *client, void (*ask)(struct client *client));
/* Gives it to the caller: the next one may begin. */
struct dialect_request request_release(struct client *client);

/* Memory for the result of an earlier reply of this request, all 0; freed with it. NULL without
 * memory. One at a time: the former is freed. */
void *request_keep(struct client *client, size_t bytes) __attribute__((warn_unused_result));
/* Asks any instance of a service; `done` is called once, unless the client is gone. */
void request_ask(struct client *client, struct peers *peers, const struct message_desc *message,
                 const void *body, request_done *done);
/* Asks the one that has the client's account, by its hash: of session, the one where it is bound.
 */
void request_ask_by_account(struct client *client, struct peers *peers,
                            const struct message_desc *message, const void *body,
                            request_done *done);
/* The same of this one, NULL for none. */
void request_ask_peer(struct client *client, struct peers *peers, struct peer *peer,
                      const struct message_desc *message, const void *body, request_done *done);
/* Calls `ask` after that time, unless the client is gone by then; false: the request's time would
 * be over. */
bool request_ask_later(struct client *client, uint64_t wait_ms, void (*ask)(struct client *client))
    __attribute__((warn_unused_result));
/* By this a service knows that it was asked before. */
struct slice request_nonce(const struct client *client);

/* Ends it: answers, and lets the next one in. */
void request_finish(struct client *client, const struct dialect_result *result);
void request_fail(struct client *client, enum err err, const char *reason);
/* A `done` for requests that are answered by success or failure alone. */
void request_end(struct client *client, enum err err, const void *reply);
/* A `done` for requests that are answered with the content of the reply. */
void request_show(struct client *client, enum err err, const void *reply);
/* The client is gone. */
void request_stop(struct client *client);

#endif
