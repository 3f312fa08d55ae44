/* What service.c (life) and service_dispatch.c (calls) share. */
#ifndef PARLEY_COMMON_SERVICE_PRIVATE_H
#define PARLEY_COMMON_SERVICE_PRIVATE_H

#include <czmq.h>

#include "common/http_admin.h"
#include "common/loop.h"
#include "common/service.h"
#include "common/service_callers.h"

/* Handlers per service, with the skeleton's own. */
#define SERVICE_MAX_HANDLERS 64

/* The name of an option. */
#define SERVICE_OPTION_BYTES 48

enum service_state { SERVICE_STARTING, SERVICE_READY, SERVICE_STOPPING };

struct service_route {
    struct service_handler handler;
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

/* See service_database.c. */
struct service_database {
    service_database_check *check;
    struct db_watch *watch;
    struct pool_job job;
    ev_timer again;
    enum err err;
    bool sound; /* there, and what the service needs */
    bool unfit; /* there, and not what the service needs */
    bool told;  /* that it is waited for was logged */
    char message[SERVICE_CHECK_BYTES];
};

struct service {
    const struct service_definition *definition;
    struct ev_loop *ev;
    struct metrics *metrics;
    struct pool *pool, *costly;
    struct service_database database; /* only with a pool */
    zsock_t *router;
    struct callers *callers;
    struct loop_socket *input;
    struct listener *listener; /* of the ROUTER */
    char port_option[SERVICE_OPTION_BYTES], metrics_port_option[SERVICE_OPTION_BYTES];
    struct buffer scratch; /* one outgoing message at a time */
    struct service_route routes[SERVICE_MAX_HANDLERS];
    size_t route_count;
    struct metric *unseen, *refused[ERR_COUNT];
    struct service_queue queues[SERVICE_MAX_QUEUES];
    size_t queue_count;
    struct http_admin *http;
    struct metric *ready_gauge;
    uint64_t instance;
    int64_t started_ms, deadline_ms; /* of waiting for ready, then for stopping */
    size_t calls;
    enum service_state state;
    int status;
    ev_timer tick;
    ev_signal on_term, on_int;
};

/* Fills routes with the skeleton's and the definition's handlers. */
void dispatch_prepare(struct service *service);
/* Ends what waits in the costly pool: it would take longer than an orderly end may. */
void dispatch_drop_costly(struct service *service);
/* loop_socket_ready of the ROUTER. */
void dispatch_ready(void *argument, void *socket);

/* Whether all ports are open. */
bool service_listens(const struct service *service);
/* A port of the service's cannot be had: ends it. `argument`: the service. */
void service_port_failed(void *argument);

/* --- service_database.c --- */

/* Whether the database that the service has was not reached yet, or not checked. */
bool service_waits_for_database(const struct service *service);
/* Logs why the service ends, if it is because its database is not what this build needs. It is
 * called when the loop has ended, so nothing that the loop still had at hand is logged behind it.
 */
void service_tell_unfit_database(const struct service *service);
/* Ends the pool, if there is one. */
void service_leave_database(struct service *service);

/* --- service_status.c --- */

service_loop_handler service_handle_ping, service_handle_status; /* `context`: the service */
/* NULL when the service can do its work as of now, else a sentence that names what is missing; it
 * lives until the next call, in `out` if need be. */
#define SERVICE_LACKS_BYTES 128
const char *service_lacks(const struct service *service, char out[SERVICE_LACKS_BYTES]);
/* All counters, with the queues as they are now. */
void service_print_metrics(struct service *service, struct buffer *out);
/* Serves /metrics, /healthz and /readyz, unless the port is 0. -1 after a logged line. */
int service_open_http(struct service *service) __attribute__((warn_unused_result));

#endif
