/* Keeps house; see house.h. */
#include "services/files/house.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/files/files_row.h"
#include "services/files/files_sql.h"

/* At the start, between two looks whether the database is there. */
#define DATABASE_LOOK_MS 100

/* The worker's. */
struct step {
    enum err err;
    uint64_t removed;
    bool more, counted;
    uint64_t files, bytes, uploads;
    int64_t took_ms;
};

struct house {
    struct pool_job job; /* the first member; on its way at most once */
    struct service *service;
    struct files *files;
    ev_timer timer;  /* stands still while the job is on its way */
    uint64_t behind; /* the pass goes on behind this file */
    struct step step;
    uint64_t removed; /* in this pass */
    struct metric *removed_total, *files_stored, *bytes_stored, *uploads_open;
};

/* --- on a worker --------------------------------------------------------------------------- */

/* One that was shown, or finished, in the meantime stays. */
static enum err look_at(struct house *self, struct db *db, const struct db_rows *rows,
                        struct step *step) {
    const uint64_t id = db_rows_u64(rows, HOUSE_ID);
    enum err err = ERR_OK;
    if (db_rows_u64(rows, HOUSE_ENDED_STICKER) != 0)
        err = db_query(db, &files_sql_remove_ended_stickers, DB_ARGS(db_u64(id)), NULL);
    const bool ended = db_rows_u64(rows, HOUSE_ENDED_USE) != 0;
    if (err == ERR_OK && ended)
        err = db_query(db, &files_sql_remove_ended_uses, DB_ARGS(db_u64(id)), NULL);
    if (err != ERR_OK || (db_rows_u64(rows, HOUSE_DUE) == 0 && !ended))
        return err;
    err = file_row_remove_due(self->files, db, id);
    step->removed += err == ERR_OK;
    return err == ERR_NOT_ALLOWED || err == ERR_NO_FILE ? ERR_OK : err;
}

static enum err look_at_some(struct house *self, struct db *db, struct step *step) {
    const int64_t end_ms = loop_now_ms() + HOUSE_STEP_MS;
    const struct db_value unused = db_u64(files_unused_ms(self->files));
    struct db_rows *rows;
    enum err err = db_query(db, &files_sql_house,
                            DB_ARGS(unused, db_u64(self->behind), db_u64(HOUSE_LOOK)), &rows);
    step->more = err == ERR_OK && db_rows_count(rows) == HOUSE_LOOK;
    while (err == ERR_OK && db_rows_next(rows)) {
        err = look_at(self, db, rows, step);
        self->behind = db_rows_u64(rows, HOUSE_ID);
        if (loop_now_ms() >= end_ms) {
            step->more = true;
            break;
        }
    }
    db_rows_destroy(&rows);
    return err;
}

static enum err count(struct db *db, struct step *step) {
    struct db_rows *rows;
    enum err err = db_query(db, &files_sql_count, DB_NO_ARGS, &rows);
    step->counted = err == ERR_OK && db_rows_next(rows);
    if (step->counted) {
        step->files = db_rows_u64(rows, 0);
        step->bytes = db_rows_u64(rows, 1);
        step->uploads = db_rows_u64(rows, 2);
    }
    db_rows_destroy(&rows);
    return err;
}

/* A lock of the connection: where that is lost, so is the lock. */
static enum err work(struct house *self, struct db *db, struct step *step) {
    struct db_rows *rows;
    enum err err = db_query(db, &files_sql_lock_house, DB_NO_ARGS, &rows);
    bool locked = err == ERR_OK && db_rows_next(rows) && db_rows_u64(rows, 0) == 1;
    db_rows_destroy(&rows);
    if (!locked)
        return err;
    err = look_at_some(self, db, step);
    enum err end = db_query(db, &files_sql_unlock_house, DB_NO_ARGS, NULL);
    return err == ERR_OK ? end : err;
}

static void run(struct pool_job *job, struct db *db) {
    struct house *self = (struct house *)job;
    struct step *step = &self->step;
    const int64_t began_ms = loop_now_ms();
    if (disk_can_write(self->files->incoming.folder))
        step->err = work(self, db, step);
    if (step->err == ERR_OK && !step->more)
        step->err = count(db, step);
    step->took_ms = loop_now_ms() - began_ms;
}

/* --- on the loop --------------------------------------------------------------------------- */

static void set_timer(struct house *self, int64_t delay_ms) {
    loop_timer_start(service_loop(self->service), &self->timer, delay_ms);
}

static int64_t pause_after(const struct step *step) {
    int64_t pause_ms = HOUSE_REST * step->took_ms;
    return pause_ms > HOUSE_PAUSE_MS ? pause_ms : HOUSE_PAUSE_MS;
}

static void end_pass(struct house *self) {
    if (self->removed > 0)
        log_info("files_removed", "files=%llu", (unsigned long long)self->removed);
    self->removed = self->behind = 0;
    set_timer(self, HOUSE_EVERY_MS);
}

static void done(struct pool_job *job) {
    struct house *self = (struct house *)job;
    const struct step *step = &self->step;
    metric_add(self->removed_total, step->removed);
    self->removed += step->removed;
    if (step->err != ERR_OK)
        log_warn("files_kept", "reason=%s", err_word(step->err));
    if (step->counted) {
        metric_set(self->files_stored, step->files);
        metric_set(self->bytes_stored, step->bytes);
        metric_set(self->uploads_open, step->uploads);
    }
    if (step->err == ERR_OK && step->more)
        set_timer(self, pause_after(step));
    else
        end_pass(self);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct house *self = timer->data;
    self->step = (struct step){0};
    /* With as much to do as there may be, this can wait. */
    if (service_waits_for_database(self->service))
        set_timer(self, DATABASE_LOOK_MS);
    else if (pool_submit(service_pool(self->service), &self->job) != 0)
        set_timer(self, HOUSE_EVERY_MS);
}

/* --- life ---------------------------------------------------------------------------------- */

struct house *house_new(struct service *service, struct files *files) {
    struct house *self = calloc(1, sizeof *self);
    struct metrics *metrics = service_metrics(service);
    if (self == NULL)
        return NULL;
    self->job = (struct pool_job){.run = run, .done = done, .deadline_ms = INT64_MAX};
    self->service = service;
    self->files = files;
    self->removed_total =
        metrics_counter(metrics, "files_removed_total", "",
                        "Files and uploads that were removed since nothing shows them.");
    self->files_stored =
        metrics_gauge(metrics, "files_stored", "", "Finished files, as the last pass found them.");
    self->bytes_stored = metrics_gauge(metrics, "file_bytes_stored", "",
                                       "Bytes of finished files, as the last pass found them.");
    self->uploads_open = metrics_gauge(
        metrics, "uploads_open", "", "Uploads that are not finished, as the last pass found them.");
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    set_timer(self, HOUSE_PAUSE_MS);
    return self;
}

void house_destroy(struct house **self) {
    if (*self != NULL)
        ev_timer_stop(service_loop((*self)->service), &(*self)->timer);
    free(*self);
    *self = NULL;
}
