/* Removes expired tokens; see expired.h. */
#include "services/auth/expired.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

/* At the start, between two looks whether the database is there. */
#define DATABASE_LOOK_MS 100

/* The worker's. */
struct step {
    enum err err;
    uint64_t removed;
    bool more; /* the pass is not over */
    int64_t took_ms;
};

struct expired {
    struct pool_job job; /* the first member; on its way at most once */
    struct service *service;
    ev_timer timer;                     /* stands still while the job is on its way */
    char behind[AUTH_TOKEN_HASH_BYTES]; /* the pass goes on behind this token */
    struct step step;
    uint64_t removed; /* in this pass */
    struct metric *removed_total;
};

/* --- on a worker --------------------------------------------------------------------------- */

static enum err remove_some(struct expired *self, struct db *db, struct step *step) {
    const struct slice behind = slice_make(self->behind, sizeof self->behind);
    struct db_rows *rows;
    enum err err = db_query(db, &auth_sql_find_expired,
                            DB_ARGS(db_bytes(behind), db_u64(EXPIRED_LOOK)), &rows);
    size_t count = 0;
    while (err == ERR_OK && db_rows_next(rows)) {
        const struct slice hash = db_rows_slice(rows, 0);
        count++;
        if (db_rows_u64(rows, 1) != 0) {
            err = db_query(db, &auth_sql_remove_expired, DB_ARGS(db_bytes(hash)), NULL);
            step->removed += err == ERR_OK ? db_affected(db) : 0;
        }
        if (err == ERR_OK && hash.length == sizeof self->behind)
            memcpy(self->behind, hash.data, sizeof self->behind);
    }
    db_rows_destroy(&rows);
    step->more = err == ERR_OK && count == EXPIRED_LOOK;
    return err;
}

/* A lock of the connection: where that is lost, so is the lock. */
static void run(struct pool_job *job, struct db *db) {
    struct expired *self = (struct expired *)job;
    struct step *step = &self->step;
    const int64_t began_ms = loop_now_ms();
    struct db_rows *rows;
    step->err = db_query(db, &auth_sql_lock_expired, DB_NO_ARGS, &rows);
    bool locked = step->err == ERR_OK && db_rows_next(rows) && db_rows_u64(rows, 0) == 1;
    db_rows_destroy(&rows);
    if (!locked)
        return;
    step->err = remove_some(self, db, step);
    enum err err = db_query(db, &auth_sql_unlock_expired, DB_NO_ARGS, NULL);
    if (step->err == ERR_OK)
        step->err = err;
    step->took_ms = loop_now_ms() - began_ms;
}

/* --- on the loop --------------------------------------------------------------------------- */

static void set_timer(struct expired *self, int64_t delay_ms) {
    loop_timer_start(service_loop(self->service), &self->timer, delay_ms);
}

static int64_t pause_after(const struct step *step) {
    int64_t pause_ms = EXPIRED_REST * step->took_ms;
    return pause_ms > EXPIRED_PAUSE_MS ? pause_ms : EXPIRED_PAUSE_MS;
}

static void end_pass(struct expired *self) {
    if (self->removed > 0)
        log_info("expired_tokens_removed", "tokens=%llu", (unsigned long long)self->removed);
    self->removed = 0;
    memset(self->behind, 0, sizeof self->behind);
    set_timer(self, EXPIRED_EVERY_MS);
}

static void done(struct pool_job *job) {
    struct expired *self = (struct expired *)job;
    const struct step *step = &self->step;
    metric_add(self->removed_total, step->removed);
    self->removed += step->removed;
    if (step->err != ERR_OK)
        log_warn("expired_tokens_kept", "reason=%s", err_word(step->err));
    if (step->more)
        set_timer(self, pause_after(step));
    else
        end_pass(self);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct expired *self = timer->data;
    self->step = (struct step){0};
    /* With as much to do as there may be, this can wait. */
    if (service_waits_for_database(self->service))
        set_timer(self, DATABASE_LOOK_MS);
    else if (pool_submit(service_pool(self->service), &self->job) != 0)
        set_timer(self, EXPIRED_EVERY_MS);
}

/* --- life ---------------------------------------------------------------------------------- */

struct expired *expired_new(struct service *service) {
    struct expired *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->job = (struct pool_job){.run = run, .done = done, .deadline_ms = INT64_MAX};
    self->service = service;
    self->removed_total =
        metrics_counter(service_metrics(service), "expired_tokens_removed_total", "",
                        "Tokens of logins that were removed after they had expired.");
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    set_timer(self, EXPIRED_PAUSE_MS);
    return self;
}

void expired_destroy(struct expired **self) {
    if (*self != NULL)
        ev_timer_stop(service_loop((*self)->service), &(*self)->timer);
    free(*self);
    *self = NULL;
}
