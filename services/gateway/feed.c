/* Pages and pushes of the message log; see feed.h. */
#include <stdlib.h>
#include <utlist.h>

#include "common/log.h"
#include "services/gateway/client.h"
#include "services/gateway/cursors.h"
#include "services/gateway/entry_texts.h"
#include "services/gateway/feed.h"
#include "services/gateway/feed_entry.h"
#include "services/gateway/marks.h"

/*
 * limit: gateway | pause after a failed pull; wait of a login for cursors on their way |
 * {PULL_RETRY_MS} | tried again; read without them
 */
/* How long after a failed pull the next is tried. */
#define PULL_RETRY_MS 500

struct feed {
    struct gateway *gateway;
    struct client *queue;    /* whose page may be asked for */
    struct client *awaiting; /* those that wait for moves, in the order in which they do */
    size_t pulls, queued;    /* on their way; in `queue` */
};

struct pull {
    struct feed *feed;
    uint64_t client, reading;
    bool all;
};

static void note_behind(struct client *client, uint64_t conversation) {
    feed_behind_note(&client->feed->behind, client->positions, conversation);
}

static bool has_more(const struct client *client) {
    return feed_behind_any(&client->feed->behind, client->positions);
}

static void settle_asked(struct client *client, bool all, bool read) {
    feed_behind_settle(&client->feed->behind, client->positions, all, read);
}

/* --- whose turn it is ---------------------------------------------------------------------- */

static void run_pulls(struct feed *self);

static void stop_waiting(struct client *client) {
    struct feed *self = client->gateway->feed;
    if (client->feed->wait == FEED_WAITS_TURN) {
        DL_DELETE2(self->queue, client, feed->prev, feed->next);
        self->queued--;
    } else if (client->feed->wait == FEED_WAITS_MOVES) {
        DL_DELETE2(self->awaiting, client, feed->prev, feed->next);
    }
    client->feed->wait = FEED_WAITS_NOT;
}

/* Asks for the next page if nothing is in its way; otherwise the obstacle's end calls this
 * again. */
static void request_page(struct client *client) {
    struct client_feed *feed = client->feed;
    if (feed->wait != FEED_WAITS_NOT || ev_is_active(&feed->timer) || feed->pulling ||
        feed->wait_reached || client->state != CLIENT_CATCHING_UP)
        return;
    feed->wait = FEED_WAITS_TURN;
    client->gateway->feed->queued++;
    DL_APPEND2(client->gateway->feed->queue, client, feed->prev, feed->next);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct client *client = timer->data;
    stop_waiting(client);
    request_page(client);
    run_pulls(client->gateway->feed);
}

/* The next page: not before. */
static void wait_some_time(struct client *client) {
    ev_timer *timer = &client->feed->timer;
    if (timer->data == NULL) {
        ev_timer_init(timer, on_timer, 0, 0);
        timer->data = client;
    }
    stop_waiting(client);
    loop_timer_start(service_loop(client->gateway->service), timer, PULL_RETRY_MS);
}

/* The next page is read behind the cursors as they are now, unless storing them takes too long. */
static void await_moves(struct client *client) {
    const struct cursors *cursors = client->gateway->cursors;
    cursors_flush(client->gateway->cursors);
    if (cursors_stored(cursors) == cursors_added(cursors))
        return;
    wait_some_time(client);
    client->feed->after_moves = cursors_added(cursors);
    client->feed->wait = FEED_WAITS_MOVES;
    DL_APPEND2(client->gateway->feed->awaiting, client, feed->prev, feed->next);
}

void feed_moves_stored(struct feed *self) {
    struct client *client;
    while ((client = self->awaiting) != NULL &&
           client->feed->after_moves <= cursors_stored(self->gateway->cursors)) {
        stop_waiting(client);
        ev_timer_stop(service_loop(self->gateway->service), &client->feed->timer);
        request_page(client);
    }
    run_pulls(self);
}

/* Enough is on its way to the client: the next page waits until it has taken that. */
static void wait_for_client(struct client *client) {
    client->feed->wait_reached = true;
    marks_send(client);
}

static void become_live(struct client *client) {
    client_set_state(client, CLIENT_LIVE);
    if (client->positions->touched_count > 0)
        marks_schedule(client, 0);
    client_continue(client); /* that was all that it waited for, if it has closed its half */
}

static void go_on(struct client *client) {
    if (has_more(client))
        request_page(client);
    else
        become_live(client);
}

/* --- a page -------------------------------------------------------------------------------- */

static bool unpack(struct slice packed, struct record_arena *arena, struct entry *entry_r) {
    const char *fault;
    if (record_unpack(&entry_desc, packed, arena, entry_r, &fault) == 0)
        return true;
    log_error("bad_entry", "fault=\"%s\"", fault);
    return false;
}

/* Writes an entry, and looks after what that has changed beside it. */
static enum feed_outcome write_entry(struct client *client, const struct entry *entry) {
    uint32_t forgotten = client->positions->forgotten;
    enum feed_outcome outcome = feed_entry_write(client, entry);
    if (outcome == FEED_NO_MEMORY)
        wait_some_time(client);
    if (client->positions->forgotten != forgotten)
        await_moves(client); /* the forgotten one is read behind them */
    return outcome;
}

/* false: the entries behind it must not be written before it. */
static bool write_read(struct client *client, const struct entry *entry) {
    const struct position *known = positions_find(client->positions, entry->conversation);
    bool full = client->positions->full;
    if (known != NULL && known->sent >= entry->cid)
        return true;
    entry_texts_clear(client->gateway->texts);
    enum feed_outcome outcome = write_entry(client, entry);
    if (outcome == FEED_PASSED_OVER)
        positions_note_behind(client->positions, entry->conversation);
    if (outcome == FEED_NO_ROOM && client->positions->full == full)
        wait_for_client(client);
    return outcome == FEED_WRITTEN || outcome == FEED_PASSED_OVER;
}

/* A conversation whose entries could not be written is behind. */
static void write_page(struct client *client, const struct delivery_pull_reply *reply) {
    bool writes = true;
    for (size_t i = 0; i < reply->entries.count; i++) {
        struct record_arena arena = {0};
        struct entry entry;
        bool readable = unpack(reply->entries.items[i], &arena, &entry);
        if (!readable) {
            writes = false;
            client->feed->behind.all = true;
            wait_some_time(client);
        } else {
            writes = writes && write_read(client, &entry);
            if (!writes)
                note_behind(client, entry.conversation);
        }
        record_arena_free(&arena);
    }
    if (writes && marks_are_due(client))
        wait_for_client(client);
}

/* A position of the first page. false: in this conversation the account's cursor stands behind an
 * entry that was pushed to this connection, since another connection has it already. This one is to
 * have it too. */
static bool take_position(struct client *client, uint64_t conversation, uint64_t start,
                          uint64_t skipped) {
    const struct position *early = positions_find(&client->feed->early, conversation);
    uint64_t behind = early != NULL && early->sent < start ? early->sent : start;
    if (positions_set(client->positions, conversation, behind) != 0) {
        client->positions->whole = false;
        return true;
    }
    struct position *position = positions_find(client->positions, conversation);
    if (position->sent == start)
        position->skipped = (uint16_t)(skipped & UINT16_MAX);
    return position->sent >= start;
}

/*
 * The first page says where the account stands everywhere: from here the connection keeps it. Later
 * ones say it of conversations that had no position. false: the page is no good, the next one
 * begins where the positions are now.
 */
static bool take_positions(struct client *client, const struct delivery_pull_reply *reply) {
    struct client_feed *feed = client->feed;
    bool good = true, first = !feed->placed;
    if (reply->conversations.count != reply->positions.count)
        return true;
    feed->placed = true;
    if (first)
        client->positions->whole = !reply->partial;
    for (size_t i = 0; i < reply->conversations.count; i++) {
        uint64_t conversation = reply->conversations.items[i], start = reply->positions.items[i];
        uint64_t skipped = i < reply->skipped.count ? reply->skipped.items[i] : 0;
        if (first)
            good = take_position(client, conversation, start, skipped) && good;
        else if (!client->positions->whole &&
                 positions_find(client->positions, conversation) == NULL &&
                 positions_set(client->positions, conversation, start) != 0)
            break; /* they are read behind the cursor again */
    }
    positions_clear(&feed->early);
    return good;
}

/* Notes the conversations of which more is to be read. A delivery of the release before does not
 * name them. */
static void take_behind(struct client *client, const struct delivery_pull_reply *reply, bool all) {
    if (!reply->complete) {
        client->feed->behind.all = client->feed->behind.all || reply->entries.count > 0;
        client->feed->conversations = 0;
        return;
    }
    for (size_t i = 0; i < reply->behind.count; i++)
        note_behind(client, reply->behind.items[i]);
    if (all)
        client->feed->conversations = reply->count;
}

static void take_page(struct client *client, const struct delivery_pull_reply *reply, bool all) {
    bool good = take_positions(client, reply);
    settle_asked(client, all, good);
    if (good) {
        take_behind(client, reply, all);
        write_page(client, reply);
    }
}

/* Where the first page did not name settled conversations, one without a position begins where it
 * was settled. A delivery of the release before reads it from its first entry on: another one is to
 * be asked. */
static bool is_misread(struct client *client, const struct delivery_pull_reply *reply) {
    if (!client->feed->placed)
        client->feed->brief = reply->brief && reply->count == 0;
    return client->feed->brief && !reply->brief;
}

static void pulled(void *argument, enum err err, const void *reply, const char *text) {
    (void)text;
    struct pull pull = *(struct pull *)argument;
    free(argument);
    pull.feed->pulls--;
    struct client *client = client_find(pull.feed->gateway, pull.client);
    if (client == NULL)
        return;
    client->feed->pulling = false;
    if (err == ERR_OK && client->feed->reading == pull.reading && is_misread(client, reply))
        err = ERR_UNAVAILABLE;
    if (client->feed->reading != pull.reading || err != ERR_OK)
        settle_asked(client, pull.all, false);
    if (client->feed->reading != pull.reading) {
        request_page(client);
        run_pulls(pull.feed);
        return;
    }
    if (client->state != CLIENT_CATCHING_UP)
        return;
    if (err != ERR_OK) {
        wait_some_time(client);
        return;
    }
    take_page(client, reply, pull.all);
    go_on(client);
    run_pulls(pull.feed);
}

/* --- pulling ------------------------------------------------------------------------------- */

static enum err ask_pull(struct client *client, bool all) {
    struct gateway *gateway = client->gateway;
    struct delivery_pull body = {.account = client->account,
                                 .resumed = client->positions->whole,
                                 .listed = !all || client->positions->full,
                                 .brief = true,
                                 .newest = client->feed->placed ? 0 : client->feed->backlog};
    struct pull *pull = malloc(sizeof *pull);
    enum err err = ERR_OVERLOADED;
    if (pull != NULL && feed_behind_list(&client->feed->behind, client->positions, all, &body)) {
        *pull = (struct pull){gateway->feed, client->id, client->feed->reading, all};
        err = peers_ask(gateway->delivery, peers_next(gateway->delivery),
                        &(struct peers_request){.message = &message_DELIVERY_PULL,
                                                .body = &body,
                                                .timeout_ms = gateway->settings.send_timeout_ms,
                                                .done = pulled,
                                                .argument = pull});
    }
    free(body.conversations.items);
    free(body.positions.items);
    free(body.fresh.items);
    if (err != ERR_OK)
        free(pull);
    return err;
}

static void pull_page(struct client *client) {
    bool all = client->feed->behind.all || !client->feed->placed;
    if (ask_pull(client, all) != ERR_OK) {
        settle_asked(client, all, false);
        wait_some_time(client);
        return;
    }
    client->gateway->feed->pulls++;
    client->feed->pulling = true;
    client->feed->behind.all = false;
}

/* Asks for the pages that may be asked for now. */
static void run_pulls(struct feed *self) {
    struct client *client;
    while (self->pulls < FEED_MAX_PULLS && (client = self->queue) != NULL) {
        stop_waiting(client);
        pull_page(client);
    }
}

void feed_start(struct client *client, uint64_t backlog) {
    client->feed->backlog = backlog;
    client->feed->behind.all = true;
    client->feed->reading++;
    /* Entries that reached this account a moment ago, perhaps over another connection, are not
     * repeated. */
    await_moves(client);
    request_page(client);
    run_pulls(client->gateway->feed);
}

void feed_reread(struct client *client) { client->feed->reading++; }

/* --- back to the message log --------------------------------------------------------------- */

/* Whatever is behind is read from here on. */
static void read_on(struct client *client) {
    if (client->state != CLIENT_LIVE || !has_more(client))
        return;
    metric_add(client->gateway->caught_up, 1);
    client_set_state(client, CLIENT_CATCHING_UP);
    request_page(client);
    run_pulls(client->gateway->feed);
}

void feed_catch_up(struct client *client) {
    if (!client_is_in(client))
        return;
    client->feed->behind.all = true;
    read_on(client);
}

void feed_catch_up_to(struct client *client, uint64_t conversation, uint64_t cid) {
    const struct position *position = positions_find(client->positions, conversation);
    if (!client_is_in(client) || (position != NULL && position->sent >= cid))
        return;
    note_behind(client, conversation);
    read_on(client);
}

/* --- pushes -------------------------------------------------------------------------------- */

static void ask_how_far(struct client *client) {
    if (marks_are_due(client))
        marks_send(client);
    else if (!client->confirms)
        marks_schedule(client, (int64_t)client->gateway->settings.reach_interval_ms);
}

/* Of what is pushed before the first page, that page may know already that it reached the account:
 * over another connection. Without room it is as if it had been pushed before the login; so is what
 * was sent again, which that may have reached it long before. */
static void note_early(struct client *client, const struct entry *entry) {
    struct client_feed *feed = client->feed;
    if (!feed->placed && !entry->repeat &&
        positions_find(&feed->early, entry->conversation) == NULL &&
        positions_set(&feed->early, entry->conversation, entry->prev) != 0)
        log_warn("early_push_forgotten", "client=%llu", (unsigned long long)client->id);
}

/* A push of a stored entry that was not sent yet, to a client that is live. Whether it was
 * written. */
static bool push_stored(struct client *client, const struct entry *entry) {
    const struct position *known = positions_find(client->positions, entry->conversation);
    bool is_new = known == NULL && client->positions->whole && entry->prev == 0;
    bool next = is_new || (known != NULL && known->sent == entry->prev);
    enum feed_outcome outcome = next ? write_entry(client, entry)
                                : feed_entry_is_held(client, entry->conversation) ? FEED_PASSED_OVER
                                                                                  : FEED_NO_ROOM;
    if (outcome == FEED_WRITTEN) {
        if (is_new && client->feed->conversations != 0)
            client->feed->conversations++;
        ask_how_far(client);
        return true;
    }
    if (outcome == FEED_PASSED_OVER) {
        positions_note_behind(client->positions, entry->conversation);
        return false;
    }
    if (next && outcome == FEED_NO_ROOM)
        wait_for_client(client);
    note_behind(client, entry->conversation);
    read_on(client);
    return false;
}

/* Whether it was written. */
static bool push_to(struct client *client, const struct entry *entry) {
    if (!client_is_in(client))
        return false;
    /* Not stored: no page will bring it, so it is sent now or never. */
    if (entry->cid == 0)
        return (entry->login == 0 || entry->login != client->login_number) &&
               write_entry(client, entry) == FEED_WRITTEN;
    const struct position *known = positions_find(client->positions, entry->conversation);
    if (known != NULL && known->sent >= entry->cid)
        return false;
    if (client->state == CLIENT_LIVE)
        return push_stored(client, entry);
    note_early(client, entry);
    note_behind(client, entry->conversation);
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

void feed_push(struct feed *self, struct slice packed, const struct u64_list *bindings) {
    struct record_arena arena = {0};
    struct entry entry;
    bool readable = unpack(packed, &arena, &entry);
    size_t written = 0;
    entry_texts_clear(self->gateway->texts);
    for (size_t i = 0; i < bindings->count; i++) {
        struct client *client = client_find_binding(self->gateway, bindings->items[i]);
        if (client != NULL && readable)
            written += push_to(client, &entry);
        else if (client != NULL)
            feed_catch_up(client);
    }
    if (readable)
        note_pushed(self->gateway, &entry, bindings->count, written);
    record_arena_free(&arena);
}

/* --- what has arrived ---------------------------------------------------------------------- */

void feed_reached(struct client *client) {
    marks_answered(client);
    if (marks_have_unmarked(client))
        marks_schedule(client, (int64_t)client->gateway->settings.reach_interval_ms);
    if (!client->feed->wait_reached)
        return;
    if (marks_are_due(client)) { /* what was sent since fills the window as well */
        marks_send(client);
        return;
    }
    client->feed->wait_reached = false;
    request_page(client);
    run_pulls(client->gateway->feed);
}

void feed_confirmed(struct client *client, uint64_t conversation) {
    if (client->positions->full)
        client->feed->behind.all = true;
    client->positions->full = false;
    note_behind(client, conversation);
    read_on(client);
}

void feed_confirms(struct client *client) {
    marks_collect(client);
    if (client->marks->unmarked_count > 0)
        marks_schedule(client, 0);
}

/* --- the rest ------------------------------------------------------------------------------ */

static void forget_positions(struct client *client) {
    struct client_feed *feed = client->feed;
    stop_waiting(client);
    ev_timer_stop(service_loop(client->gateway->service), &feed->timer);
    marks_cancel(client);
    positions_clear(client->positions);
    positions_clear(&feed->early);
    feed->behind = (struct feed_behind){0};
    feed->placed = feed->brief = feed->wait_reached = false;
    feed->conversations = 0;
}

void feed_leave(struct client *client) {
    marks_collect(client);
    forget_positions(client);
    if (client->marks->unmarked_count > 0)
        marks_send(client); /* before the answer, so that its own is here before the next login */
}

void feed_stop(struct client *client) {
    forget_positions(client);
    marks_stop(client);
}

size_t feed_pulls(const struct feed *self) { return self->pulls; }

size_t feed_waiting(const struct feed *self) { return self->queued; }

struct feed *feed_new(struct gateway *gateway) {
    struct feed *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->gateway = gateway;
    return self;
}

void feed_destroy(struct feed **self) {
    free(*self);
    *self = NULL;
}
