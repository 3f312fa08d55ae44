/* Presence: a queue of news, and one request on its way. */
#include "services/session/presence.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/peers.h"
#include "proto/messages.h"

/* Accounts per request, as messages.def bounds them. */
#define REQUEST_MAX 1024
/* How often the same news is tried. */
#define ATTEMPTS 3

struct news {
    uint64_t account;
    bool online;
};

struct presence {
    struct service *service;
    struct peers *group;
    struct news *queue; /* PRESENCE_MAX; the first `asked` are on their way */
    size_t count, asked;
    unsigned attempts;
    ev_timer timer;
    struct metric *told, *dropped;
};

static void take_off(struct presence *self, size_t count) {
    self->count -= count;
    memmove(self->queue, self->queue + count, self->count * sizeof *self->queue);
    self->attempts = 0;
}

static void answered(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct presence *self = argument;
    size_t count = self->asked;
    self->asked = 0;
    if (err != ERR_OK && ++self->attempts < ATTEMPTS)
        return;
    metric_add(err == ERR_OK ? self->told : self->dropped, count);
    take_off(self, count);
}

/* The news at the front that say the same. */
static size_t gather(const struct presence *self, uint64_t accounts[REQUEST_MAX]) {
    size_t count = 0;
    while (count < self->count && count < REQUEST_MAX &&
           self->queue[count].online == self->queue[0].online) {
        accounts[count] = self->queue[count].account;
        count++;
    }
    return count;
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct presence *self = timer->data;
    uint64_t accounts[REQUEST_MAX];
    if (self->asked > 0 || self->count == 0)
        return;
    size_t count = gather(self, accounts);
    struct group_presence body = {.accounts = {accounts, count}, .online = self->queue[0].online};
    self->asked = count;
    if (peers_ask(self->group, peers_next(self->group),
                  &(struct peers_request){.message = &message_GROUP_PRESENCE,
                                          .body = &body,
                                          .done = answered,
                                          .argument = self}) == ERR_OK)
        return;
    self->asked = 0;
    /* No group is there: those who are concerned are told nothing, rather than something old. */
    metric_add(self->dropped, count);
    take_off(self, count);
}

void presence_note(struct presence *self, uint64_t account, bool online) {
    if (self->count == PRESENCE_MAX) {
        metric_add(self->dropped, 1);
        return;
    }
    self->queue[self->count++] = (struct news){account, online};
}

size_t presence_waiting(const struct presence *self) { return self->count; }

struct presence *presence_new(struct service *service, const char *group_peers) {
    struct presence *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    struct metrics *metrics = service_metrics(service);
    self->service = service;
    self->queue = malloc(PRESENCE_MAX * sizeof *self->queue);
    self->told = metrics_counter(metrics, "presence_told_total", "",
                                 "Accounts that came or went, told to group.");
    self->dropped = metrics_counter(metrics, "presence_dropped_total", "",
                                    "Accounts that came or went, told to nobody.");
    ev_timer_init(&self->timer, on_timer, PRESENCE_DELAY_MS / 1000.0, PRESENCE_DELAY_MS / 1000.0);
    self->timer.data = self;
    ev_timer_start(service_loop(service), &self->timer);
    self->group =
        peers_new(service, &(struct peers_options){.name = "group", .addresses = group_peers});
    if (self->queue == NULL || self->group == NULL)
        presence_destroy(&self);
    return self;
}

void presence_destroy(struct presence **self_p) {
    struct presence *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    ev_timer_stop(service_loop(self->service), &self->timer);
    peers_destroy(&self->group);
    free(self->queue);
    free(self);
}
