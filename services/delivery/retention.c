/* Removes old entries of the message log; see retention.h. */
#include "services/delivery/retention.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/delivery/delivery_sql.h"

#define DAY_MS ((uint64_t)86400000)
/* At the start, between two looks whether the database is there. */
#define DATABASE_LOOK_MS 100

/* The worker's. */
struct step {
    enum err err;
    uint64_t now_ms;  /* by the database's clock */
    uint64_t next;    /* the pass goes on behind this conversation */
    uint64_t removed; /* entries */
    bool elsewhere;   /* another instance is at it */
    bool more;        /* the pass is not over */
    int64_t pause_ms;
};

struct retention {
    struct pool_job job; /* the first member; on its way at most once */
    struct service *service;
    uint64_t days;
    ev_timer timer; /* stands still while the job is on its way */
    struct step step;
    uint64_t failed, removed; /* steps in a row; entries, in this pass */
    struct metric *removed_total;
};

/* A conversation that may have something to be removed. */
struct candidate {
    uint64_t id, days, oldest_ms;
};

/* --- a conversation ------------------------------------------------------------------------ */

/* The last of its first RETENTION_ROWS entries that is older than `before_ms`; 0: none is. `all_r`:
 * none is behind it. */
static enum err find_cut(struct db *db, uint64_t conversation, uint64_t before_ms, uint64_t *cut_r,
                         size_t *count_r, bool *all_r) {
    struct db_rows *rows;
    *cut_r = *count_r = 0;
    *all_r = false;
    enum err err = db_query(db, &delivery_sql_oldest,
                            DB_ARGS(db_u64(conversation), db_u64(RETENTION_ROWS + 1)), &rows);
    if (err != ERR_OK)
        return err;
    while (*count_r < RETENTION_ROWS && db_rows_next(rows) && db_rows_u64(rows, 1) < before_ms) {
        *cut_r = db_rows_u64(rows, 0);
        ++*count_r;
    }
    *all_r = *count_r == db_rows_count(rows);
    db_rows_destroy(&rows);
    return ERR_OK;
}

/* In one transaction, so that a text that is there has its reactions and its file. */
static enum err remove_until(struct db *db, uint64_t conversation, uint64_t cut, bool all) {
    const struct db_value id = db_u64(conversation), cid = db_u64(cut);
    enum err err = db_begin(db);
    if (err == ERR_OK && all)
        err = db_query(db, &delivery_sql_set_removed, DB_ARGS(cid, id), NULL);
    if (err == ERR_OK)
        err = db_query(db, &delivery_sql_remove_reactions, DB_ARGS(id, cid), NULL);
    if (err == ERR_OK)
        err = db_query(db, &delivery_sql_remove_file_uses, DB_ARGS(id, cid), NULL);
    if (err == ERR_OK)
        err = db_query(db, &delivery_sql_remove, DB_ARGS(id, cid), NULL);
    if (err == ERR_OK)
        return db_commit(db);
    db_rollback(db);
    return err;
}

/* Not all that is old, where that is more than one transaction removes. */
static enum err remove_some(struct db *db, const struct candidate *candidate, struct step *step) {
    uint64_t cut;
    size_t count;
    bool all;
    enum err err =
        find_cut(db, candidate->id, step->now_ms - candidate->days * DAY_MS, &cut, &count, &all);
    if (err == ERR_OK && count > 0)
        err = remove_until(db, candidate->id, cut, all);
    if (err != ERR_OK)
        return err;
    step->removed += count;
    if (count == RETENTION_ROWS && !all)
        step->more = true;
    else
        step->next = candidate->id;
    return ERR_OK;
}

/* --- a step -------------------------------------------------------------------------------- */

static bool is_old(const struct candidate *candidate, uint64_t now_ms) {
    return candidate->days > 0 && candidate->oldest_ms > 0 &&
           candidate->oldest_ms + candidate->days * DAY_MS < now_ms;
}

/* Without days that hold for all, only groups may have some of their own. */
static enum err find_candidates(const struct retention *self, struct db *db,
                                const struct step *step, struct db_rows **rows_r) {
    uint64_t after = step->next, before = UINT64_MAX;
    if (self->days == 0) {
        before = conversation_of_account(0);
        if (after < conversation_of_group(0))
            after = conversation_of_group(0);
    }
    return db_query(db, &delivery_sql_candidates,
                    DB_ARGS(db_u64(after), db_u64(before), db_u64(RETENTION_LOOK)), rows_r);
}

/* From one conversation to the next, until one has to be looked at again or time is up. */
static enum err look_at_some(const struct retention *self, struct db *db, struct step *step) {
    const int64_t end_ms = loop_now_ms() + RETENTION_STEP_MS;
    struct db_rows *rows;
    enum err err = find_candidates(self, db, step, &rows);
    bool last = err == ERR_OK && db_rows_count(rows) < RETENTION_LOOK;
    while (err == ERR_OK && !step->more && db_rows_next(rows)) {
        const struct candidate candidate = {.id = db_rows_u64(rows, 0),
                                            .days = db_rows_null(rows, 1) ? self->days
                                                                          : db_rows_u64(rows, 1),
                                            .oldest_ms = db_rows_u64(rows, 2)};
        if (is_old(&candidate, step->now_ms))
            err = remove_some(db, &candidate, step);
        else
            step->next = candidate.id;
        step->more = step->more || loop_now_ms() >= end_ms;
    }
    step->more = step->more || !last;
    db_rows_destroy(&rows);
    return err;
}

/* Goes on with the pass, or begins one that is due. */
static enum err go_on(const struct retention *self, struct db *db, struct step *step) {
    const int64_t began_ms = loop_now_ms();
    struct db_rows *rows;
    enum err err = db_query(db, &delivery_sql_retention, DB_NO_ARGS, &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_INTERNAL;
    uint64_t due_ms = err == ERR_OK ? db_rows_u64(rows, 1) : 0;
    step->next = err == ERR_OK ? db_rows_u64(rows, 0) : 0;
    db_rows_destroy(&rows);
    step->pause_ms = RETENTION_EVERY_MS;
    if (err == ERR_OK && due_ms > step->now_ms) {
        if (due_ms - step->now_ms < RETENTION_EVERY_MS)
            step->pause_ms = (int64_t)(due_ms - step->now_ms);
        return ERR_OK;
    }
    if (err == ERR_OK)
        err = look_at_some(self, db, step);
    if (err != ERR_OK)
        return err;
    if (step->more) {
        step->pause_ms = RETENTION_REST * (loop_now_ms() - began_ms);
        if (step->pause_ms < RETENTION_PAUSE_MS)
            step->pause_ms = RETENTION_PAUSE_MS;
    } else {
        step->next = 0;
        due_ms = step->now_ms + RETENTION_EVERY_MS;
    }
    return db_query(db, &delivery_sql_move_retention, DB_ARGS(db_u64(step->next), db_u64(due_ms)),
                    NULL);
}

/* A lock of the connection: where that is lost, so is the lock. */
static void run(struct pool_job *job, struct db *db) {
    struct retention *self = (struct retention *)job;
    struct step *step = &self->step;
    struct db_rows *rows;
    bool locked = false;
    step->err = db_query(db, &delivery_sql_lock_retention, DB_NO_ARGS, &rows);
    if (step->err == ERR_OK && db_rows_next(rows)) {
        locked = db_rows_u64(rows, 0) == 1;
        step->now_ms = db_rows_u64(rows, 1);
    }
    db_rows_destroy(&rows);
    step->elsewhere = step->err == ERR_OK && !locked;
    if (!locked)
        return;
    step->err = go_on(self, db, step);
    enum err err = db_query(db, &delivery_sql_unlock_retention, DB_NO_ARGS, NULL);
    if (step->err == ERR_OK)
        step->err = err;
}

/* --- on the loop --------------------------------------------------------------------------- */

static void set_timer(struct retention *self, int64_t delay_ms) {
    loop_timer_start(service_loop(self->service), &self->timer, delay_ms);
}

static void done(struct pool_job *job) {
    struct retention *self = (struct retention *)job;
    const struct step *step = &self->step;
    if (step->err != ERR_OK && self->failed++ == 0)
        log_warn("retention_failed", "reason=%s", err_word(step->err));
    if (step->err == ERR_OK)
        self->failed = 0;
    if (step->elsewhere)
        log_debug("retention_elsewhere", "retry_ms=%d", RETENTION_RETRY_MS);
    self->removed += step->removed;
    metric_add(self->removed_total, step->removed);
    if (self->removed > 0 && !step->more) {
        log_info("entries_removed", "entries=%llu", (unsigned long long)self->removed);
        self->removed = 0;
    }
    set_timer(self, step->err == ERR_OK ? step->pause_ms : RETENTION_RETRY_MS);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct retention *self = timer->data;
    self->step = (struct step){.pause_ms = RETENTION_RETRY_MS};
    /* With as much to do as there may be, this can wait. */
    if (service_waits_for_database(self->service))
        set_timer(self, DATABASE_LOOK_MS);
    else if (pool_submit(service_pool(self->service), &self->job) != 0)
        set_timer(self, RETENTION_RETRY_MS);
}

/* --- life ---------------------------------------------------------------------------------- */

struct retention *retention_new(struct service *service, uint64_t days) {
    struct retention *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->job = (struct pool_job){.run = run, .done = done, .deadline_ms = INT64_MAX};
    self->service = service;
    self->days = days;
    self->removed_total =
        metrics_counter(service_metrics(service), "entries_removed_total", "",
                        "Entries that were removed because they were older than they are kept.");
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    set_timer(self, RETENTION_PAUSE_MS);
    return self;
}

void retention_destroy(struct retention **self) {
    if (*self != NULL)
        ev_timer_stop(service_loop((*self)->service), &(*self)->timer);
    free(*self);
    *self = NULL;
}
