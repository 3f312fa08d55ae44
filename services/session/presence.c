/*
 * Presence: news by account, in three queues, each in the order in which it is due: what is sent
 * soon, news that waits for its grace to pass, and news of accounts that came and went too often.
 * News on its way, one request at a time, stands in `asked` alone.
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

enum queue { SOON, IN_GRACE, HELD, QUEUES };

struct news {
    uint64_t account;
    bool online;
    bool before;       /* what friends had heard when it was new */
    unsigned attempts; /* 0: it was never sent */
    enum queue queue;
    int64_t due_ms;
    UT_hash_handle hh;
    struct news *next, *prev;
};

/* How often an account's news was sent. */
struct sent {
    uint64_t account, count;
    int64_t since_ms;
};

struct presence {
    struct service *service;
    struct peers *group;
    struct news *waiting; /* by account, in one of the queues */
    struct news *queues[QUEUES];
    struct news *asked[REQUEST_MAX];
    size_t asked_count;
    int64_t grace_ms;
    uint64_t changes; /* of an account in PRESENCE_PAUSE_MS; 0: any number */
    ev_timer timer;   /* for the first news that is due */
    struct metric *sent, *dropped, *held;
    struct sent counts[PRESENCE_COUNTS]; /* each account in one place of its own */
};

/* --- what waits ---------------------------------------------------------------------------- */

static struct news *find(const struct presence *self, uint64_t account) {
    struct news *news;
    HASH_FIND(hh, self->waiting, &account, sizeof account, news);
    return news;
}

/* Takes it out of everything; it is the caller's. */
static void take(struct presence *self, struct news *news) {
    DL_DELETE(self->queues[news->queue], news);
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
    for (size_t i = 0; i < QUEUES; i++)
        if (self->queues[i] != NULL)
            loop_timer_hasten(service_loop(self->service), &self->timer,
                              self->queues[i]->due_ms - loop_now_ms());
}

/* --- how often an account's news is sent --------------------------------------------------- */

static struct sent *place_of(struct presence *self, uint64_t account) {
    return &self->counts[account % PRESENCE_COUNTS];
}

static bool is_over(const struct sent *sent, uint64_t account, int64_t now_ms) {
    return sent->account != account || now_ms - sent->since_ms >= PRESENCE_PAUSE_MS;
}

static void count(struct presence *self, const struct news *news) {
    struct sent *sent = place_of(self, news->account);
    int64_t now_ms = loop_now_ms();
    if (news->queue == HELD || is_over(sent, news->account, now_ms))
        *sent = (struct sent){.account = news->account, .since_ms = now_ms};
    sent->count++;
}

static bool is_too_often(struct presence *self, uint64_t account) {
    const struct sent *sent = place_of(self, account);
    return self->changes != 0 && !is_over(sent, account, loop_now_ms()) &&
           sent->count >= self->changes;
}

/* --- news that is noted --------------------------------------------------------------------- */

static int64_t delay_of(const struct presence *self, enum queue queue) {
    return queue == HELD       ? PRESENCE_PAUSE_MS
           : queue == IN_GRACE ? self->grace_ms
                               : PRESENCE_DELAY_MS;
}

static void add(struct presence *self, uint64_t account, bool online, bool waits) {
    struct news *news = presence_waiting(self) < PRESENCE_MAX ? calloc(1, sizeof *news) : NULL;
    if (news != NULL)
        news->account = account;
    if (news == NULL || !HASH_TRY_ADD(hh, self->waiting, account, news)) {
        free(news);
        metric_add(self->dropped, 1);
        return;
    }
    news->online = online;
    news->before = !online;
    news->queue = is_too_often(self, account) ? HELD : waits ? IN_GRACE : SOON;
    news->due_ms = loop_now_ms() + delay_of(self, news->queue);
    if (news->queue == HELD)
        metric_add(self->held, 1);
    DL_APPEND(self->queues[news->queue], news);
    schedule(self);
}

void presence_note(struct presence *self, uint64_t account, bool online, bool waits) {
    struct news *known = find(self, account);
    if (known == NULL)
        add(self, account, online, waits);
    else if (known->online != online && known->attempts == 0 && known->queue != HELD)
        drop(self, known);
    else
        known->online = online; /* friends may have heard the opposite */
}

void presence_confirm(struct presence *self, uint64_t account) {
    struct news *known = find(self, account);
    if (known != NULL && known->queue == HELD)
        known->online = true;
    else if (known != NULL)
        drop(self, known);
}

bool presence_holds(const struct presence *self, uint64_t account) {
    const struct news *news = find(self, account);
    return news != NULL && !news->online && (news->queue != HELD || news->before);
}

void presence_release(struct presence *self) {
    struct news *news;
    DL_FOREACH(self->queues[HELD], news) { news->due_ms = 0; }
    schedule(self);
}

/* --- sending ------------------------------------------------------------------------------- */

/* News that failed waits again, and the others behind it, unless something newer does. */
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
        news->queue = SOON;
        news->due_ms = loop_now_ms() + PRESENCE_RETRY_MS;
        DL_PREPEND(self->queues[SOON], news);
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

/* Of an account that came and went while its news was held, and is what it was. */
static bool is_heard(const struct news *news) {
    return news->queue == HELD && news->online == news->before;
}

/* The first news that is due, and those behind it of the same kind. */
static void gather(struct presence *self, uint64_t accounts[REQUEST_MAX]) {
    int64_t now_ms = loop_now_ms();
    struct news *news, *next;
    for (size_t i = 0; i < QUEUES; i++)
        DL_FOREACH_SAFE(self->queues[i], news, next) {
            if (self->asked_count == REQUEST_MAX || news->due_ms > now_ms)
                break;
            if (is_heard(news)) {
                drop(self, news);
                continue;
            }
            if (self->asked_count > 0 && news->online != self->asked[0]->online)
                continue;
            take(self, news);
            if (news->attempts++ == 0)
                count(self, news);
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
    presence_release(self);
    DL_FOREACH_SAFE(self->queues[IN_GRACE], news, next) {
        if (!news->online)
            continue;
        DL_DELETE(self->queues[IN_GRACE], news);
        news->queue = SOON;
        DL_APPEND(self->queues[SOON], news);
    }
    DL_FOREACH(self->queues[SOON], news) { news->due_ms = 0; }
    schedule(self);
}

bool presence_idle(const struct presence *self) {
    return peers_live_count(self->group) == 0 ||
           (self->queues[SOON] == NULL && self->queues[HELD] == NULL && self->asked_count == 0);
}

size_t presence_waiting(const struct presence *self) {
    return HASH_COUNT(self->waiting) + self->asked_count;
}

/* --- life ---------------------------------------------------------------------------------- */

struct presence *presence_new(struct service *service, const char *group_peers, uint64_t grace_ms,
                              uint64_t changes) {
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
