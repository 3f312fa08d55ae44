/* Calls: from a frame on the ROUTER to a handler, and the reply back. */
#include "common/service_dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"

/*
 * limit: service | messages read in one turn of the loop, per socket | {DISPATCH_BUDGET}
 * {PEERS_BUDGET:} | the next turn
 */
/* Messages read per turn, so that timers and other sockets have theirs. */
#define DISPATCH_BUDGET 256

/* limit: service | lines about messages that their caller may not send | one in
 * {FORBIDDEN_LOG_MS} | `forbidden`, counted (`refused_total`) */
#define FORBIDDEN_LOG_MS 10000

struct call {
    struct pool_job job; /* first: a job is its call */
    struct service *service;
    struct service_route *route;
    uint64_t id, trace;
    int64_t started_us, deadline_ms;
    zmq_msg_t frame;
    struct slice credential; /* in the frame; empty: the call is let in without one */
    struct service_key key;  /* that it was found to be */
    bool unadmitted;         /* the credential was refused */
    struct record_arena arena;
    service_pool_handler *pool; /* the route's, or the one that a loop handler goes on with */
    const void *body;
    void *reply;       /* of a pool handler */
    void *rest;        /* from `first`, for the costly pool */
    struct buffer out; /* the packed reply of a pool handler */
    enum err err;
    size_t caller_length;
    char caller[SERVICE_CALLER_BYTES];
};

static void send_frame(struct service *service, struct slice caller, const struct buffer *frame) {
    void *socket = zsock_resolve(service->router);
    loop_socket_used(service->input);
    /* A full queue towards one caller must not stop the others: a reply that does not fit is
     * dropped. */
    if (zmq_send(socket, caller.data, caller.length, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        (void)!zmq_send(socket, frame->data, frame->length, ZMQ_DONTWAIT);
}

void service_send(struct service *service, struct slice caller, const struct message_desc *message,
                  const void *body) {
    buffer_clear(&service->scratch);
    envelope_pack(ENVELOPE_EVENT, 0, message->name, message->body, body, &service->scratch);
    if (service->scratch.failed)
        log_error("send_too_large", "message=%s", message->name);
    else
        send_frame(service, caller, &service->scratch);
}

struct slice call_caller(const struct call *call) {
    return slice_make(call->caller, call->caller_length);
}

uint64_t call_trace(const struct call *call) { return call->trace; }

int64_t call_deadline_ms(const struct call *call) { return call->deadline_ms; }

struct record_arena *call_arena(struct call *call) {
    return &call->arena;
}

static void call_free(struct call *call) {
    zmq_msg_close(&call->frame);
    record_arena_free(&call->arena);
    buffer_free(&call->out);
    free(call);
}

static void count_call(const struct call *call, enum err err, int64_t took_us) {
    const struct service_route *route = call->route;
    const char *name = route->handler.message->name;
    uint64_t before = log_trace_begin(call->trace);
    metric_add(route->requests, 1);
    histogram_observe(route->seconds, (uint64_t)took_us);
    if (err != ERR_OK)
        metric_add(route->errors, 1);
    if (took_us > (int64_t)SERVICE_SLOW_MS * 1000)
        log_warn("slow_call", "message=%s took_ms=%lld outcome=%s", name,
                 (long long)(took_us / 1000), err_word(err));
    if (log_enabled(LOG_LEVEL_DEBUG) && route->handler.message != &message_SERVICE_PING) {
        char quoted[LOG_QUOTED_BYTES];
        log_debug("call", "message=%s caller=%s took_us=%lld outcome=%s", name,
                  log_quote(quoted, call->caller, call->caller_length), (long long)took_us,
                  err_word(err));
    }
    log_trace_end(before);
}

static void call_finish(struct call **call_p, enum err err, const struct buffer *frame) {
    struct call *call = *call_p;
    *call_p = NULL;
    struct service *service = call->service;
    send_frame(service, call_caller(call), frame);
    if (err != ERR_OK)
        metric_add(service->refused[err], 1);
    if (call->route != NULL)
        count_call(call, err, loop_now_us() - call->started_us);
    service->calls--;
    call_free(call);
}

static void call_send(struct call **call_p, enum err err, const char *name,
                      const struct record_desc *desc, const void *body) {
    struct buffer *out = &(*call_p)->service->scratch;
    buffer_clear(out);
    envelope_pack(err == ERR_OK ? ENVELOPE_REPLY : ENVELOPE_ERROR, (*call_p)->id, name, desc, body,
                  out);
    if (out->failed) {
        log_error("reply_too_large", "message=%s", name);
        call_fail(call_p, ERR_INTERNAL);
        return;
    }
    call_finish(call_p, err, out);
}

void call_reply(struct call **call_p, const void *reply) {
    const struct message_desc *message = (*call_p)->route->handler.message;
    call_send(call_p, ERR_OK, message->name, message->reply, reply);
}

void call_fail(struct call **call_p, enum err err) { call_fail_text(call_p, err, err_text(err)); }

void call_fail_text(struct call **call_p, enum err err, const char *text) {
    struct service_route *route = (*call_p)->route;
    struct envelope_error error = {slice_text(err_word(err)), slice_text(text)};
    call_send(call_p, err, route == NULL ? "unknown" : route->handler.message->name,
              &envelope_error_desc, &error);
}

/* --- the pool ------------------------------------------------------------------------------ */

static enum err call_handler(struct call *call, struct db *db) {
    const struct service_handler *handler = &call->route->handler;
    void *context = call->service->definition->context;
    if (call->pool != NULL)
        return call->pool(context, db, &call->arena, call->body, call->reply);
    if (call->rest != NULL)
        return handler->costly(context, db, &call->arena, call->body, call->rest, call->reply);
    return handler->first(context, db, &call->arena, call->body, &call->rest, call->reply);
}

/* The call's handler, if the credential that it shows lets it. */
static enum err admit_and_handle(struct call *call, struct db *db) {
    const struct service_credentials *credentials = call->service->definition->credentials;
    const struct message_desc *message = call->route->handler.message;
    if (call->credential.length > 0 && call->rest == NULL) {
        enum err err = credentials->check(db, call->credential, message, call->body, &call->key);
        call->unadmitted = err == ERR_FORBIDDEN;
        if (err != ERR_OK)
            return err;
    }
    bool whole = call->pool != NULL || call->rest != NULL;
    enum err err = call_handler(call, db);
    bool done = err == ERR_OK && (whole || call->rest == NULL);
    if (done && call->credential.length > 0 && message->noted)
        credentials->note(db, &call->key, message, call->body);
    return err;
}

static void job_run(struct pool_job *job, struct db *db) {
    struct call *call = (struct call *)job;
    const struct message_desc *message = call->route->handler.message;
    bool whole = call->pool != NULL || call->rest != NULL;
    uint64_t before = log_trace_begin(call->trace);
    if (call->reply == NULL)
        call->reply = record_arena_alloc(&call->arena, message->reply->size);
    call->err = call->reply == NULL ? ERR_INTERNAL : admit_and_handle(call, db);
    if (call->err == ERR_UNAVAILABLE && db_uncertain(db))
        call->err = ERR_UNKNOWN_OUTCOME;
    log_trace_end(before);
    if (call->err != ERR_OK || (!whole && call->rest != NULL))
        return;
    envelope_pack(ENVELOPE_REPLY, call->id, message->name, message->reply, call->reply, &call->out);
    if (call->out.failed)
        call->err = ERR_INTERNAL;
}

static const char unadmitted_text[] = "the API key may not be used for this message";

static void job_done(struct pool_job *job) {
    struct call *call = (struct call *)job;
    if (job->dropped != ERR_OK)
        call_fail(&call, job->dropped);
    else if (call->unadmitted)
        call_fail_text(&call, ERR_FORBIDDEN, unadmitted_text);
    else if (call->err == ERR_OK)
        call_finish(&call, ERR_OK, &call->out);
    else
        call_fail(&call, call->err);
}

/* false: the pool has no room for it, or could not do it in time. */
static bool submit(struct call *call, struct pool *pool, void (*done)(struct pool_job *job)) {
    call->job = (struct pool_job){.run = job_run, .done = done, .deadline_ms = call->deadline_ms};
    return pool_submit(pool, &call->job) == 0;
}

enum err call_to_pool(struct call *call, service_pool_handler *handler, const void *body) {
    call->pool = handler;
    call->body = body;
    return submit(call, call->service->pool, job_done) ? ERR_OK : ERR_OVERLOADED;
}

static struct pool *costly_pool_of(const struct call *call) {
    const struct service_handler *handler = &call->route->handler;
    return call->service
        ->costly[handler->costly_pool == NULL ? 0 : handler->costly_pool(call->rest)];
}

/* The first of two steps is done. */
static void first_done(struct pool_job *job) {
    struct call *call = (struct call *)job;
    if (job->dropped != ERR_OK || call->err != ERR_OK || call->rest == NULL)
        job_done(job);
    else if (call->service->state == SERVICE_STOPPING)
        call_fail(&call, ERR_UNAVAILABLE);
    else if (!submit(call, costly_pool_of(call), job_done))
        call_fail(&call, ERR_OVERLOADED);
}

/* --- calls that nobody waits for any more -------------------------------------------------- */

struct cancelled {
    struct slice caller;
    uint64_t id;
};

static bool is_cancelled(const struct pool_job *job, const void *argument) {
    const struct call *call = (const struct call *)job;
    const struct cancelled *cancelled = argument;
    return call->id == cancelled->id && slice_equal(call_caller(call), cancelled->caller);
}

static bool is_any(const struct pool_job *job, const void *argument) {
    (void)job;
    (void)argument;
    return true;
}

void dispatch_drop_costly(struct service *service) {
    for (size_t i = 0; i < SERVICE_COSTLY_POOLS; i++)
        if (service->costly[i] != NULL)
            pool_drop(service->costly[i], is_any, NULL, ERR_UNAVAILABLE);
}

/* An event: a caller has no use for a reply any more. A job that waits in the costly pool is worth
 * looking for; all others are done soon. */
static void cancel(struct service *service, struct slice caller, const struct envelope *envelope) {
    struct record_arena arena = {0};
    struct service_cancel body;
    const char *fault;
    if (service->costly[0] != NULL &&
        record_unpack(&service_cancel_desc, envelope->body, &arena, &body, &fault) == 0)
        for (size_t i = 0; i < SERVICE_COSTLY_POOLS && service->costly[i] != NULL; i++)
            pool_drop(service->costly[i], is_cancelled, &(struct cancelled){caller, body.id},
                      ERR_TIMEOUT);
    record_arena_free(&arena);
}

/* --- the table ----------------------------------------------------------------------------- */

static void add_route(struct service *service, const struct service_handler *handler, bool own) {
    assert(service->route_count < SERVICE_MAX_HANDLERS);
    char labels[96];
    snprintf(labels, sizeof labels, "message=\"%s\"", handler->message->name);
    service->routes[service->route_count++] = (struct service_route){
        .handler = *handler,
        .own = own,
        .name_length = strlen(handler->message->name),
        .requests = metrics_counter(service->metrics, "requests_total", labels,
                                    "Requests that got a reply."),
        .errors = metrics_counter(service->metrics, "request_errors_total", labels,
                                  "Requests whose reply was an error."),
        .seconds = metrics_histogram(service->metrics, "call_seconds", labels, HISTOGRAM_SECONDS,
                                     "Time from a request's arrival to its reply.")};
}

static size_t depth_of_calls(const void *argument) {
    const struct service *service = argument;
    return service->calls;
}

void dispatch_prepare(struct service *service, const struct service_handler *own,
                      size_t own_count) {
    for (size_t i = 0; i < service->definition->handler_count; i++)
        add_route(service, &service->definition->handlers[i], false);
    for (size_t i = 0; i < own_count; i++)
        add_route(service, &own[i], true);
    service->unseen = metrics_counter(service->metrics, "requests_refused_total", "",
                                      "Requests that no handler has seen.");
    metrics_errors(service->metrics, "refused_total",
                   "Requests of other services that ended with an error.", service->refused);
    service->ready_gauge =
        metrics_gauge(service->metrics, "ready", "", "1 when the service is ready, else 0.");
    service_add_queue(service, "calls", depth_of_calls, service, SERVICE_MAX_CALLS);
}

/* --- dispatch ------------------------------------------------------------------------------ */

static struct service_route *find_route(struct service *service, struct slice name) {
    for (size_t i = 0; i < service->route_count; i++) {
        struct service_route *route = &service->routes[i];
        if (route->name_length == name.length &&
            memcmp(route->handler.message->name, name.data, name.length) == 0)
            return route;
    }
    return NULL;
}

static void refuse(struct call *call, enum err err, const char *text) {
    metric_add(call->service->unseen, 1);
    call_fail_text(&call, err, text);
}

/* The program that sent the message; NULL: it was let in with a key that is not listed any more. */
static const struct keys_entry *sender(const struct service *service, zmq_msg_t *frame) {
    const char *key = zmq_msg_gets(frame, "User-Id");
    return key == NULL ? NULL : keys_find(service->keys, key);
}

static void refuse_forbidden(struct call *call, const char *program) {
    char text[128];
    const char *name = call->route->handler.message->name;
    int64_t now_ms = loop_now_ms();
    if (call->service->forbidden_logged_ms == 0 ||
        now_ms - call->service->forbidden_logged_ms >= FORBIDDEN_LOG_MS) {
        call->service->forbidden_logged_ms = now_ms;
        log_warn("forbidden", "message=%s program=%s", name, program);
    }
    snprintf(text, sizeof text, "%s may not send %s", program, name);
    refuse(call, ERR_FORBIDDEN, text);
}

/* Whether the caller may send the message; where it shows a credential, that is still to be
 * checked. */
static bool may_send(struct call *call, struct slice credential, const char **program_r) {
    struct service *service = call->service;
    const struct message_desc *message = call->route->handler.message;
    unsigned programs = ~0u;
    if (service->keys != NULL) {
        const struct keys_entry *entry = sender(service, &call->frame);
        programs = keys_programs_of(service->keys, entry->key);
        *program_r = entry->program;
    }
    if (credential.length > 0 && message->scope != 0 && service->definition->credentials != NULL &&
        (programs & PROGRAM_BIT_GATEWAY) != 0) {
        call->credential = credential;
        return true;
    }
    return (message->senders & programs) != 0;
}

/* The call may have its reply and be gone when the handler returns. */
static void run_loop(struct call *call) {
    struct service *service = call->service;
    const struct service_handler *handler = &call->route->handler;
    uint64_t before = log_trace_begin(call->trace);
    enum err err =
        handler->loop(call->route->own ? service : service->definition->context, call, call->body);
    log_trace_end(before);
    if (err != ERR_OK)
        call_fail(&call, err);
}

void call_admit(struct call **call_p, enum err err) {
    struct call *call = *call_p;
    *call_p = NULL;
    if (err == ERR_FORBIDDEN)
        call_fail_text(&call, err, unadmitted_text);
    else if (err != ERR_OK)
        call_fail(&call, err);
    else if (call->service->state == SERVICE_STOPPING)
        call_fail(&call, ERR_UNAVAILABLE);
    else
        run_loop(call);
}

static void run(struct call *call, const struct envelope *envelope) {
    struct service *service = call->service;
    const struct service_handler *handler = &call->route->handler;
    bool own = call->route->own;
    const char *program = "";
    if (!may_send(call, envelope->credential, &program)) {
        refuse_forbidden(call, program);
        return;
    }
    if (!own && service->state == SERVICE_STOPPING) {
        refuse(call, ERR_UNAVAILABLE, "this instance is stopping");
        return;
    }
    if (!own && service_waits_for_database(service)) {
        refuse(call, ERR_UNAVAILABLE, "this instance waits for its database");
        return;
    }
    if (!own && service->calls > SERVICE_MAX_CALLS) {
        refuse(call, ERR_OVERLOADED, err_text(ERR_OVERLOADED));
        return;
    }
    const char *fault;
    void *body = record_arena_alloc(&call->arena, handler->message->body->size);
    if (body == NULL) {
        refuse(call, ERR_INTERNAL, err_text(ERR_INTERNAL));
        return;
    }
    call->body = body;
    call->pool = handler->pool;
    if (record_unpack(handler->message->body, envelope->body, &call->arena, body, &fault) != 0) {
        char text[128];
        snprintf(text, sizeof text, "%s: missing or malformed", fault);
        refuse(call, ERR_BAD_REQUEST, text);
        return;
    }
    if (handler->loop == NULL) {
        if (!submit(call, service->pool, handler->pool != NULL ? job_done : first_done))
            refuse(call, ERR_OVERLOADED, err_text(ERR_OVERLOADED));
        return;
    }
    if (handler->message == &message_SERVICE_PING)
        callers_heard(service->callers, zmq_msg_get(&call->frame, ZMQ_SRCFD));
    if (call->credential.length > 0)
        service->definition->credentials->ask(service->definition->context, call, call->credential,
                                              handler->message, call->body);
    else
        run_loop(call);
}

/* A caller that doesn't say how long it waits, or longer than any does, waits for ever. */
static int64_t deadline_of(const struct envelope *envelope, int64_t now_ms) {
    if (envelope->wait_ms == 0 || envelope->wait_ms > SERVICE_MAX_WAIT_MS)
        return INT64_MAX;
    return now_ms + (int64_t)envelope->wait_ms;
}

/* Takes `frame` over. */
static void dispatch(struct service *service, struct slice caller, zmq_msg_t *frame) {
    if (service->keys != NULL && sender(service, frame) == NULL) {
        metric_add(service->unseen, 1);
        callers_end(service->callers, zmq_msg_get(frame, ZMQ_SRCFD));
        zmq_msg_close(frame);
        return;
    }
    struct envelope envelope;
    struct call *call = caller.length <= SERVICE_CALLER_BYTES ? calloc(1, sizeof *call) : NULL;
    if (call == NULL) {
        metric_add(service->unseen, 1);
        zmq_msg_close(frame);
        return;
    }
    /* Moved before anything points into it: a short message lies within its zmq_msg_t. */
    zmq_msg_init(&call->frame);
    zmq_msg_move(&call->frame, frame);
    zmq_msg_close(frame);
    struct slice bytes = slice_make(zmq_msg_data(&call->frame), zmq_msg_size(&call->frame));
    bool sound = envelope_unpack(bytes, &envelope) == 0;
    if (!sound || envelope.kind != ENVELOPE_REQUEST) {
        if (sound && envelope.kind == ENVELOPE_EVENT &&
            slice_equal(envelope.name, slice_text(message_SERVICE_CANCEL.name)))
            cancel(service, caller, &envelope);
        else
            metric_add(service->unseen, 1);
        call_free(call);
        return;
    }
    call->service = service;
    call->id = envelope.id;
    call->trace = envelope.trace;
    call->started_us = loop_now_us();
    call->deadline_ms = deadline_of(&envelope, call->started_us / 1000);
    call->out = buffer_make(ENVELOPE_MAX_BYTES);
    call->caller_length = caller.length;
    memcpy(call->caller, caller.data, caller.length);
    service->calls++;
    call->route = find_route(service, envelope.name);
    if (call->route == NULL) {
        char quoted[LOG_QUOTED_BYTES];
        log_debug("unknown_message", "name=%s",
                  log_quote(quoted, envelope.name.data, envelope.name.length));
        refuse(call, ERR_UNKNOWN_MESSAGE, err_text(ERR_UNKNOWN_MESSAGE));
        return;
    }
    run(call, &envelope);
}

/* Reads and drops the parts of a message that has more than the two it should have. */
static void drop_rest(void *socket) {
    int more = 1;
    size_t size = sizeof more;
    while (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more != 0) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        (void)!zmq_msg_recv(&part, socket, ZMQ_DONTWAIT);
        zmq_msg_close(&part);
    }
}

void dispatch_ready(void *argument, void *socket) {
    struct service *service = argument;
    for (int i = 0; i < DISPATCH_BUDGET; i++) {
        zmq_msg_t caller, frame;
        zmq_msg_init(&caller);
        if (zmq_msg_recv(&caller, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&caller);
            return;
        }
        zmq_msg_init(&frame);
        if (zmq_msg_more(&caller) && zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) >= 0 &&
            !zmq_msg_more(&frame)) {
            dispatch(service, slice_make(zmq_msg_data(&caller), zmq_msg_size(&caller)), &frame);
        } else {
            metric_add(service->unseen, 1);
            drop_rest(socket);
            zmq_msg_close(&frame);
        }
        zmq_msg_close(&caller);
    }
}
