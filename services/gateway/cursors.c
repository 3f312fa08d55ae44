/*
 * What has reached clients, told to delivery in bulk.
 *
 * Losing a cursor's move repeats messages and loses none, so what cannot be told within
 * CURSORS_MAX moves is dropped.
 */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "services/gateway/cursors.h"
#include "services/gateway/feed.h"
#include "services/gateway/gateway.h"
#include "services/gateway/received.h"

/* Moves per request, and moves that may wait while one is on its way. */
#define CURSORS_PER_REQUEST 4096
#define CURSORS_MAX (CURSORS_WAITING_MAX / 2)

struct moves {
    uint64_t *accounts, *conversations, *cids;
    size_t count;
};

struct cursors {
    struct gateway *gateway;
    struct moves waiting, asked;    /* each with room for CURSORS_MAX */
    size_t asked_from, asked_count; /* the part of `asked` that is on its way */
    uint64_t added, stored;         /* moves, ever */
    int64_t flushed_ms;
    struct metric *dropped;
};

static int moves_make(struct moves *moves) {
    moves->accounts = malloc(CURSORS_MAX * sizeof(uint64_t));
    moves->conversations = malloc(CURSORS_MAX * sizeof(uint64_t));
    moves->cids = malloc(CURSORS_MAX * sizeof(uint64_t));
    return moves->accounts == NULL || moves->conversations == NULL || moves->cids == NULL ? -1 : 0;
}

static void moves_free(struct moves *moves) {
    free(moves->accounts);
    free(moves->conversations);
    free(moves->cids);
}

struct cursors *cursors_new(struct gateway *gateway) {
    struct cursors *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->gateway = gateway;
    self->dropped = metrics_counter(service_metrics(gateway->service), "cursor_moves_dropped_total",
                                    "", "Cursors' moves that could not be stored.");
    if (moves_make(&self->waiting) != 0 || moves_make(&self->asked) != 0)
        cursors_destroy(&self);
    return self;
}

void cursors_destroy(struct cursors **self_p) {
    if (*self_p != NULL) {
        moves_free(&(*self_p)->waiting);
        moves_free(&(*self_p)->asked);
    }
    free(*self_p);
    *self_p = NULL;
}

static void send_next(struct cursors *self);

static void answered(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct gateway *gateway = argument;
    struct cursors *self = gateway->cursors;
    if (err == ERR_OK) {
        self->asked_from += self->asked_count;
        self->stored += self->asked_count;
    }
    self->asked_count = 0;
    if (err == ERR_OK) {
        send_next(self);                       /* after an error: at the next flush */
        received_tick(gateway, loop_now_ms()); /* who waited for this is answered */
        feed_tick(gateway, loop_now_ms());     /* and reads on */
    }
}

/* The next part of `asked`, or what waits when there is none left of it. */
static void send_next(struct cursors *self) {
    if (self->asked_count > 0)
        return;
    if (self->asked_from == self->asked.count) {
        struct moves empty = self->asked;
        empty.count = 0;
        self->asked = self->waiting;
        self->waiting = empty;
        self->asked_from = 0;
    }
    size_t left = self->asked.count - self->asked_from, from = self->asked_from;
    size_t count = left < CURSORS_PER_REQUEST ? left : CURSORS_PER_REQUEST;
    if (count == 0)
        return;
    struct gateway *gateway = self->gateway;
    struct peers *delivery = gateway->delivery;
    struct delivery_advance body = {.accounts = {self->asked.accounts + from, count},
                                    .conversations = {self->asked.conversations + from, count},
                                    .cids = {self->asked.cids + from, count}};
    if (peers_ask(delivery, peers_next(delivery),
                  &(struct peers_request){.message = &message_DELIVERY_ADVANCE,
                                          .body = &body,
                                          .timeout_ms = gateway->settings.send_timeout_ms,
                                          .done = answered,
                                          .argument = gateway}) == ERR_OK)
        self->asked_count = count;
}

bool cursors_add(struct gateway *gateway, const struct written *written) {
    struct moves *waiting = &gateway->cursors->waiting;
    if (waiting->count == CURSORS_MAX) {
        metric_add(gateway->cursors->dropped, 1);
        return false;
    }
    waiting->accounts[waiting->count] = written->account;
    waiting->conversations[waiting->count] = written->conversation;
    waiting->cids[waiting->count++] = written->cid;
    gateway->cursors->added++;
    return true;
}

void cursors_flush(struct gateway *gateway) {
    gateway->cursors->flushed_ms = loop_now_ms();
    send_next(gateway->cursors);
}

uint64_t cursors_added(const struct gateway *gateway) { return gateway->cursors->added; }

uint64_t cursors_stored(const struct gateway *gateway) { return gateway->cursors->stored; }

bool cursors_idle(const struct gateway *gateway) {
    const struct cursors *self = gateway->cursors;
    return self->waiting.count == 0 && self->asked_from == self->asked.count;
}

size_t cursors_waiting(const struct cursors *self) {
    return self->waiting.count + self->asked.count - self->asked_from;
}

void cursors_tick(struct gateway *gateway, int64_t now_ms) {
    struct cursors *self = gateway->cursors;
    if (now_ms - self->flushed_ms >= (int64_t)gateway->settings.cursor_flush_ms)
        cursors_flush(gateway);
}
