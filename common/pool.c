/*
 * Threads with a database connection each; the loop is woken by an ev_async when jobs are done.
 */
#include "common/pool.h"

#include <assert.h>
#include <mysql.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/loop.h"

/*
 * limit: service | the database's sign of life | asked each second, answered within
 * {POOL_DATABASE_MS} {PROBE_S:} | not ready
 */
/* Between two signs of life. */
#define PROBE_S 1.0
/*
 * limit: service | how much one job changes the expected time of the next | a quarter of the
 * difference; upwards a quarter at most {EXPECTED_STEP:} | -
 */
/* By how much one job may change the expected time of the next: so that a few that stood still for
 * seconds, in a database that did, don't make all others be refused. */
#define EXPECTED_STEP 4

struct job_list {
    struct pool_job *head, *tail;
};

struct worker {
    struct pool *pool;
    struct db *db;
    pthread_t thread;
};

struct pool {
    struct ev_loop *ev;
    ev_async wake;
    struct db_watch *watch;
    struct worker workers[DB_MAX_CONNECTIONS];
    size_t worker_count; /* with a connection */
    size_t thread_count; /* with a thread, at most worker_count */
    size_t queue_limit;

    struct pool_job probe;
    ev_timer probe_timer;
    bool probing;                     /* the probe is submitted and not done */
    _Atomic int64_t probe_started_ms; /* of the one that a worker runs; 0: none runs */

    /* Changed under the lock, read without: length of `queue`; jobs that workers have; how long one
     * runs. */
    atomic_size_t waiting, running;
    _Atomic int64_t expected_us;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t work;
    struct job_list queue;
    struct job_list finished;
    bool stopping;
};

static void jobs_add(struct job_list *list, struct pool_job *job) {
    job->next = NULL;
    if (list->head == NULL)
        list->head = job;
    else
        list->tail->next = job;
    list->tail = job;
}

static struct pool_job *jobs_take(struct job_list *list) {
    struct pool_job *job = list->head;
    if (job != NULL)
        list->head = job->next;
    return job;
}

/* Blocks for the next job; NULL when the pool stops and none is left. */
static struct pool_job *wait_for_job(struct pool *self) {
    pthread_mutex_lock(&self->lock);
    while (self->queue.head == NULL && !self->stopping)
        pthread_cond_wait(&self->work, &self->lock);
    struct pool_job *job = jobs_take(&self->queue);
    if (job != NULL) {
        atomic_fetch_sub_explicit(&self->waiting, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&self->running, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&self->lock);
    return job;
}

/* The mean of the last ones, but for EXPECTED_STEP. Under the lock. */
static void expect(struct pool *self, int64_t took_us) {
    int64_t expected_us = atomic_load_explicit(&self->expected_us, memory_order_relaxed);
    int64_t most_us = expected_us / EXPECTED_STEP + 1;
    int64_t step_us = (took_us - expected_us) / EXPECTED_STEP;
    step_us = step_us > most_us ? most_us : step_us;
    atomic_store_explicit(&self->expected_us, expected_us + step_us, memory_order_relaxed);
}

static void finish_job(struct pool *self, struct pool_job *job, int64_t took_us) {
    pthread_mutex_lock(&self->lock);
    if (job->dropped == ERR_OK)
        expect(self, took_us);
    atomic_fetch_sub_explicit(&self->running, 1, memory_order_relaxed);
    jobs_add(&self->finished, job);
    pthread_mutex_unlock(&self->lock);
    ev_async_send(self->ev, &self->wake);
}

/* Where others wait, a job that can't be done in time gives way to those that can. */
static enum err too_late(const struct pool *self, const struct pool_job *job) {
    int64_t left_ms = job->deadline_ms == INT64_MAX ? INT64_MAX : job->deadline_ms - loop_now_ms();
    int64_t expected_us = atomic_load_explicit(&self->expected_us, memory_order_relaxed);
    if (left_ms <= 0)
        return ERR_TIMEOUT;
    return pool_waiting(self) > 0 && expected_us / 1000 > left_ms ? ERR_OVERLOADED : ERR_OK;
}

static void run_job(struct pool *pool, struct pool_job *job, struct db *db) {
    job->dropped = too_late(pool, job);
    if (job->dropped != ERR_OK)
        return;
    db_set_deadline(db, job->deadline_ms);
    /* The job runs without a connection too: its first query fails with the reason. */
    enum err connected = db_connect(db);
    (void)connected;
    job->run(job, db);
    if (db_in_transaction(db))
        log_error("database_transaction_left_open", "");
    db_rollback(db);
}

static void *work(void *argument) {
    struct worker *worker = argument;
    struct pool *pool = worker->pool;
    mysql_thread_init();
    struct pool_job *job;
    while ((job = wait_for_job(pool)) != NULL) {
        int64_t began_us = loop_now_us();
        run_job(pool, job, worker->db);
        finish_job(pool, job, loop_now_us() - began_us);
    }
    mysql_thread_end();
    return NULL;
}

/* Calls `done` of the jobs that finished so far; jobs that finish meanwhile wake the loop again. */
static void finish_jobs(struct pool *self) {
    pthread_mutex_lock(&self->lock);
    struct job_list finished = self->finished;
    self->finished = (struct job_list){NULL, NULL};
    pthread_mutex_unlock(&self->lock);
    struct pool_job *job;
    while ((job = jobs_take(&finished)) != NULL)
        job->done(job);
}

static void on_wake(struct ev_loop *ev, ev_async *wake, int events) {
    (void)ev;
    (void)events;
    finish_jobs(wake->data);
}

/* Signals are the loop's: a worker that took one would leave it unseen. */
static int start_threads(struct pool *self) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = 0;
    while (self->thread_count < self->worker_count && failed == 0) {
        struct worker *worker = &self->workers[self->thread_count];
        failed = pthread_create(&worker->thread, NULL, work, worker);
        if (failed == 0)
            self->thread_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        log_error("pool", "text=\"cannot start a thread\" errno=%d", failed);
    return failed == 0 ? 0 : -1;
}

/* --- signs of life --- */

static struct pool *pool_of(struct pool_job *probe) {
    return (struct pool *)((char *)probe - offsetof(struct pool, probe));
}

static void probe_run(struct pool_job *job, struct db *db) {
    static const struct db_statement statement = {"probe", "SELECT 1"};
    struct pool *self = pool_of(job);
    atomic_store_explicit(&self->probe_started_ms, loop_now_ms(), memory_order_relaxed);
    struct db_rows *rows = NULL;
    db_set_deadline(db, loop_now_ms() + POOL_DATABASE_MS);
    enum err err = db_query(db, &statement, DB_NO_ARGS, &rows);
    db_rows_destroy(&rows);
    if (err != ERR_OK)
        db_watch_away(self->watch, db_fault(db));
    atomic_store_explicit(&self->probe_started_ms, 0, memory_order_relaxed);
}

static void probe_done(struct pool_job *job) { pool_of(job)->probing = false; }

static void on_probe_timer(struct ev_loop *ev, ev_timer *timer, int events) {
    (void)ev;
    (void)events;
    struct pool *self = timer->data;
    int64_t started_ms = atomic_load_explicit(&self->probe_started_ms, memory_order_relaxed);
    if (started_ms != 0 && loop_now_ms() - started_ms >= POOL_DATABASE_MS)
        db_watch_away(self->watch, "it does not answer");
    if (self->probing)
        return;
    self->probe = (struct pool_job){.run = probe_run, .done = probe_done, .deadline_ms = INT64_MAX};
    self->probing = pool_submit(self, &self->probe) == 0;
}

void pool_watch_database(struct pool *self) { ev_timer_again(self->ev, &self->probe_timer); }

static int make_connections(struct pool *self, const struct db_settings *settings,
                            uint64_t threads) {
    for (size_t i = 0; i < threads; i++) {
        struct worker *worker = &self->workers[i];
        worker->pool = self;
        worker->db = db_new(settings, self->watch);
        if (worker->db == NULL) {
            log_error("pool", "text=\"out of memory\"");
            return -1;
        }
        self->worker_count++;
    }
    return 0;
}

struct pool *pool_new(struct ev_loop *ev, const struct db_settings *settings,
                      struct db_watch *watch, uint64_t threads, size_t queue_limit) {
    assert(threads >= 1 && threads <= DB_MAX_CONNECTIONS);
    struct pool *self = calloc(1, sizeof *self);
    if (self == NULL) {
        log_error("pool", "text=\"out of memory\"");
        return NULL;
    }
    self->ev = ev;
    self->watch = watch;
    self->queue_limit = queue_limit;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->work, NULL);
    ev_async_init(&self->wake, on_wake);
    ev_timer_init(&self->probe_timer, on_probe_timer, 0, PROBE_S);
    self->probe_timer.data = self;
    self->wake.data = self;
    ev_async_start(ev, &self->wake);
    if (make_connections(self, settings, threads) != 0 || start_threads(self) != 0)
        pool_destroy(&self);
    return self;
}

void pool_destroy(struct pool **self_r) {
    struct pool *self = *self_r;
    if (self == NULL)
        return;
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_broadcast(&self->work);
    pthread_mutex_unlock(&self->lock);
    for (size_t i = 0; i < self->thread_count; i++)
        pthread_join(self->workers[i].thread, NULL);
    finish_jobs(self);

    ev_async_stop(self->ev, &self->wake);
    ev_timer_stop(self->ev, &self->probe_timer);
    for (size_t i = 0; i < self->worker_count; i++)
        db_destroy(&self->workers[i].db);
    pthread_cond_destroy(&self->work);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_r = NULL;
}

void pool_expect(struct pool *self, int64_t run_us) {
    atomic_store_explicit(&self->expected_us, run_us, memory_order_relaxed);
}

/* Those before it, one that a worker is at, and itself. */
static bool is_done_in_time(const struct pool *self, const struct pool_job *job) {
    size_t running = atomic_load_explicit(&self->running, memory_order_relaxed);
    if (job->deadline_ms == INT64_MAX || pool_waiting(self) + running < self->thread_count)
        return true;
    int64_t turns = (int64_t)(pool_waiting(self) / self->thread_count) + 2;
    int64_t expected_us = atomic_load_explicit(&self->expected_us, memory_order_relaxed);
    return turns * expected_us / 1000 < job->deadline_ms - loop_now_ms();
}

int pool_submit(struct pool *self, struct pool_job *job) {
    pthread_mutex_lock(&self->lock);
    bool taken =
        !self->stopping && pool_waiting(self) < self->queue_limit && is_done_in_time(self, job);
    if (taken) {
        jobs_add(&self->queue, job);
        atomic_fetch_add_explicit(&self->waiting, 1, memory_order_relaxed);
        pthread_cond_signal(&self->work);
    }
    pthread_mutex_unlock(&self->lock);
    return taken ? 0 : -1;
}

size_t pool_waiting(const struct pool *self) {
    return atomic_load_explicit(&self->waiting, memory_order_relaxed);
}

bool pool_is_idle(const struct pool *self) {
    return pool_waiting(self) + atomic_load_explicit(&self->running, memory_order_relaxed) == 0;
}

void pool_drop(struct pool *self, bool (*is)(const struct pool_job *job, const void *argument),
               const void *argument, enum err err) {
    pthread_mutex_lock(&self->lock);
    struct job_list all = self->queue;
    struct pool_job *job;
    self->queue = (struct job_list){NULL, NULL};
    while ((job = jobs_take(&all)) != NULL) {
        if (!is(job, argument)) {
            jobs_add(&self->queue, job);
            continue;
        }
        job->dropped = err;
        jobs_add(&self->finished, job);
        atomic_fetch_sub_explicit(&self->waiting, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&self->lock);
    ev_async_send(self->ev, &self->wake);
}
