/*
 * A pool of threads, each with a database connection of its own, for work that may block.
 *
 * The loop's thread submits a job; a worker runs `run` with its connection; the loop's thread then
 * runs `done`. Jobs start in the order of submission, but run side by side. A worker connects for
 * its first job, and again for the next one when its connection is lost; while the database is
 * away, jobs run all the same and their first db_query fails with db_connect's error, so that
 * they don't pile up. A transaction that a job leaves open is rolled back.
 *
 * The queue is bounded in number and in time. The pool knows how long jobs run as a rule: one that
 * could not be done by its deadline is refused by pool_submit at once. One that waited longer than
 * was to be expected is not run: its caller has given up; a running one keeps to its deadline
 * (db_set_deadline). So however many jobs are submitted, workers run only jobs that somebody still
 * waits for.
 *
 * All calls are made on the loop's thread. Workers take no signals.
 */
#ifndef PARLEY_COMMON_POOL_H
#define PARLEY_COMMON_POOL_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/db.h"

/* How long the database may take for a sign of life. */
#define POOL_DATABASE_MS 3000

struct pool;

struct pool_job {
    void (*run)(struct pool_job *job, struct db *db); /* on a worker */
    void (*done)(struct pool_job *job);               /* on the loop; owns the job from here */
    int64_t deadline_ms;   /* by the clock of loop_now_ms; INT64_MAX: none */
    enum err dropped;      /* the pool's: why `run` was not called; ERR_OK: it was */
    struct pool_job *next; /* the pool's */
};

/*
 * Starts `threads` (1 to DB_MAX_CONNECTIONS), each with a connection; the database need not be
 * there. NULL with a logged line when that fails. `queue_limit`: jobs that may wait, beyond those
 * that run. `settings` and `watch`, which may be NULL, are borrowed.
 */
struct pool *pool_new(struct ev_loop *ev, const struct db_settings *settings,
                      struct db_watch *watch, uint64_t threads, size_t queue_limit);
/* Runs the queued jobs, joins the threads, calls `done` of all that ran; from a `done` that is
 * called here, pool_submit refuses. Not to be called from a `done`. */
void pool_destroy(struct pool **self);

/* How long a job runs, before any has: else the first ones would all be taken. */
void pool_expect(struct pool *self, int64_t run_us);
/* Takes the job (0), or leaves it with the caller (-1) when the queue is full, or the job could not
 * be done by its deadline. One that a worker is free for is always taken. */
int pool_submit(struct pool *self, struct pool_job *job) __attribute__((warn_unused_result));
/* Jobs that wait for a worker. */
size_t pool_waiting(const struct pool *self);
/* Whether no worker has a job, and none waits. */
bool pool_is_idle(const struct pool *self);
/* Ends the waiting jobs for which `is` is true, without running them; their `done` is called with
 * `err` in `dropped`, from the loop, not from here. */
void pool_drop(struct pool *self, bool (*is)(const struct pool_job *job, const void *argument),
               const void *argument, enum err err);

/* From now on has a worker ask the database for a sign of life each second, so that the watch knows
 * also when there are no other jobs, and when the database is asked in vain for POOL_DATABASE_MS.
 */
void pool_watch_database(struct pool *self);

#endif
