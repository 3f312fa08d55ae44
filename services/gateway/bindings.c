/*
 * Reports to session which connections are logged in here; see bindings.h.
 *
 * An instance or a link that changes: clients whose instance or link is no longer the one that they
 * were bound at are bound again, in bulk. Then each instance gets the list of all that is bound at
 * it (`session.sync`), so it knows what has moved away; and once more when every caller that routes
 * to session must have seen the change too, so it forgets that.
 */
#include "services/gateway/bindings.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "services/gateway/bindings_ended.h"
#include "services/gateway/client.h"
#include "services/gateway/feed.h"
#include "services/gateway/gateway.h"
#include "services/gateway/request.h"

/*
 * limit: gateway | connections per request to session | {BINDINGS_PER_REQUEST} | several
 * requests
 */
/* Clients per request. */
#define BINDINGS_PER_REQUEST 4096
/* How long after a failure it is tried again. */
#define RETRY_MS 50
/* In place of a client's link when that was lost: it is bound under none that will ever be. */
#define LINK_LOST UINT64_MAX

struct bindings {
    struct gateway *gateway;
    ev_timer timer; /* for the first thing that is to be done */
    struct ended *ended;
    bool stale;                /* some clients may have to be bound elsewhere */
    size_t asked;              /* requests in bulk, on their way */
    int64_t changing_until_ms; /* instances were found or lost, and other gateways may not know */
    int64_t forget_at_ms;      /* instances forget what is not listed; 0: they have */
};

static void look_in(void *argument, int64_t delay_ms) {
    struct bindings *self = argument;
    loop_timer_hasten(service_loop(self->gateway->service), &self->timer, delay_ms);
}

static void set_stale(struct bindings *self, int64_t delay_ms) {
    self->stale = true;
    look_in(self, delay_ms);
}

static bool is_changing(const struct bindings *self) {
    return loop_now_ms() < self->changing_until_ms;
}

static bool report_ended(struct bindings *self) {
    return ended_report(self->ended, self->gateway->session, is_changing(self));
}

/* --- the numbers that session knows logins by ---------------------------------------------- */

/* One for each login and not for each connection: what was meant for an account that has logged
 * out on it must not find the next one. */
static bool number_client(struct client *client) {
    struct gateway *gateway = client->gateway;
    if (client->binding != 0)
        return true;
    client->binding = ++gateway->last_binding;
    if (!HASH_TRY_ADD(by_binding, gateway->bound, binding, client))
        client->binding = 0;
    return client->binding != 0;
}

/* --- one client that logs in --------------------------------------------------------------- */

struct bind_one {
    struct gateway *gateway;
    uint64_t binding, link;
    bindings_done *done;
};

/* The account may have gone to another instance meanwhile, or the link may have changed. */
static void take_binding(struct client *client, uint64_t link) {
    struct gateway *gateway = client->gateway;
    struct peer *peer = peers_by_key(gateway->session, client->account);
    client->bound_link = link;
    if (peer == NULL || *link_of(peer) != link)
        set_stale(gateway->bindings, 0);
}

/* Session does not know it any more, or never did. */
static void forget_binding(struct client *client) {
    HASH_DELETE(by_binding, client->gateway->bound, client);
    client->binding = client->bound_link = 0;
}

static void bound_one(void *argument, enum err err, const void *reply_v, const char *text) {
    const struct session_bind_reply *reply = reply_v;
    (void)text;
    struct bind_one bind = *(struct bind_one *)argument;
    free(argument);
    struct client *client = client_find_binding(bind.gateway, bind.binding);
    if (client == NULL)
        return;
    if (err == ERR_OK && reply->wait_ms > 0)
        forget_binding(client);
    else if (err == ERR_OK)
        take_binding(client, bind.link);
    bind.done(client, err, reply);
}

void bindings_bind(struct client *client, bool waited, bindings_done *done) {
    struct gateway *gateway = client->gateway;
    struct peer *peer = peers_by_key(gateway->session, client->account);
    struct bind_one *bind = malloc(sizeof *bind);
    enum err err = ERR_UNAVAILABLE;
    /* An earlier log-out on this connection must not reach session behind this log-in. */
    bool in_order = report_ended(gateway->bindings);
    if (peer != NULL && bind != NULL && in_order && number_client(client)) {
        *bind = (struct bind_one){gateway, client->binding, *link_of(peer), done};
        struct session_bind body = {.accounts = {&client->account, 1},
                                    .connections = {&client->binding, 1},
                                    .moving = is_changing(gateway->bindings),
                                    .logins = {&client->login_number, 1},
                                    .resumed =
                                        client->current->request.operation == OPERATION_RESUME,
                                    .waited = waited};
        /* From here on session may know it: if it ends before the reply, session gets that too. */
        client->bound_link = bind->link;
        err = peers_ask(
            gateway->session, peer,
            &(struct peers_request){.message = &message_SESSION_BIND,
                                    .body = &body,
                                    .trace = client->current->request.trace,
                                    .timeout_ms = retry_remaining_ms(&client->current->retry),
                                    .done = bound_one,
                                    .argument = bind});
    }
    if (err != ERR_OK) {
        free(bind);
        done(client, err, NULL);
    }
}

size_t bindings_waiting(const struct bindings *self) { return ended_count(self->ended); }

bool bindings_idle(const struct bindings *self) {
    return ended_are_reported(self->ended) || peers_live_count(self->gateway->session) == 0;
}

void bindings_unbind(struct client *client, bool logged_out) {
    struct bindings *self = client->gateway->bindings;
    int64_t grace_ms = logged_out ? 0 : (int64_t)client->gateway->settings.presence_grace_ms;
    if (client->binding == 0)
        return;
    if (!ended_add(self->ended, &(struct ended_binding){.account = client->account,
                                                        .connection = client->binding,
                                                        .link = client->bound_link,
                                                        .logged_out = logged_out,
                                                        .until_ms = loop_now_ms() + grace_ms})) {
        log_warn("unbind_dropped", "client=%llu", (unsigned long long)client->binding);
        /* So that session does not push to it in vain for ever. */
        if (self->forget_at_ms == 0)
            self->forget_at_ms = loop_now_ms();
        look_in(self, 0);
    }
    forget_binding(client);
}

/* --- in bulk ------------------------------------------------------------------------------- */

/* Clients that are to be bound at an instance, whether it knows them or not. */
struct listing {
    struct bindings *bindings;
    uint64_t link;
    bool last; /* the instance forgets what was not listed */
    size_t count;
    uint64_t accounts[BINDINGS_PER_REQUEST], connections[BINDINGS_PER_REQUEST];
    uint64_t logins[BINDINGS_PER_REQUEST];
};

static void listed(void *argument, enum err err, const void *reply, const char *text);

/* Clients that are bound under it may have missed something, and may be bound no longer. */
static void lose_link(struct bindings *self, uint64_t link) {
    struct client *client, *next;
    HASH_ITER(by_binding, self->gateway->bound, client, next) {
        if (link != 0 && client->bound_link == link)
            client->bound_link = LINK_LOST;
    }
}

/* It may have forgotten those clients: they are bound again, all others with them. */
static void list_again(struct bindings *self, const struct listing *listing) {
    lose_link(self, listing->link);
    if (listing->last)
        self->forget_at_ms = loop_now_ms();
    set_stale(self, RETRY_MS);
}

/* Takes the listing over. `first` and `last`: of the parts of one list. */
static bool ask_listing(struct bindings *self, struct peer *peer, struct listing *listing,
                        bool first, bool last) {
    struct session_sync body = {.accounts = {listing->accounts, listing->count},
                                .connections = {listing->connections, listing->count},
                                .first = first,
                                .last = last,
                                .logins = {listing->logins, listing->count}};
    listing->last = last;
    enum err err = peers_ask(
        self->gateway->session, peer,
        &(struct peers_request){
            .message = &message_SESSION_SYNC, .body = &body, .done = listed, .argument = listing});
    if (err == ERR_OK) {
        self->asked++;
    } else {
        list_again(self, listing);
        free(listing);
    }
    return err == ERR_OK;
}

static struct listing *listing_new(struct bindings *self, uint64_t link) {
    struct listing *listing = malloc(sizeof *listing);
    if (listing == NULL) {
        set_stale(self, RETRY_MS);
        return NULL;
    }
    listing->bindings = self;
    listing->link = link;
    listing->count = 0;
    return listing;
}

static void add_client(struct listing *listing, const struct client *client) {
    listing->accounts[listing->count] = client->account;
    listing->connections[listing->count] = client->binding;
    listing->logins[listing->count++] = client->login_number;
}

/* Every client whose account belongs to `peer`, but those that are being bound elsewhere. `forget`:
 * it forgets what is not listed. */
static void list_all(struct bindings *self, struct peer *peer, bool forget) {
    struct client *client, *next;
    struct listing *listing = listing_new(self, *link_of(peer));
    bool first = true;
    HASH_ITER(by_binding, self->gateway->bound, client, next) {
        bool is_there = client->bound_link == *link_of(peer);
        if (peers_by_key(self->gateway->session, client->account) != peer ||
            (!is_there && !client_is_in(client)))
            continue;
        if (listing != NULL && listing->count == BINDINGS_PER_REQUEST) {
            listing = ask_listing(self, peer, listing, first, false)
                          ? listing_new(self, *link_of(peer))
                          : NULL;
            first = false;
        }
        if (listing == NULL)
            return;
        add_client(listing, client);
    }
    if (listing != NULL)
        ask_listing(self, peer, listing, first, forget);
}

/* A client that was bound elsewhere, or not at all, may have missed something. */
static void take_listed(struct bindings *self, const struct listing *listing) {
    for (size_t i = 0; i < listing->count; i++) {
        struct client *client = client_find_binding(self->gateway, listing->connections[i]);
        if (client == NULL || client->bound_link == listing->link)
            continue;
        take_binding(client, listing->link);
        feed_catch_up(client);
    }
}

static void listed(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct listing *listing = argument;
    struct bindings *self = listing->bindings;
    self->asked--;
    if (err == ERR_OK)
        take_listed(self, listing);
    else
        list_again(self, listing);
    look_in(self, err == ERR_OK ? 0 : RETRY_MS);
    free(listing);
}

static void list_everywhere(struct bindings *self, bool forget) {
    struct peer *peer;
    self->stale = false;
    if (forget)
        self->forget_at_ms = 0;
    for (size_t i = 0; (peer = peers_live(self->gateway->session, i)) != NULL; i++)
        if (*link_of(peer) != 0)
            list_all(self, peer, forget);
        else
            self->stale = true; /* its first reply arrives in a moment */
}

/* Does all that is due. */
static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct bindings *self = timer->data;
    /* A connection that has ended must not be forgotten without news. */
    bool reported = report_ended(self);
    if (!reported && peers_live_count(self->gateway->session) > 0)
        look_in(self, RETRY_MS);
    bool forget = reported && self->forget_at_ms != 0 && self->forget_at_ms <= loop_now_ms();
    if (self->asked == 0 && (self->stale || forget))
        list_everywhere(self, forget);
    if (self->forget_at_ms > loop_now_ms())
        look_in(self, self->forget_at_ms - loop_now_ms());
}

/* --- life ---------------------------------------------------------------------------------- */

struct bindings *bindings_new(struct gateway *gateway) {
    struct bindings *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->gateway = gateway;
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    self->ended = ended_new(look_in, self);
    if (self->ended == NULL)
        bindings_destroy(&self);
    return self;
}

void bindings_destroy(struct bindings **self_p) {
    struct bindings *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    ev_timer_stop(service_loop(self->gateway->service), &self->timer);
    ended_destroy(&self->ended);
    free(self);
}

/* --- a session was found or lost -------------------------------------------------------------- */

void bindings_change(void *context, struct peer *peer, enum peer_change change) {
    struct gateway *gateway = context;
    struct bindings *self = gateway->bindings;
    self->changing_until_ms = loop_now_ms() + (int64_t)gateway->settings.presence_grace_ms;
    /* Until then somebody may route to an instance that accounts have moved away from: an attempt
     * to reach the new one may take as long. */
    self->forget_at_ms =
        self->changing_until_ms + (int64_t)gateway->settings.service.peer_timeout_ms;
    set_stale(self, 0);
    if (change != PEER_LOST)
        return;
    ended_link_lost(self->ended, *link_of(peer));
    /* Session may not have noticed, and go on under the same link: its pushes meanwhile are lost
     * all the same, so the clients are bound again, which reads the message log. */
    lose_link(self, *link_of(peer));
}

void bindings_set_link(struct gateway *gateway, struct peer *peer, uint64_t link) {
    ended_link_lost(gateway->bindings->ended, *link_of(peer));
    *link_of(peer) = link;
    set_stale(gateway->bindings, 0);
}
