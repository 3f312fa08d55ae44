/*
 * Connections that ended: `unreported` stand in the order in which they ended, `reported` in that
 * in which an instance has replied; the others are on their way, each in a request of its own.
 */
#include "services/gateway/bindings_ended.h"

#include <stdlib.h>
#include <utlist.h>

#include "common/loop.h"
#include "proto/messages.h"
#include "services/gateway/retry.h"

/* How long after a failure they are reported again. */
#define RETRY_MS 50

struct ended {
    void (*look_in)(void *argument, int64_t delay_ms);
    void *argument;
    struct ended_binding *unreported, *reported;
    size_t count, on_their_way;
};

static void forget(struct ended *self, struct ended_binding **list, struct ended_binding *binding) {
    DL_DELETE(*list, binding);
    free(binding);
    self->count--;
}

bool ended_add(struct ended *self, const struct ended_binding *binding) {
    if (self->count == ENDED_MAX && self->reported != NULL)
        forget(self, &self->reported, self->reported);
    struct ended_binding *copy = self->count < ENDED_MAX ? malloc(sizeof *copy) : NULL;
    if (copy == NULL)
        return false;
    *copy = *binding;
    copy->ended = self;
    DL_APPEND(self->unreported, copy);
    self->count++;
    self->look_in(self->argument, 0);
    return true;
}

static void on_reply(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct ended_binding *binding = argument;
    struct ended *self = binding->ended;
    self->on_their_way--;
    if (retry_is_transient_or_overload(err)) {
        DL_APPEND(self->unreported, binding);
        self->look_in(self->argument, RETRY_MS);
    } else {
        DL_APPEND(self->reported, binding);
        self->look_in(self->argument, binding->until_ms - loop_now_ms());
    }
}

/* Where it was bound under another link the instance may not know it. */
static enum err report(struct peers *session, struct peer *peer, struct ended_binding *binding,
                       bool changing) {
    bool again = binding->link != *link_of(peer);
    struct session_bind bind = {.accounts = {&binding->account, 1},
                                .connections = {&binding->connection, 1},
                                .again = true};
    struct session_unbind unbind = {.accounts = bind.accounts,
                                    .connections = bind.connections,
                                    .moving = !binding->logged_out || again || changing};
    enum err err = ERR_OK;
    if (again)
        err = peers_ask(session, peer,
                        &(struct peers_request){.message = &message_SESSION_BIND, .body = &bind});
    if (err == ERR_OK)
        err = peers_ask(session, peer,
                        &(struct peers_request){.message = &message_SESSION_UNBIND,
                                                .body = &unbind,
                                                .done = on_reply,
                                                .argument = binding});
    return err;
}

/* Forgets those whose time is over. */
static void expire(struct ended *self) {
    while (self->reported != NULL && self->reported->until_ms <= loop_now_ms())
        forget(self, &self->reported, self->reported);
    if (self->reported != NULL)
        self->look_in(self->argument, self->reported->until_ms - loop_now_ms());
}

bool ended_report(struct ended *self, struct peers *session, bool changing) {
    expire(self);
    while (self->unreported != NULL) {
        struct ended_binding *first = self->unreported;
        struct peer *peer = peers_by_key(session, first->account);
        if (peer == NULL || *link_of(peer) == 0 || report(session, peer, first, changing) != ERR_OK)
            return false;
        first->reported_link = *link_of(peer);
        DL_DELETE(self->unreported, first);
        self->on_their_way++;
    }
    return true;
}

void ended_link_lost(struct ended *self, uint64_t link) {
    struct ended_binding *binding, *next;
    DL_FOREACH_SAFE(self->reported, binding, next) {
        if (binding->reported_link != link)
            continue;
        DL_DELETE(self->reported, binding);
        DL_APPEND(self->unreported, binding);
    }
}

size_t ended_count(const struct ended *self) { return self->count; }

bool ended_are_reported(const struct ended *self) {
    return self->unreported == NULL && self->on_their_way == 0;
}

struct ended *ended_new(void (*look_in)(void *argument, int64_t delay_ms), void *argument) {
    struct ended *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->look_in = look_in;
    self->argument = argument;
    return self;
}

void ended_destroy(struct ended **self_p) {
    struct ended *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    while (self->unreported != NULL)
        forget(self, &self->unreported, self->unreported);
    while (self->reported != NULL)
        forget(self, &self->reported, self->reported);
    free(self);
}
