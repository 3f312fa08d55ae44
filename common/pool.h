/*
 * A pool of threads, each with a database connection of its own, for work that may block.
 *
 * The loop's thread submits a job; a worker runs `run` with its connection; the loop's thread then
 * runs `done`. Jobs start in the order of submission, but run side by side. The queue is bounded:
 * at its limit pool_submit refuses. A job whose deadline has passed when a worker takes it is not
 * run: nobody waits for it any more; what runs keeps to its deadline (db_set_deadline). A worker
 * connects for its first job, and again for the next one when its connection is lost; while the
 * database is away, jobs run all the same and their first db_query fails with what db_connect said,
 * so that they don't pile up. A transaction that a job leaves open is rolled back.
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
    bool expired;          /* the pool's: `run` was not called, since the deadline had passed */
    struct pool_job *next; /* the pool's */
};

/*
 * Starts `settings->db_connections` threads (1 to DB_MAX_CONNECTIONS); the database need not be
 * there. NULL with a logged line when that fails. `queue_limit`: jobs that may wait, beyond those
 * that run.
 */
struct pool *pool_new(struct ev_loop *ev, const struct db_settings *settings, size_t queue_limit);
/* Runs what is queued, joins the threads, calls `done` of all that ran; from a `done` that is
 * called here, pool_submit refuses. Not to be called from a `done`. */
void pool_destroy(struct pool **self);

/* Takes the job (0), or leaves it with the caller (-1) when the queue is full. */
int pool_submit(struct pool *self, struct pool_job *job) __attribute__((warn_unused_result));
/* Jobs that wait for a worker. */
size_t pool_waiting(const struct pool *self);

/* From now on has a worker ask the database for a sign of life each second, so that
 * pool_lacks_database knows also when there are no other jobs. */
void pool_watch_database(struct pool *self);
/* NULL when the database answered last, and is not asked in vain for POOL_DATABASE_MS or more; else
 * what is wrong with it, in one line in `out` of `size` bytes. */
const char *pool_lacks_database(struct pool *self, char *out, size_t size);

#endif
