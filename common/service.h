/*
 * The skeleton of every service: options, logging, event loop, one ROUTER, dispatch, signals, stop.
 *
 *     static const struct service_handler handlers[] = {
 *         {&message_AUTH_LOGIN, .pool = handle_login},       runs on a worker with a connection
 *         {&message_SESSION_BIND, .loop = handle_bind},      runs on the loop
 *         {&message_AUTH_LOGIN, .first = handle_find, .costly = handle_login},     in two steps
 *     };
 *     int main(int argc, char **argv) {
 *         static const struct service_definition definition = {...};
 *         return service_main(&definition, argc, argv);
 *     }
 *
 * In order: options are read, the log opened, `start` makes the parts of the service (its database
 * pool, its peers), the ROUTER and the operator's HTTP port (http_admin.h) are bound, the loop
 * runs. Once `ready` returns true (peers are there) the service logs `event=ready`; if that takes
 * longer than peer_wait_ms it ends with status 1. SIGTERM or SIGINT: requests are refused from then
 * on, `stop` runs, costly calls that wait are dropped, all others in progress are finished for at
 * most SERVICE_STOP_MS, and the process ends with status 0.
 *
 * The dispatcher alone counts, times and logs slow calls. The reply to an unknown message is
 * unknown_message, to one that the caller's program may not send forbidden, a body that does not
 * fit with bad_request that names the field.
 *
 * While a handler runs, the call's trace is its thread's (log.h).
 */
#ifndef PARLEY_COMMON_SERVICE_H
#define PARLEY_COMMON_SERVICE_H

#include <ev.h>

#include "common/config.h"
#include "common/db.h"
#include "common/envelope.h"
#include "common/keys.h"
#include "common/messages.h"
#include "common/metrics.h"
#include "common/pool.h"

/*
 * limit: service | an orderly end | {SERVICE_STOP_MS} for requests in progress, {LINGER_MS} for
 * replies to leave | it ends all the same, and logs how many requests it cuts (`cut_short`); a
 * second signal ends it at once
 */
#define SERVICE_STOP_MS 5000
/* limit: service | a call that is logged as slow | {SERVICE_SLOW_MS} | `slow_call` */
/* A call that takes longer is logged. */
#define SERVICE_SLOW_MS 1000
/*
 * limit: service | a caller's handshake; one message of a caller, from its first byte to its
 * last | {SERVICE_FRAME_MS}; looked at every 5 s, or `peer_timeout_ms` if longer | cut: so
 * unfinished messages hold 512 × 8 MiB at most, and for 10 s
 */
/* A caller's handshake takes no longer; neither does a message from its first byte to its last, nor
 * a reply to ZeroMQ's own ping, where peer_timeout_ms is not longer. Each is looked at as often.
 */
#define SERVICE_FRAME_MS 5000
/* limit: service | requests in progress | {SERVICE_MAX_CALLS} | `overloaded` */
/* Calls in progress at once; beyond it the reply is `overloaded`. */
#define SERVICE_MAX_CALLS 65536
/*
 * limit: service | work that waits for a worker longer than its caller waits for the reply |
 * the request's `wait_ms` (its header); more than 24 h counts as not known
 * {SERVICE_MAX_WAIT_MS:} | it is not begun: `timeout`
 */
/* No caller waits longer for a reply: a longer time in a header counts as none. */
#define SERVICE_MAX_WAIT_MS ((uint64_t)24 * 3600 * 1000)
/*
 * limit: service | a caller's routing id | {SERVICE_CALLER_BYTES} | the message is dropped and
 * counted
 */
/* Bytes of a caller's routing id. */
#define SERVICE_CALLER_BYTES 64
/*
 * limit: service | messages that wait in a ZeroMQ socket, per peer and direction |
 * {SERVICE_SOCKET_HWM} {DEALER_HWM:} | dropped: a time-out, or a gap in `seq`
 */
/* Messages that wait in a ZeroMQ socket per peer and direction; beyond it they are dropped, which
 * the other side notices as a time-out or a gap. */
#define SERVICE_SOCKET_HWM 10000

/* Options that every service has; put CONFIG_INCLUDE(struct my_settings, service, service_options)
 * into the table. */
struct service_settings {
    char *log_level, *bind_address;
    uint64_t listen_wait_ms, max_callers;
    uint64_t heartbeat_ms, peer_timeout_ms, request_timeout_ms, peer_wait_ms;
    struct keys_settings keys;
};
extern const struct config_option service_options[];

struct service;
struct call;

/*
 * On the loop. ERR_OK: the handler has replied to the call, or keeps it and will reply later, on
 * the loop. Anything else: the dispatcher replies with that error. `body` lives as long as the
 * call.
 */
typedef enum err service_loop_handler(void *context, struct call *call, const void *body);

/*
 * On a worker, side by side with others: `context` is shared, treat it as read-only. Fills
 * `reply_r` (zeroed); data that it points to must be static, in `body`, or from `arena`, which
 * lives until the reply is packed.
 */
typedef enum err service_pool_handler(void *context, struct db *db, struct record_arena *arena,
                                      const void *body, void *reply_r);

/*
 * Two steps, for requests that are costly only some of the time, so that no cheap one waits behind
 * a costly one. The first is a pool handler that either finishes the call, or leaves something from
 * `arena` in `rest_r`: then the second one goes on from there, on the threads of
 * service_use_costly_pool, with the same `reply_r`. A request that these can't do before the caller
 * gives up is refused at once as `overloaded`. Work of different kinds has pools of its own, so
 * that none waits behind the other.
 */
typedef enum err service_first_handler(void *context, struct db *db, struct record_arena *arena,
                                       const void *body, void **rest_r, void *reply_r);
typedef enum err service_costly_handler(void *context, struct db *db, struct record_arena *arena,
                                        const void *body, void *rest, void *reply_r);

/* One of `loop`, `pool`, and `first` with `costly`. */
struct service_handler {
    const struct message_desc *message;
    service_loop_handler *loop;
    service_pool_handler *pool;
    service_first_handler *first;
    service_costly_handler *costly;
    /* Of `costly`: which of the costly pools, in the order in which they were put to use, goes on
     * from `rest`; NULL: the first. */
    size_t (*costly_pool)(const void *rest);
};

/* Pools for costly work that a service may have. */
#define SERVICE_COSTLY_POOLS 2

/*
 * API keys: a request from a gateway may show one (its header's `credential`), for a message that
 * has a scope. Then that decides whether the message may be sent, whoever else may send it.
 */
#define SERVICE_KEY_NAME_BYTES 64
struct service_key {
    uint64_t number;
    char name[SERVICE_KEY_NAME_BYTES + 1];
};
struct service_credentials {
    /* On a worker, in front of the handler. ERR_FORBIDDEN: it is none, or not for this message. */
    enum err (*check)(struct db *db, struct slice credential, const struct message_desc *message,
                      const void *body, struct service_key *key_r);
    /* On a worker, behind a handler that has succeeded, of a message that is noted. */
    void (*note)(struct db *db, const struct service_key *key, const struct message_desc *message,
                 const void *body);
    /* On the loop, in front of a loop handler: call_admit is called then or later. NULL in a
     * service without such a message. */
    void (*ask)(void *context, struct call *call, struct slice credential,
                const struct message_desc *message, const void *body);
};

struct service_definition {
    const char *name; /* "auth" */
    struct config_program program;
    void *settings;                  /* filled from the options; borrowed */
    struct service_settings *common; /* within `settings` */
    const uint64_t *port;            /* within `settings`: where the ROUTER binds */
    const uint64_t *metrics_port;    /* within `settings`: HTTP for the operator; 0: none */
    const struct service_handler *handlers;
    size_t handler_count;
    void *context;                                 /* of handlers and hooks */
    const struct service_credentials *credentials; /* NULL: none of its messages has a scope */
    /* 0, or -1 after having logged one line. */
    int (*start)(struct service *service, void *context);
    /* Whether everything is there; NULL: at once. It must change by an event of the loop: it is
     * asked in each of the loop's turns until it is, and later for each report. */
    bool (*ready)(void *context);
    /* Whether the ports that `start` asked for are open; NULL: there are none. */
    bool (*listens)(void *context);
    /* The name of a called service that does not reply, when `ready` is false; may be NULL. */
    const char *(*missing)(void *context);
    /* Starts the way out: stops the parts that make new work. NULL: nothing to do. */
    void (*stop)(void *context);
    /* Whether the work that `stop` started is done; NULL: at once. Waited for at most
     * SERVICE_STOP_MS. */
    bool (*stopped)(void *context);
    /* Frees all that `start` made, also after a `start` that failed half way. */
    void (*finish)(void *context);
    /* Fills link and pushed for a caller that pinged; NULL: leaves them 0. */
    void (*ping)(void *context, struct slice caller, struct service_pong *pong);
};

/* Returns the process's exit status. */
int service_main(const struct service_definition *definition, int argc, char **argv);

struct ev_loop *service_loop(struct service *service);
struct metrics *service_metrics(struct service *service);
uint64_t service_instance(const struct service *service);
const char *service_name(const struct service *service);
const struct service_settings *service_common(const struct service *service);
/* NULL: CURVE is off. */
const struct keys *service_keys(const struct service *service);
/* Ends the loop with this status, after a logged line; for faults that cannot be lived with. */
void service_fail(struct service *service, int status);
/*
 * Gives pool handlers a pool: made in `start`, destroyed by the skeleton. -1 after a logged line.
 * The service is not ready, and refuses requests, until the database is there (it is waited for,
 * however long) and `check` has found it as it should be. `check` runs on a worker; NULL: nothing
 * is checked. Its ERR_UNAVAILABLE or ERR_TIMEOUT has it run again; any other error ends the
 * service, with the sentence that it has written to `message_r`.
 */
#define SERVICE_CHECK_BYTES 256
typedef enum err service_database_check(struct db *db, char message_r[SERVICE_CHECK_BYTES]);
int service_use_pool(struct service *service, const struct db_settings *settings,
                     service_database_check *check) __attribute__((warn_unused_result));
struct pool *service_pool(struct service *service);
/* Whether the database that the service has was not reached yet, or not checked. Requests are
 * refused until then; work that the service has of itself waits, too. */
bool service_waits_for_database(const struct service *service);
/* For a service's further connections to that database; it lives until `finish` has returned. */
struct db_watch *service_database_watch(const struct service *service);
/* The same for costly handlers, up to SERVICE_COSTLY_POOLS times: `threads` of them, with a
 * connection each, and a queue of this name (a literal). `run_us`: how long one of these runs. At
 * the service's end its queue is dropped. */
int service_use_costly_pool(struct service *service, const char *name,
                            const struct db_settings *settings, uint64_t threads, int64_t run_us)
    __attribute__((warn_unused_result));

/*
 * Something with a limit that fills up when the service does not keep up. It is reported in
 * service.status, and as the gauges queue_depth and queue_limit with the label `queue` in the
 * metrics. `depth` is called on the loop for each report, from the end of `start` until
 * `finish`; it must be cheap. `name` is a literal, `argument` borrowed.
 */
typedef size_t service_depth(const void *argument);
void service_add_queue(struct service *service, const char *name, service_depth *depth,
                       const void *argument, size_t limit);
/* The queue with this argument is no more. */
void service_remove_queue(struct service *service, const void *argument);

/* Sends an event to a caller by its routing id; dropped when it is gone or its queue is full. */
void service_send(struct service *service, struct slice caller, const struct message_desc *message,
                  const void *body);

/* The caller's routing id; lives as long as the call. */
struct slice call_caller(const struct call *call);
/* Of the client's request behind the call; 0: none. May be asked on any thread. */
uint64_t call_trace(const struct call *call);
/* When the caller gives up, by the clock of loop_now_ms; INT64_MAX: not known. A pool handler is
 * not started past it: the call ends with `timeout`. May be asked on any thread. */
int64_t call_deadline_ms(const struct call *call);
/* Memory that lives as long as the call. */
struct record_arena *call_arena(struct call *call);
/* On the loop, of a call that a loop handler keeps: goes on with a pool handler, which gets `body`;
 * it lives as long as the call. ERR_OVERLOADED: the pool has no room, and the call stays with the
 * caller. */
enum err call_to_pool(struct call *call, service_pool_handler *handler, const void *body)
    __attribute__((warn_unused_result));
/* Answers service_credentials.ask: ERR_OK runs the call's handler, else the call ends with `err`.
 */
void call_admit(struct call **call, enum err err);
/* Answers and frees the call; only on the loop. */
void call_reply(struct call **call, const void *reply);
void call_fail(struct call **call, enum err err);
/* As call_fail, with a text of its own in place of err_text(err). */
void call_fail_text(struct call **call, enum err err, const char *text);

#endif
