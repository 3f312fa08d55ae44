/* Used by all parts of a running service; see service_core.h. */
#include "common/service_core.h"

#include <assert.h>
#include <stdio.h>

struct ev_loop *service_loop(struct service *service) {
    return service->ev;
}

struct metrics *service_metrics(struct service *service) {
    return service->metrics;
}

uint64_t service_instance(const struct service *service) { return service->instance; }

const char *service_name(const struct service *service) { return service->definition->name; }

const struct service_settings *service_common(const struct service *service) {
    return service->definition->common;
}

const struct keys *service_keys(const struct service *service) { return service->keys; }

struct pool *service_pool(struct service *service) {
    return service->pool;
}

struct db_watch *service_database_watch(const struct service *service) {
    return service->database.watch;
}

void service_fail(struct service *service, int status) {
    service->status = status;
    ev_break(service->ev, EVBREAK_ALL);
}

/* --- queues ---------------------------------------------------------------------------------- */

void service_add_queue(struct service *service, const char *name, service_depth *depth,
                       const void *argument, size_t limit) {
    assert(service->queue_count < SERVICE_MAX_QUEUES);
    char labels[64];
    snprintf(labels, sizeof labels, "queue=\"%s\"", name);
    service->queues[service->queue_count++] = (struct service_queue){
        .name = name,
        .depth = depth,
        .argument = argument,
        .limit = limit,
        .depth_gauge = metrics_gauge(service->metrics, "queue_depth", labels,
                                     "How much is in each of the service's queues.")};
    metric_set(metrics_gauge(service->metrics, "queue_limit", labels,
                             "How much each of the service's queues takes."),
               limit);
}

void service_remove_queue(struct service *service, const void *argument) {
    for (size_t i = 0; i < service->queue_count; i++) {
        if (service->queues[i].argument != argument)
            continue;
        metric_set(service->queues[i].depth_gauge, 0);
        service->queues[i] = service->queues[--service->queue_count];
        return;
    }
}

/* --- readiness ------------------------------------------------------------------------------- */

bool service_waits_for_database(const struct service *service) {
    return service->pool != NULL && !service->database.sound;
}

bool service_listens(const struct service *service) {
    const struct service_definition *definition = service->definition;
    return listener_is_open(service->listener) &&
           (service->http == NULL || http_admin_is_open(service->http)) &&
           (definition->listens == NULL || definition->listens(definition->context));
}

const char *service_not_ready(const struct service *service, char out[SERVICE_REASON_BYTES]) {
    const struct service_definition *definition = service->definition;
    if (service->state == SERVICE_STOPPING)
        return "this instance is stopping";
    if (!service_listens(service))
        return "another process uses a port of this instance";
    struct db_watch *watch = service->database.watch;
    const char *reason = watch == NULL ? NULL : db_watch_fault(watch, out, SERVICE_REASON_BYTES);
    if (reason != NULL)
        return reason;
    if (definition->ready != NULL && !definition->ready(definition->context)) {
        const char *name =
            definition->missing == NULL ? NULL : definition->missing(definition->context);
        snprintf(out, SERVICE_REASON_BYTES, "no %s service answers",
                 name == NULL ? "called" : name);
        return out;
    }
    return service->state == SERVICE_STARTING ? "this instance is starting" : NULL;
}
