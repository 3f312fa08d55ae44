/* How a service is; see service_status.h. */
#include "common/service_status.h"

#include "common/loop.h"

/* All counters, with the queues as they are now. */
static void print_metrics(struct service *service, struct buffer *out) {
    char text[SERVICE_REASON_BYTES];
    for (size_t i = 0; i < service->queue_count; i++) {
        const struct service_queue *queue = &service->queues[i];
        metric_set(queue->depth_gauge, queue->depth(queue->argument));
    }
    metric_set(service->ready_gauge, service_not_ready(service, text) == NULL);
    metrics_print(service->metrics, out);
}

/* --- over HTTP ------------------------------------------------------------------------------- */

static unsigned write_metrics(void *argument, struct buffer *body) {
    print_metrics(argument, body);
    return 200;
}

static unsigned write_health(void *argument, struct buffer *body) {
    (void)argument;
    buffer_add_text(body, "ok\n");
    return 200;
}

static unsigned write_readiness(void *argument, struct buffer *body) {
    char out[SERVICE_REASON_BYTES];
    const char *reason = service_not_ready(argument, out);
    buffer_printf(body, "%s\n", reason == NULL ? "ready" : reason);
    return reason == NULL ? 200 : 503;
}

const struct http_page service_pages[SERVICE_PAGES] = {
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", write_metrics},
    {"/healthz", "text/plain; charset=utf-8", write_health},
    {"/readyz", "text/plain; charset=utf-8", write_readiness},
};

/* --- messages -------------------------------------------------------------------------------- */

static enum err handle_ping(void *context, struct call *call, const void *body) {
    (void)body;
    const struct service *service = context;
    struct service_pong pong = {.instance = service->instance,
                                .ready = service->state == SERVICE_READY};
    if (service->definition->ping != NULL)
        service->definition->ping(service->definition->context, call_caller(call), &pong);
    call_reply(&call, &pong);
    return ERR_OK;
}

void service_describe(struct service *service, struct service_status_room *room,
                      struct service_status *status_r) {
    for (size_t i = 0; i < service->queue_count; i++) {
        const struct service_queue *queue = &service->queues[i];
        room->names[i] = slice_text(queue->name);
        room->depths[i] = queue->depth(queue->argument);
        room->limits[i] = queue->limit;
    }
    const char *reason = service_not_ready(service, room->lacks);
    *status_r =
        (struct service_status){.service = slice_text(service->definition->name),
                                .version = slice_text(PARLEY_VERSION),
                                .instance = service->instance,
                                .ready = reason == NULL,
                                .uptime_ms = (uint64_t)(loop_now_ms() - service->started_ms),
                                .calls = service->calls,
                                .queues = {room->names, service->queue_count},
                                .depths = {room->depths, service->queue_count},
                                .limits = {room->limits, service->queue_count},
                                .lacks = slice_text(reason == NULL ? "" : reason)};
}

static enum err handle_status(void *context, struct call *call, const void *body) {
    (void)body;
    struct service *service = context;
    struct service_status_room room;
    struct service_status status;
    struct buffer text = buffer_make(ENVELOPE_MAX_BYTES / 2);
    print_metrics(service, &text);
    service_describe(service, &room, &status);
    status.metrics = slice_make(text.data, text.length);
    call_reply(&call, &status);
    buffer_free(&text);
    return ERR_OK;
}

const struct service_handler service_own_handlers[SERVICE_OWN_HANDLERS] = {
    {&message_SERVICE_PING, .loop = handle_ping},
    {&message_SERVICE_STATUS, .loop = handle_status},
};
