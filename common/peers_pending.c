/* Requests to one instance; see peers_pending.h. */
#include "common/peers_pending.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/loop.h"

/* limit: peer | slots looked at for the next request | {FREE_ID_TRIES} | `overloaded` */
/* Slots that are looked at for the next request. */
#define FREE_ID_TRIES 64

struct pending {
    uint64_t id;
    struct peers_asked asked;
    struct pending *prev, *next;
};

static struct pending **slot_of(struct peers_pending *self, uint64_t id) {
    return &self->window[id % PEERS_MAX_PENDING];
}

/* Takes it out of the list and the window; the caller owns it. */
static void detach(struct peers_pending *self, struct pending *pending) {
    *slot_of(self, pending->id) = NULL;
    if (pending->prev != NULL)
        pending->prev->next = pending->next;
    else
        self->first = pending->next;
    if (pending->next != NULL)
        pending->next->prev = pending->prev;
    else
        self->last = pending->prev;
    self->count--;
}

static void attach(struct peers_pending *self, struct pending *pending) {
    *slot_of(self, pending->id) = pending;
    pending->prev = self->last;
    if (self->last != NULL)
        self->last->next = pending;
    else
        self->first = pending;
    self->last = pending;
    self->count++;
}

/* Frees `pending`. */
static void end(const struct peers_pending *self, struct pending *pending, enum err err,
                const void *reply, const char *text) {
    struct peers_asked ended = pending->asked;
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

void peers_pending_end_all(struct peers_pending *self, enum err err) {
    /* Detached all at once: a `done` may ask again, also this instance once it is live again. */
    struct pending *next = self->first;
    for (struct pending *pending = next; pending != NULL; pending = pending->next)
        *slot_of(self, pending->id) = NULL;
    self->first = self->last = NULL;
    self->count = 0;
    while (next != NULL) {
        struct pending *pending = next;
        next = pending->next;
        end(self, pending, err, NULL, NULL);
    }
}

int64_t peers_pending_sweep(struct peers_pending *self, int64_t now_ms) {
    struct pending *over = NULL, **tail = &over;
    int64_t due_ms = INT64_MAX;
    for (struct pending *pending = self->first, *next; pending != NULL; pending = next) {
        next = pending->next;
        if (pending->asked.deadline_ms > now_ms) {
            due_ms = pending->asked.deadline_ms < due_ms ? pending->asked.deadline_ms : due_ms;
            continue;
        }
        detach(self, pending);
        pending->next = NULL;
        *tail = pending;
        tail = &pending->next;
    }
    while (over != NULL) {
        struct pending *pending = over;
        over = pending->next;
        end(self, pending, ERR_TIMEOUT, NULL, NULL);
    }
    return due_ms;
}

static void take_error(const struct peers_pending *self, struct pending *pending,
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

void peers_pending_reply(struct peers_pending *self, const struct envelope *envelope,
                         const char *address) {
    struct pending *pending = *slot_of(self, envelope->id);
    if (pending == NULL || pending->id != envelope->id)
        return; /* its time was over */
    detach(self, pending);
    struct record_arena arena = {0};
    if (envelope->kind == ENVELOPE_ERROR) {
        take_error(self, pending, envelope, &arena);
    } else {
        const struct record_desc *desc = pending->asked.message->reply;
        const char *fault = "out of memory";
        void *reply = record_arena_alloc(&arena, desc->size);
        if (reply != NULL && record_unpack(desc, envelope->body, &arena, reply, &fault) == 0) {
            end(self, pending, ERR_OK, reply, "");
        } else {
            log_warn("bad_reply", "message=%s address=%s fault=\"%s\"",
                     pending->asked.message->name, address, fault);
            end(self, pending, ERR_INTERNAL, NULL, err_text(ERR_INTERNAL));
        }
    }
    record_arena_free(&arena);
}

/* The next id whose slot is free; slow requests of long ago are passed by. 0: none near. */
static uint64_t free_id(struct peers_pending *self) {
    for (uint64_t id = self->last_id + 1; id <= self->last_id + FREE_ID_TRIES; id++)
        if (*slot_of(self, id) == NULL)
            return id;
    return 0;
}

uint64_t peers_pending_add(struct peers_pending *self, const struct peers_asked *asked) {
    uint64_t id = free_id(self);
    struct pending *pending = id == 0 ? NULL : malloc(sizeof *pending);
    if (pending == NULL)
        return 0;
    *pending = (struct pending){.id = id, .asked = *asked};
    self->last_id = id;
    attach(self, pending);
    return id;
}

void peers_pending_undo(struct peers_pending *self, uint64_t id) {
    struct pending *pending = *slot_of(self, id);
    detach(self, pending);
    free(pending);
}
