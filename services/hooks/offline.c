/* Who has to be woken; see offline.h. */
#include "services/hooks/offline.h"

#include <stdlib.h>

#include "common/hash.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/peers.h"
#include "services/hooks/hooks_sql.h"
#include "services/hooks/offline_work.h"

/* An account that may have to be woken. */
struct absent {
    uint64_t account;
    struct offline_found newest; /* `seq` is that of the oldest */
    int64_t due_ms;
    UT_hash_handle hh;
};

struct offline {
    struct pool_job job; /* the first member; on its way at most once */
    struct hooks *hooks;
    uint64_t instance;
    ev_timer timer;
    bool busy, released; /* the job is on its way; it goes when that is back */
    size_t asked;        /* sessions that have not replied */
    bool ask_failed;
    uint64_t place, stored, newest; /* of the journal: read, stored, there */
    int64_t stored_ms, checked_ms;
    struct absent *absent;

    /* The job's. */
    enum err err;
    struct offline_list found;
    uint64_t find_upto, found_place;
    struct offline_check checks[OFFLINE_CHECK_MAX];
    size_t check_count;
};

static void go_on(struct offline *self);

static void offline_free(struct offline *self) {
    struct absent *one, *next;
    ev_timer_stop(service_loop(self->hooks->service), &self->timer);
    HASH_ITER(hh, self->absent, one, next) {
        HASH_DEL(self->absent, one);
        free(one);
    }
    free(self->found.items);
    free(self);
}

static struct absent *find(const struct offline *self, uint64_t account) {
    struct absent *one;
    HASH_FIND(hh, self->absent, &account, sizeof account, one);
    return one;
}

static void submit(struct offline *self, void (*run)(struct pool_job *, struct db *),
                   void (*done)(struct pool_job *)) {
    self->job.run = run;
    self->job.done = done;
    self->busy = pool_submit(service_pool(self->hooks->service), &self->job) == 0;
}

/* Whether the job that is back is wanted, and has done its work. */
static bool is_back(struct offline *self) {
    self->busy = false;
    if (!self->released)
        return self->job.dropped == ERR_OK && self->err == ERR_OK;
    if (self->asked == 0)
        offline_free(self);
    return false;
}

/* --- finding --------------------------------------------------------------------------------- */

static void run_find(struct pool_job *job, struct db *db) {
    struct offline *self = (struct offline *)job;
    self->found.count = 0;
    self->err = offline_find(db, self->place, self->find_upto, self->hooks->settings.push_group_max,
                             &self->found, &self->found_place);
}

/* Without memory it is read again. */
static bool note(struct offline *self, const struct offline_found *found) {
    struct absent *one = find(self, found->account);
    if (one != NULL) {
        const uint64_t seq = one->newest.seq;
        one->newest = *found;
        one->newest.seq = seq;
        return true;
    }
    one = calloc(1, sizeof *one);
    if (one == NULL)
        return false;
    *one = (struct absent){.account = found->account,
                           .newest = *found,
                           .due_ms = loop_now_ms() + (int64_t)self->hooks->settings.push_delay_ms};
    if (HASH_TRY_ADD(hh, self->absent, account, one))
        return true;
    free(one);
    return false;
}

static void on_found(struct pool_job *job) {
    struct offline *self = (struct offline *)job;
    const bool released = self->released;
    bool noted = is_back(self);
    for (size_t i = 0; noted && i < self->found.count; i++)
        noted = note(self, &self->found.items[i]);
    if (noted)
        self->place = self->found_place;
    if (!released)
        go_on(self);
}

/* --- judging --------------------------------------------------------------------------------- */

static void run_judge(struct pool_job *job, struct db *db) {
    struct offline *self = (struct offline *)job;
    const struct hooks_settings *settings = &self->hooks->settings;
    self->err = ERR_OK;
    for (size_t i = 0; i < self->check_count; i++) {
        enum err err =
            offline_judge(db, settings->push_delay_ms, settings->push_again_ms, &self->checks[i]);
        if (err == ERR_OK)
            continue;
        /* It is judged again. */
        self->checks[i].verdict = OFFLINE_WAIT;
        self->checks[i].wait_ms = OFFLINE_CHECK_MS;
    }
}

static void take_verdict(struct offline *self, const struct offline_check *check) {
    struct absent *one = find(self, check->of.account);
    if (one == NULL)
        return;
    metric_add(self->hooks->counts.woken, check->verdict == OFFLINE_WOKEN);
    /* A newer text was found meanwhile. */
    if (check->verdict == OFFLINE_WAIT || one->newest.cid != check->of.cid) {
        one->due_ms = loop_now_ms() + (int64_t)check->wait_ms;
        return;
    }
    HASH_DEL(self->absent, one);
    free(one);
}

static void on_judged(struct pool_job *job) {
    struct offline *self = (struct offline *)job;
    const bool released = self->released, done = is_back(self);
    for (size_t i = 0; done && i < self->check_count; i++)
        take_verdict(self, &self->checks[i]);
    if (!released)
        go_on(self);
}

static void mark_online(struct offline *self, uint64_t account) {
    for (size_t i = 0; i < self->check_count; i++)
        if (self->checks[i].of.account == account)
            self->checks[i].online = true;
}

/* Where a session did not say who is there, nobody is judged: they are due still. */
static void on_asked(void *argument, enum err err, const void *reply, const char *text) {
    struct offline *self = argument;
    const struct session_online_reply *online = reply;
    (void)text;
    self->asked--;
    self->ask_failed = self->ask_failed || err != ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < online->accounts.count; i++)
        mark_online(self, online->accounts.items[i]);
    if (self->asked > 0)
        return;
    if (self->released && !self->busy)
        offline_free(self);
    else if (!self->released && self->ask_failed)
        go_on(self);
    else if (!self->released)
        submit(self, run_judge, on_judged);
}

/* Those of the accounts in hand that belong to this session. */
static bool ask_session(struct offline *self, struct peer *peer) {
    uint64_t accounts[OFFLINE_CHECK_MAX];
    struct session_online body = {.accounts = {accounts, 0}};
    for (size_t i = 0; i < self->check_count; i++)
        if (peers_by_key(self->hooks->sessions, self->checks[i].of.account) == peer)
            accounts[body.accounts.count++] = self->checks[i].of.account;
    if (body.accounts.count == 0)
        return true;
    if (peers_ask(self->hooks->sessions, peer,
                  &(struct peers_request){.message = &message_SESSION_ONLINE,
                                          .body = &body,
                                          .done = on_asked,
                                          .argument = self}) != ERR_OK)
        return false;
    self->asked++;
    return true;
}

/* Of those that are due, as many as are looked at together. The lowest place that is needed. */
static uint64_t gather(struct offline *self) {
    const int64_t now_ms = loop_now_ms();
    uint64_t lowest = self->place;
    struct absent *one, *next;
    self->check_count = 0;
    HASH_ITER(hh, self->absent, one, next) {
        if (one->newest.seq <= lowest)
            lowest = one->newest.seq - 1;
        if (one->due_ms <= now_ms && self->check_count < OFFLINE_CHECK_MAX)
            self->checks[self->check_count++] = (struct offline_check){.of = one->newest};
    }
    return lowest;
}

static void ask_sessions(struct offline *self) {
    struct peer *peer;
    self->ask_failed = peers_live_count(self->hooks->sessions) == 0;
    for (size_t i = 0; (peer = peers_live(self->hooks->sessions, i)) != NULL; i++)
        if (!ask_session(self, peer))
            self->ask_failed = true;
}

/* --- the loop -------------------------------------------------------------------------------- */

static void run_store(struct pool_job *job, struct db *db) {
    struct offline *self = (struct offline *)job;
    self->err = db_query(db, &hooks_sql_set_offline_place,
                         DB_ARGS(db_u64(self->found_place), db_u64(self->instance)), NULL);
}

static void on_stored(struct pool_job *job) {
    struct offline *self = (struct offline *)job;
    const bool released = self->released;
    if (is_back(self))
        self->stored = self->found_place;
    if (!released)
        go_on(self);
}

static void check(struct offline *self) {
    const int64_t now_ms = loop_now_ms();
    const uint64_t lowest = gather(self);
    self->checked_ms = now_ms;
    if (self->check_count > 0) {
        ask_sessions(self);
    } else if (lowest > self->stored && now_ms - self->stored_ms >= OFFLINE_STORE_MS) {
        self->stored_ms = now_ms;
        self->found_place = lowest;
        submit(self, run_store, on_stored);
    }
}

static void go_on(struct offline *self) {
    if (self->busy || self->asked > 0)
        return;
    metric_set(self->hooks->counts.absent, HASH_COUNT(self->absent));
    if (loop_now_ms() - self->checked_ms >= OFFLINE_CHECK_MS)
        check(self);
    if (!self->busy && self->asked == 0 && self->place < self->newest &&
        HASH_COUNT(self->absent) < OFFLINE_MAX) {
        self->find_upto = self->newest;
        submit(self, run_find, on_found);
    }
    /* What failed is tried again then. */
    loop_timer_start(service_loop(self->hooks->service), &self->timer, OFFLINE_CHECK_MS);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    go_on(timer->data);
}

void offline_wake(struct offline *self, uint64_t newest) {
    self->newest = newest;
    go_on(self);
}

struct offline *offline_new(struct hooks *hooks, uint64_t instance, uint64_t place) {
    struct offline *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->job.deadline_ms = INT64_MAX;
    self->hooks = hooks;
    self->instance = instance;
    self->place = self->stored = place;
    ev_init(&self->timer, on_timer);
    self->timer.data = self;
    return self;
}

void offline_release(struct offline **self_p) {
    struct offline *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    self->released = true;
    ev_timer_stop(service_loop(self->hooks->service), &self->timer);
    if (!self->busy && self->asked == 0)
        offline_free(self);
}
