/*
 * The log on its way to a client.
 *
 * CATCHING_UP: pages are pulled behind the connection's positions; a push of what is stored only
 * marks it dirty. When a page comes back empty and nothing was pushed meanwhile, the client is LIVE
 * and pushes go straight out. Anything that may have been missed - a gap in `prev`, a full queue, a
 * lost link - does one thing: it sends the client back to catching up.
 */
#include <stdlib.h>
#include <utlist.h>

#include "common/log.h"
#include "services/gateway/bindings.h"
#include "services/gateway/client.h"
#include "services/gateway/cursors.h"
#include "services/gateway/feed.h"
#include "services/gateway/feed_text.h"
#include "services/gateway/gateway.h"
#include "services/gateway/marks.h"
#include "services/gateway/positions.h"
#include "services/gateway/received.h"

/* How long after a failed pull the next is tried. */
#define PULL_RETRY_MS 500

/* --- writing one entry
 * ----------------------------------------------------------------------------- */

enum outcome {
    WRITTEN,
    PASSED_OVER, /* it comes some day after a 301 */
    NO_ROOM,     /* it waits until the client has taken what is on its way; or there is no memory */
};

static void await_cursors(struct client *client);

/* A place for the conversation's position: that of a settled one, where there is no other. What the
 * account's cursor does not know yet of that one is read behind the moves that are on their way. */
static bool make_place(struct client *client, uint64_t conversation) {
    if (positions_have_room(client->positions, conversation))
        return true;
    if (client->marks->marking != NULL || client->marks->left_count > 0 ||
        !positions_forget(client->positions))
        return false;
    client->feed->whole = false;
    await_cursors(client);
    return true;
}

static bool is_held(const struct client *client, uint64_t conversation) {
    const struct position *position = positions_find(client->positions, conversation);
    return position == NULL ? client->feed->full : received_is_full(position);
}

static void keep_position(struct client *client, const struct entry *entry, bool shown) {
    int err = client->confirms
                  ? positions_set(client->positions, entry->conversation, entry->cid)
                  : positions_touch(client->positions, entry->conversation, entry->cid);
    if (err != 0) { /* no memory: it is repeated some day */
        log_warn("position_forgotten", "client=%llu", (unsigned long long)client->id);
        return;
    }
    positions_find(client->positions, entry->conversation)->skipped = 0;
    if (client->confirms)
        received_wrote(client, entry, shown);
}

/* What the client gets for the entry: as it sees it; or, if that is the last of what is left out of
 * its backlog, how much that is. Nothing: it has no message for it. */
static int text_of(struct client *client, const struct entry *entry, struct entry_texts *texts,
                   uint64_t skipped, struct slice *text_r) {
    if (skipped == 0)
        return entry_texts_get(texts, client, entry, text_r);
    struct buffer *out = &client->gateway->scratch;
    struct dialect_account self = client_account(client);
    buffer_clear(out);
    dialect_write_skipped(client->dialect, &self, entry, skipped, (uint64_t)loop_wall_ms(), out);
    *text_r = slice_make(out->data, out->length);
    return out->failed ? -1 : 0;
}

static uint64_t skipped_up_to(const struct client *client, const struct entry *entry) {
    const struct position *position = positions_find(client->positions, entry->conversation);
    return position == NULL ? 0 : position->skipped;
}

/* Writes the entry as this client sees it and moves its position. */
static enum outcome write_entry(struct client *client, const struct entry *entry,
                                struct entry_texts *texts) {
    struct slice text;
    if (entry->cid != 0 && is_held(client, entry->conversation))
        return PASSED_OVER;
    uint64_t skipped = entry->cid == 0 ? 0 : skipped_up_to(client, entry);
    if (text_of(client, entry, texts, skipped, &text) != 0) {
        client->feed->pull_at_ms = loop_now_ms() + PULL_RETRY_MS;
        return NO_ROOM;
    }
    bool shown = text.length > 0;
    if (shown && !marks_have_room(client, text.length))
        return NO_ROOM;
    if (entry->cid != 0 && !make_place(client, entry->conversation)) {
        client->feed->full =
            client->confirms && client->marks->marking == NULL && client->marks->left_count == 0;
        return NO_ROOM;
    }
    if (shown) {
        if (edge_send(client->edge, text) != 0)
            return NO_ROOM;
        metric_add(client->gateway->written, 1);
    }
    if (entry->cid != 0)
        keep_position(client, entry, shown && skipped == 0);
    return WRITTEN;
}

/* --- pulling
 * --------------------------------------------------------------------------------------- */

struct pull {
    struct gateway *gateway;
    uint64_t client, reading;
};

static void run_pulls(struct gateway *gateway, int64_t now_ms);

static void queue_pull(struct client *client) {
    if (client->feed->queued || client->feed->pulling || client->feed->wait_reached ||
        client->state != CLIENT_CATCHING_UP)
        return;
    client->feed->queued = true;
    client->gateway->queued_pulls++;
    DL_APPEND2(client->gateway->pull_queue, client, feed->prev_pull, feed->next_pull);
}

static void unqueue_pull(struct client *client) {
    if (!client->feed->queued)
        return;
    DL_DELETE2(client->gateway->pull_queue, client, feed->prev_pull, feed->next_pull);
    client->gateway->queued_pulls--;
    client->feed->queued = false;
}

static void became_live(struct client *client) {
    client_set_state(client, CLIENT_LIVE);
    if (client->positions->touched_count > 0)
        marks_list(client, 0);
    client_continue(client); /* that was all that it waited for, if it has closed its half */
}

/* Enough is on its way to the client: the next page waits until it has taken that. */
static void wait_for_client(struct client *client) {
    client->feed->wait_reached = true;
    marks_send(client);
}

static bool unpack(struct slice packed, struct record_arena *arena, struct entry *entry_r) {
    const char *fault;
    if (record_unpack(&entry_desc, packed, arena, entry_r, &fault) == 0)
        return true;
    log_error("bad_entry", "fault=\"%s\"", fault);
    return false;
}

static void write_page(struct client *client, const struct delivery_pull_reply *reply) {
    struct entry_texts *texts = client->gateway->texts;
    for (size_t i = 0; i < reply->entries.count; i++) {
        struct record_arena arena = {0};
        struct entry entry;
        bool readable = unpack(reply->entries.items[i], &arena, &entry), full = client->feed->full;
        enum outcome outcome = WRITTEN;
        entry_texts_clear(texts);
        if (readable) {
            const struct position *known = positions_find(client->positions, entry.conversation);
            if (known == NULL || known->sent < entry.cid)
                outcome = write_entry(client, &entry, texts);
        }
        record_arena_free(&arena);
        if (!readable) { /* what is behind it must not be written before it */
            client->feed->pull_at_ms = loop_now_ms() + PULL_RETRY_MS;
            return;
        }
        if (outcome == NO_ROOM) {
            if (client->feed->full == full)
                wait_for_client(client);
            return;
        }
    }
    if (marks_are_due(client))
        wait_for_client(client);
}

/*
 * The first page tells where the account stands everywhere: from here the connection keeps it.
 * false: in a conversation the account stands behind what was pushed to this connection, as another
 * one has it already. This one is to have it too: the page is no good, the next one begins there.
 */
static bool take_positions(struct client *client, const struct delivery_pull_reply *reply) {
    bool good = true;
    if (client->feed->placed || reply->conversations.count != reply->positions.count)
        return good;
    client->feed->placed = true;
    client->feed->whole = !reply->partial;
    for (size_t i = 0; i < reply->conversations.count; i++) {
        uint64_t conversation = reply->conversations.items[i], start = reply->positions.items[i];
        const struct position *early = positions_find(&client->feed->early, conversation);
        uint64_t behind = early != NULL && early->sent < start ? early->sent : start;
        if (positions_set(client->positions, conversation, behind) != 0) {
            client->feed->whole = false;
            continue;
        }
        struct position *position = positions_find(client->positions, conversation);
        if (position->sent < start)
            good = false;
        else if (position->sent == start && i < reply->skipped.count)
            position->skipped = (uint16_t)(reply->skipped.items[i] & UINT16_MAX);
    }
    positions_clear(&client->feed->early);
    return good;
}

/* Of what is pushed before the first page, that page may know already that it reached the account:
 * over another connection. Without room it is as if it had been pushed before the login; so is what
 * was sent again, which that may have reached it long before. */
static void note_early(struct client *client, const struct entry *entry) {
    if (!client->feed->placed && !entry->repeat &&
        positions_find(&client->feed->early, entry->conversation) == NULL &&
        positions_set(&client->feed->early, entry->conversation, entry->prev) != 0)
        log_warn("early_push_forgotten", "client=%llu", (unsigned long long)client->id);
}

static void pulled(void *argument, enum err err, const void *reply_v, const char *text) {
    (void)text;
    struct pull pull = *(struct pull *)argument;
    free(argument);
    pull.gateway->pulls--;
    struct client *client = client_find(pull.gateway, pull.client);
    if (client == NULL)
        return;
    client->feed->pulling = false;
    if (client->feed->reading != pull.reading) {
        queue_pull(client);
        return;
    }
    if (client->state != CLIENT_CATCHING_UP)
        return;
    if (err != ERR_OK) {
        client->feed->pull_at_ms = loop_now_ms() + PULL_RETRY_MS;
        queue_pull(client);
        return;
    }
    const struct delivery_pull_reply *reply = reply_v;
    bool good = take_positions(client, reply);
    if (good)
        write_page(client, reply);
    if (good && reply->entries.count == 0 && !client->feed->dirty)
        became_live(client);
    else
        queue_pull(client);
    run_pulls(pull.gateway, loop_now_ms());
}

/* Where more waits to be confirmed than may, nothing is read: behind the last of all. */
static int list_positions(const struct client *client, struct delivery_pull *body) {
    const struct positions *positions = client->positions;
    body->conversations.items = malloc((positions->count + 1) * sizeof(uint64_t));
    body->positions.items = malloc((positions->count + 1) * sizeof(uint64_t));
    if (body->conversations.items == NULL || body->positions.items == NULL)
        return -1;
    size_t count = 0;
    for (uint32_t i = 0; i < positions->capacity; i++) {
        if (positions->slots[i].conversation == 0)
            continue;
        const struct position *position = &positions->slots[i];
        body->conversations.items[count] = position->conversation;
        body->positions.items[count++] =
            received_is_full(position) ? RECORD_NUMBER_MOST : position->sent;
    }
    body->conversations.count = body->positions.count = count;
    return 0;
}

static void pull(struct client *client) {
    struct gateway *gateway = client->gateway;
    struct delivery_pull body = {.account = client->account,
                                 .resumed = client->feed->whole,
                                 .listed = client->feed->full,
                                 .newest = client->feed->placed ? 0 : client->feed->backlog};
    struct pull *pull = malloc(sizeof *pull);
    enum err err = ERR_OVERLOADED;
    if (pull != NULL && list_positions(client, &body) == 0) {
        *pull = (struct pull){gateway, client->id, client->feed->reading};
        err = peers_ask(gateway->delivery, peers_next(gateway->delivery),
                        &(struct peers_request){.message = &message_DELIVERY_PULL,
                                                .body = &body,
                                                .timeout_ms = gateway->settings.send_timeout_ms,
                                                .done = pulled,
                                                .argument = pull});
    }
    free(body.conversations.items);
    free(body.positions.items);
    if (err != ERR_OK) {
        free(pull);
        client->feed->pull_at_ms = loop_now_ms() + PULL_RETRY_MS;
        queue_pull(client);
        return;
    }
    gateway->pulls++;
    client->feed->pulling = true;
    client->feed->dirty = false;
}

/* Starts the pulls that may start now. */
static void run_pulls(struct gateway *gateway, int64_t now_ms) {
    struct client *client, *next;
    DL_FOREACH_SAFE2(gateway->pull_queue, client, next, feed->next_pull) {
        if (gateway->pulls >= GATEWAY_MAX_PULLS)
            return;
        bool stored =
            client->feed->await_moves && cursors_stored(gateway) >= client->feed->after_moves;
        if (client->feed->pull_at_ms > now_ms && !stored)
            continue;
        client->feed->await_moves = false;
        client->feed->pull_at_ms = 0;
        unqueue_pull(client);
        pull(client);
    }
}

/* The next page is read behind the cursors as they are now, unless storing them takes too long. */
static void await_cursors(struct client *client) {
    cursors_flush(client->gateway);
    client->feed->after_moves = cursors_added(client->gateway);
    client->feed->await_moves = true;
    client->feed->pull_at_ms = loop_now_ms() + PULL_RETRY_MS;
}

void feed_start(struct client *client) {
    /* What reached this account a moment ago, perhaps over another connection, is not repeated. */
    await_cursors(client);
    client->feed->reading++;
    queue_pull(client);
    run_pulls(client->gateway, loop_now_ms());
}

void feed_reread(struct client *client) { client->feed->reading++; }

void feed_catch_up(struct client *client) {
    if (client->state == CLIENT_CATCHING_UP) {
        client->feed->dirty = true;
        return;
    }
    metric_add(client->gateway->caught_up, 1);
    client_set_state(client, CLIENT_CATCHING_UP);
    queue_pull(client);
}

void feed_catch_up_all(struct gateway *gateway, const char *reason) {
    struct client *client, *next;
    log_info("catch_up_all", "reason=\"%s\"", reason);
    HASH_ITER(hh, gateway->clients, client, next) {
        if (client_is_in(client))
            feed_catch_up(client);
    }
}

/* --- pushes
 * ---------------------------------------------------------------------------------------- */

static void ask_how_far(struct client *client) {
    if (marks_are_due(client))
        marks_send(client);
    else if (!client->confirms)
        marks_list(client, (int64_t)client->gateway->settings.reach_interval_ms);
}

/* Whether it was written. */
static bool push_to(struct client *client, const struct entry *entry, struct entry_texts *texts) {
    /* Not stored: no page will bring it, and what is lost of it is lost. */
    if (entry->cid == 0)
        return client_is_in(client) && write_entry(client, entry, texts) == WRITTEN;
    if (client->state == CLIENT_CATCHING_UP) {
        client->feed->dirty = true;
        note_early(client, entry);
        return false;
    }
    if (client->state != CLIENT_LIVE)
        return false;
    const struct position *known = positions_find(client->positions, entry->conversation);
    if (known != NULL && known->sent >= entry->cid)
        return false;
    bool next =
        known != NULL ? known->sent == entry->prev : client->feed->whole && entry->prev == 0;
    enum outcome outcome = next ? write_entry(client, entry, texts)
                           : is_held(client, entry->conversation) ? PASSED_OVER
                                                                  : NO_ROOM;
    if (outcome == WRITTEN)
        ask_how_far(client);
    if (outcome != NO_ROOM)
        return outcome == WRITTEN;
    if (next)
        wait_for_client(client);
    feed_catch_up(client);
    run_pulls(client->gateway, loop_now_ms());
    return false;
}

static void note_pushed(const struct gateway *gateway, const struct entry *entry, size_t asked,
                        size_t written) {
    int64_t age_ms = loop_wall_ms() - (int64_t)entry->time_ms;
    if (entry->cid != 0 && written > 0)
        histogram_observe(gateway->push_seconds, age_ms < 0 ? 0 : (uint64_t)age_ms * 1000);
    uint64_t before = log_trace_begin(entry->trace);
    log_debug("pushed", "cid=%llu conversation=%llu connections=%zu written=%zu age_ms=%lld",
              (unsigned long long)entry->cid, (unsigned long long)entry->conversation, asked,
              written, (long long)age_ms);
    log_trace_end(before);
}

void feed_push(struct gateway *gateway, struct slice packed, const struct u64_list *connections) {
    struct record_arena arena = {0};
    struct entry entry;
    bool readable = unpack(packed, &arena, &entry);
    size_t written = 0;
    entry_texts_clear(gateway->texts);
    for (size_t i = 0; i < connections->count; i++) {
        struct client *client = bindings_client(gateway, connections->items[i]);
        if (client != NULL && readable)
            written += push_to(client, &entry, gateway->texts);
        else if (client != NULL && client_is_in(client))
            feed_catch_up(client);
    }
    if (readable)
        note_pushed(gateway, &entry, connections->count, written);
    record_arena_free(&arena);
}

/* --- what has arrived
 * -------------------------------------------------------------------------------- */

void feed_reached(struct client *client) {
    marks_answered(client);
    if (marks_lack(client))
        marks_list(client, (int64_t)client->gateway->settings.reach_interval_ms);
    if (!client->feed->wait_reached)
        return;
    if (marks_are_due(client)) { /* what was sent since fills the window as well */
        marks_send(client);
        return;
    }
    client->feed->wait_reached = false;
    queue_pull(client);
    run_pulls(client->gateway, loop_now_ms());
}

void feed_confirmed(struct client *client) {
    client->feed->full = false;
    feed_catch_up(client);
}

void feed_confirms(struct client *client) {
    marks_collect(client);
    if (client->marks->left_count > 0)
        marks_list(client, 0);
}

/* --- the rest
 * -------------------------------------------------------------------------------------- */

void feed_tick(struct gateway *gateway, int64_t now_ms) {
    run_pulls(gateway, now_ms);
    marks_tick(gateway, now_ms);
}

static void forget_positions(struct client *client) {
    unqueue_pull(client);
    marks_unlist(client);
    positions_clear(client->positions);
    positions_clear(&client->feed->early);
    client->feed->placed = client->feed->whole = client->feed->full = client->feed->dirty =
        client->feed->wait_reached = false;
    client->feed->pull_at_ms = 0;
}

void feed_leave(struct client *client) {
    marks_collect(client);
    forget_positions(client);
    if (client->marks->left_count > 0)
        marks_send(client); /* before the answer, so that its own is here before the next login */
}

void feed_stop(struct client *client) {
    forget_positions(client);
    marks_stop(client);
}

int feed_open(struct gateway *gateway) {
    gateway->texts = entry_texts_new();
    return gateway->texts == NULL ? -1 : 0;
}

void feed_close(struct gateway *gateway) { entry_texts_destroy(&gateway->texts); }
