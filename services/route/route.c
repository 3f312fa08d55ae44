/* Batches of entries on their way to the sessions. */
#include "services/route/route.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"

/*
 * limit: delivery | pause between two messages to a session that entries were missed | {RETRY_MS},
 * until it replies | -
 */
/* How long after something was missed, or failed, it is sent. */
#define RETRY_MS 200
/*
 * limit: delivery | a request to session | {REQUEST_MAX_ITEMS} entries, {REQUEST_MAX_ACCOUNTS}
 * accounts an entry, about 2 MiB {REQUEST_MAX_BYTES:} | several requests
 */
/* Entries and receivers per request, as messages.def bounds them; bytes stay well below a frame. */
#define REQUEST_MAX_ITEMS 4096
#define REQUEST_MAX_ACCOUNTS 60000
#define REQUEST_MAX_BYTES ((size_t)2 << 20)

struct route_batch {
    struct record_arena arena;
    struct route_item *items;
    size_t count, capacity, bytes;
    bool live; /* its items are not stored */
    unsigned attempts;
    struct router *router; /* while it is on its way */
    struct route_batch *next;
};

/* In the order in which they were put in. */
struct batch_queue {
    struct route_batch *first, **end;
};

struct router {
    struct service *service;
    struct peers *sessions;
    pthread_mutex_t lock;
    struct batch_queue posted; /* under `lock` */
    bool posted_missed;        /* under `lock` */
    ev_async wake;
    ev_timer timer; /* for missed and held batches */
    bool missed, missed_asked;
    bool used;              /* was handed a batch */
    size_t bytes, requests; /* in progress; bytes also of held batches */
    struct batch_queue held;
    size_t live;                  /* sessions, when last looked */
    int64_t grace_ms, settled_ms; /* the latter: until when live batches are held */
    struct metric *routed, *lost;
};

/* --- batches --------------------------------------------------------------------------------- */

struct route_batch *route_batch_new(void) {
    return calloc(1, sizeof(struct route_batch));
}

void route_batch_destroy(struct route_batch **self_p) {
    struct route_batch *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    record_arena_free(&self->arena);
    free(self->items);
    free(self);
}

static struct route_item *add_item(struct route_batch *self) {
    if (self->count == self->capacity) {
        size_t capacity = self->capacity == 0 ? 16 : self->capacity * 2;
        struct route_item *items = realloc(self->items, capacity * sizeof *items);
        if (items == NULL)
            return NULL;
        self->items = items;
        self->capacity = capacity;
    }
    return &self->items[self->count];
}

/* `accounts` is NULL for everyone. */
static int add_packed(struct route_batch *self, struct slice entry, const uint64_t *accounts,
                      size_t count) {
    struct route_item *item = add_item(self);
    uint64_t *copy = record_arena_alloc(&self->arena, count * sizeof *copy);
    struct slice packed = record_arena_copy(&self->arena, entry);
    if (item == NULL || copy == NULL || packed.data == NULL)
        return -1;
    if (count > 0)
        memcpy(copy, accounts, count * sizeof *copy);
    *item = (struct route_item){
        .everyone = accounts == NULL, .accounts = {copy, count}, .entry = packed};
    self->count++;
    self->bytes += packed.length + count * sizeof *copy;
    return 0;
}

static int add_entry(struct route_batch *self, const struct entry *entry, bool everyone,
                     const uint64_t *accounts, size_t count) {
    struct buffer packed = buffer_make(ENVELOPE_MAX_BYTES);
    record_pack(&entry_desc, entry, &packed);
    int status = packed.failed ? -1 : 0;
    struct slice bytes = slice_make(packed.data, packed.length);
    if (status == 0 && everyone)
        status = add_packed(self, bytes, NULL, 0);
    /* A group larger than one item may hold is several items with the same entry. */
    for (size_t from = 0; status == 0 && from < count; from += REQUEST_MAX_ACCOUNTS) {
        size_t n = count - from < REQUEST_MAX_ACCOUNTS ? count - from : REQUEST_MAX_ACCOUNTS;
        status = add_packed(self, bytes, accounts + from, n);
    }
    buffer_free(&packed);
    return status;
}

int route_batch_add(struct route_batch *self, const struct entry *entry, const uint64_t *accounts,
                    size_t count) {
    return add_entry(self, entry, false, accounts, count);
}

int route_batch_add_everyone(struct route_batch *self, const struct entry *entry) {
    return add_entry(self, entry, true, NULL, 0);
}

static void put(struct batch_queue *queue, struct route_batch *batch) {
    batch->next = NULL;
    *queue->end = batch;
    queue->end = &batch->next;
}

static struct route_batch *take_all(struct batch_queue *queue) {
    struct route_batch *first = queue->first;
    *queue = (struct batch_queue){NULL, &queue->first};
    return first;
}

/* --- missed ---------------------------------------------------------------------------------- */

static void look_in(struct router *self, int64_t delay_ms) {
    loop_timer_hasten(service_loop(self->service), &self->timer, delay_ms);
}

static void set_missed(struct router *self) {
    self->missed = true;
    look_in(self, RETRY_MS);
}

static void on_dirty_reply(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct router *self = argument;
    self->missed_asked = false;
    if (err != ERR_OK)
        set_missed(self);
}

/* Asks every session; where that fails at once, `done` is called as for a reply. */
static void ask_all(struct router *self, const struct message_desc *message, const void *body,
                    peers_done *done) {
    struct peer *peer;
    for (size_t i = 0; (peer = peers_live(self->sessions, i)) != NULL; i++) {
        enum err err =
            peers_ask(self->sessions, peer,
                      &(struct peers_request){
                          .message = message, .body = body, .done = done, .argument = self});
        if (err != ERR_OK)
            done(self, err, NULL, NULL);
    }
}

static void send_missed(struct router *self) {
    if (!self->missed || self->missed_asked || peers_live_count(self->sessions) == 0)
        return;
    self->missed = false;
    self->missed_asked = true;
    ask_all(self, &message_SESSION_DIRTY,
            &(struct session_dirty){.reason = slice_text(service_name(self->service))},
            on_dirty_reply);
}

/* --- closing connections --------------------------------------------------------------------- */

static void on_kicked(void *argument, enum err err, const void *reply, const char *text) {
    (void)argument;
    (void)reply;
    (void)text;
    if (err != ERR_OK)
        log_warn("kick_failed", "reason=%s", err_word(err));
}

void route_kick(struct router *self, uint64_t account, enum kick_cause cause) {
    ask_all(self, &message_SESSION_KICK, &(struct session_kick){.account = account, .cause = cause},
            on_kicked);
}

/* --- what was missed ------------------------------------------------------------------------- */

static void miss(struct router *self, size_t items) {
    metric_add(self->lost, items);
    set_missed(self);
}

/* No gateway finds live entries in the message log. */
static void miss_batch(struct router *self, struct route_batch *batch) {
    metric_add(self->lost, batch->count);
    if (!batch->live)
        set_missed(self);
    route_batch_destroy(&batch);
}

/* --- requests -------------------------------------------------------------------------------- */

static void send_batch(struct router *self, struct route_batch *batch);

/* Takes the batch over. */
static void hold(struct router *self, struct route_batch *batch) {
    if (self->bytes + batch->bytes > ROUTE_MAX_BYTES) {
        miss_batch(self, batch);
        return;
    }
    self->bytes += batch->bytes;
    put(&self->held, batch);
    look_in(self, RETRY_MS);
}

/* Live batches have to wait now. */
static bool is_unsettled(struct router *self) {
    size_t live = peers_live_count(self->sessions);
    if (live != self->live) /* peers report no change when one is stopping */
        self->settled_ms = loop_now_ms() + self->grace_ms;
    self->live = live;
    return live == 0 || loop_now_ms() < self->settled_ms;
}

static void release_held(struct router *self) {
    if (is_unsettled(self)) { /* without a session, until one is found */
        if (self->held.first != NULL && self->live > 0)
            look_in(self, self->settled_ms - loop_now_ms());
        return;
    }
    for (struct route_batch *batch = take_all(&self->held), *next; batch != NULL; batch = next) {
        next = batch->next;
        self->bytes -= batch->bytes;
        send_batch(self, batch);
    }
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct router *self = timer->data;
    send_missed(self);
    release_held(self);
}

static void on_reply(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct route_batch *batch = argument;
    struct router *self = batch->router;
    self->requests--;
    self->bytes -= batch->bytes;
    if (err == ERR_OK) {
        metric_add(self->routed, batch->count);
        route_batch_destroy(&batch);
    } else if (batch->attempts == ROUTE_ATTEMPTS || self->sessions == NULL) {
        miss_batch(self, batch);
    } else if (batch->live) {
        hold(self, batch);
    } else {
        send_batch(self, batch);
    }
}

/* Takes the batch over; all of it goes to `peer`. */
static void send_to(struct router *self, struct peer *peer, struct route_batch *batch) {
    struct session_route body = {.items = {batch->items, batch->count}};
    batch->router = self;
    batch->attempts++;
    if (self->bytes + batch->bytes > ROUTE_MAX_BYTES ||
        peers_ask(self->sessions, peer,
                  &(struct peers_request){.message = &message_SESSION_ROUTE,
                                          .body = &body,
                                          .done = on_reply,
                                          .argument = batch}) != ERR_OK) {
        miss_batch(self, batch);
        return;
    }
    self->requests++;
    self->bytes += batch->bytes;
}

/* A part of a batch for one session, sent when it is full and at the end. */
struct part {
    struct peer *peer;
    const struct route_batch *whole;
    struct route_batch *batch;
};

static void part_flush(struct router *self, struct part *part) {
    if (part->batch != NULL && part->batch->count > 0)
        send_to(self, part->peer, part->batch);
    else
        route_batch_destroy(&part->batch);
    part->batch = NULL;
}

static void part_add(struct router *self, struct part *part, const struct route_item *item,
                     const uint64_t *accounts, size_t count) {
    if (part->batch != NULL &&
        (part->batch->count == REQUEST_MAX_ITEMS || part->batch->bytes > REQUEST_MAX_BYTES))
        part_flush(self, part);
    if (part->batch == NULL && (part->batch = route_batch_new()) != NULL) {
        part->batch->live = part->whole->live;
        part->batch->attempts = part->whole->attempts;
    }
    if (part->batch == NULL || add_packed(part->batch, item->entry, accounts, count) != 0)
        miss(self, 1);
}

/* The accounts of the item that the part's session has; `mine` has room for all. */
static void part_add_mine(struct router *self, struct part *part, const struct route_item *item,
                          uint64_t *mine) {
    size_t count = 0;
    for (size_t i = 0; i < item->accounts.count; i++)
        if (peers_by_key(self->sessions, item->accounts.items[i]) == part->peer)
            mine[count++] = item->accounts.items[i];
    if (count > 0)
        part_add(self, part, item, mine, count);
}

static void split_batch(struct router *self, struct route_batch *batch, size_t part_count) {
    struct part parts[PEERS_MAX];
    for (size_t p = 0; p < part_count; p++)
        parts[p] = (struct part){peers_live(self->sessions, p), batch, NULL};
    for (size_t i = 0; i < batch->count; i++) {
        const struct route_item *item = &batch->items[i];
        uint64_t *mine = malloc((item->accounts.count + 1) * sizeof *mine);
        if (mine == NULL)
            miss(self, 1);
        for (size_t p = 0; p < part_count && mine != NULL; p++)
            if (item->everyone)
                part_add(self, &parts[p], item, NULL, 0);
            else
                part_add_mine(self, &parts[p], item, mine);
        free(mine);
    }
    for (size_t p = 0; p < part_count; p++)
        part_flush(self, &parts[p]);
    route_batch_destroy(&batch);
}

/* Takes the batch over. */
static void send_batch(struct router *self, struct route_batch *batch) {
    size_t sessions = peers_live_count(self->sessions);
    if (sessions == 0) {
        miss_batch(self, batch);
    } else if (sessions == 1 && batch->count <= REQUEST_MAX_ITEMS &&
               batch->bytes <= 2 * REQUEST_MAX_BYTES) {
        send_to(self, peers_live(self->sessions, 0), batch);
    } else {
        split_batch(self, batch, sessions);
    }
}

/* --- from any thread to the loop ----------------------------------------------------------- */

void route_post(struct router *self, struct route_batch **batch_p) {
    struct route_batch *batch = *batch_p;
    *batch_p = NULL;
    if (batch == NULL || batch->count == 0) {
        route_batch_destroy(&batch);
        return;
    }
    pthread_mutex_lock(&self->lock);
    put(&self->posted, batch);
    pthread_mutex_unlock(&self->lock);
    ev_async_send(service_loop(self->service), &self->wake);
}

void route_post_live(struct router *self, struct route_batch **batch) {
    if (*batch != NULL)
        (*batch)->live = true;
    route_post(self, batch);
}

void route_missed(struct router *self) {
    pthread_mutex_lock(&self->lock);
    self->posted_missed = true;
    pthread_mutex_unlock(&self->lock);
    ev_async_send(service_loop(self->service), &self->wake);
}

static struct route_batch *take_posted(struct router *self) {
    pthread_mutex_lock(&self->lock);
    struct route_batch *first = take_all(&self->posted);
    if (self->posted_missed)
        miss(self, 1);
    self->posted_missed = false;
    pthread_mutex_unlock(&self->lock);
    return first;
}

static void on_wake(struct ev_loop *ev, ev_async *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct router *self = watcher->data;
    for (struct route_batch *batch = take_posted(self), *next; batch != NULL; batch = next) {
        next = batch->next;
        self->used = true;
        /* In their order: behind those that are held. */
        if (batch->live && (is_unsettled(self) || self->held.first != NULL))
            hold(self, batch);
        else
            send_batch(self, batch);
    }
}

/*
 * Gateways find and lose sessions at other moments than this router does. Between the two, entries
 * go to a session that takes them without having these accounts, which nobody would ever know: so
 * after every change gateways read the message log. Entries that are not stored wait until they
 * have found the session, and bound their clients there.
 */
static void session_changed(void *context, struct peer *peer, enum peer_change change) {
    (void)peer;
    struct router *self = context;
    if (change == PEER_RELINKED)
        return;
    self->settled_ms = loop_now_ms() + self->grace_ms;
    look_in(self, self->grace_ms);
    if (self->used)
        set_missed(self);
}

static size_t depth_of_bytes(const void *argument) {
    const struct router *self = argument;
    return self->bytes;
}

struct router *router_new(struct service *service, const char *session_peers, uint64_t grace_ms) {
    struct router *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->service = service;
    self->grace_ms = (int64_t)grace_ms;
    take_all(&self->posted);
    take_all(&self->held);
    pthread_mutex_init(&self->lock, NULL);
    struct metrics *metrics = service_metrics(service);
    self->routed =
        metrics_counter(metrics, "routed_total", "", "Entries that a session has taken to push.");
    self->lost = metrics_counter(metrics, "route_lost_total", "",
                                 "Entries that no session took; gateways catch up instead.");
    ev_async_init(&self->wake, on_wake);
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->wake.data = self->timer.data = self;
    ev_async_start(service_loop(service), &self->wake);
    self->sessions = peers_new(service, &(struct peers_options){.name = "session",
                                                                .addresses = session_peers,
                                                                .context = self,
                                                                .change = session_changed});
    if (self->sessions == NULL)
        router_destroy(&self);
    else
        service_add_queue(service, "route_bytes", depth_of_bytes, self, ROUTE_MAX_BYTES);
    return self;
}

static void destroy_all(struct route_batch *batch) {
    for (struct route_batch *next; batch != NULL; batch = next) {
        next = batch->next;
        route_batch_destroy(&batch);
    }
}

void router_destroy(struct router **self_p) {
    struct router *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    peers_destroy(&self->sessions); /* ends requests: their batches are freed or missed */
    destroy_all(take_posted(self));
    destroy_all(take_all(&self->held));
    ev_async_stop(service_loop(self->service), &self->wake);
    ev_timer_stop(service_loop(self->service), &self->timer);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

bool router_ready(const struct router *self) { return peers_live_count(self->sessions) > 0; }

bool router_idle(struct router *self) {
    pthread_mutex_lock(&self->lock);
    bool posted = self->posted.first != NULL;
    pthread_mutex_unlock(&self->lock);
    /* Without a session held entries wait for nobody. */
    bool held = self->held.first != NULL && peers_live_count(self->sessions) > 0;
    return !posted && !held && self->requests == 0;
}
