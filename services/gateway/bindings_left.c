/*
 * Who left, told to session.
 *
 * The instance that has the account now, its owner, makes news of it. It may never have heard of
 * the connection, when that was bound at an instance which has gone since: then it is told of it
 * first, so that there is something to end. All other instances forget the connection without a
 * word. What an owner did not answer is told again, to whoever is the owner then.
 */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "services/gateway/bindings.h"
#include "services/gateway/bindings_private.h"
#include "services/gateway/gateway.h"

/* Connections in one request. */
#define LEFT_PER_REQUEST 1024

/* What one instance is told. */
enum tell {
    TELL_OWN,      /* it is the owner, and has the connection */
    TELL_OWN_LATE, /* it is the owner, and may not have it */
    TELL_OTHER     /* another is the owner */
};

/* A part of those that left, for one instance. */
struct part {
    struct gateway *gateway;
    size_t count;
    struct left items[LEFT_PER_REQUEST];
};

int left_init(struct bindings *self) {
    self->left = malloc(BINDINGS_WAITING_MAX * sizeof *self->left);
    return self->left == NULL ? -1 : 0;
}

void left_add(struct bindings *self, const struct left *left) {
    if (self->left_count < BINDINGS_WAITING_MAX) {
        self->left[self->left_count++] = *left;
        return;
    }
    log_warn("unbind_dropped", "client=%llu", (unsigned long long)left->connection);
    if (self->sync_at_ms == 0) /* so that session does not push to it in vain for ever */
        self->sync_at_ms = loop_now_ms();
}

static void drop_first(struct bindings *self, size_t count) {
    self->left_count -= count;
    memmove(self->left, self->left + count, self->left_count * sizeof *self->left);
}

static void answered(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct part *part = argument;
    struct bindings *self = part->gateway->bindings;
    for (size_t i = 0; self != NULL && retry_is_transient_or_overload(err) && i < part->count; i++)
        left_add(self, &part->items[i]);
    free(part);
}

static enum err ask(struct bindings *self, struct peer *peer, const struct message_desc *message,
                    const void *body, struct part *part) {
    return peers_ask(self->gateway->session, peer,
                     &(struct peers_request){.message = message,
                                             .body = body,
                                             .done = part == NULL ? NULL : answered,
                                             .argument = part});
}

/* Takes the part over, of which it is told again when it is not answered; `tell` says how. */
static enum err tell_part(struct bindings *self, struct peer *peer, enum tell tell,
                          struct part *part) {
    uint64_t accounts[LEFT_PER_REQUEST], connections[LEFT_PER_REQUEST];
    for (size_t i = 0; i < part->count; i++) {
        accounts[i] = part->items[i].account;
        connections[i] = part->items[i].connection;
    }
    struct session_bind bind = {.accounts = {accounts, part->count},
                                .connections = {connections, part->count},
                                .again = true};
    struct session_unbind unbind = {.accounts = {accounts, part->count},
                                    .connections = {connections, part->count},
                                    .moving = tell == TELL_OWN_LATE || bindings_moving(self),
                                    .elsewhere = tell == TELL_OTHER};
    enum err err = ERR_OK;
    if (tell == TELL_OWN_LATE)
        err = ask(self, peer, &message_SESSION_BIND, &bind, NULL);
    if (err == ERR_OK)
        err = ask(self, peer, &message_SESSION_UNBIND, &unbind, tell == TELL_OTHER ? NULL : part);
    if (err != ERR_OK || tell == TELL_OTHER)
        free(part);
    return err;
}

static enum tell what_to_tell(struct bindings *self, struct peer *peer, const struct left *left) {
    if (peers_by_key(self->gateway->session, left->account) != peer)
        return TELL_OTHER;
    return left->link == *link_of(peer) ? TELL_OWN : TELL_OWN_LATE;
}

/* Of the first `count`, those that the instance is told in this way. */
static enum err tell_those(struct bindings *self, struct peer *peer, enum tell tell, size_t count) {
    struct part *part = malloc(sizeof *part);
    if (part == NULL)
        return ERR_UNAVAILABLE;
    part->gateway = self->gateway;
    part->count = 0;
    for (size_t i = 0; i < count; i++)
        if (what_to_tell(self, peer, &self->left[i]) == tell)
            part->items[part->count++] = self->left[i];
    if (part->count > 0)
        return tell_part(self, peer, tell, part);
    free(part);
    return ERR_OK;
}

/* What a full queue does not take is told at the next tick, all of it again. */
static enum err tell_some(struct bindings *self, size_t count) {
    struct peers *session = self->gateway->session;
    struct peer *peer;
    for (size_t i = 0; (peer = peers_live(session, i)) != NULL; i++)
        for (enum tell tell = TELL_OWN; tell <= TELL_OTHER; tell++) {
            enum err err = tell_those(self, peer, tell, count);
            if (err != ERR_OK)
                return err;
        }
    return ERR_OK;
}

bool left_tell(struct bindings *self) {
    while (self->left_count > 0 && peers_live_count(self->gateway->session) > 0) {
        size_t count = self->left_count < LEFT_PER_REQUEST ? self->left_count : LEFT_PER_REQUEST;
        if (tell_some(self, count) != ERR_OK)
            return false;
        drop_first(self, count);
    }
    return self->left_count == 0;
}
