/* group.forget, and the timer that goes on with the work that it began; see group_ending.h. */
#include "services/group/group_ending.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/loop.h"

struct ender {
    struct pool_job job; /* the first member; on its way at most once */
    struct service *service;
    const struct group_service *group;
    ev_timer timer;   /* stands still while the job is on its way */
    bool under_way;   /* the job is */
    bool asked;       /* meanwhile: there may be another account */
    uint64_t account; /* the worker's finding, as the next ones */
    bool more;
    enum err err;
    uint64_t failed; /* steps in a row */
};

static void set_timer(struct ender *self, double seconds) {
    struct ev_loop *ev = service_loop(self->service);
    ev_timer_stop(ev, &self->timer);
    ev_timer_set(&self->timer, seconds, 0);
    ev_timer_start(ev, &self->timer);
}

static void take_step(struct pool_job *job, struct db *db) {
    struct ender *self = (struct ender *)job;
    struct record_arena arena = {0};
    self->err = ending_step(self->group, db, &arena, &self->account, &self->more);
    record_arena_free(&arena);
}

static void took_step(struct pool_job *job) {
    struct ender *self = (struct ender *)job;
    bool again = self->more || self->asked;
    self->under_way = self->asked = false;
    if (self->err == ERR_OK)
        self->failed = 0;
    else if (self->failed++ == 0)
        log_warn("ending_failed", "account=%llu reason=%s", (unsigned long long)self->account,
                 err_word(self->err));
    if (self->err == ERR_OK && self->account != 0 && !self->more)
        log_info("ended", "account=%llu", (unsigned long long)self->account);
    /* The instance that asked for the end may be gone, and its request lost. */
    if (self->err == ERR_OK && self->account != 0 && !self->more)
        route_kick(self->group->router, self->account, KICK_DELETED);
    set_timer(self, self->err != ERR_OK ? GROUP_ENDING_AGAIN_S : again ? 0 : GROUP_ENDING_EVERY_S);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct ender *self = timer->data;
    /* With as much to do as there may be, this can wait. */
    self->under_way = pool_submit(service_pool(self->service), &self->job) == 0;
    if (!self->under_way)
        set_timer(self, GROUP_ENDING_AGAIN_S);
}

struct ender *ender_new(struct service *service, const struct group_service *group) {
    struct ender *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->job = (struct pool_job){.run = take_step, .done = took_step, .deadline_ms = INT64_MAX};
    self->service = service;
    self->group = group;
    ev_timer_init(&self->timer, on_timer, GROUP_ENDING_AGAIN_S, 0);
    self->timer.data = self;
    ev_timer_start(service_loop(service), &self->timer);
    return self;
}

void ender_destroy(struct ender **self) {
    if (*self != NULL)
        ev_timer_stop(service_loop((*self)->service), &(*self)->timer);
    free(*self);
    *self = NULL;
}

enum err group_handle_forget(void *context, struct call *call, const void *body) {
    const struct group_service *group = context;
    const struct group_forget *ask = body;
    route_kick(group->router, ask->account, KICK_DELETED);
    if (group->ender->under_way)
        group->ender->asked = true;
    else
        set_timer(group->ender, 0);
    call_reply(&call, &(struct done){0});
    return ERR_OK;
}
