/* Numbers the journal and keeps the tellers; see reader.h. */
#include "services/hooks/reader.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/hooks/hook_row.h"
#include "services/hooks/hooks_sql.h"
#include "services/hooks/offline.h"
#include "services/hooks/subscriptions_tidy.h"
#include "services/hooks/teller.h"
#include "services/hooks/web_push.h"

#define DAY_MS ((uint64_t)86400000)
/* no limit: READER_ROWS numbers, twice */
#define SCRIPT_BYTES ((size_t)65536)

/* What a look found; the worker's while the job is on its way. */
struct look {
    enum err err;
    bool leads; /* this instance has the lease */
    uint64_t seq, version, offline_seq;
    bool wakes; /* somebody wants to know who has to be woken */
    uint64_t blocks[READER_ROWS];
    size_t count;
    bool more_to_tidy;
    bool listed; /* `rows` is all hooks */
    struct hook_row rows[HOOKS_MAX];
    size_t row_count;
};

struct reader {
    struct pool_job job; /* the first member; on its way at most once */
    struct hooks *hooks;
    uint64_t instance;
    ev_timer timer; /* stands still while the job is on its way */
    bool stopping;  /* nothing more is begun */
    bool busy;      /* the job is on its way */
    bool leads;
    uint64_t version; /* of the list of hooks; 0: none is known */
    /* Looks begin behind `floor`, which `mark` becomes, which the newest block becomes. */
    uint64_t floor, mark, newest_block;
    bool look_at_all; /* but the next one */
    int64_t marked_ms, tidied_ms;
    int64_t looked_ms;            /* when the last look ended */
    bool woken;                   /* the next look is due READER_WAKE_MS after the last */
    uint64_t subscriptions_place; /* the worker's while the job is on its way */
    struct look look;
    struct teller *tellers[HOOKS_MAX];
    size_t teller_count;
    struct web_push *web_push; /* NULL: nobody has subscribed */
    struct offline *offline;   /* NULL: nobody wants to know who has to be woken */
};

/* --- on a worker ----------------------------------------------------------------------------- */

/* Keeps the lease, or takes one that is over. */
static enum err take_lease(struct reader *self, struct db *db, struct db_rows *rows) {
    struct look *look = &self->look;
    const uint64_t holder = db_rows_u64(rows, 0), until = db_rows_u64(rows, 1),
                   now = db_rows_u64(rows, 2);
    look->leads = holder == self->instance && now < until;
    if (look->leads ? until - now > READER_LEASE_MS - READER_RENEW_MS : now < until)
        return ERR_OK;
    enum err err = db_query(
        db, &hooks_sql_take_lease,
        DB_ARGS(db_u64(self->instance), db_u64(READER_LEASE_MS), db_u64(self->instance)), NULL);
    look->leads = err == ERR_OK && db_affected(db) == 1;
    return err;
}

static enum err see(struct reader *self, struct db *db) {
    struct look *look = &self->look;
    struct db_rows *rows = NULL;
    enum err err =
        db_query(db, &hooks_sql_look,
                 DB_ARGS(db_u64(self->look_at_all ? 0 : self->floor), db_u64(READER_ROWS)), &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_INTERNAL;
    if (err == ERR_OK) {
        look->seq = db_rows_u64(rows, 3);
        look->version = db_rows_u64(rows, 4);
        look->offline_seq = db_rows_u64(rows, 5);
        err = take_lease(self, db, rows);
    }
    db_rows_rewind(rows);
    while (err == ERR_OK && db_rows_next(rows))
        if (!db_rows_null(rows, 6))
            look->blocks[look->count++] = db_rows_u64(rows, 6);
    db_rows_destroy(&rows);
    return err;
}

static enum err run_script(struct db *db, const struct buffer *sql) {
    struct db_rows *rows = NULL;
    enum err err = db_script_run(db, sql);
    while (err == ERR_OK && db_script_next(db, &rows))
        db_rows_destroy(&rows);
    return err == ERR_OK ? db_script_end(db) : err;
}

/* The state is locked by whoever numbers, and has the lease. */
static enum err number(struct reader *self, struct db *db) {
    struct look *look = &self->look;
    struct db_rows *rows = NULL;
    struct buffer sql = buffer_make(SCRIPT_BYTES);
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = db_query(db, &hooks_sql_lock_state, DB_ARGS(db_u64(self->instance)), &rows);
    look->leads = err == ERR_OK && db_rows_next(rows);
    if (look->leads) {
        look->seq = db_rows_u64(rows, 0) + look->count;
        hooks_sql_add_numbering(&sql, db_rows_u64(rows, 0), look->blocks, look->count);
        err = run_script(db, &sql);
    }
    db_rows_destroy(&rows);
    if (look->leads && err == ERR_OK)
        err = db_commit(db);
    db_rollback(db); /* nothing after a commit */
    buffer_free(&sql);
    return err;
}

static enum err list(struct look *look, struct db *db) {
    struct db_rows *rows = NULL;
    enum err err = db_query(db, &hooks_sql_list, DB_NO_ARGS, &rows);
    while (err == ERR_OK && look->row_count < HOOKS_MAX && db_rows_next(rows))
        hook_row_read(rows, &look->rows[look->row_count++]);
    db_rows_destroy(&rows);
    look->listed = err == ERR_OK;
    return err;
}

/* What all hooks were told of, and what has become too old. */
static enum err tidy(struct reader *self, struct db *db) {
    const struct db_value keep = db_u64(self->hooks->settings.hook_keep_days * DAY_MS);
    struct db_rows *rows = NULL;
    enum err err = ERR_OK;
    /* An instance that has just begun does not know yet whether somebody wants them. */
    if (!self->look.wakes && self->look.version == self->version)
        err = db_query(db, &hooks_sql_skip_offline, DB_ARGS(db_u64(self->instance)), NULL);
    if (err == ERR_OK)
        err = db_query(db, &hooks_sql_oldest, DB_ARGS(keep), &rows);
    if (err == ERR_OK && db_rows_next(rows)) {
        const uint64_t first = db_rows_u64(rows, 0), told = db_rows_u64(rows, 2);
        const bool old = db_rows_u64(rows, 1) != 0;
        if (first <= told || old)
            err = db_query(db, &hooks_sql_tidy,
                           DB_ARGS(db_u64(first + READER_TIDY_ROWS - 1), keep, db_u64(told)), NULL);
        self->look.more_to_tidy = err == ERR_OK && db_affected(db) == READER_TIDY_ROWS;
    }
    db_rows_destroy(&rows);
    return err;
}

static void run(struct pool_job *job, struct db *db) {
    struct reader *self = (struct reader *)job;
    struct look *look = &self->look;
    look->err = see(self, db);
    if (look->err == ERR_OK && look->leads && look->count > 0)
        look->err = number(self, db);
    if (look->err == ERR_OK && look->leads && look->version != self->version)
        look->err = list(look, db);
    if (look->err == ERR_OK && look->leads && loop_now_ms() - self->tidied_ms >= READER_TIDY_MS)
        look->err = tidy(self, db);
    if (look->err == ERR_OK && look->leads && loop_now_ms() - self->tidied_ms >= READER_TIDY_MS &&
        !look->more_to_tidy)
        look->err = subscriptions_tidy(db, &self->subscriptions_place);
}

/* --- on the loop ----------------------------------------------------------------------------- */

static void drop_tellers(struct reader *self) {
    for (size_t i = 0; i < self->teller_count; i++)
        teller_release(&self->tellers[i]);
    self->teller_count = 0;
    web_push_release(&self->web_push);
    self->version = 0;
}

static bool wakes(const struct reader *self) {
    if (self->web_push != NULL)
        return true;
    for (size_t i = 0; i < self->teller_count; i++)
        if (teller_wants_offline(self->tellers[i]))
            return true;
    return false;
}

static void wake_offline(struct reader *self) {
    if (!wakes(self))
        offline_release(&self->offline);
    else if (self->offline == NULL)
        self->offline = offline_new(self->hooks, self->instance, self->look.offline_seq);
    if (self->offline != NULL)
        offline_wake(self->offline, self->look.seq);
}

static struct teller *take_teller(struct reader *self, uint64_t number) {
    for (size_t i = 0; i < self->teller_count; i++) {
        struct teller *teller = self->tellers[i];
        if (teller == NULL || teller_number(teller) != number)
            continue;
        self->tellers[i] = NULL;
        return teller;
    }
    return NULL;
}

/* The hook without an address. */
static struct web_push *take_web_push(struct reader *self, const struct hook_row *row) {
    struct web_push *kept = self->web_push;
    self->web_push = NULL;
    return kept != NULL ? kept : web_push_new(self->hooks, self->instance, row);
}

/* Hooks that stay keep their tellers. */
static void take_list(struct reader *self) {
    const struct look *look = &self->look;
    struct teller *tellers[HOOKS_MAX];
    struct web_push *web_push = NULL;
    size_t count = 0;
    for (size_t i = 0; i < look->row_count; i++) {
        if (look->rows[i].url[0] == '\0') {
            web_push = take_web_push(self, &look->rows[i]);
            continue;
        }
        struct teller *teller = take_teller(self, look->rows[i].number);
        if (teller != NULL)
            teller_set(teller, &look->rows[i]);
        else
            teller = teller_new(self->hooks, self->instance, &look->rows[i]);
        if (teller != NULL)
            tellers[count++] = teller;
    }
    drop_tellers(self);
    if (count > 0)
        memcpy(self->tellers, tellers, count * sizeof(struct teller *));
    self->teller_count = count;
    self->web_push = web_push;
    /* Without memory for one, the list is read again. */
    self->version = count + (web_push != NULL) == look->row_count ? look->version : 0;
}

static void wake_tellers(struct reader *self) {
    uint64_t behind = 0, parked = 0, failing = 0;
    bool lost = false;
    for (size_t i = 0; i < self->teller_count; i++) {
        struct teller *teller = self->tellers[i];
        teller_wake(teller, self->look.seq);
        behind = teller_behind(teller) > behind ? teller_behind(teller) : behind;
        parked += teller_is_parked(teller);
        failing += teller_is_failing(teller);
        lost = lost || teller_has_lost(teller);
    }
    metric_set(self->hooks->counts.behind, behind);
    metric_set(self->hooks->counts.parked, parked);
    metric_set(self->hooks->counts.failing, failing);
    if (self->web_push != NULL) {
        web_push_wake(self->web_push, self->look.seq);
        lost = lost || web_push_has_lost(self->web_push);
    }
    if (lost)
        drop_tellers(self);
}

static void move_floor(struct reader *self) {
    const struct look *look = &self->look;
    const int64_t now_ms = loop_now_ms();
    const uint64_t last = look->count > 0 ? look->blocks[look->count - 1] : 0;
    self->newest_block = last > self->newest_block ? last : self->newest_block;
    self->look_at_all = now_ms - self->marked_ms >= READER_FLOOR_MS;
    if (!self->look_at_all)
        return;
    self->marked_ms = now_ms;
    self->floor = self->mark;
    self->mark = self->newest_block;
}

static void take_look(struct reader *self) {
    const struct look *look = &self->look;
    if (look->leads != self->leads)
        log_info("hooks_lease", "held=%d", look->leads);
    self->leads = look->leads;
    if (!self->leads) {
        drop_tellers(self);
        offline_release(&self->offline);
        return;
    }
    if (loop_now_ms() - self->tidied_ms >= READER_TIDY_MS && !look->more_to_tidy)
        self->tidied_ms = loop_now_ms();
    move_floor(self);
    if (look->listed)
        take_list(self);
    wake_tellers(self);
    wake_offline(self);
}

static void done(struct pool_job *job) {
    struct reader *self = (struct reader *)job;
    self->busy = false;
    if (self->stopping)
        return;
    /* What it is not known to have is not told; but while the database is away, nobody has it. */
    if (job->dropped == ERR_OK && self->look.err == ERR_OK)
        take_look(self);
    const bool more = self->leads && self->look.err == ERR_OK &&
                      (self->look.count == READER_ROWS || self->look.more_to_tidy);
    self->looked_ms = loop_now_ms();
    loop_timer_start(service_loop(self->hooks->service), &self->timer,
                     more          ? 0
                     : self->woken ? READER_WAKE_MS
                                   : (int64_t)self->hooks->settings.hook_look_ms);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct reader *self = timer->data;
    self->look.err = ERR_UNAVAILABLE;
    self->look.leads = self->look.listed = self->look.more_to_tidy = false;
    self->look.count = self->look.row_count = 0;
    self->look.wakes = self->offline != NULL;
    self->woken = false;
    if (!service_waits_for_database(self->hooks->service) &&
        pool_submit(service_pool(self->hooks->service), &self->job) == 0)
        self->busy = true;
    else
        loop_timer_start(service_loop(self->hooks->service), &self->timer,
                         (int64_t)self->hooks->settings.hook_look_ms);
}

bool reader_wake(struct reader *self) {
    if (!self->leads || self->stopping || (self->teller_count == 0 && self->web_push == NULL))
        return false;
    const int64_t due_ms = self->looked_ms + READER_WAKE_MS - loop_now_ms();
    if (!self->busy && !self->woken)
        loop_timer_start(service_loop(self->hooks->service), &self->timer, due_ms > 0 ? due_ms : 0);
    self->woken = true;
    return true;
}

void reader_add_presence(struct reader *self, const struct u64_list *accounts, bool online) {
    const uint64_t now_ms = (uint64_t)loop_wall_ms();
    for (size_t i = 0; i < accounts->count; i++)
        for (size_t n = 0; n < self->teller_count; n++)
            teller_add_presence(self->tellers[n],
                                &(struct event_presence){accounts->items[i], now_ms, online});
}

/* --- life ------------------------------------------------------------------------------------ */

struct reader *reader_new(struct hooks *hooks) {
    struct reader *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->job = (struct pool_job){.run = run, .done = done, .deadline_ms = INT64_MAX};
    self->hooks = hooks;
    self->instance = service_instance(hooks->service);
    self->marked_ms = loop_now_ms();
    ev_init(&self->timer, on_timer);
    self->timer.data = self;
    loop_timer_start(service_loop(hooks->service), &self->timer, 0);
    return self;
}

/* So that another instance does not wait for the end of the lease. */
static void run_release(struct pool_job *job, struct db *db) {
    struct reader *self = (struct reader *)job;
    self->look.err = db_query(db, &hooks_sql_release_lease, DB_ARGS(db_u64(self->instance)), NULL);
}

void reader_stop(struct reader *self) {
    self->stopping = true;
    ev_timer_stop(service_loop(self->hooks->service), &self->timer);
    for (size_t i = 0; i < self->teller_count; i++)
        teller_stop(self->tellers[i]);
    if (self->web_push != NULL)
        web_push_stop(self->web_push);
    offline_release(&self->offline);
}

bool reader_is_stopped(struct reader *self) {
    for (size_t i = 0; i < self->teller_count; i++)
        if (teller_is_busy(self->tellers[i]))
            return false;
    if (self->web_push != NULL && web_push_is_busy(self->web_push))
        return false;
    if (self->leads && !self->busy) {
        self->leads = false;
        self->job.run = run_release;
        self->busy = pool_submit(service_pool(self->hooks->service), &self->job) == 0;
    }
    return !self->busy;
}

void reader_destroy(struct reader **self) {
    if (*self == NULL)
        return;
    ev_timer_stop(service_loop((*self)->hooks->service), &(*self)->timer);
    drop_tellers(*self);
    offline_release(&(*self)->offline);
    free(*self);
    *self = NULL;
}
