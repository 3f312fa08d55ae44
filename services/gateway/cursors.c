/* Cursors' moves on their way to delivery; see cursors.h. */
#include <stdlib.h>
#include <string.h>

#include "common/loop.h"
#include "proto/messages.h"
#include "services/gateway/cursors.h"

/* Moves per request, and moves that may wait while one is on its way. */
#define CURSORS_PER_REQUEST 4096
/*
 * limit: gateway | cursors that wait; in one request | {CURSORS_MAX}; {CURSORS_PER_REQUEST} |
 * dropped and counted (`cursor_moves_dropped_total`): messages are repeated, none is lost
 */
#define CURSORS_MAX (CURSORS_WAITING_MAX / 2)

struct moves {
    uint64_t *accounts, *conversations, *cids, *from_others, *seen, *logins;
    size_t count;
};

struct cursors {
    struct cursors_options options;
    ev_timer timer;                 /* runs while something waits: the next report */
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
    moves->from_others = malloc(CURSORS_MAX * sizeof(uint64_t));
    moves->seen = malloc(CURSORS_MAX * sizeof(uint64_t));
    moves->logins = malloc(CURSORS_MAX * sizeof(uint64_t));
    return moves->accounts == NULL || moves->conversations == NULL || moves->cids == NULL ||
                   moves->from_others == NULL || moves->seen == NULL || moves->logins == NULL
               ? -1
               : 0;
}

static void moves_free(struct moves *moves) {
    free(moves->accounts);
    free(moves->conversations);
    free(moves->cids);
    free(moves->from_others);
    free(moves->seen);
    free(moves->logins);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    cursors_flush(timer->data);
}

struct cursors *cursors_new(const struct cursors_options *options) {
    struct cursors *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->options = *options;
    self->dropped = metrics_counter(service_metrics(options->service), "cursor_moves_dropped_total",
                                    "", "Cursors' moves that could not be stored.");
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    if (moves_make(&self->waiting) != 0 || moves_make(&self->asked) != 0)
        cursors_destroy(&self);
    return self;
}

void cursors_destroy(struct cursors **self_p) {
    struct cursors *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    ev_timer_stop(service_loop(self->options.service), &self->timer);
    moves_free(&self->waiting);
    moves_free(&self->asked);
    free(self);
}

/* flush_ms after the last report; a clock that waits already is not set anew. */
static void flush_later(struct cursors *self) {
    if (ev_is_active(&self->timer) || cursors_idle(self))
        return;
    int64_t passed_ms = loop_now_ms() - self->flushed_ms;
    loop_timer_start(service_loop(self->options.service), &self->timer,
                     (int64_t)self->options.flush_ms - passed_ms);
}

static void send_next(struct cursors *self);

/* Moves that fail are reported again, with the next flush. */
static void on_reply(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct cursors *self = argument;
    if (err == ERR_OK) {
        self->asked_from += self->asked_count;
        self->stored += self->asked_count;
    }
    self->asked_count = 0;
    if (err == ERR_OK)
        send_next(self);
    else
        self->flushed_ms = loop_now_ms();
    flush_later(self);
    if (err == ERR_OK)
        self->options.stored(self->options.context);
}

/* Sends the next part of `asked`, or the waiting moves when nothing is left of it. */
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
    struct peers *delivery = *self->options.delivery;
    struct delivery_advance body = {.accounts = {self->asked.accounts + from, count},
                                    .conversations = {self->asked.conversations + from, count},
                                    .cids = {self->asked.cids + from, count},
                                    .from_others = {self->asked.from_others + from, count},
                                    .seen = {self->asked.seen + from, count},
                                    .logins = {self->asked.logins + from, count}};
    if (peers_ask(delivery, peers_next(delivery),
                  &(struct peers_request){.message = &message_DELIVERY_ADVANCE,
                                          .body = &body,
                                          .timeout_ms = self->options.timeout_ms,
                                          .done = on_reply,
                                          .argument = self}) == ERR_OK)
        self->asked_count = count;
}

bool cursors_add(struct cursors *self, const struct written *written) {
    struct moves *waiting = &self->waiting;
    if (waiting->count == CURSORS_MAX) {
        metric_add(self->dropped, 1);
        return false;
    }
    waiting->accounts[waiting->count] = written->account;
    waiting->conversations[waiting->count] = written->conversation;
    waiting->from_others[waiting->count] = written->from_others;
    waiting->seen[waiting->count] = written->seen;
    waiting->logins[waiting->count] = written->login;
    waiting->cids[waiting->count++] = written->cid;
    self->added++;
    flush_later(self);
    return true;
}

void cursors_flush(struct cursors *self) {
    self->flushed_ms = loop_now_ms();
    ev_timer_stop(service_loop(self->options.service), &self->timer);
    send_next(self);
    flush_later(self);
}

uint64_t cursors_added(const struct cursors *self) { return self->added; }

uint64_t cursors_stored(const struct cursors *self) { return self->stored; }

bool cursors_idle(const struct cursors *self) {
    return self->waiting.count == 0 && self->asked_from == self->asked.count;
}

size_t cursors_waiting(const struct cursors *self) {
    return self->waiting.count + self->asked.count - self->asked_from;
}
