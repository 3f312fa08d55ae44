/* One entry to one client; see feed_entry.h. */
#include "services/gateway/feed_entry.h"

#include "common/log.h"
#include "services/gateway/client.h"
#include "services/gateway/entry_texts.h"
#include "services/gateway/marks.h"
#include "services/gateway/positions.h"
#include "services/gateway/unconfirmed.h"

/* While a mark is outstanding, or to be sent for an account that logged out, moves are missing that
 * the cursor of a forgotten position would need. */
static bool awaits_mark(const struct client *client) {
    return client->marks->marking != NULL || client->marks->unmarked_count > 0;
}

/* A place for the conversation's position: that of a settled one, where there is no other. */
static bool make_place(struct client *client, uint64_t conversation) {
    struct positions *positions = client->positions;
    if (positions_have_room(positions, conversation))
        return true;
    if (awaits_mark(client) || !positions_forget(positions))
        return false;
    positions->whole = false;
    return true;
}

bool feed_entry_is_held(const struct client *client, uint64_t conversation) {
    const struct position *position = positions_find(client->positions, conversation);
    return position == NULL ? client->positions->full : unconfirmed_is_full(position);
}

static void keep_position(struct client *client, const struct entry *entry, bool shown) {
    int err = client->confirms
                  ? positions_set(client->positions, entry->conversation, entry->cid)
                  : positions_touch(client->positions, entry->conversation, entry->cid);
    if (err != 0) { /* no memory: it is repeated some day */
        log_warn("position_forgotten", "client=%llu", (unsigned long long)client->id);
        return;
    }
    struct position *position = positions_find(client->positions, entry->conversation);
    position->skipped = 0;
    position->from_others |= !client->confirms && entry->from != client->account;
    if (client->confirms)
        unconfirmed_wrote(client, entry, shown);
}

/* The text that the client gets for the entry; or, if the entry is the last one left out of its
 * backlog, the number of those left out. Empty: its dialect has no message for it. */
static int text_of(struct client *client, const struct entry *entry, uint64_t skipped,
                   struct slice *text_r) {
    const struct entry_viewer viewer = {client->dialect, client->ext, client->account};
    if (skipped == 0)
        return entry_texts_get(client->gateway->texts, &viewer, entry, text_r);
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

enum feed_outcome feed_entry_write(struct client *client, const struct entry *entry) {
    struct slice text;
    if (entry->cid != 0 && feed_entry_is_held(client, entry->conversation))
        return FEED_PASSED_OVER;
    uint64_t skipped = entry->cid == 0 ? 0 : skipped_up_to(client, entry);
    if (text_of(client, entry, skipped, &text) != 0)
        return FEED_NO_MEMORY;
    bool shown = text.length > 0;
    if (shown && !marks_have_room(client, text.length))
        return FEED_NO_ROOM;
    if (entry->cid != 0 && !make_place(client, entry->conversation)) {
        client->positions->full = client->confirms && !awaits_mark(client);
        return FEED_NO_ROOM;
    }
    if (shown) {
        if (edge_send(client->edge, text) != 0)
            return FEED_NO_ROOM;
        metric_add(client->gateway->written, 1);
    }
    if (entry->cid != 0)
        keep_position(client, entry, shown && skipped == 0);
    return FEED_WRITTEN;
}
