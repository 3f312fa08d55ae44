/*
 * Presence: news by account, in four queues: what is sent soon, news that waits for its grace to
 * pass, and news of accounts that came and went too often, each in the order in which it is due;
 * and what the request on its way reports, of which there is one at a time.
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

enum queue { SOON, IN_GRACE, HELD, ASKED, QUEUES };

struct news {
    uint64_t account;
    bool online;
    bool waits;        /* for its grace; see presence_note */
    unsigned attempts; /* 0: it was never sent, so friends have heard the opposite */
    enum queue queue;
    int64_t due_ms;
    UT_hash_handle hh;
    struct news *next, *prev;
};

/* How many reports were sent of the accounts in one place. */
struct reports {
    int64_t since_ms;
    uint64_t count;
};

struct presence {
    struct service *service;
    struct peers *group;
    struct hooks_link *hooks;
    struct news *accounts; /* all news, by account: each is in one of the queues, too */
    struct news *queues[QUEUES];
    bool asked_online; /* what the request on its way reports of those in ASKED */
    int64_t grace_ms;
    uint64_t changes; /* of an account in PRESENCE_PAUSE_MS; 0: any number */
    ev_timer timer;   /* for the first news that is due */
    struct metric *sent, *dropped, *held;
    struct reports reports[PRESENCE_COUNTS];
};

/* --- what waits ---------------------------------------------------------------------------- */

static struct news *find(const struct presence *self, uint64_t account) {
    struct news *news;
    HASH_FIND(hh, self->accounts, &account, sizeof account, news);
    return news;
}

static void drop(struct presence *self, struct news *news) {
    DL_DELETE(self->queues[news->queue], news);
    /* The analyzer cannot follow the lists of uthash. */
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference, clang-analyzer-unix.Malloc) */
    HASH_DEL(self->accounts, news);
    free(news);
}

static bool can_ask(const struct presence *self) {
    return self->group != NULL && self->queues[ASKED] == NULL && peers_live_count(self->group) > 0;
}

static void schedule(struct presence *self) {
    for (size_t i = 0; i < ASKED && can_ask(self); i++)
        if (self->queues[i] != NULL)
            loop_timer_hasten(service_loop(self->service), &self->timer,
                              self->queues[i]->due_ms - loop_now_ms());
}

/* It is in no queue. */
static void put(struct presence *self, struct news *news, enum queue queue, int64_t delay_ms) {
    news->queue = queue;
    news->due_ms = loop_now_ms() + delay_ms;
    DL_APPEND(self->queues[queue], news);
}

static struct reports *reports_of(struct presence *self, uint64_t account) {
    struct reports *reports =
        &self->reports[hash_bytes(&account, sizeof account) % PRESENCE_COUNTS];
    if (loop_now_ms() - reports->since_ms >= PRESENCE_PAUSE_MS)
        *reports = (struct reports){.since_ms = loop_now_ms()};
    return reports;
}

/* None of its friends has heard it. */
static void put_new(struct presence *self, struct news *news) {
    news->attempts = 0;
    if (self->changes != 0 && reports_of(self, news->account)->count >= self->changes) {
        metric_add(self->held, 1);
        put(self, news, HELD, PRESENCE_PAUSE_MS);
    } else if (news->waits) {
        put(self, news, IN_GRACE, self->grace_ms);
    } else {
        put(self, news, SOON, PRESENCE_DELAY_MS);
    }
}

/* --- news that is noted --------------------------------------------------------------------- */

static void add(struct presence *self, uint64_t account, bool online, bool waits) {
    struct news *news = presence_waiting(self) < PRESENCE_MAX ? calloc(1, sizeof *news) : NULL;
    if (news != NULL)
        *news = (struct news){.account = account, .online = online, .waits = waits};
    if (news == NULL || !HASH_TRY_ADD(hh, self->accounts, account, news)) {
        free(news);
        metric_add(self->dropped, 1);
        return;
    }
    put_new(self, news);
    schedule(self);
}

void presence_note(struct presence *self, uint64_t account, bool online, bool waits) {
    struct news *news = find(self, account);
    if (news == NULL) {
        add(self, account, online, waits);
    } else if (news->attempts == 0 && news->online != online) {
        drop(self, news);
    } else { /* friends may have heard either, or will from the request on its way */
        news->online = online;
        news->waits = waits;
    }
}

void presence_confirm(struct presence *self, uint64_t account) {
    struct news *news = find(self, account);
    if (news != NULL && news->attempts == 0 && news->queue != HELD)
        drop(self, news);
    else if (news != NULL)
        news->online = true;
}

bool presence_holds(const struct presence *self, uint64_t account) {
    const struct news *news = find(self, account);
    return news != NULL && !news->online && (news->queue != ASKED || self->asked_online);
}

void presence_release(struct presence *self) {
    struct news *news;
    DL_FOREACH(self->queues[HELD], news) { news->due_ms = 0; }
    schedule(self);
}

/* --- sending ------------------------------------------------------------------------------- */

/* Hooks get what group has taken, once: nothing is stored. */
static void tell_hooks(struct presence *self) {
    uint64_t accounts[REQUEST_MAX];
    size_t count = 0;
    const struct news *news;
    DL_FOREACH(self->queues[ASKED], news) { accounts[count++] = news->account; }
    hooks_link_tell_presence(self->hooks, &(struct u64_list){accounts, count}, self->asked_online);
}

/* What group has taken is news no more, unless the account has changed meanwhile. */
static void on_reply(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct presence *self = argument;
    struct news *news, *next;
    bool taken = err == ERR_OK;
    if (taken)
        tell_hooks(self);
    DL_FOREACH_SAFE(self->queues[ASKED], news, next) {
        metric_add(self->sent, taken);
        if (taken ? news->online == self->asked_online : news->attempts == PRESENCE_ATTEMPTS) {
            metric_add(self->dropped, !taken);
            drop(self, news);
            continue;
        }
        DL_DELETE(self->queues[ASKED], news);
        if (taken)
            put_new(self, news);
        else
            put(self, news, SOON, PRESENCE_RETRY_MS);
    }
    schedule(self);
}

/* Moves the first news that is due, and those behind it of the same kind, to ASKED. */
static size_t gather(struct presence *self, uint64_t accounts[REQUEST_MAX]) {
    int64_t now_ms = loop_now_ms();
    size_t count = 0;
    struct news *news, *next;
    for (size_t i = 0; i < ASKED; i++)
        DL_FOREACH_SAFE(self->queues[i], news, next) {
            if (count == REQUEST_MAX || news->due_ms > now_ms)
                break;
            if (count == 0)
                self->asked_online = news->online;
            if (news->online != self->asked_online)
                continue;
            if (news->attempts++ == 0)
                reports_of(self, news->account)->count++;
            DL_DELETE(self->queues[i], news);
            put(self, news, ASKED, 0);
            accounts[count++] = news->account;
        }
    return count;
}

static void ask(struct presence *self) {
    uint64_t accounts[REQUEST_MAX];
    size_t count = gather(self, accounts);
    if (count == 0)
        return;
    struct group_presence body = {.accounts = {accounts, count}, .online = self->asked_online};
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
    if (can_ask(self))
        ask(self);
    schedule(self);
}

static void group_changed(void *context, struct peer *peer, enum peer_change change) {
    (void)peer;
    (void)change;
    schedule(context);
}

void presence_stop(struct presence *self) {
    struct news *news, *next;
    HASH_ITER(hh, self->accounts, news, next) {
        if (news->queue == ASKED || (news->queue == IN_GRACE && !news->online))
            continue;
        DL_DELETE(self->queues[news->queue], news);
        put(self, news, SOON, 0);
    }
    schedule(self);
}

bool presence_idle(const struct presence *self) {
    return peers_live_count(self->group) == 0 ||
           (self->queues[SOON] == NULL && self->queues[HELD] == NULL &&
            self->queues[ASKED] == NULL);
}

size_t presence_waiting(const struct presence *self) { return HASH_COUNT(self->accounts); }

/* --- life ---------------------------------------------------------------------------------- */

struct presence *presence_new(struct service *service, const char *group, struct hooks_link *hooks,
                              uint64_t grace_ms, uint64_t changes) {
    struct presence *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    struct metrics *metrics = service_metrics(service);
    self->service = service;
    self->grace_ms = (int64_t)grace_ms;
    self->changes = changes;
    self->sent = metrics_counter(metrics, "presence_sent_total", "",
                                 "News of presence that group has taken.");
    self->dropped = metrics_counter(metrics, "presence_dropped_total", "",
                                    "News of presence that reached nobody.");
    self->held = metrics_counter(metrics, "presence_held_total", "",
                                 "News of accounts that came and went too often: it waits.");
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    self->group = peers_new(service, &(struct peers_options){.name = "group",
                                                             .addresses = group,
                                                             .context = self,
                                                             .change = group_changed});
    self->hooks = hooks;
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
    HASH_ITER(hh, self->accounts, news, next) { drop(self, news); }
    free(self);
}
