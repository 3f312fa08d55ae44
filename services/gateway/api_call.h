/*
 * One call of the HTTP API; shared by the files that it consists of:
 *
 *     api_calls.c      its begin and end: the key, the body
 *     api_steps.c      what it asks of services
 *     api_status.c     the same of how all services are
 *     api_answer.c     its answer
 *     api_call.c       its memory
 */
#ifndef PARLEY_GATEWAY_API_CALL_H
#define PARLEY_GATEWAY_API_CALL_H

#include <ev.h>

#include "common/envelope.h"
#include "services/gateway/dialect/api.h"
#include "services/gateway/edge/exchange.h"
#include "services/gateway/gateway.h"
#include "services/gateway/key_lines.h"
#include "services/gateway/retry.h"

struct key_cache;
struct known_key;

/* limit: gateway | JSON of an answer of the HTTP API | {API_ANSWER_MAX_BYTES} | 500 */
#define API_ANSWER_MAX_BYTES ((size_t)8 << 20)

struct api_calls {
    struct gateway *gateway;
    struct key_cache *keys;
    struct key_lines *lines;
    struct api_call *calls;
    struct buffer openapi; /* made when it is first asked for */
    struct metric *done, *refused, *failed;
    struct histogram *seconds;
};

/* Of session.list, put together from all sessions. */
struct api_listed {
    struct api_listed_account {
        uint64_t account, connections;
    } * accounts;
    size_t count;
};

struct api_call {
    struct api_calls *owner;
    struct gateway *gateway;
    struct edge_exchange *exchange; /* NULL: its client has gone */
    struct api_call *prev, *next;
    uint64_t trace;
    int64_t begun_us;
    char secret[ENVELOPE_MAX_CREDENTIAL + 1];
    uint64_t key, account; /* the API key's number, and whose it is, 0: nobody's */
    char host[64];
    const struct api_operation *operation;
    struct api_asked asked; /* its segments are the exchange's, until it is read */
    struct buffer body;
    struct api_request request; /* once it was read */
    bool is_read;
    unsigned char nonce[NONCE_BYTES];
    const struct api_param *unknown; /* whose id is looked up; others may learn it meanwhile */
    size_t step, service, instance;  /* the step that is carried out, at this one of all */
    void (*ask)(struct api_call *call);
    bool asking, over;
    struct key_place place;
    struct retry retry;
    ev_timer timer; /* its turn has come, or it asks again */
    struct api_listed listed;
    struct buffer answer; /* what is left of it is the edge's to write */
    int status;
};

/* Of the exchange, among its gateway's calls. NULL without memory. */
struct api_call *api_call_new(struct gateway *gateway, struct edge_exchange *exchange);
void api_call_free(struct api_call *call);
/* Frees one that is over, has no client, and asks nobody. */
void api_call_free_if_idle(struct api_call *call);

/* It asks nobody any more: the next one of its key may. */
void api_call_end_turn(struct api_call *call);

/* Carries a call out whose request was read, once it is its turn, and answers it. */
void api_steps_begin(struct api_call *call);

/* Asks all services how they are, and answers it. */
void api_status_begin(struct api_call *call);

/* Each ends the call; it may be freed then. */
void api_answer_json(struct api_call *call, int status);
void api_answer_fault(struct api_call *call, enum err err, const char *detail);
/* 204 with these headers, as whole lines. */
void api_answer_options(struct api_call *call, const char *headers);
/* With further headers, as whole lines, and a status that no error has. */
void api_answer_refusal(struct api_call *call, int status, enum err err, const char *detail,
                        const char *headers);

#endif
