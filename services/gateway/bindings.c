/*
 * Reports to session which connections are logged in here; see bindings.h.
 *
 * Whatever an instance may not know, it gets in one list (`session.sync`): all clients whose
 * accounts belong to it, and the connections that ended without its knowledge, whose ends follow.
 * The list is sent whenever instances are found or lost, a link changes or a report failed; and
 * once more when every caller that routes to session must have seen the change too. With that last
 * one the instance forgets what is not listed.
 */
#include "services/gateway/bindings.h"

#include <stdlib.h>
#include <utlist.h>

#include "common/log.h"
#include "services/gateway/client.h"
#include "services/gateway/feed.h"

/*
 * limit: gateway | connections per request to session | {BINDINGS_PER_REQUEST} | several
 * requests
 */
/* Clients per request. */
#define BINDINGS_PER_REQUEST 4096
/* How long after a failure it is tried again. */
#define RETRY_MS 50

/* A connection that ended, which an instance that is lost soon may not have counted as gone. */
struct ended {
    struct bindings *bindings;
    uint64_t account, connection;
    uint64_t link;    /* of the instance that knows it, or is being told; 0: none does */
    bool asked;       /* the reply is awaited */
    bool logged_out;  /* its account goes at once */
    int64_t until_ms; /* it is remembered */
    struct ended *next, *prev;
};

struct bindings {
    struct gateway *gateway;
    ev_timer timer;      /* for the first thing that is to be done */
    struct ended *ended; /* in the order in which they ended */
    size_t ended_count;
    bool stale;           /* instances have to be sent their lists */
    size_t asked;         /* lists on their way */
    int64_t forget_at_ms; /* when the last list after a change is due; 0: it was sent */
};

static void look_in(struct bindings *self, int64_t delay_ms) {
    loop_timer_hasten(service_loop(self->gateway->service), &self->timer, delay_ms);
}

static void set_stale(struct bindings *self, int64_t delay_ms) {
    self->stale = true;
    look_in(self, delay_ms);
}

/* Other gateways may not know yet that instances were found or lost. */
static bool is_changing(const struct bindings *self) {
    int64_t timeout_ms = (int64_t)self->gateway->settings.service.peer_timeout_ms;
    return self->forget_at_ms - timeout_ms > loop_now_ms();
}

/* --- one client that logs in --------------------------------------------------------------- */

/* One number for each login and not for each connection: what was meant for an account that has
 * logged out on it must not find the next one. */
static bool number_client(struct client *client) {
    struct gateway *gateway = client->gateway;
    if (client->binding != 0)
        return true;
    client->binding = ++gateway->last_binding;
    if (!HASH_TRY_ADD(by_binding, gateway->bound, binding, client))
        client->binding = 0;
    return client->binding != 0;
}

/* Session does not know it any more, or never did. */
static void forget_binding(struct client *client) {
    HASH_DELETE(by_binding, client->gateway->bound, client);
    client->binding = client->bound_link = 0;
}

/* The link of the instance that has the account; 0: none has. */
static uint64_t link_for(const struct bindings *self, uint64_t account) {
    struct peer *peer = peers_by_key(self->gateway->session, account);
    return peer == NULL ? 0 : *link_of(peer);
}

void bindings_bind(struct client *client, bool waited, request_done *done) {
    struct gateway *gateway = client->gateway;
    struct peer *peer = peers_by_key(gateway->session, client->account);
    if (peer != NULL && !number_client(client)) {
        done(client, ERR_OVERLOADED, NULL);
        return;
    }
    struct session_bind body = {.accounts = {&client->account, 1},
                                .connections = {&client->binding, 1},
                                .moving = is_changing(gateway->bindings),
                                .logins = {&client->login_number, 1},
                                .resumed = client->current->request.operation == OPERATION_RESUME,
                                .waited = waited};
    /* From here on session may know it: if it ends before the reply, session gets that too. */
    client->bound_link = peer == NULL ? 0 : *link_of(peer);
    request_ask_peer(client, gateway->session, peer, &message_SESSION_BIND, &body, done);
}

void bindings_bound(struct client *client, bool must_wait) {
    struct bindings *self = client->gateway->bindings;
    if (must_wait)
        forget_binding(client);
    else if (client->bound_link != link_for(self, client->account))
        set_stale(self, 0); /* the account has moved to another instance meanwhile */
}

/* --- connections that ended ---------------------------------------------------------------- */

static bool is_reported(const struct ended *ended) { return ended->link != 0 && !ended->asked; }

static bool is_unknown(const struct ended *ended) { return ended->link == 0 && !ended->asked; }

static void forget_ended(struct bindings *self, struct ended *ended) {
    DL_DELETE(self->ended, ended);
    self->ended_count--;
    free(ended);
}

/* Forgets those whose time is over; and the oldest, where there is no room. */
static void expire(struct bindings *self) {
    struct ended *first;
    while ((first = self->ended) != NULL && is_reported(first)) {
        if (first->until_ms > loop_now_ms() && self->ended_count < ENDED_MAX) {
            look_in(self, first->until_ms - loop_now_ms());
            return;
        }
        forget_ended(self, first);
    }
}

static void on_unbound(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct ended *ended = argument;
    struct bindings *self = ended->bindings;
    ended->asked = false;
    if (retry_is_transient_or_overload(err))
        ended->link = 0;
    if (ended->link == 0)
        set_stale(self, RETRY_MS);
    expire(self);
}

/* To the instance that has the account, where it is bound, or was listed just now. `moving`: other
 * gateways may still have to bind the account there. */
static void report_ended(struct bindings *self, struct ended *ended, bool moving) {
    struct peers *session = self->gateway->session;
    struct session_unbind body = {.accounts = {&ended->account, 1},
                                  .connections = {&ended->connection, 1},
                                  .moving = moving || !ended->logged_out};
    ended->asked = peers_ask(session, peers_by_key(session, ended->account),
                             &(struct peers_request){.message = &message_SESSION_UNBIND,
                                                     .body = &body,
                                                     .done = on_unbound,
                                                     .argument = ended}) == ERR_OK;
    if (ended->asked)
        ended->link = link_for(self, ended->account);
    else
        set_stale(self, RETRY_MS);
}

/* NULL: there is no room. */
static struct ended *add_ended(struct bindings *self, const struct client *client,
                               bool logged_out) {
    expire(self);
    struct ended *ended = self->ended_count < ENDED_MAX ? malloc(sizeof *ended) : NULL;
    if (ended == NULL)
        return NULL;
    int64_t grace_ms = logged_out ? 0 : (int64_t)self->gateway->settings.presence_grace_ms;
    *ended = (struct ended){.bindings = self,
                            .account = client->account,
                            .connection = client->binding,
                            .logged_out = logged_out,
                            .until_ms = loop_now_ms() + grace_ms};
    DL_APPEND(self->ended, ended);
    self->ended_count++;
    return ended;
}

void bindings_unbind(struct client *client, bool logged_out) {
    struct bindings *self = client->gateway->bindings;
    if (client->binding == 0)
        return;
    struct ended *ended = add_ended(self, client, logged_out);
    if (ended == NULL) {
        log_warn("unbind_dropped", "client=%llu", (unsigned long long)client->binding);
        /* So that session does not push to it in vain for ever. */
        if (self->forget_at_ms == 0)
            self->forget_at_ms = loop_now_ms();
        look_in(self, 0);
    } else if (client->bound_link != 0 && client->bound_link == link_for(self, client->account)) {
        report_ended(self, ended, is_changing(self));
    } else {
        set_stale(self, 0);
    }
    forget_binding(client);
}

size_t bindings_waiting(const struct bindings *self) { return self->ended_count; }

bool bindings_idle(const struct bindings *self) {
    const struct ended *ended = self->ended;
    while (ended != NULL && is_reported(ended))
        ended = ended->next;
    return ended == NULL || peers_live_count(self->gateway->session) == 0;
}

/* --- lists --------------------------------------------------------------------------------- */

/* All connections that an instance is to know, sent in parts. */
struct listing {
    struct bindings *bindings;
    uint64_t link;
    bool last; /* the instance forgets what is not listed */
    bool failed;
    size_t parts; /* on their way */
    size_t count;
    uint64_t *accounts, *connections, *logins; /* behind the struct */
};

/* What was known under it may be known no longer. */
static void lose_link(struct bindings *self, uint64_t link) {
    struct client *client, *next;
    struct ended *ended;
    HASH_ITER(by_binding, self->gateway->bound, client, next) {
        if (client->bound_link == link)
            client->bound_link = 0;
    }
    DL_FOREACH(self->ended, ended) {
        if (ended->link == link && (ended->asked || ended->until_ms > loop_now_ms()))
            ended->link = 0;
    }
}

/* A client that was bound elsewhere, or not at all, may have missed something. */
static void take_listed(struct bindings *self, const struct listing *listing) {
    for (size_t i = 0; i < listing->count; i++) {
        struct client *client = client_find_binding(self->gateway, listing->connections[i]);
        if (client == NULL || client->bound_link == listing->link)
            continue;
        client->bound_link = listing->link;
        bindings_bound(client, false);
        feed_catch_up(client);
    }
}

/* Where it failed, the instance may have forgotten clients: they are bound again. */
static void end_listing(struct listing *listing) {
    struct bindings *self = listing->bindings;
    self->asked--;
    if (!listing->failed) {
        take_listed(self, listing);
        look_in(self, 0);
    } else {
        lose_link(self, listing->link);
        if (listing->last)
            self->forget_at_ms = loop_now_ms();
        set_stale(self, RETRY_MS);
    }
    free(listing);
}

static void on_listed(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct listing *listing = argument;
    listing->failed = listing->failed || err != ERR_OK;
    if (--listing->parts == 0)
        end_listing(listing);
}

static void send_listing(struct listing *listing, struct peer *peer) {
    size_t at = 0, count;
    do {
        size_t rest = listing->count - at;
        count = rest < BINDINGS_PER_REQUEST ? rest : BINDINGS_PER_REQUEST;
        struct session_sync body = {.accounts = {listing->accounts + at, count},
                                    .connections = {listing->connections + at, count},
                                    .first = at == 0,
                                    .last = listing->last && count == rest,
                                    .logins = {listing->logins + at, count}};
        listing->failed = peers_ask(listing->bindings->gateway->session, peer,
                                    &(struct peers_request){.message = &message_SESSION_SYNC,
                                                            .body = &body,
                                                            .done = on_listed,
                                                            .argument = listing}) != ERR_OK;
        listing->parts += !listing->failed;
        at += count;
    } while (at < listing->count && !listing->failed);
}

/* Unless its account belongs to another one. */
static void list(struct listing *listing, const struct peer *peer, uint64_t account,
                 uint64_t connection, uint64_t login) {
    if (peers_by_key(listing->bindings->gateway->session, account) != peer)
        return;
    listing->accounts[listing->count] = account;
    listing->connections[listing->count] = connection;
    listing->logins[listing->count++] = login;
}

/* NULL without memory. */
static struct listing *listing_new(struct bindings *self, struct peer *peer, bool forget) {
    size_t most = HASH_CNT(by_binding, self->gateway->bound) + self->ended_count;
    struct listing *listing = calloc(1, sizeof *listing + 3 * most * sizeof(uint64_t));
    if (listing == NULL)
        return NULL;
    listing->bindings = self;
    listing->link = *link_of(peer);
    listing->last = forget;
    listing->accounts = (uint64_t *)(listing + 1);
    listing->connections = listing->accounts + most;
    listing->logins = listing->connections + most;
    return listing;
}

/* Sends `peer` all that it is to know: clients, but those that are being bound elsewhere, and
 * connections whose end no instance knows. Whether that was sent. */
static bool list_all(struct bindings *self, struct peer *peer, bool forget) {
    struct client *client, *next;
    struct ended *ended;
    struct listing *listing = listing_new(self, peer, forget);
    if (listing == NULL) {
        set_stale(self, RETRY_MS);
        return false;
    }
    HASH_ITER(by_binding, self->gateway->bound, client, next) {
        if (client->bound_link == listing->link || client_is_in(client))
            list(listing, peer, client->account, client->binding, client->login_number);
    }
    DL_FOREACH(self->ended, ended) {
        if (is_unknown(ended))
            list(listing, peer, ended->account, ended->connection, 0);
    }
    self->asked++;
    send_listing(listing, peer);
    bool sent = !listing->failed;
    if (listing->parts == 0)
        end_listing(listing);
    return sent;
}

static void list_everywhere(struct bindings *self, bool forget) {
    struct peer *peer;
    struct ended *ended;
    bool sent = true;
    self->stale = false;
    if (forget)
        self->forget_at_ms = 0;
    for (size_t i = 0; (peer = peers_live(self->gateway->session, i)) != NULL; i++)
        if (*link_of(peer) == 0)
            self->stale = true; /* its first reply arrives in a moment */
        else
            sent = list_all(self, peer, forget) && sent;
    DL_FOREACH(self->ended, ended) {
        if (sent && is_unknown(ended) && link_for(self, ended->account) != 0)
            report_ended(self, ended, true);
    }
}

/* Does all that is due. */
static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct bindings *self = timer->data;
    bool forget = self->forget_at_ms != 0 && self->forget_at_ms <= loop_now_ms();
    expire(self);
    if (self->asked == 0 && (self->stale || forget))
        list_everywhere(self, forget);
    if (self->forget_at_ms > loop_now_ms())
        look_in(self, self->forget_at_ms - loop_now_ms());
}

/* --- a session was found or lost -------------------------------------------------------------- */

void bindings_change(void *context, struct peer *peer, enum peer_change change) {
    struct gateway *gateway = context;
    const struct gateway_settings *settings = &gateway->settings;
    struct bindings *self = gateway->bindings;
    /* Gateways know it after the grace. Until the end of the time-out somebody may route to an
     * instance that accounts have moved away from: an attempt to reach the new one may take as
     * long. */
    self->forget_at_ms = loop_now_ms() + (int64_t)settings->presence_grace_ms +
                         (int64_t)settings->service.peer_timeout_ms;
    set_stale(self, 0);
    /* Session may not have noticed, and go on under the same link: its pushes meanwhile are lost
     * all the same, so the clients are bound again, which reads the message log. */
    if (change == PEER_LOST)
        lose_link(self, *link_of(peer));
}

void bindings_set_link(struct gateway *gateway, struct peer *peer, uint64_t link) {
    lose_link(gateway->bindings, *link_of(peer));
    *link_of(peer) = link;
    set_stale(gateway->bindings, 0);
}

/* --- life ---------------------------------------------------------------------------------- */

struct bindings *bindings_new(struct gateway *gateway) {
    struct bindings *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->gateway = gateway;
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    return self;
}

void bindings_destroy(struct bindings **self_p) {
    struct bindings *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    ev_timer_stop(service_loop(self->gateway->service), &self->timer);
    while (self->ended != NULL)
        forget_ended(self, self->ended);
    free(self);
}
