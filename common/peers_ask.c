/* Requests to a peer, from asking to the answer or the lack of one. */
#include <stdlib.h>

#include "common/log.h"
#include "common/peers_private.h"

/* Slots that are looked at for the next request. */
#define FREE_ID_TRIES 64

bool peer_send_scratch(struct peer *peer) {
    const struct buffer *frame = &peer->owner->scratch;
    return peer->dealer != NULL && !frame->failed &&
           zmq_send(zsock_resolve(peer->dealer), frame->data, frame->length, ZMQ_DONTWAIT) >= 0;
}

static struct pending **slot_of(struct peer *peer, uint64_t id) {
    return &peer->window[id % PEERS_MAX_PENDING];
}

/* Takes it out of the list and the window; the caller owns it. */
static void detach(struct peer *peer, struct pending *pending) {
    *slot_of(peer, pending->id) = NULL;
    if (pending->prev != NULL)
        pending->prev->next = pending->next;
    else
        peer->first = pending->next;
    if (pending->next != NULL)
        pending->next->prev = pending->prev;
    else
        peer->last = pending->prev;
    peer->pending_count--;
}

static void attach(struct peer *peer, struct pending *pending) {
    *slot_of(peer, pending->id) = pending;
    pending->prev = peer->last;
    if (peer->last != NULL)
        peer->last->next = pending;
    else
        peer->first = pending;
    peer->last = pending;
    peer->pending_count++;
}

/* Frees `pending`. */
static void end(const struct peers *self, struct pending *pending, enum err err, const void *reply,
                const char *text) {
    struct pending ended = *pending;
    free(pending);
    int64_t took_us = loop_now_us() - ended.asked_us;
    if (ended.seconds != NULL)
        histogram_observe(ended.seconds, (uint64_t)took_us);
    if (err != ERR_OK)
        metric_add(self->failed[err], 1);
    uint64_t before = log_trace_begin(ended.trace);
    log_debug("asked", "message=%s took_us=%lld outcome=%s", ended.message->name,
              (long long)took_us, err_word(err));
    if (ended.done != NULL)
        ended.done(ended.argument, err, reply, text);
    log_trace_end(before);
}

void peer_end_pending(struct peer *peer, enum err err) {
    /* Detached all at once: a `done` may ask again, also this peer once it is live again. */
    struct pending *next = peer->first;
    for (struct pending *pending = next; pending != NULL; pending = pending->next)
        *slot_of(peer, pending->id) = NULL;
    peer->first = peer->last = NULL;
    peer->pending_count = 0;
    while (next != NULL) {
        struct pending *pending = next;
        next = pending->next;
        end(peer->owner, pending, err, NULL, NULL);
    }
}

void peer_sweep(struct peer *peer, int64_t now_ms) {
    struct pending *over = NULL, **tail = &over;
    for (struct pending *pending = peer->first, *next; pending != NULL; pending = next) {
        next = pending->next;
        if (pending->deadline_ms > now_ms)
            continue;
        detach(peer, pending);
        pending->next = NULL;
        *tail = pending;
        tail = &pending->next;
    }
    while (over != NULL) {
        struct pending *pending = over;
        over = pending->next;
        end(peer->owner, pending, ERR_TIMEOUT, NULL, NULL);
    }
}

static void take_error(const struct peers *self, struct pending *pending,
                       const struct envelope *envelope, struct record_arena *arena) {
    struct envelope_error error;
    const char *fault;
    char text[512 + 1] = "";
    enum err err = ERR_INTERNAL;
    if (record_unpack(&envelope_error_desc, envelope->body, arena, &error, &fault) == 0) {
        err = err_from_word(error.error.data, error.error.length);
        snprintf(text, sizeof text, "%.*s", (int)error.text.length, error.text.data);
    }
    end(self, pending, err == ERR_OK ? ERR_INTERNAL : err, NULL,
        text[0] == '\0' ? err_text(err) : text);
}

void peer_take_answer(struct peer *peer, const struct envelope *envelope) {
    struct pending *pending = *slot_of(peer, envelope->id);
    if (pending == NULL || pending->id != envelope->id)
        return; /* its time was over */
    detach(peer, pending);
    struct record_arena arena = {0};
    if (envelope->kind == ENVELOPE_ERROR) {
        take_error(peer->owner, pending, envelope, &arena);
    } else {
        const struct record_desc *desc = pending->message->reply;
        const char *fault = "no memory";
        void *reply = record_arena_alloc(&arena, desc->size);
        if (reply != NULL && record_unpack(desc, envelope->body, &arena, reply, &fault) == 0) {
            end(peer->owner, pending, ERR_OK, reply, "");
        } else {
            log_warn("bad_reply", "message=%s address=%s fault=\"%s\"", pending->message->name,
                     peer->address, fault);
            end(peer->owner, pending, ERR_INTERNAL, NULL, err_text(ERR_INTERNAL));
        }
    }
    record_arena_free(&arena);
}

/* The next id whose slot is free; slow requests of long ago are passed by. 0: none near. */
static uint64_t free_id(struct peer *peer) {
    for (uint64_t id = peer->last_id + 1; id <= peer->last_id + FREE_ID_TRIES; id++)
        if (*slot_of(peer, id) == NULL)
            return id;
    return 0;
}

/* NULL for a kind too many. */
static struct histogram *seconds_of(struct peers *self, const struct message_desc *message) {
    for (size_t i = 0; i < self->kind_count; i++)
        if (self->kinds[i].message == message)
            return self->kinds[i].seconds;
    if (self->kind_count == PEERS_MAX_KINDS)
        return NULL;
    char labels[ENVELOPE_MAX_NAME + 16];
    snprintf(labels, sizeof labels, "message=\"%s\"", message->name);
    struct peers_kind *kind = &self->kinds[self->kind_count++];
    *kind = (struct peers_kind){
        message,
        metrics_histogram(service_metrics(self->service), "ask_seconds", labels, HISTOGRAM_SECONDS,
                          "Time from asking another service to its answer.")};
    return kind->seconds;
}

static enum err ask(struct peers *self, struct peer *peer, const struct peers_request *request) {
    if (peer == NULL || peer->state != PEER_STATE_LIVE)
        return ERR_UNAVAILABLE;
    uint64_t id = free_id(peer);
    if (id == 0)
        return ERR_OVERLOADED;
    struct pending *pending = calloc(1, sizeof *pending);
    if (pending == NULL)
        return ERR_OVERLOADED;
    uint64_t timeout_ms = request->timeout_ms != 0
                              ? request->timeout_ms
                              : service_common(self->service)->request_timeout_ms;
    buffer_clear(&self->scratch);
    envelope_pack_request(id, request->message->name, request->trace, timeout_ms,
                          request->message->body, request->body, &self->scratch);
    if (!peer_send_scratch(peer)) {
        free(pending);
        return ERR_OVERLOADED;
    }
    int64_t now_us = loop_now_us();
    *pending = (struct pending){.id = id,
                                .message = request->message,
                                .done = request->done,
                                .argument = request->argument,
                                .trace = request->trace,
                                .seconds = seconds_of(self, request->message),
                                .asked_us = now_us,
                                .deadline_ms = now_us / 1000 + (int64_t)timeout_ms};
    peer->last_id = id;
    attach(peer, pending);
    if (request->ticket_r != NULL)
        *request->ticket_r = (struct peers_ticket){peer, id};
    return ERR_OK;
}

enum err peers_ask(struct peers *self, struct peer *peer, const struct peers_request *request) {
    enum err err = ask(self, peer, request);
    if (err != ERR_OK)
        metric_add(self->failed[err], 1);
    return err;
}

void peers_cancel(const struct peers_ticket *ticket) {
    struct buffer *out = &ticket->peer->owner->scratch;
    buffer_clear(out);
    envelope_pack(ENVELOPE_EVENT, 0, message_SERVICE_CANCEL.name, message_SERVICE_CANCEL.body,
                  &(struct service_cancel){.id = ticket->id}, out);
    /* With a full queue no more is lost than work that nobody needs. */
    (void)peer_send_scratch(ticket->peer);
}
