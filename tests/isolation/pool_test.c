/*
 * pool.h against a real MariaDB: order, the queue's limit, lost connections, the way out.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include "common/pool.h"
#include "tests/support/test_db.h"
#include "tests/support/test_list.h"

static struct db_settings settings;
static struct ev_loop *ev;
static struct pool *pool;
static struct db_watch *watch;

struct job {
    struct pool_job base;
    enum err err;
    uint64_t connection_id;
    bool in_transaction;
    pthread_t ran_on, done_on;
    unsigned ran, done; /* place in the order of all, from 1; 0: not yet */
};

static unsigned ran_count, done_count, done_wanted;
static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;
/* Posted by a job that waits, and the job that it waits for. */
static sem_t arrived, gate;

static const struct db_statement own_id = {"own_id", "SELECT CONNECTION_ID(), @@in_transaction"};

static void run(struct pool_job *base, struct db *db) {
    struct job *job = (struct job *)base;
    pthread_mutex_lock(&order_lock);
    job->ran = ++ran_count;
    pthread_mutex_unlock(&order_lock);
    job->ran_on = pthread_self();
    struct db_rows *rows;
    job->err = db_query(db, &own_id, DB_NO_ARGS, &rows);
    if (db_rows_next(rows)) {
        job->connection_id = db_rows_u64(rows, 0);
        job->in_transaction = db_rows_u64(rows, 1) != 0;
    }
    db_rows_destroy(&rows);
}

static void run_behind_gate(struct pool_job *base, struct db *db) {
    sem_post(&arrived);
    sem_wait(&gate);
    run(base, db);
}

static void run_and_leave_open(struct pool_job *base, struct db *db) {
    struct job *job = (struct job *)base;
    run(base, db);
    if (job->err == ERR_OK)
        job->err = db_begin(db);
}

static void done(struct pool_job *base) {
    struct job *job = (struct job *)base;
    job->done = ++done_count;
    job->done_on = pthread_self();
    if (done_count == done_wanted)
        ev_break(ev, EVBREAK_ALL);
}

static struct job job_make(void (*run_function)(struct pool_job *, struct db *)) {
    return (struct job){.base = {.run = run_function, .done = done, .deadline_ms = INT64_MAX},
                        .err = ERR_INTERNAL};
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events) {
    (void)timer;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

/* Runs the loop until `count` jobs are done since the test began. */
static void run_until_done(unsigned count) {
    done_wanted = count;
    ev_timer deadline;
    ev_timer_init(&deadline, on_deadline, TEST_DEADLINE_MS / 1000.0, 0.);
    ev_timer_start(ev, &deadline);
    if (done_count < count)
        ev_run(ev, 0);
    ev_timer_stop(ev, &deadline);
    assert_int_equal(done_count, count);
}

static int setup(void **state) {
    (void)state;
    settings = test_db_settings();
    ran_count = done_count = done_wanted = 0;
    sem_init(&arrived, 0, 0);
    sem_init(&gate, 0, 0);
    ev = ev_loop_new(EVFLAG_AUTO);
    assert_non_null(ev);
    watch = db_watch_new();
    assert_non_null(watch);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    pool_destroy(&pool);
    assert_null(pool);
    db_watch_destroy(&watch);
    ev_loop_destroy(ev);
    sem_destroy(&arrived);
    sem_destroy(&gate);
    return 0;
}

#define POOL_TEST(name_) TEST_WITH(name_, NO_FIXTURE, setup, teardown)

static void make_pool(uint64_t connections, size_t queue_limit) {
    pool = pool_new(ev, &settings, watch, connections, queue_limit);
    assert_non_null(pool);
}

static void submit_all(struct job *jobs, size_t count,
                       void (*run_function)(struct pool_job *, struct db *)) {
    for (size_t i = 0; i < count; i++) {
        jobs[i] = job_make(run_function);
        assert_int_equal(pool_submit(pool, &jobs[i].base), 0);
    }
}

POOL_TEST(test_jobs_run_in_order_and_are_done_on_the_loop) {
    make_pool(1, 100);
    struct job jobs[100];
    submit_all(jobs, 100, run);
    run_until_done(100);
    assert_int_equal(pool_waiting(pool), 0);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(jobs[i].err, ERR_OK);
        assert_int_equal(jobs[i].ran, i + 1);
        assert_int_equal(jobs[i].done, i + 1);
        assert_true(pthread_equal(jobs[i].done_on, pthread_self()));
        assert_false(pthread_equal(jobs[i].ran_on, pthread_self()));
        assert_int_equal(jobs[i].connection_id, jobs[0].connection_id);
    }
}

POOL_TEST(test_jobs_run_side_by_side) {
    make_pool(3, 10);
    struct job jobs[3];
    submit_all(jobs, 3, run_behind_gate);
    /* All three wait at the gate at once, so each has a thread. */
    for (size_t i = 0; i < 3; i++)
        sem_wait(&arrived);
    for (size_t i = 0; i < 3; i++)
        sem_post(&gate);
    run_until_done(3);
    assert_int_equal(jobs[0].err | jobs[1].err | jobs[2].err, ERR_OK);
    assert_int_not_equal(jobs[0].connection_id, jobs[1].connection_id);
    assert_int_not_equal(jobs[1].connection_id, jobs[2].connection_id);
}

POOL_TEST(test_queue_at_its_limit_refuses) {
    make_pool(1, 2);
    struct job first = job_make(run_behind_gate);
    struct job jobs[3] = {job_make(run), job_make(run), job_make(run)};
    assert_int_equal(pool_submit(pool, &first.base), 0);
    sem_wait(&arrived);
    assert_int_equal(pool_waiting(pool), 0);
    assert_int_equal(pool_submit(pool, &jobs[0].base), 0);
    assert_int_equal(pool_submit(pool, &jobs[1].base), 0);
    assert_int_equal(pool_submit(pool, &jobs[2].base), -1);
    assert_int_equal(pool_waiting(pool), 2);
    sem_post(&gate);
    run_until_done(3);
    assert_int_equal(pool_submit(pool, &jobs[2].base), 0);
    run_until_done(4);
    assert_int_equal(jobs[2].err, ERR_OK);
}

/* A job that waits behind one that stands at the gate, with this long left. A machine that stood
 * still in between makes it too late at once. */
static void submit_with_left(struct job *job, int64_t left_ms) {
    do
        job->base.deadline_ms = loop_now_ms() + left_ms;
    while (pool_submit(pool, &job->base) != 0);
}

POOL_TEST(test_abandoned_jobs_are_not_run) {
    make_pool(1, 10);
    struct job first = job_make(run_behind_gate);
    struct job late = job_make(run), in_time = job_make(run);
    in_time.base.deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    assert_int_equal(pool_submit(pool, &first.base), 0);
    sem_wait(&arrived);
    submit_with_left(&late, 20);
    assert_int_equal(pool_submit(pool, &in_time.base), 0);
    while (loop_now_ms() < late.base.deadline_ms)
        usleep(1000);
    sem_post(&gate);
    run_until_done(3);
    assert_int_equal(late.ran, 0);
    assert_int_equal(late.done, 2); /* in its turn, all the same */
    assert_int_equal(late.base.dropped, ERR_TIMEOUT);
    assert_int_equal(in_time.err, ERR_OK);
    assert_int_equal(in_time.base.dropped, ERR_OK);
}

/* Jobs run for an hour each, the pool believes: none could be done before its deadline but the one
 * that a worker is free for, however little time it has. */
POOL_TEST(test_hopeless_jobs_are_refused) {
    make_pool(1, 10);
    pool_expect(pool, (int64_t)3600 * 1000 * 1000);
    struct job first = job_make(run_behind_gate);
    struct job hasty = job_make(run), patient = job_make(run);
    first.base.deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    assert_int_equal(pool_submit(pool, &first.base), 0);
    sem_wait(&arrived);
    hasty.base.deadline_ms = loop_now_ms() + (int64_t)2 * 3600 * 1000;
    assert_int_equal(pool_submit(pool, &hasty.base), -1);
    hasty.base.deadline_ms = loop_now_ms() + (int64_t)3 * 3600 * 1000;
    assert_int_equal(pool_submit(pool, &hasty.base), 0);
    assert_int_equal(pool_submit(pool, &patient.base), 0); /* waits for ever */
    sem_post(&gate);
    run_until_done(3);
    assert_int_equal(hasty.err, ERR_OK);
    assert_int_equal(patient.err, ERR_OK);
}

/* The expected wait falls again with jobs that are quick. */
POOL_TEST(test_a_pool_that_was_slow_takes_jobs_again) {
    make_pool(1, 1000);
    pool_expect(pool, (int64_t)3600 * 1000 * 1000);
    struct job jobs[200], first = job_make(run_behind_gate), late = job_make(run);
    for (unsigned i = 0; i < 200; i++) {
        jobs[i] = job_make(run);
        assert_int_equal(pool_submit(pool, &jobs[i].base), 0);
    }
    run_until_done(200);
    assert_int_equal(pool_submit(pool, &first.base), 0);
    sem_wait(&arrived);
    late.base.deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    assert_int_equal(pool_submit(pool, &late.base), 0);
    sem_post(&gate);
    run_until_done(202);
    assert_int_equal(late.err, ERR_OK);
}

static bool is_job(const struct pool_job *job, const void *argument) {
    return argument == NULL || job == argument;
}

POOL_TEST(test_waiting_jobs_can_be_dropped) {
    make_pool(1, 10);
    assert_true(pool_is_idle(pool));
    struct job first = job_make(run_behind_gate);
    struct job jobs[3] = {job_make(run), job_make(run), job_make(run)};
    assert_int_equal(pool_submit(pool, &first.base), 0);
    sem_wait(&arrived);
    assert_false(pool_is_idle(pool));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pool_submit(pool, &jobs[i].base), 0);
    pool_drop(pool, is_job, &jobs[1].base, ERR_TIMEOUT);
    assert_int_equal(pool_waiting(pool), 2);
    assert_int_equal(jobs[1].done, 0); /* not from within */
    run_until_done(1);
    assert_int_equal(jobs[1].done, 1);
    pool_drop(pool, is_job, NULL, ERR_UNAVAILABLE);
    assert_int_equal(pool_waiting(pool), 0);
    run_until_done(3);
    assert_int_equal(jobs[1].base.dropped, ERR_TIMEOUT);
    assert_int_equal(jobs[0].base.dropped, ERR_UNAVAILABLE);
    assert_int_equal(jobs[2].base.dropped, ERR_UNAVAILABLE);
    assert_int_equal(jobs[0].ran + jobs[1].ran + jobs[2].ran, 0);
    assert_int_equal(first.ran, 0); /* it was taken already, and is not concerned */
    sem_post(&gate);
    run_until_done(4);
    assert_int_equal(first.err, ERR_OK);
}

POOL_TEST(test_destroy_drains) {
    make_pool(2, 50);
    struct job jobs[50];
    submit_all(jobs, 50, run);
    pool_destroy(&pool);
    assert_null(pool);
    assert_int_equal(done_count, 50);
    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(jobs[i].err, ERR_OK);
        assert_true(pthread_equal(jobs[i].done_on, pthread_self()));
    }
}

static int submitted_while_stopping;

static void done_submits_again(struct pool_job *base) {
    done(base);
    submitted_while_stopping = pool_submit(pool, base);
}

POOL_TEST(test_no_submission_while_destroying) {
    make_pool(1, 10);
    struct job job = job_make(run);
    job.base.done = done_submits_again;
    assert_int_equal(pool_submit(pool, &job.base), 0);
    submitted_while_stopping = 0;
    pool_destroy(&pool);
    assert_int_equal(done_count, 1);
    assert_int_equal(submitted_while_stopping, -1);
}

POOL_TEST(test_worker_connects_again) {
    make_pool(1, 10);
    struct job before = job_make(run);
    assert_int_equal(pool_submit(pool, &before.base), 0);
    run_until_done(1);
    assert_int_equal(before.err, ERR_OK);
    struct db *other = test_db_new(&settings);
    char sql[64];
    snprintf(sql, sizeof sql, "KILL %llu", (unsigned long long)before.connection_id);
    test_db_do(other, sql);
    test_db_wait_gone(other, before.connection_id);
    struct job after = job_make(run);
    assert_int_equal(pool_submit(pool, &after.base), 0);
    run_until_done(2);
    assert_int_equal(after.err, ERR_OK);
    assert_int_not_equal(after.connection_id, before.connection_id);
    db_destroy(&other);
}

POOL_TEST(test_jobs_fail_while_the_database_is_away) {
    make_pool(1, 1000);
    struct job before = job_make(run);
    assert_int_equal(pool_submit(pool, &before.base), 0);
    run_until_done(1);
    /* The worker reads its settings when it connects: none runs now, so they can be changed. */
    char *socket = settings.db_socket;
    settings.db_socket = (char *)(uintptr_t) "/nonexistent/parley.sock";
    struct db_settings reachable = settings;
    reachable.db_socket = socket;
    struct db *other = test_db_new(&reachable);
    char sql[64];
    snprintf(sql, sizeof sql, "KILL %llu", (unsigned long long)before.connection_id);
    test_db_do(other, sql);
    test_db_wait_gone(other, before.connection_id);
    db_destroy(&other);
    static struct job jobs[1000];
    submit_all(jobs, 1000, run);
    run_until_done(1001);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(jobs[i].err, ERR_UNAVAILABLE);
    settings.db_socket = socket;
    struct job after = job_make(run);
    int64_t deadline = loop_now_ms() + TEST_DEADLINE_MS;
    while (after.err != ERR_OK) {
        assert_true(loop_now_ms() < deadline);
        after = job_make(run);
        assert_int_equal(pool_submit(pool, &after.base), 0);
        run_until_done(done_count + 1);
    }
}

POOL_TEST(test_open_transaction_is_rolled_back) {
    make_pool(1, 10);
    struct job careless = job_make(run_and_leave_open);
    struct job next = job_make(run);
    assert_int_equal(pool_submit(pool, &careless.base), 0);
    assert_int_equal(pool_submit(pool, &next.base), 0);
    run_until_done(2);
    assert_int_equal(careless.err, ERR_OK);
    assert_int_equal(next.err, ERR_OK);
    assert_int_equal(next.connection_id, careless.connection_id);
    assert_false(next.in_transaction);
}

static sigset_t worker_mask;

static void run_and_read_mask(struct pool_job *base, struct db *db) {
    pthread_sigmask(SIG_SETMASK, NULL, &worker_mask);
    run(base, db);
}

POOL_TEST(test_workers_take_no_signals) {
    make_pool(1, 10);
    struct job job = job_make(run_and_read_mask);
    assert_int_equal(pool_submit(pool, &job.base), 0);
    run_until_done(1);
    assert_true(sigismember(&worker_mask, SIGTERM));
    assert_true(sigismember(&worker_mask, SIGINT));
    sigset_t mine;
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    assert_false(sigismember(&mine, SIGTERM));
}

POOL_TEST(test_a_database_that_is_away_is_waited_for) {
    char out[256];
    char *socket = settings.db_socket;
    settings.db_socket = (char *)(uintptr_t) "/nonexistent/parley.sock";
    make_pool(1, 10);
    struct job job = job_make(run);
    assert_int_equal(pool_submit(pool, &job.base), 0);
    run_until_done(1);
    assert_int_equal(job.err, ERR_UNAVAILABLE);
    assert_non_null(db_watch_fault(watch, out, sizeof out));
    assert_non_null(strstr(out, settings.db_socket));
    settings.db_socket = socket; /* no worker connects just now */
    int64_t deadline = loop_now_ms() + TEST_DEADLINE_MS;
    while (db_watch_fault(watch, out, sizeof out) != NULL) {
        assert_true(loop_now_ms() < deadline);
        job = job_make(run);
        assert_int_equal(pool_submit(pool, &job.base), 0);
        run_until_done(done_count + 1);
    }
    assert_int_equal(job.err, ERR_OK);
}

int main(void) { return test_run_all(NULL, NULL); }
