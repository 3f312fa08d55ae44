/* What service.c (life) and service_dispatch.c (calls) share. */
#ifndef PARLEY_COMMON_SERVICE_PRIVATE_H
#define PARLEY_COMMON_SERVICE_PRIVATE_H

#include <czmq.h>

#include "common/loop.h"
#include "common/service.h"

/* Handlers per service, with the skeleton's own. */
#define SERVICE_MAX_HANDLERS 64

enum service_state { SERVICE_STARTING, SERVICE_READY, SERVICE_STOPPING };

struct service_route {
    struct service_handler handler;
    size_t name_length;
    struct metric *requests, *errors, *busy_us;
};

struct service {
    const struct service_definition *definition;
    struct ev_loop *ev;
    struct metrics *metrics;
    struct pool *pool;
    zsock_t *router;
    struct loop_socket *input;
    struct buffer scratch; /* one outgoing message at a time */
    struct service_route routes[SERVICE_MAX_HANDLERS];
    size_t route_count;
    struct metric *refused, *calls_gauge;
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
/* loop_socket_ready of the ROUTER. */
void dispatch_ready(void *argument, void *socket);

#endif
