/*
 * Presence: news by account, in two queues, each in the order in which it is due: what is sent
 * soon, and what waits for its grace to pass. What is on its way, one request at a time, stands in
 * `asked` alone.
 */
#include "services/session/presence.h"

#include <stdlib.h>
#include <utlist.h>

#include "common/hash.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/peers.h"
#include "proto/messages.h"

/* Accounts per request, as messages.def bounds them. */
#define REQUEST_MAX 1024
/*
 * limit: session | wait for group's reply to news of presence | {REPLY_TIMEOUT_MS}, or until the
 * link is lost | the same news is tried again
 */
/* Longer than group's handler can take (its database's answer, in three attempts): what it may
 * still be reporting must not be overtaken by newer news. A lost link ends the wait. */
#define REPLY_TIMEOUT_MS 60000

struct news {
    uint64_t account;
    bool online;
    unsigned attempts; /* 0: it was never sent */
    bool waits;        /* its queue */
    int64_t due_ms;
    UT_hash_handle hh;
    struct news *next, *prev;
};

struct presence {
    struct service *service;
    struct peers *group;
    struct news *waiting; /* by account, in one of the two queues */
    struct news *queues[2];
    struct news *asked[REQUEST_MAX];
    size_t asked_count;
    int64_t grace_ms;
    ev_timer timer; /* for the first news that is due */
    struct metric *sent, *dropped;
};

/* --- what waits ---------------------------------------------------------------------------- */

static struct news *find(const struct presence *self, uint64_t account) {
    struct news *news;
    HASH_FIND(hh, self->waiting, &account, sizeof account, news);
    return news;
}

/* Takes it out of everything; it is the caller's. */
static void take(struct presence *self, struct news *news) {
    DL_DELETE(self->queues[news->waits], news);
    /* The analyzer cannot follow the lists of uthash. */
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference, clang-analyzer-unix.Malloc) */
    HASH_DEL(self->waiting, news);
}

static void drop(struct presence *self, struct news *news) {
    take(self, news);
    free(news);
}

static void schedule(struct presence *self) {
    if (self->asked_count > 0 || peers_live_count(self->group) == 0)
        return;
    for (size_t i = 0; i < 2; i++)
        if (self->queues[i] != NULL)
            loop_timer_hasten(service_loop(self->service), &self->timer,
                              self->queues[i]->due_ms - loop_now_ms());
}

static void add(struct presence *self, uint64_t account, bool online, bool waits) {
    struct news *news = NULL;
    if (presence_waiting(self) < PRESENCE_MAX)
        news = calloc(1, sizeof *news);
    if (news != NULL)
        news->account = account;
    if (news == NULL || !HASH_TRY_ADD(hh, self->waiting, account, news)) {
        free(news);
        metric_add(self->dropped, 1);
        return;
    }
    news->online = online;
    news->waits = waits;
    news->due_ms = loop_now_ms() + (waits ? self->grace_ms : PRESENCE_DELAY_MS);
    DL_APPEND(self->queues[waits], news);
    schedule(self);
}

void presence_note(struct presence *self, uint64_t account, bool online, bool waits) {
    struct news *known = find(self, account);
    if (known == NULL)
        add(self, account, online, waits);
    else if (known->online != online && known->attempts == 0)
        drop(self, known);
    else
        known->online = online; /* friends may have heard the opposite */
}

void presence_confirm(struct presence *self, uint64_t account) {
    struct news *known = find(self, account);
    if (known != NULL)
        drop(self, known);
}

bool presence_holds(const struct presence *self, uint64_t account) {
    const struct news *news = find(self, account);
    return news != NULL && !news->online;
}

/* --- sending ------------------------------------------------------------------------------- */

/* What failed waits again, and the others behind it, unless something newer does. */
static void put_back(struct presence *self, struct news *news) {
    struct news *newer = find(self, news->account);
    if (newer != NULL) {
        newer->attempts = 1; /* somebody may have heard the failed one */
        free(news);
    } else if (news->attempts >= PRESENCE_ATTEMPTS ||
               !HASH_TRY_ADD(hh, self->waiting, account, news)) {
        metric_add(self->dropped, 1);
        free(news);
    } else {
        news->waits = false;
        news->due_ms = loop_now_ms() + PRESENCE_RETRY_MS;
        DL_PREPEND(self->queues[false], news);
    }
}

static void on_reply(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct presence *self = argument;
    size_t count = self->asked_count;
    self->asked_count = 0;
    for (size_t i = count; i-- > 0;)
        if (err == ERR_OK)
            free(self->asked[i]);
        else
            put_back(self, self->asked[i]);
    if (err == ERR_OK)
        metric_add(self->sent, count);
    if (self->group != NULL)
        schedule(self);
}

/* The first that is due, and what says the same behind it. */
static void gather(struct presence *self, uint64_t accounts[REQUEST_MAX]) {
    int64_t now_ms = loop_now_ms();
    struct news *news, *next;
    for (size_t i = 0; i < 2; i++)
        DL_FOREACH_SAFE(self->queues[i], news, next) {
            if (self->asked_count == REQUEST_MAX || news->due_ms > now_ms)
                break;
            if (self->asked_count > 0 && news->online != self->asked[0]->online)
                continue;
            take(self, news);
            news->attempts++;
            accounts[self->asked_count] = news->account;
            self->asked[self->asked_count++] = news;
        }
}

static void ask(struct presence *self) {
    uint64_t accounts[REQUEST_MAX];
    gather(self, accounts);
    if (self->asked_count == 0)
        return;
    struct group_presence body = {.accounts = {accounts, self->asked_count},
                                  .online = self->asked[0]->online};
    enum err err = peers_ask(self->group, peers_next(self->group),
                             &(struct peers_request){.message = &message_GROUP_PRESENCE,
                                                     .body = &body,
                                                     .timeout_ms = REPLY_TIMEOUT_MS,
                                                     .done = on_reply,
                                                     .argument = self});
    if (err != ERR_OK)
        on_reply(self, err, NULL, NULL);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct presence *self = timer->data;
    if (self->asked_count == 0 && peers_live_count(self->group) > 0)
        ask(self);
    schedule(self);
}

static void group_changed(void *context, struct peer *peer, enum peer_change change) {
    (void)peer;
    (void)change;
    struct presence *self = context;
    if (self->group != NULL)
        schedule(self);
}

void presence_stop(struct presence *self) {
    struct news *news, *next;
    DL_FOREACH_SAFE(self->queues[true], news, next) {
        if (!news->online)
            continue;
        DL_DELETE(self->queues[true], news);
        news->waits = false;
        DL_APPEND(self->queues[false], news);
    }
    DL_FOREACH(self->queues[false], news) { news->due_ms = 0; }
    schedule(self);
}

bool presence_idle(const struct presence *self) {
    return peers_live_count(self->group) == 0 ||
           (self->queues[false] == NULL && self->asked_count == 0);
}

size_t presence_waiting(const struct presence *self) {
    return HASH_COUNT(self->waiting) + self->asked_count;
}

/* --- life ---------------------------------------------------------------------------------- */

struct presence *presence_new(struct service *service, const char *group_peers, uint64_t grace_ms) {
    struct presence *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    struct metrics *metrics = service_metrics(service);
    self->service = service;
    self->grace_ms = (int64_t)grace_ms;
    self->sent = metrics_counter(metrics, "presence_sent_total", "",
                                 "News of presence that group has taken.");
    self->dropped = metrics_counter(metrics, "presence_dropped_total", "",
                                    "News of presence that reached nobody.");
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    self->group = peers_new(service, &(struct peers_options){.name = "group",
                                                             .addresses = group_peers,
                                                             .context = self,
                                                             .change = group_changed});
    if (self->group == NULL)
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
    struct news *news, *next;
    HASH_ITER(hh, self->waiting, news, next) { drop(self, news); }
    free(self);
}
