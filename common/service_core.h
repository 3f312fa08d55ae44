/*
 * A running service, for the files that the skeleton consists of; services use service.h.
 *
 *     service_main.c       its life, from the options to the exit status; it calls the others:
 *     service_status.c     reports how it is, over its messages and over HTTP
 *     service_dispatch.c   calls: from a frame to a handler, and the reply back
 *     service_database.c   its pools, and the wait for the database
 *     service_core.c       shared by these: queues, and whether it is ready
 */
#ifndef PARLEY_COMMON_SERVICE_CORE_H
#define PARLEY_COMMON_SERVICE_CORE_H

#include <czmq.h>

#include "common/admission.h"
#include "common/http_admin.h"
#include "common/loop.h"
#include "common/service.h"
#include "common/service_callers.h"

/* limit: service | handlers | {SERVICE_MAX_HANDLERS} | asserted at start */
/* Handlers per service, with the skeleton's own. */
#define SERVICE_MAX_HANDLERS 64

/* The name of an option. */
#define SERVICE_OPTION_BYTES 48

enum service_state { SERVICE_STARTING, SERVICE_READY, SERVICE_STOPPING };

struct service_route {
    struct service_handler handler;
    bool own; /* the skeleton's: it also has a reply while the service does nothing else */
    size_t name_length;
    struct metric *requests, *errors;
    struct histogram *seconds;
};

struct service_queue {
    const char *name;
    service_depth *depth;
    const void *argument;
    size_t limit;
    struct metric *depth_gauge;
};

/* See service_database.h. */
struct service_database {
    service_database_check *check;
    struct db_watch *watch;
    struct pool_job job;
    ev_timer again;
    enum err err;
    bool sound;  /* there, and fit for the service */
    bool unfit;  /* there, and not fit for the service */
    bool logged; /* that the service waits for it */
    char message[SERVICE_CHECK_BYTES];
};

struct service {
    const struct service_definition *definition;
    struct ev_loop *ev;
    struct metrics *metrics;
    struct pool *pool;
    struct pool *costly[SERVICE_COSTLY_POOLS]; /* those in use first; NULL: no such one */
    struct service_database database;          /* only with a pool */
    struct keys *keys;                         /* NULL: CURVE is off */
    struct admission *admission;
    zsock_t *router;
    struct callers *callers;
    struct loop_socket *input;
    struct listener *listener; /* of the ROUTER */
    char port_option[SERVICE_OPTION_BYTES], metrics_port_option[SERVICE_OPTION_BYTES];
    struct buffer scratch; /* one outgoing message at a time */
    struct service_route routes[SERVICE_MAX_HANDLERS];
    size_t route_count;
    struct metric *unseen, *refused[ERR_COUNT];
    int64_t forbidden_logged_ms;
    struct service_queue queues[SERVICE_MAX_QUEUES];
    size_t queue_count;
    struct http_admin *http;
    struct metric *ready_gauge;
    uint64_t instance;
    int64_t started_ms;
    size_t calls;
    enum service_state state;
    int status;
    ev_prepare turn; /* while it starts or stops: looks, each turn, whether it is ready or done */
    ev_timer limit;  /* of waiting for the services that it calls, then for stopping */
    ev_signal on_term, on_int;
};

/* Whether all ports are open. */
bool service_listens(const struct service *service);
/* NULL when the service can do its work as of now, else a sentence that names what is missing; it
 * lives until the next call, in `out` if need be. */
#define SERVICE_REASON_BYTES 128
const char *service_not_ready(const struct service *service, char out[SERVICE_REASON_BYTES]);

#endif
