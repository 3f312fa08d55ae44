/* Removes old rows of the tables `done` and `audit`; see group_forget.h. */
#include "services/group/group_forget.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/group/group_sql.h"

#define DAY_MS ((uint64_t)86400000)

struct forgetter {
    struct pool_job job; /* the first member; on its way at most once */
    struct service *service;
    uint64_t keep_ms, keep_audit_ms; /* of the audit 0: for ever */
    ev_timer timer;                  /* stands still while the job is on its way */
    bool more;                       /* the worker's finding: a whole step was removed */
    uint64_t failed;                 /* steps in a row; the loop's */
    enum err err;                    /* the worker's */
};

static void set_timer(struct forgetter *self, double seconds) {
    struct ev_loop *ev = service_loop(self->service);
    ev_timer_stop(ev, &self->timer);
    ev_timer_set(&self->timer, seconds, 0);
    ev_timer_start(ev, &self->timer);
}

static void forget(struct pool_job *job, struct db *db) {
    struct forgetter *self = (struct forgetter *)job;
    self->err = db_query(db, &group_sql_forget_done, DB_ARGS(db_u64(self->keep_ms)), NULL);
    self->more = self->err == ERR_OK && db_affected(db) == GROUP_FORGET_STEP;
    if (self->err != ERR_OK || self->keep_audit_ms == 0)
        return;
    self->err = db_query(db, &group_sql_forget_audit, DB_ARGS(db_u64(self->keep_audit_ms)), NULL);
    self->more = self->more || (self->err == ERR_OK && db_affected(db) == GROUP_FORGET_STEP);
}

static void forgot(struct pool_job *job) {
    struct forgetter *self = (struct forgetter *)job;
    if (self->err != ERR_OK && self->failed++ == 0)
        log_warn("forget_failed", "reason=%s", err_word(self->err));
    if (self->err == ERR_OK)
        self->failed = 0;
    set_timer(self, self->more ? GROUP_FORGET_PAUSE_S : GROUP_FORGET_EVERY_S);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct forgetter *self = timer->data;
    /* With as much to do as there may be, this can wait. */
    if (pool_submit(service_pool(self->service), &self->job) != 0)
        set_timer(self, GROUP_FORGET_EVERY_S);
}

struct forgetter *forgetter_new(struct service *service, uint64_t days, uint64_t audit_days) {
    struct forgetter *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->job = (struct pool_job){.run = forget, .done = forgot, .deadline_ms = INT64_MAX};
    self->service = service;
    self->keep_ms = days * DAY_MS;
    self->keep_audit_ms = audit_days * DAY_MS;
    ev_timer_init(&self->timer, on_timer, GROUP_FORGET_PAUSE_S, 0);
    self->timer.data = self;
    ev_timer_start(service_loop(service), &self->timer);
    return self;
}

void forgetter_destroy(struct forgetter **self) {
    if (*self != NULL)
        ev_timer_stop(service_loop((*self)->service), &(*self)->timer);
    free(*self);
    *self = NULL;
}
