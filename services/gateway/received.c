/* 301 and 302; see received.h. */
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
#include "services/gateway/unconfirmed.h"

struct received {
    struct gateway *gateway;
    struct client *queue; /* clients that wait for moves to be stored, in that order */
    ev_timer timer;       /* when the first has waited too long */
};

/* `seen`: the cid up to which it is read; 0: not known. */
static bool move(struct client *client, uint64_t conversation, uint64_t cid, uint64_t seen) {
    return cursors_add(client->gateway->cursors,
                       &(struct written){.account = client->account,
                                         .conversation = conversation,
                                         .cid = cid,
                                         .from_others = true,
                                         .seen = seen,
                                         .login = seen == 0 ? 0 : client->login_number});
}

/* Takes `cid` as confirmed; up to where the cursor moves with it. */
static uint64_t confirm(struct client *client, uint64_t conversation, uint64_t cid) {
    struct position *position = positions_find(client->positions, conversation);
    if (position == NULL || position->unconfirmed == 0)
        return cid;
    bool full = unconfirmed_is_full(position);
    uint64_t until = unconfirmed_confirm(position, cid);
    if ((full && !unconfirmed_is_full(position)) ||
        (client->positions->full && position->unconfirmed == 0))
        feed_confirmed(client, conversation);
    return until;
}

/* --- answering when it is stored ----------------------------------------------------------- */

static void watch_first(struct received *self) {
    struct ev_loop *ev = service_loop(self->gateway->service);
    if (self->queue == NULL)
        ev_timer_stop(ev, &self->timer);
    else
        loop_timer_start(ev, &self->timer, self->queue->received->stored_by_ms - loop_now_ms());
}

static void await_stored(struct client *client) {
    struct gateway *gateway = client->gateway;
    struct received *self = gateway->received;
    client->received->stored_after = cursors_added(gateway->cursors);
    client->received->stored_by_ms = loop_now_ms() + (int64_t)gateway->settings.send_timeout_ms;
    client->received->awaits_stored = true;
    DL_APPEND2(self->queue, client, received->prev_stored, received->next_stored);
    if (self->queue == client)
        watch_first(self);
    cursors_flush(gateway->cursors);
}

static void end_waiting(struct client *client) {
    if (client->received->awaits_stored)
        DL_DELETE2(client->gateway->received->queue, client, received->prev_stored,
                   received->next_stored);
    client->received->awaits_stored = false;
}

/* Later ones in the queue wait for later moves, and have a later end of their time. */
static void answer_those_stored(struct received *self) {
    struct client *client;
    while ((client = self->queue) != NULL) {
        bool stored = cursors_stored(self->gateway->cursors) >= client->received->stored_after;
        if (!stored && client->received->stored_by_ms > loop_now_ms())
            break;
        end_waiting(client);
        request_finish(client, &(struct dialect_result){.err = stored ? ERR_OK : ERR_UNAVAILABLE});
    }
    watch_first(self);
}

void received_stored(struct received *self) {
    if (self->queue != NULL)
        answer_those_stored(self);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    answer_those_stored(timer->data);
}

void received_stop(struct client *client) { end_waiting(client); }

struct received *received_new(struct gateway *gateway) {
    struct received *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->gateway = gateway;
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    return self;
}

void received_destroy(struct received **self_p) {
    if (*self_p != NULL)
        ev_timer_stop(service_loop((*self_p)->gateway->service), &(*self_p)->timer);
    free(*self_p);
    *self_p = NULL;
}

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

/* Delivery has found and moved the cursor: read entries were received, too. */
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
            move(client, conversation, until, 0);
        /* Pages that were asked for before this may still bring entries that are confirmed now. */
        if (positions_set(client->positions, conversation, request->cid) != 0)
            feed_reread(client);
    }
    request_end(client, err, NULL);
}

static void ask_delivery(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct delivery_received received = {.account = client->account,
                                         .user = request->person.number,
                                         .group = request->group.number,
                                         .cid = request->cid};
    struct delivery_read read = {.account = client->account,
                                 .user = request->person.number,
                                 .group = request->group.number,
                                 .cid = request->cid,
                                 .login = client->login_number};
    if (request->operation == OPERATION_READ)
        request_ask(client, client->gateway->delivery, &message_DELIVERY_READ, &read, moved);
    else
        request_ask(client, client->gateway->delivery, &message_DELIVERY_RECEIVED, &received,
                    moved);
}

void received_start(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    uint64_t conversation = conversation_of(client), cid = request->cid;
    uint64_t seen = request->operation == OPERATION_READ ? cid : 0;
    const struct position *position =
        conversation == 0 ? NULL : positions_find(client->positions, conversation);
    if (position == NULL || position->sent < cid)
        ask_delivery(client);
    else if (!move(client, conversation, confirm(client, conversation, cid), seen))
        request_fail(client, ERR_OVERLOADED, "");
    else if (request->ref.length > 0)
        await_stored(client);
    else
        request_end(client, ERR_OK, NULL);
}
