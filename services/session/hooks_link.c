/* The way to hooks; see hooks_link.h. */
#include "services/session/hooks_link.h"

#include <stdlib.h>

#include "common/loop.h"
#include "common/peers.h"

struct hooks_link {
    struct service *service;
    struct peers *peers; /* NULL: there are none */
    ev_timer timer;      /* until the next wake may be sent */
    bool due;            /* something was routed since the last one */
    size_t asked;        /* instances whose reply is to come */
    bool wanted, found;  /* by the last round; by the one that is on its way */
    int64_t asked_ms;
};

/* --- waking ---------------------------------------------------------------------------------- */

static void plan(struct hooks_link *self) {
    const int64_t pause_ms = self->wanted ? HOOKS_LINK_WAKE_MS : HOOKS_LINK_REST_MS;
    const int64_t delay_ms = self->asked_ms + pause_ms - loop_now_ms();
    if (self->due && self->asked == 0 && !ev_is_active(&self->timer))
        loop_timer_start(service_loop(self->service), &self->timer, delay_ms > 0 ? delay_ms : 0);
}

static void on_reply(void *argument, enum err err, const void *reply, const char *text) {
    struct hooks_link *self = argument;
    const struct hooks_wake_reply *found = reply;
    (void)text;
    self->found = self->found || (err == ERR_OK && found->wanted);
    if (--self->asked > 0)
        return;
    self->wanted = self->found;
    plan(self);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    struct hooks_link *self = timer->data;
    const struct hooks_wake body = {.instance = service_instance(self->service)};
    struct peer *peer;
    (void)ev;
    (void)revents;
    self->due = self->found = false;
    self->asked_ms = loop_now_ms();
    for (size_t i = 0; (peer = peers_live(self->peers, i)) != NULL; i++)
        self->asked += peers_ask(self->peers, peer,
                                 &(struct peers_request){.message = &message_HOOKS_WAKE,
                                                         .body = &body,
                                                         .done = on_reply,
                                                         .argument = self}) == ERR_OK;
    if (self->asked == 0)
        self->wanted = false;
}

void hooks_link_wake(struct hooks_link *self) {
    if (self->peers == NULL || self->due)
        return;
    self->due = true;
    plan(self);
}

/* --- presence -------------------------------------------------------------------------------- */

/* Which instance works, they know. */
void hooks_link_tell_presence(struct hooks_link *self, const struct u64_list *accounts,
                              bool online) {
    const struct hooks_presence body = {.accounts = *accounts, .online = online};
    struct peer *peer;
    if (self->peers == NULL)
        return;
    for (size_t i = 0; (peer = peers_live(self->peers, i)) != NULL; i++)
        (void)!peers_ask(
            self->peers, peer,
            &(struct peers_request){.message = &message_HOOKS_PRESENCE, .body = &body});
}

/* --- life ------------------------------------------------------------------------------------ */

struct hooks_link *hooks_link_new(struct service *service, const char *addresses) {
    struct hooks_link *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->service = service;
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    if (addresses[0] == '\0')
        return self;
    self->peers =
        peers_new(service, &(struct peers_options){.name = "hooks", .addresses = addresses});
    if (self->peers == NULL)
        hooks_link_destroy(&self);
    return self;
}

void hooks_link_destroy(struct hooks_link **self_p) {
    struct hooks_link *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    peers_destroy(&self->peers); /* which may end a round */
    ev_timer_stop(service_loop(self->service), &self->timer);
    free(self);
}
