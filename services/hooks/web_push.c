/* Wakes browsers; see web_push.h. */
#include "services/hooks/web_push.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/loop.h"
#include "services/hooks/hooks_sql.h"
#include "services/hooks/web_push_read.h"

/* no limit: a header's line */
#define HEADER_BYTES (WEB_PUSH_AUTHORIZATION_ROOM + 32)
#define STATUS_NOT_FOUND 404
#define STATUS_GONE 410

enum state {
    IDLE,
    READING, /* the job is on its way */
    POSTING,
    STORING, /* the job is on its way */
    WAITING  /* for the timer: messages are sent again, or the place is stored again */
};

/* A message on its way. */
struct sending {
    struct web_push *owner;
    struct web_push_message *message;
    struct post *post; /* NULL: it is not */
};

struct web_push {
    struct pool_job job; /* the first member; on its way at most once */
    struct hooks *hooks;
    uint64_t instance, number;
    enum state state;
    bool stopped, released, lost;
    uint64_t newest;
    ev_timer timer;
    struct web_push_batch batch; /* the worker's while the job is on its way */
    struct sending sendings[WEB_PUSH_MESSAGES];
    size_t on_their_way;
    unsigned attempts;
    enum err err;
    bool found_lost;
};

static void go_on(struct web_push *self);

static void web_push_free(struct web_push *self) {
    ev_timer_stop(service_loop(self->hooks->service), &self->timer);
    for (size_t i = 0; i < WEB_PUSH_MESSAGES; i++)
        post_cancel(&self->sendings[i].post);
    free(self->batch.messages);
    free(self);
}

static void wait(struct web_push *self) {
    self->state = WAITING;
    loop_timer_start(service_loop(self->hooks->service), &self->timer, WEB_PUSH_PAUSE_MS);
}

static void submit(struct web_push *self, enum state state,
                   void (*run)(struct pool_job *, struct db *)) {
    self->state = state;
    self->job.run = run;
    if (pool_submit(service_pool(self->hooks->service), &self->job) != 0)
        wait(self);
}

/* --- storing --------------------------------------------------------------------------------- */

/* A subscription that was renewed meanwhile has another address, and may end with the former one:
 * the browser subscribes anew when its page is opened. */
static void run_store(struct pool_job *job, struct db *db) {
    struct web_push *self = (struct web_push *)job;
    const struct web_push_batch *batch = &self->batch;
    uint64_t taken = 0;
    self->err = ERR_OK;
    for (size_t i = 0; i < batch->count && self->err == ERR_OK; i++) {
        const struct web_push_message *message = &batch->messages[i];
        taken += message->state == WEB_PUSH_TAKEN;
        if (message->state == WEB_PUSH_GONE)
            self->err = db_query(db, &hooks_sql_unsubscribe,
                                 DB_ARGS(db_u64(message->account), db_u64(message->login)), NULL);
    }
    if (self->err == ERR_OK)
        self->err = db_query(db, &hooks_sql_told,
                             DB_ARGS(db_u64(batch->upto), db_u64(taken), db_u64(0),
                                     db_u64(self->number), db_u64(self->instance)),
                             NULL);
    self->found_lost = self->err == ERR_OK && db_affected(db) == 0;
}

static void count(struct web_push *self) {
    const struct hooks_counts *counts = &self->hooks->counts;
    for (size_t i = 0; i < self->batch.count; i++) {
        const enum web_push_state state = self->batch.messages[i].state;
        metric_add(counts->pushes, state == WEB_PUSH_TAKEN);
        metric_add(counts->pushes_gone, state == WEB_PUSH_GONE);
        metric_add(counts->pushes_failed, state == WEB_PUSH_FAILED);
    }
}

static void after_store(struct web_push *self) {
    self->lost = self->found_lost;
    count(self);
    self->batch.place = self->batch.upto;
    self->batch.count = 0;
    self->state = IDLE;
    go_on(self);
}

/* --- sending --------------------------------------------------------------------------------- */

static void send_due(struct web_push *self);

static void end_round(struct web_push *self) {
    bool due = false;
    for (size_t i = 0; i < self->batch.count; i++)
        due = due || self->batch.messages[i].state == WEB_PUSH_DUE;
    if (due && self->attempts < WEB_PUSH_ATTEMPTS) {
        wait(self);
        return;
    }
    for (size_t i = 0; i < self->batch.count; i++)
        if (self->batch.messages[i].state == WEB_PUSH_DUE)
            self->batch.messages[i].state = WEB_PUSH_FAILED;
    submit(self, STORING, run_store);
}

/* What the service refuses for good is not tried again. */
static enum web_push_state judge(long status) {
    if (status / 100 == 2)
        return WEB_PUSH_TAKEN;
    if (status == STATUS_NOT_FOUND || status == STATUS_GONE)
        return WEB_PUSH_GONE;
    return status == 0 || status == 429 || status / 100 == 5 ? WEB_PUSH_DUE : WEB_PUSH_FAILED;
}

static void on_sent(void *argument, const struct post_result *result) {
    struct sending *sending = argument;
    struct web_push *self = sending->owner;
    sending->post = NULL;
    sending->message->state = judge(result->status);
    if (--self->on_their_way == 0)
        end_round(self);
}

static struct post *send_one(struct web_push *self, struct sending *sending) {
    const struct web_push_message *message = sending->message;
    char authorization[HEADER_BYTES], kept[64];
    snprintf(authorization, sizeof authorization, "Authorization: %s", message->authorization);
    snprintf(kept, sizeof kept, "TTL: %d", WEB_PUSH_KEPT_S);
    const char *const headers[] = {"Content-Type: application/octet-stream",
                                   "Content-Encoding: aes128gcm",
                                   "Expect:",
                                   kept,
                                   authorization,
                                   NULL};
    return poster_send(
        self->hooks->push_poster,
        &(struct post_request){.url = message->endpoint,
                               .headers = headers,
                               .body = slice_make((const char *)message->body, message->length),
                               .timeout_ms = self->hooks->settings.hook_timeout_ms,
                               .done = on_sent,
                               .argument = sending});
}

/* libcurl takes all of them, and answers from the loop. */
static void send_due(struct web_push *self) {
    self->state = POSTING;
    self->attempts++;
    for (size_t i = 0; i < self->batch.count; i++) {
        struct sending *sending = &self->sendings[i];
        *sending = (struct sending){.owner = self, .message = &self->batch.messages[i]};
        if (sending->message->state != WEB_PUSH_DUE)
            continue;
        sending->post = send_one(self, sending);
        self->on_their_way += sending->post != NULL;
    }
    if (self->on_their_way == 0)
        end_round(self);
}

/* --- reading --------------------------------------------------------------------------------- */

static void run_read(struct pool_job *job, struct db *db) {
    struct web_push *self = (struct web_push *)job;
    self->err = web_push_read(self->hooks, db, &self->batch);
}

static void on_done(struct pool_job *job) {
    struct web_push *self = (struct web_push *)job;
    const enum err err = job->dropped != ERR_OK ? job->dropped : self->err;
    if (self->released) {
        web_push_free(self);
    } else if (err != ERR_OK) {
        if (self->state == READING)
            self->batch.count = 0;
        wait(self);
    } else if (self->state == STORING) {
        after_store(self);
    } else {
        self->attempts = 0;
        send_due(self);
    }
}

/* A batch with nothing that is due waits to be stored; one with nothing at all, to be read. */
static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct web_push *self = timer->data;
    self->state = IDLE;
    if (self->stopped)
        return;
    if (self->batch.count > 0)
        send_due(self);
    else
        go_on(self);
}

static void go_on(struct web_push *self) {
    if (self->state != IDLE || self->stopped || self->lost || self->batch.place >= self->newest)
        return;
    self->batch.newest = self->newest;
    self->batch.now_s = (uint64_t)loop_wall_ms() / 1000;
    submit(self, READING, run_read);
}

void web_push_wake(struct web_push *self, uint64_t newest) {
    self->newest = newest;
    go_on(self);
}

bool web_push_has_lost(const struct web_push *self) { return self->lost; }

/* --- life ------------------------------------------------------------------------------------ */

struct web_push *web_push_new(struct hooks *hooks, uint64_t instance, const struct hook_row *row) {
    struct web_push *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->batch.messages = calloc(WEB_PUSH_MESSAGES, sizeof *self->batch.messages);
    if (self->batch.messages == NULL) {
        free(self);
        return NULL;
    }
    self->job = (struct pool_job){.done = on_done, .deadline_ms = INT64_MAX};
    self->hooks = hooks;
    self->instance = instance;
    self->number = row->number;
    self->batch.place = row->seq;
    ev_init(&self->timer, on_timer);
    self->timer.data = self;
    return self;
}

void web_push_stop(struct web_push *self) { self->stopped = true; }

bool web_push_is_busy(const struct web_push *self) {
    return self->state == READING || self->state == POSTING || self->state == STORING;
}

void web_push_release(struct web_push **self_p) {
    struct web_push *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    self->released = true;
    if (self->state != READING && self->state != STORING)
        web_push_free(self);
}
