/* Comparing clients with the message log; see missed.h. */
#include "services/gateway/missed.h"

#include <sodium.h>
#include <stdlib.h>

#include "common/log.h"
#include "proto/conversation.h"
#include "services/gateway/client.h"
#include "services/gateway/feed.h"

/* After an instance was lost: by then the statements that it had sent to the database are committed
 * or undone. */
#define COMMITTED_MS 2000
/* A round begins up to so much later, and a request follows the one before up to so much later. */
#define ROUND_JITTER_MS 1000
/*
 * limit: gateway | after a delivery or group was lost: accounts and conversations per
 * `delivery.check`; when; pause between two | {STEP_CLIENTS} and {STEP_CONVERSATIONS}; after
 * {COMMITTED_MS} to 3 s; up to 0.1 s, 0.5 s after a failed one {STEP_JITTER_MS:}
 * {ROUND_JITTER_MS:} {RETRY_MS:} | several requests, one at a time; one round at a time, a loss
 * meanwhile is another one
 */
#define STEP_JITTER_MS 100
/* How long after a failed request it is tried again. */
#define RETRY_MS 500
/* Accounts and conversations per request; as many as messages.def lets one list. */
#define STEP_CLIENTS 1024
#define STEP_CONVERSATIONS 8192

struct known {
    uint64_t conversation, cid;
};

/* All clients that were here when it began, in several requests. */
struct round {
    int64_t began_ms;
    size_t behind;     /* clients that catch up */
    size_t from, upto; /* of `clients`, those that the request in progress is about */
    /* what it says of them */
    struct known known[STEP_CONVERSATIONS];
    uint64_t conversations[STEP_CONVERSATIONS], cids[STEP_CONVERSATIONS];
    uint64_t accounts[STEP_CLIENTS], counts[STEP_CLIENTS];
    size_t known_count, account_count;
    size_t count;
    uint64_t clients[];
};

struct missed {
    struct gateway *gateway;
    ev_timer timer;      /* runs until the next round, or its next request */
    struct round *round; /* NULL: none is under way */
    int64_t lost_ms;     /* when the last instance was lost */
};

static void start_timer(struct missed *self, int64_t least_ms, uint32_t jitter_ms) {
    loop_timer_start(service_loop(self->gateway->service), &self->timer,
                     least_ms + randombytes_uniform(jitter_ms));
}

/* --- what clients have --------------------------------------------------------------------- */

/* If not all conversations of a client are known, any of them may have new entries. */
static bool is_comparable(const struct client *client) {
    return client->feed->placed && client->positions->whole && client->feed->conversations != 0;
}

static void add_client(struct round *round, const struct client *client) {
    const struct positions *positions = client->positions;
    round->accounts[round->account_count] = client->account;
    round->counts[round->account_count++] = client->feed->conversations;
    for (uint32_t i = 0; i < positions->capacity; i++)
        if (positions->slots[i].conversation != 0)
            round->known[round->known_count++] =
                (struct known){positions->slots[i].conversation, positions->slots[i].sent};
    /* Accounts are in this one without having entered it: its first entry is not seen otherwise. */
    if (positions_find(positions, CONVERSATION_OF_ALL) == NULL)
        round->known[round->known_count++] = (struct known){CONVERSATION_OF_ALL, 0};
}

static int compare_known(const void *a, const void *b) {
    const struct known *x = a, *y = b;
    if (x->conversation != y->conversation)
        return x->conversation > y->conversation ? 1 : -1;
    return (x->cid > y->cid) - (x->cid < y->cid);
}

/* For each conversation, the position of the client that is furthest behind. */
static void list_known(struct round *round) {
    size_t kept = 0;
    qsort(round->known, round->known_count, sizeof round->known[0], compare_known);
    for (size_t i = 0; i < round->known_count; i++)
        if (kept == 0 || round->conversations[kept - 1] != round->known[i].conversation) {
            round->conversations[kept] = round->known[i].conversation;
            round->cids[kept++] = round->known[i].cid;
        }
    round->known_count = kept;
}

/* The next clients, as many as fit one request. */
static void gather(struct missed *self) {
    struct round *round = self->round;
    round->known_count = round->account_count = 0;
    for (round->upto = round->from; round->upto < round->count; round->upto++) {
        struct client *client = client_find(self->gateway, round->clients[round->upto]);
        if (client == NULL || !client_is_in(client))
            continue;
        if (round->account_count == STEP_CLIENTS ||
            round->known_count + client->positions->count >= STEP_CONVERSATIONS)
            break;
        if (is_comparable(client))
            add_client(round, client);
        else
            feed_catch_up(client);
    }
    list_known(round);
}

/* --- what the message log has -------------------------------------------------------------- */

/* NULL: it has no further entries. Delivery lists conversations ascending. */
static const uint64_t *find(const struct u64_list *sorted, uint64_t wanted) {
    size_t from = 0, upto = sorted->count;
    while (from < upto) {
        size_t middle = from + (upto - from) / 2;
        if (sorted->items[middle] < wanted)
            from = middle + 1;
        else
            upto = middle;
    }
    return from < sorted->count && sorted->items[from] == wanted ? &sorted->items[from] : NULL;
}

static void compare_conversation(struct client *client, uint64_t conversation,
                                 const struct delivery_check_reply *reply) {
    const uint64_t *found = find(&reply->conversations, conversation);
    if (found != NULL)
        feed_catch_up_to(client, conversation,
                         reply->heads.items[found - reply->conversations.items]);
}

/* Whether the client catches up somewhere. */
static bool compare_client(struct client *client, const struct delivery_check_reply *reply) {
    const struct positions *positions = client->positions;
    bool live = client->state == CLIENT_LIVE;
    if (find(&reply->accounts, client->account) != NULL)
        feed_catch_up(client);
    for (uint32_t i = 0; reply->conversations.count > 0 && i < positions->capacity; i++)
        if (positions->slots[i].conversation != 0)
            compare_conversation(client, positions->slots[i].conversation, reply);
    compare_conversation(client, CONVERSATION_OF_ALL, reply);
    return live && client->state != CLIENT_LIVE;
}

/* A delivery of the release before knows no such question: then all read again. */
static void compare(struct missed *self, const struct delivery_check_reply *reply) {
    struct round *round = self->round;
    for (; round->from < round->upto; round->from++) {
        struct client *client = client_find(self->gateway, round->clients[round->from]);
        if (client == NULL || !client_is_in(client))
            continue;
        if (reply == NULL)
            feed_catch_up(client);
        else
            round->behind += compare_client(client, reply);
    }
}

static void on_reply(void *argument, enum err err, const void *reply_v, const char *text) {
    (void)text;
    struct missed *self = argument;
    const struct delivery_check_reply *reply = reply_v;
    if (err != ERR_OK && err != ERR_UNKNOWN_MESSAGE) {
        start_timer(self, RETRY_MS, STEP_JITTER_MS);
        return;
    }
    if (reply != NULL && reply->heads.count != reply->conversations.count)
        reply = NULL;
    compare(self, reply);
    start_timer(self, 0, STEP_JITTER_MS);
}

/* --- a round ------------------------------------------------------------------------------- */

static void begin(struct missed *self) {
    struct gateway *gateway = self->gateway;
    struct client *client, *next;
    struct round *round =
        calloc(1, sizeof *round + HASH_COUNT(gateway->clients) * sizeof round->clients[0]);
    self->round = round;
    if (round == NULL)
        return;
    round->began_ms = loop_now_ms();
    HASH_ITER(hh, gateway->clients, client, next) {
        if (client_is_in(client))
            round->clients[round->count++] = client->id;
    }
    log_info("compare_all", "clients=%zu reason=\"an instance that writes entries was lost\"",
             round->count);
}

static void end(struct missed *self) {
    log_info("compared_all", "clients=%zu behind=%zu", self->round->count, self->round->behind);
    /* Entries that an instance lost since was committing could not be read in this round. */
    if (self->lost_ms + COMMITTED_MS > self->round->began_ms)
        start_timer(self, self->lost_ms + COMMITTED_MS - loop_now_ms(), ROUND_JITTER_MS);
    free(self->round);
    self->round = NULL;
}

static enum err ask(struct missed *self) {
    const struct round *round = self->round;
    struct gateway *gateway = self->gateway;
    struct delivery_check body = {.accounts = {self->round->accounts, round->account_count},
                                  .counts = {self->round->counts, round->account_count},
                                  .conversations = {self->round->conversations, round->known_count},
                                  .cids = {self->round->cids, round->known_count}};
    return peers_ask(gateway->delivery, peers_next(gateway->delivery),
                     &(struct peers_request){.message = &message_DELIVERY_CHECK,
                                             .body = &body,
                                             .timeout_ms = gateway->settings.send_timeout_ms,
                                             .done = on_reply,
                                             .argument = self});
}

/* The next request of the round, if there is one. */
static void go_on(struct missed *self) {
    gather(self);
    if (self->round->account_count > 0) {
        if (ask(self) != ERR_OK)
            start_timer(self, RETRY_MS, STEP_JITTER_MS);
        return;
    }
    end(self);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct missed *self = timer->data;
    if (self->round == NULL)
        begin(self);
    if (self->round != NULL)
        go_on(self);
    else
        start_timer(self, RETRY_MS, STEP_JITTER_MS);
}

void missed_compare_later(struct missed *self) {
    self->lost_ms = loop_now_ms();
    if (self->round == NULL && !ev_is_active(&self->timer))
        start_timer(self, COMMITTED_MS, ROUND_JITTER_MS);
}

struct missed *missed_new(struct gateway *gateway) {
    struct missed *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->gateway = gateway;
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    return self;
}

void missed_destroy(struct missed **self_p) {
    struct missed *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    ev_timer_stop(service_loop(self->gateway->service), &self->timer);
    free(self->round);
    free(self);
}
