/* Tells one hook; see teller.h. */
#include "services/hooks/teller.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/hooks/batch_read.h"
#include "services/hooks/hooks_sql.h"

/* no limit: texts, with the 0 at their end */
#define ID_BYTES 96
#define MINUTE_MS 60000
/* no limit: the pause doubles no further, and is bounded by an option before */
#define DOUBLINGS_MAX 20
/* "Gone": whoever is there wants no more. */
#define STATUS_GONE 410

enum state {
    IDLE,
    READING, /* the job is on its way */
    POSTING,
    STORING, /* the job is on its way: the place behind a batch, or why it was not taken */
    WAITING, /* for the timer: the batch is posted again, or stored again */
    PARKED
};

struct teller {
    struct pool_job job; /* the first member; on its way at most once */
    struct hooks *hooks;
    uint64_t instance;
    struct hook_row row;
    enum state state;
    bool released; /* it goes when the job is back */
    bool stopped;  /* nothing more is begun */
    bool lost;     /* the hook is gone, or another instance's */
    uint64_t newest;
    ev_timer timer;

    /* The batch in hand; a worker's while the job is on its way. */
    struct batch_read batch;
    struct event_text text;
    char id[ID_BYTES];
    struct post *post;
    bool taken; /* it got its 2xx */
    bool gone;  /* its last answer was 410 */
    unsigned attempts;
    int64_t retry_after_ms;
    char fault[POSTER_FAULT_BYTES];
    enum err err;                  /* of the job */
    bool found_lost, found_parked; /* ... and what it found */

    struct event_presence *presence; /* that waits */
    size_t presence_count;
};

static void go_on(struct teller *self);

static void teller_free(struct teller *self) {
    ev_timer_stop(service_loop(self->hooks->service), &self->timer);
    post_cancel(&self->post);
    buffer_free(&self->text.json);
    sodium_memzero(self->row.secret, sizeof self->row.secret);
    free(self->presence);
    free(self);
}

static void set_timer(struct teller *self, int64_t delay_ms) {
    self->state = WAITING;
    loop_timer_start(service_loop(self->hooks->service), &self->timer, delay_ms);
}

static void forget_batch(struct teller *self) {
    buffer_free(&self->text.json);
    self->text.count = 0;
    self->taken = false;
    self->attempts = 0;
}

static void submit(struct teller *self, enum state state,
                   void (*run)(struct pool_job *, struct db *)) {
    self->state = state;
    self->job.run = run;
    if (pool_submit(service_pool(self->hooks->service), &self->job) == 0)
        return;
    if (state == READING)
        forget_batch(self);
    set_timer(self, TELLER_STORE_MS);
}

/* --- storing --------------------------------------------------------------------------------- */

static enum err store_taken(struct teller *self, struct db *db) {
    enum err err = db_query(db, &hooks_sql_told,
                            DB_ARGS(db_u64(self->batch.upto), db_u64(self->text.count),
                                    db_u64(self->batch.lost), db_u64(self->row.number),
                                    db_u64(self->instance)),
                            NULL);
    self->found_lost = err == ERR_OK && db_affected(db) == 0;
    return err;
}

static enum err store_fault(struct teller *self, struct db *db) {
    const struct db_value number = db_u64(self->row.number), instance = db_u64(self->instance);
    struct db_rows *rows = NULL;
    enum err err = db_query(db, &hooks_sql_failed,
                            DB_ARGS(db_text(slice_text(self->fault)), db_u64(self->gone),
                                    db_u64(self->hooks->settings.hook_park_minutes * MINUTE_MS),
                                    number, instance),
                            NULL);
    if (err == ERR_OK)
        err = db_query(db, &hooks_sql_parked, DB_ARGS(number, instance), &rows);
    self->found_lost = err == ERR_OK && !db_rows_next(rows);
    self->found_parked = err == ERR_OK && !self->found_lost && !db_rows_null(rows, 0);
    db_rows_destroy(&rows);
    return err;
}

static void run_store(struct pool_job *job, struct db *db) {
    struct teller *self = (struct teller *)job;
    self->err = self->taken ? store_taken(self, db) : store_fault(self, db);
}

static void after_taken(struct teller *self) {
    metric_add(self->hooks->counts.events, self->text.count);
    metric_add(self->hooks->counts.lost, self->batch.lost);
    self->row.seq = self->batch.upto;
    self->row.failing = false;
    self->state = IDLE;
    forget_batch(self);
    go_on(self);
}

static int64_t pause_ms(const struct teller *self) {
    const int64_t most = (int64_t)self->hooks->settings.hook_retry_max_ms;
    const unsigned doublings = self->attempts < DOUBLINGS_MAX ? self->attempts : DOUBLINGS_MAX;
    int64_t pause = (int64_t)TELLER_PAUSE_MS << doublings;
    pause = pause < most ? pause : most;
    pause = pause / 2 + (int64_t)randombytes_uniform((uint32_t)(pause / 2 + 1));
    const int64_t asked = self->retry_after_ms < most ? self->retry_after_ms : most;
    return pause > asked ? pause : asked;
}

static void after_fault(struct teller *self) {
    if (!self->row.failing)
        log_warn("hook_failing", "hook=%s reason=\"%s\"", self->row.name, self->fault);
    self->row.failing = true;
    self->row.parked = self->found_parked;
    if (!self->row.parked) {
        set_timer(self, pause_ms(self));
        self->attempts++;
        return;
    }
    log_error("hook_parked", "hook=%s reason=\"%s\"", self->row.name, self->fault);
    self->state = PARKED;
    forget_batch(self);
}

static void store(struct teller *self) { submit(self, STORING, run_store); }

/* --- posting --------------------------------------------------------------------------------- */

static void on_posted(void *argument, const struct post_result *result) {
    struct teller *self = argument;
    self->post = NULL;
    self->taken = result->status / 100 == 2;
    self->gone = result->status == STATUS_GONE;
    self->retry_after_ms = result->retry_after_ms;
    snprintf(self->fault, sizeof self->fault, "%s", result->fault);
    if (!self->taken)
        metric_add(self->hooks->counts.posts_failed, 1);
    store(self);
}

static void post(struct teller *self) {
    const struct slice body = slice_make(self->text.json.data, self->text.json.length);
    struct signature_headers headers;
    signature_headers_make(slice_text(self->row.secret), self->id, body, &headers);
    metric_add(self->hooks->counts.posts, 1);
    self->state = POSTING;
    self->post =
        poster_send(self->hooks->poster,
                    &(struct post_request){.url = self->row.url,
                                           .headers = headers.lines,
                                           .body = body,
                                           .timeout_ms = self->hooks->settings.hook_timeout_ms,
                                           .done = on_posted,
                                           .argument = self});
    if (self->post == NULL)
        on_posted(self, &(struct post_result){.fault = "out of memory, or no address"});
}

/* --- reading --------------------------------------------------------------------------------- */

static void run_read(struct pool_job *job, struct db *db) {
    struct teller *self = (struct teller *)job;
    self->err = batch_read(db, &self->row, &self->batch, &self->text);
}

/* The same place gives the same id again after a crash, if as much is there to read. */
static void name_batch(struct teller *self) {
    if (self->batch.upto > self->row.seq)
        snprintf(self->id, sizeof self->id, "hook-%" PRIu64 "-%" PRIu64 "-%" PRIu64,
                 self->row.number, self->row.seq + 1, self->batch.upto);
    else
        snprintf(self->id, sizeof self->id, "hook-%" PRIu64 "-live-%08" PRIx32 "%08" PRIx32,
                 self->row.number, randombytes_random(), randombytes_random());
}

static void after_read(struct teller *self) {
    for (size_t i = 0; i < self->presence_count; i++)
        events_add_presence(&self->text, &self->presence[i]);
    self->presence_count = 0;
    events_end(&self->text);
    if (self->stopped) {
        self->state = IDLE;
        forget_batch(self);
        return;
    }
    if (self->batch.lost > 0)
        log_warn("hook_lost", "hook=%s rows=%" PRIu64, self->row.name, self->batch.lost);
    if (self->text.json.failed) { /* no memory, for now */
        forget_batch(self);
        set_timer(self, TELLER_PAUSE_MS);
        return;
    }
    name_batch(self);
    self->taken = self->text.count == 0;
    if (!self->taken)
        post(self);
    else
        store(self);
}

static void read_next(struct teller *self) {
    self->text = events_begin(self->row.name, (uint64_t)loop_wall_ms());
    self->batch = (struct batch_read){.newest = self->newest,
                                      .most_events = self->hooks->settings.hook_batch_events,
                                      .with_text = self->hooks->settings.push_text};
    submit(self, READING, run_read);
}

/* --- the loop -------------------------------------------------------------------------------- */

static void after_store(struct teller *self) {
    self->lost = self->found_lost;
    if (self->lost) {
        self->state = PARKED; /* until reader.h has looked */
        forget_batch(self);
    } else if (self->taken) {
        after_taken(self);
    } else {
        after_fault(self);
    }
}

/* While the database is away, the same is done again; what is read is read anew. */
static void on_done(struct pool_job *job) {
    struct teller *self = (struct teller *)job;
    if (self->released) {
        teller_free(self);
        return;
    }
    enum err err = job->dropped != ERR_OK ? job->dropped : self->err;
    if (self->state == READING && err == ERR_OK)
        after_read(self);
    else if (self->state == STORING && err == ERR_OK)
        after_store(self);
    else if (self->state == READING) {
        forget_batch(self);
        set_timer(self, TELLER_STORE_MS);
    } else {
        set_timer(self, TELLER_STORE_MS);
    }
}

/* With a batch that was taken it is stored again, with another one posted again. */
static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct teller *self = timer->data;
    if (self->text.json.data == NULL) {
        self->state = IDLE;
        go_on(self);
    } else if (self->stopped) {
        self->state = IDLE;
    } else if (self->taken) {
        store(self);
    } else {
        post(self);
    }
}

static void go_on(struct teller *self) {
    if (self->state == IDLE && !self->stopped &&
        (self->row.seq < self->newest || self->presence_count > 0))
        read_next(self);
}

void teller_wake(struct teller *self, uint64_t newest) {
    self->newest = newest;
    go_on(self);
}

void teller_set(struct teller *self, const struct hook_row *row) {
    self->row.parked = row->parked;
    if (self->lost || row->failing)
        return;
    self->row.failing = false;
    if (self->state == WAITING)
        loop_timer_start(service_loop(self->hooks->service), &self->timer, 0);
    if (self->state == PARKED && !row->parked)
        self->state = IDLE;
    go_on(self);
}

void teller_add_presence(struct teller *self, const struct event_presence *presence) {
    if ((self->row.selection.families & HOOK_FAMILY_PRESENCE) == 0)
        return;
    const struct selection_about about = {.family = HOOK_FAMILY_PRESENCE,
                                          .accounts = {presence->number}};
    if (!selection_takes(&self->row.selection, &about))
        return;
    if (self->state == PARKED || self->presence_count == TELLER_PRESENCE_MAX) {
        metric_add(self->hooks->counts.live_dropped, 1);
        return;
    }
    self->presence[self->presence_count++] = *presence;
    go_on(self);
}

uint64_t teller_number(const struct teller *self) { return self->row.number; }

uint64_t teller_behind(const struct teller *self) {
    return self->newest > self->row.seq ? self->newest - self->row.seq : 0;
}

bool teller_wants_offline(const struct teller *self) {
    return (self->row.selection.families & HOOK_FAMILY_OFFLINE) != 0;
}
bool teller_is_parked(const struct teller *self) { return self->row.parked; }
bool teller_is_failing(const struct teller *self) { return self->row.failing; }
bool teller_has_lost(const struct teller *self) { return self->lost; }

/* --- life ------------------------------------------------------------------------------------ */

struct teller *teller_new(struct hooks *hooks, uint64_t instance, const struct hook_row *row) {
    struct teller *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->presence = calloc(TELLER_PRESENCE_MAX, sizeof *self->presence);
    if (self->presence == NULL) {
        free(self);
        return NULL;
    }
    self->job = (struct pool_job){.done = on_done, .deadline_ms = INT64_MAX};
    self->hooks = hooks;
    self->instance = instance;
    self->row = *row;
    self->state = row->parked ? PARKED : IDLE;
    ev_init(&self->timer, on_timer);
    self->timer.data = self;
    return self;
}

void teller_stop(struct teller *self) { self->stopped = true; }

bool teller_is_busy(const struct teller *self) {
    return self->state == READING || self->state == POSTING || self->state == STORING;
}

void teller_release(struct teller **self_p) {
    struct teller *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    self->released = true;
    if (self->state != READING && self->state != STORING)
        teller_free(self);
}
