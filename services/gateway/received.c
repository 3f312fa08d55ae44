/*
 * What a client says has arrived (301).
 *
 * Of what was written to the connection itself the gateway knows that it is there to be received:
 * the move goes with the others, in bulk, and the request's 300 waits until it is stored. Anything
 * else is delivery's to check and to store.
 *
 * A client that confirms is the only one to move its account's cursors. It cannot confirm what its
 * dialect has no message for: such an entry moves the cursor by itself when nothing that was shown
 * before it waits to be confirmed, else together with that. Of each conversation it is sent
 * POSITIONS_MAX_UNCONFIRMED entries ahead of what it has confirmed, and the rest when it confirms:
 * that much at most is repeated at its next login, and no conversation waits for another.
 */
#include <stdlib.h>
#include <utlist.h>

#include "common/log.h"
#include "proto/conversation.h"
#include "services/gateway/client.h"
#include "services/gateway/cursors.h"
#include "services/gateway/feed.h"
#include "services/gateway/pairs.h"
#include "services/gateway/positions.h"
#include "services/gateway/received.h"
#include "services/gateway/request.h"

/* Entries that wait to be confirmed are counted in two halves, so that a 301 in their midst makes
 * room again. */
#define HALF (POSITIONS_MAX_UNCONFIRMED / 2)

static bool move(struct client *client, uint64_t conversation, uint64_t cid) {
    return cursors_add(client->gateway, &(struct written){client->account, conversation, cid});
}

/* --- what is to be confirmed --------------------------------------------------------------- */

bool received_is_full(const struct position *position) {
    return position->shown[0] + position->shown[1] >= POSITIONS_MAX_UNCONFIRMED;
}

static void count_shown(struct position *position, uint64_t cid) {
    position->unconfirmed = cid;
    if (position->shown[0] < HALF) {
        position->shown[0]++;
        position->half = cid;
    } else {
        position->shown[1]++;
    }
}

void received_wrote(struct client *client, const struct entry *entry, bool shown) {
    if (conversation_kind(entry->conversation) == CONVERSATION_PAIR)
        pairs_keep(client->gateway->pairs, entry->from, entry->to, entry->conversation);
    struct position *position = positions_find(client->positions, entry->conversation);
    if (position == NULL)
        return;
    if (shown)
        count_shown(position, entry->cid);
    else if (position->unconfirmed == 0)
        move(client, entry->conversation, entry->cid);
}

/* Takes `cid` as confirmed. Up to where the cursor moves with it: further, where the client was
 * shown nothing of what follows. */
static uint64_t confirm(struct client *client, uint64_t conversation, uint64_t cid) {
    struct position *position = positions_find(client->positions, conversation);
    if (position == NULL || position->unconfirmed == 0)
        return cid;
    bool full = received_is_full(position);
    uint64_t until = cid;
    if (cid >= position->unconfirmed) {
        position->unconfirmed = 0;
        position->shown[0] = position->shown[1] = 0;
        until = position->sent > cid ? position->sent : cid;
    } else if (cid >= position->half) {
        position->shown[0] = position->shown[1];
        position->shown[1] = 0;
        position->half = position->unconfirmed;
    }
    if ((full && !received_is_full(position)) || (client->feed->full && position->unconfirmed == 0))
        feed_confirmed(client);
    return until;
}

/* --- answering when it is stored ----------------------------------------------------------- */

static void await_stored(struct client *client) {
    struct gateway *gateway = client->gateway;
    client->received->stored_after = cursors_added(gateway);
    client->received->stored_by_ms = loop_now_ms() + (int64_t)gateway->settings.send_timeout_ms;
    client->received->awaits_stored = true;
    DL_APPEND2(gateway->stored_queue, client, received->prev_stored, received->next_stored);
    cursors_flush(gateway);
}

static void end_waiting(struct client *client) {
    if (client->received->awaits_stored)
        DL_DELETE2(client->gateway->stored_queue, client, received->prev_stored,
                   received->next_stored);
    client->received->awaits_stored = false;
}

/* Both what they wait for and how long they do grows along the queue. */
void received_tick(struct gateway *gateway, int64_t now_ms) {
    struct client *client;
    while ((client = gateway->stored_queue) != NULL) {
        bool stored = cursors_stored(gateway) >= client->received->stored_after;
        if (!stored && client->received->stored_by_ms > now_ms)
            return;
        end_waiting(client);
        request_finish(client, &(struct dialect_result){.err = stored ? ERR_OK : ERR_UNAVAILABLE});
    }
}

void received_stop(struct client *client) { end_waiting(client); }

/* --- the request --------------------------------------------------------------------------- */

/* 0: this gateway does not know. */
static uint64_t conversation_of(const struct client *client) {
    const struct dialect_request *request = &client->current->request;
    if (request->group.present)
        return conversation_of_group(request->group.number);
    if (!request->person.present)
        return CONVERSATION_OF_ALL;
    uint64_t person = request->person.number;
    return person == client->account ? conversation_of_account(person)
                                     : pairs_find(client->gateway->pairs, client->account, person);
}

/* Delivery has found and moved the cursor. */
static void moved(struct client *client, enum err err, const void *reply_v) {
    const struct delivery_received_reply *reply = reply_v;
    const struct dialect_request *request = &client->current->request;
    if (err == ERR_OK && client_is_in(client)) {
        uint64_t conversation = reply->conversation;
        if (conversation_kind(conversation) == CONVERSATION_PAIR)
            pairs_keep(client->gateway->pairs, client->account, request->person.number,
                       conversation);
        uint64_t until = confirm(client, conversation, request->cid);
        if (until > request->cid)
            move(client, conversation, until);
        /* Pages that were asked for before this may still bring what is confirmed now. */
        if (positions_set(client->positions, conversation, request->cid) != 0)
            feed_reread(client);
    }
    request_end(client, err, NULL);
}

void received_start(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    uint64_t conversation = conversation_of(client);
    const struct position *position =
        conversation == 0 ? NULL : positions_find(client->positions, conversation);
    if (position == NULL || position->sent < request->cid) {
        struct delivery_received body = {.account = client->account,
                                         .user = request->person.number,
                                         .group = request->group.number,
                                         .cid = request->cid};
        request_ask(client, client->gateway->delivery, &message_DELIVERY_RECEIVED, &body, moved);
    } else if (!move(client, conversation, confirm(client, conversation, request->cid))) {
        request_fail(client, ERR_OVERLOADED, "");
    } else if (request->ref.length > 0) {
        await_stored(client);
    } else {
        request_end(client, ERR_OK, NULL);
    }
}
