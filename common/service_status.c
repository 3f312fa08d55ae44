/* How a service is: its queues, what it lacks, and the skeleton's own messages that tell of it. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/service_private.h"

RECORD_DEFINE(service_ping, SERVICE_PING_FIELDS, "a heartbeat")
RECORD_DEFINE(service_pong, SERVICE_PONG_FIELDS, "its answer")
RECORD_DEFINE(service_status, SERVICE_STATUS_FIELDS, "how the instance is")
RECORD_DEFINE(service_cancel, SERVICE_CANCEL_FIELDS, "a request that is given up")
const struct message_desc message_SERVICE_PING = {
    "service.ping", &service_ping_desc, &service_pong_desc,
    "asks whether an instance is there and ready; every service answers"};
const struct message_desc message_SERVICE_STATUS = {
    "service.status", &service_ping_desc, &service_status_desc,
    "asks how an instance is, with its queues and counters; every service answers"};
const struct message_desc message_SERVICE_CANCEL = {
    "service.cancel", &service_cancel_desc, NULL,
    "an event: what of it has not begun is dropped, and answered with an error"};

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

void service_print_metrics(struct service *service, struct buffer *out) {
    char text[SERVICE_LACKS_BYTES];
    for (size_t i = 0; i < service->queue_count; i++) {
        const struct service_queue *queue = &service->queues[i];
        metric_set(queue->depth_gauge, queue->depth(queue->argument));
    }
    metric_set(service->ready_gauge, service_lacks(service, text) == NULL);
    metrics_print(service->metrics, out);
}

/* --- readiness ------------------------------------------------------------------------------- */

const char *service_lacks(const struct service *service, char out[SERVICE_LACKS_BYTES]) {
    const struct service_definition *definition = service->definition;
    if (service->state == SERVICE_STOPPING)
        return "this instance is stopping";
    if (!service_listens(service))
        return "somebody else has a port of this instance";
    struct db_watch *watch = service->database.watch;
    const char *lacks = watch == NULL ? NULL : db_watch_lacks(watch, out, SERVICE_LACKS_BYTES);
    if (lacks != NULL)
        return lacks;
    if (definition->ready != NULL && !definition->ready(definition->context)) {
        const char *name =
            definition->missing == NULL ? NULL : definition->missing(definition->context);
        snprintf(out, SERVICE_LACKS_BYTES, "no %s service answers", name == NULL ? "called" : name);
        return out;
    }
    return service->state == SERVICE_STARTING ? "this instance is starting" : NULL;
}

/* --- over HTTP ------------------------------------------------------------------------------- */

static unsigned write_metrics(void *argument, struct buffer *body) {
    service_print_metrics(argument, body);
    return 200;
}

static unsigned write_health(void *argument, struct buffer *body) {
    (void)argument;
    buffer_add_text(body, "ok\n");
    return 200;
}

static unsigned write_readiness(void *argument, struct buffer *body) {
    char out[SERVICE_LACKS_BYTES];
    const char *lacks = service_lacks(argument, out);
    buffer_printf(body, "%s\n", lacks == NULL ? "ready" : lacks);
    return lacks == NULL ? 200 : 503;
}

static const struct http_page pages[] = {
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", write_metrics},
    {"/healthz", "text/plain; charset=utf-8", write_health},
    {"/readyz", "text/plain; charset=utf-8", write_readiness},
};

int service_open_http(struct service *service) {
    const struct service_definition *definition = service->definition;
    if (definition->metrics_port == NULL || *definition->metrics_port == 0)
        return 0;
    snprintf(service->metrics_port_option, sizeof service->metrics_port_option, "%s_metrics_port",
             definition->name);
    const struct listen_at at = {.option = service->metrics_port_option,
                                 .addresses = definition->common->bind_address,
                                 .port = (uint16_t)*definition->metrics_port,
                                 .wait_ms = definition->common->listen_wait_ms};
    service->http = http_admin_new(service->ev, &at, pages, sizeof pages / sizeof pages[0],
                                   service_port_failed, service);
    return service->http == NULL ? -1 : 0;
}

/* --- messages -------------------------------------------------------------------------------- */

enum err service_handle_ping(void *context, struct call *call, const void *body) {
    (void)body;
    const struct service *service = context;
    struct service_pong pong = {.instance = service->instance,
                                .ready = service->state == SERVICE_READY};
    if (service->definition->ping != NULL)
        service->definition->ping(service->definition->context, call_caller(call), &pong);
    call_reply(&call, &pong);
    return ERR_OK;
}

enum err service_handle_status(void *context, struct call *call, const void *body) {
    (void)body;
    struct service *service = context;
    struct slice names[SERVICE_MAX_QUEUES];
    uint64_t depths[SERVICE_MAX_QUEUES], limits[SERVICE_MAX_QUEUES];
    for (size_t i = 0; i < service->queue_count; i++) {
        const struct service_queue *queue = &service->queues[i];
        names[i] = slice_text(queue->name);
        depths[i] = queue->depth(queue->argument);
        limits[i] = queue->limit;
    }
    struct buffer text = buffer_make(ENVELOPE_MAX_BYTES / 2);
    service_print_metrics(service, &text);
    char out[SERVICE_LACKS_BYTES];
    const char *lacks = service_lacks(service, out);
    struct service_status status = {.service = slice_text(service->definition->name),
                                    .version = slice_text(PARLEY_VERSION),
                                    .instance = service->instance,
                                    .ready = lacks == NULL,
                                    .uptime_ms = (uint64_t)(loop_now_ms() - service->started_ms),
                                    .calls = service->calls,
                                    .queues = {names, service->queue_count},
                                    .depths = {depths, service->queue_count},
                                    .limits = {limits, service->queue_count},
                                    .lacks = slice_text(lacks == NULL ? "" : lacks),
                                    .metrics = slice_make(text.data, text.length)};
    call_reply(&call, &status);
    buffer_free(&text);
    return ERR_OK;
}
