/* A service's pools, and its database at the start; see service_database.h. */
#include "common/service_database.h"

#include <stddef.h>
#include <string.h>

#include "common/log.h"

/*
 * limit: service | requests that wait for a worker | {POOL_QUEUE}, and no more than can be done
 * before their callers give up, by how long jobs run | `overloaded`, at once
 */
/* Jobs that may wait for a worker. */
#define POOL_QUEUE 10000
/*
 * limit: database | waiting for the database at the start | without end, tried every {AGAIN_S} |
 * not ready meanwhile
 */
/* Between two attempts. */
#define AGAIN_S 0.5

static size_t depth_of_pool(const void *argument) { return pool_waiting(argument); }

static struct service *service_of(struct pool_job *job) {
    return (struct service *)((char *)job - offsetof(struct service, database.job));
}

static void check(struct pool_job *job, struct db *db) {
    struct service_database *self = &service_of(job)->database;
    self->message[0] = '\0';
    self->err = self->check == NULL ? db_connect(db) : self->check(db, self->message);
    if (self->err != ERR_OK && self->message[0] == '\0')
        snprintf(self->message, sizeof self->message, "%s", db_fault(db));
}

/* A database that is away, or refuses the connection, may be there soon. One that does not fit this
 * build needs stays so until an operator changes it. */
static void checked(struct pool_job *job) {
    struct service *service = service_of(job);
    struct service_database *self = &service->database;
    char quoted[LOG_QUOTED_BYTES];
    self->sound = self->err == ERR_OK;
    if (self->sound || service->state == SERVICE_STOPPING)
        return;
    if (self->err != ERR_UNAVAILABLE && self->err != ERR_TIMEOUT) {
        self->unfit = true;
        service_fail(service, 1);
        return;
    }
    if (!self->logged)
        log_warn("waiting", "for=database reason=%s",
                 log_quote(quoted, self->message, strlen(self->message)));
    self->logged = true;
    ev_timer_again(service->ev, &self->again);
}

static void start_check(struct service *service) {
    struct service_database *self = &service->database;
    ev_timer_stop(service->ev, &self->again);
    self->job = (struct pool_job){.run = check, .done = checked, .deadline_ms = INT64_MAX};
    if (pool_submit(service->pool, &self->job) != 0)
        ev_timer_again(service->ev, &self->again);
}

static void on_again(struct ev_loop *ev, ev_timer *timer, int events) {
    (void)ev;
    (void)events;
    start_check(timer->data);
}

int service_use_pool(struct service *service, const struct db_settings *settings,
                     service_database_check *check_database) {
    service->database.watch = db_watch_new();
    if (service->database.watch == NULL) {
        log_error("start_failed", "reason=\"out of memory\"");
        return -1;
    }
    service->pool = pool_new(service->ev, settings, service->database.watch,
                             settings->db_connections, POOL_QUEUE);
    if (service->pool == NULL)
        return -1;
    pool_watch_database(service->pool);
    service_add_queue(service, "pool", depth_of_pool, service->pool, POOL_QUEUE);
    service->database.check = check_database;
    ev_timer_init(&service->database.again, on_again, 0, AGAIN_S);
    service->database.again.data = service;
    start_check(service);
    return 0;
}

int service_use_costly_pool(struct service *service, const char *name,
                            const struct db_settings *settings, uint64_t threads, int64_t run_us) {
    size_t i = 0;
    while (service->costly[i] != NULL)
        i++;
    assert(i < SERVICE_COSTLY_POOLS);
    struct pool *pool =
        pool_new(service->ev, settings, service->database.watch, threads, POOL_QUEUE);
    service->costly[i] = pool;
    if (pool == NULL)
        return -1;
    pool_expect(pool, run_us);
    service_add_queue(service, name, depth_of_pool, pool, POOL_QUEUE);
    return 0;
}

void service_tell_unfit_database(const struct service *service) {
    const struct service_database *self = &service->database;
    char quoted[LOG_QUOTED_BYTES];
    if (self->unfit)
        log_error("start_failed", "reason=%s",
                  log_quote(quoted, self->message, strlen(self->message)));
}

void service_leave_database(struct service *service) {
    for (size_t i = 0; i < SERVICE_COSTLY_POOLS; i++)
        pool_destroy(&service->costly[i]);
    if (service->pool == NULL)
        return;
    ev_timer_stop(service->ev, &service->database.again);
    pool_destroy(&service->pool);
}
