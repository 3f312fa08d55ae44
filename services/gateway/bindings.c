/*
 * Who is here, told to session.
 *
 * Every logged-in client is bound at the session instance that has its account, under the link that
 * this instance gave the gateway. A link that changes, an instance that comes or goes: clients
 * whose instance or link is no longer the one they were bound at are bound again, in bulk, and read
 * the log again, since pushes may have been missed. Once all must know of the change, those who
 * route to session too, each instance is told of all that is bound at it, and forgets the rest. The
 * pushes of a link are numbered; a gap, or a ping's answer that tells of more than have come, sends
 * its clients back to the log as well.
 */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "services/gateway/bindings.h"
#include "services/gateway/bindings_private.h"
#include "services/gateway/client.h"
#include "services/gateway/feed.h"
#include "services/gateway/gateway.h"
#include "services/gateway/login.h"
#include "services/gateway/request.h"

/* Clients per request. */
#define BINDINGS_PER_REQUEST 4096
/* How long after instances came or went the other gateways may not know of it. */
#define MOVING_MS 2000

struct bindings *bindings_new(struct gateway *gateway) {
    struct bindings *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->gateway = gateway;
    if (left_init(self) != 0)
        bindings_destroy(&self);
    return self;
}

void bindings_destroy(struct bindings **self_p) {
    if (*self_p != NULL)
        free((*self_p)->left);
    free(*self_p);
    *self_p = NULL;
}

bool bindings_moving(const struct bindings *self) { return loop_now_ms() < self->moving_until_ms; }

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

struct client *bindings_client(const struct gateway *gateway, uint64_t binding) {
    struct client *client = NULL;
    HASH_FIND(by_binding, gateway->bound, &binding, sizeof binding, client);
    return client;
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
        gateway->bindings->stale = true;
}

/* Session has not heard of it, or does not know it. */
static void forget_binding(struct client *client) {
    HASH_DELETE(by_binding, client->gateway->bound, client);
    client->binding = client->bound_link = 0;
}

static void bound_one(void *argument, enum err err, const void *reply_v, const char *text) {
    const struct session_bind_reply *reply = reply_v;
    (void)text;
    struct bind_one bind = *(struct bind_one *)argument;
    free(argument);
    struct client *client = bindings_client(bind.gateway, bind.binding);
    if (client == NULL)
        return;
    uint64_t wait_ms = err == ERR_OK ? reply->wait_ms : 0;
    if (wait_ms > 0)
        forget_binding(client);
    else if (err == ERR_OK)
        take_binding(client, bind.link);
    bind.done(client, err, wait_ms);
}

void bindings_bind(struct client *client, bool waited, bindings_done *done) {
    struct gateway *gateway = client->gateway;
    struct peer *peer = peers_by_key(gateway->session, client->account);
    struct bind_one *bind = malloc(sizeof *bind);
    enum err err = ERR_UNAVAILABLE;
    /* An earlier log-out on this connection must not be heard behind this log-in. */
    bool told = left_tell(gateway->bindings);
    if (peer != NULL && bind != NULL && told && number_client(client)) {
        *bind = (struct bind_one){gateway, client->binding, *link_of(peer), done};
        struct session_bind body = {.accounts = {&client->account, 1},
                                    .connections = {&client->binding, 1},
                                    .moving = bindings_moving(gateway->bindings),
                                    .logins = {&client->login->number, 1},
                                    .resumed =
                                        client->current->request.operation == OPERATION_RESUME,
                                    .waited = waited};
        /* From here on session may know it: if it goes before the answer, session is told. */
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
        done(client, err, 0);
    }
}

size_t bindings_waiting(const struct bindings *self) { return self->left_count; }

void bindings_unbind(struct client *client) {
    if (client->binding == 0)
        return;
    left_add(client->gateway->bindings,
             &(struct left){client->account, client->binding, client->bound_link});
    forget_binding(client);
}

/* --- in bulk ------------------------------------------------------------------------------- */

struct bind_many {
    struct gateway *gateway;
    uint64_t link;
    bool sync; /* they are bound under the link, and session is told again */
    size_t count;
    uint64_t accounts[BINDINGS_PER_REQUEST], connections[BINDINGS_PER_REQUEST];
    uint64_t logins[BINDINGS_PER_REQUEST];
    uint64_t before[BINDINGS_PER_REQUEST]; /* the links that they were bound under */
};

static void swap_entries(struct bind_many *bind, size_t a, size_t b) {
    uint64_t *const columns[] = {bind->accounts, bind->connections, bind->logins, bind->before};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        uint64_t kept = columns[i][a];
        columns[i][a] = columns[i][b];
        columns[i][b] = kept;
    }
}

/*
 * An instance that they were bound at before goes on pushing to them: what is on its way to it may
 * be for them. It is to make no news of them. When it does not hear of that, its queue is full, and
 * the worst is that news is told twice.
 */
static void tell_moved(struct bindings *self, struct bind_many *bind) {
    struct peers *session = self->gateway->session;
    struct peer *peer;
    for (size_t i = 0; (peer = peers_live(session, i)) != NULL; i++) {
        size_t count = 0;
        for (size_t j = 0; j < bind->count; j++)
            if (bind->before[j] != 0 && bind->before[j] != bind->link &&
                bind->before[j] == *link_of(peer))
                swap_entries(bind, count++, j);
        struct session_unbind body = {.accounts = {bind->accounts, count},
                                      .connections = {bind->connections, count},
                                      .moved = true};
        if (count > 0 && peers_ask(session, peer,
                                   &(struct peers_request){.message = &message_SESSION_UNBIND,
                                                           .body = &body}) != ERR_OK)
            log_warn("moved_untold", "session=%s clients=%zu", peer_address(peer), count);
    }
}

static void add_client(struct bind_many *bind, const struct client *client) {
    bind->accounts[bind->count] = client->account;
    bind->connections[bind->count] = client->binding;
    bind->logins[bind->count++] = client->login->number;
}

static void bound_many(void *argument, enum err err, const void *reply, const char *text);

static struct bind_many *bind_many_new(struct bindings *self, struct peer *peer) {
    struct bind_many *bind = calloc(1, sizeof *bind);
    if (bind == NULL) {
        self->stale = true;
        return NULL;
    }
    bind->gateway = self->gateway;
    bind->link = *link_of(peer);
    return bind;
}

static void ask_bind(struct bindings *self, struct peer *peer, struct bind_many *bind) {
    struct session_bind body = {.accounts = {bind->accounts, bind->count},
                                .connections = {bind->connections, bind->count},
                                .again = true,
                                .logins = {bind->logins, bind->count}};
    if (bind->count > 0 && peers_ask(self->gateway->session, peer,
                                     &(struct peers_request){.message = &message_SESSION_BIND,
                                                             .body = &body,
                                                             .done = bound_many,
                                                             .argument = bind}) == ERR_OK) {
        self->asked++;
        return;
    }
    if (bind->count > 0)
        self->stale = true;
    free(bind);
}

static struct peer *live_under(struct gateway *gateway, uint64_t link) {
    struct peer *peer;
    for (size_t i = 0; (peer = peers_live(gateway->session, i)) != NULL; i++)
        if (*link_of(peer) == link)
            break;
    return peer;
}

/* false: it was not asked, and the telling is begun again. */
static bool ask_sync(struct bindings *self, struct peer *peer, struct bind_many *bind, bool first,
                     bool last) {
    struct session_sync body = {.accounts = {bind->accounts, bind->count},
                                .connections = {bind->connections, bind->count},
                                .first = first,
                                .last = last,
                                .logins = {bind->logins, bind->count}};
    bind->sync = true;
    if (peers_ask(self->gateway->session, peer,
                  &(struct peers_request){.message = &message_SESSION_SYNC,
                                          .body = &body,
                                          .done = bound_many,
                                          .argument = bind}) == ERR_OK) {
        self->asked++;
        return true;
    }
    free(bind);
    return false;
}

static void ask_part(struct bindings *self, struct peer *peer, const struct bind_many *bind,
                     size_t from, size_t count) {
    struct bind_many *part = bind_many_new(self, peer);
    if (part == NULL)
        return;
    part->count = count;
    memcpy(part->accounts, bind->accounts + from, count * sizeof part->accounts[0]);
    memcpy(part->connections, bind->connections + from, count * sizeof part->connections[0]);
    memcpy(part->logins, bind->logins + from, count * sizeof part->logins[0]);
    ask_bind(self, peer, part);
}

/*
 * Session has bound all that fit and does not say which do not: half by half the question leads to
 * them, and their connections are closed.
 */
static void find_refused(struct bindings *self, const struct bind_many *bind) {
    struct peer *peer = live_under(self->gateway, bind->link);
    struct client *client = bindings_client(self->gateway, bind->connections[0]);
    if (bind->count == 1 && client != NULL) {
        edge_close(client->edge, 1013, "there are as many connections as there may be");
    } else if (bind->count > 1 && peer != NULL) {
        ask_part(self, peer, bind, 0, bind->count / 2);
        ask_part(self, peer, bind, bind->count / 2, bind->count - bind->count / 2);
    } else if (bind->count > 1) {
        self->stale = true;
    }
}

static void bound_many(void *argument, enum err err, const void *reply, const char *text) {
    (void)reply;
    (void)text;
    struct bind_many *bind = argument;
    struct bindings *self = bind->gateway->bindings;
    if (self == NULL) {
        free(bind);
        return;
    }
    self->asked--;
    for (size_t i = 0; i < bind->count && err == ERR_OK && !bind->sync; i++) {
        struct client *client = bindings_client(bind->gateway, bind->connections[i]);
        if (client == NULL)
            continue;
        bind->before[i] = client->bound_link;
        take_binding(client, bind->link);
        feed_catch_up(client);
    }
    if (err == ERR_OK && !bind->sync)
        tell_moved(self, bind);
    else if (err == ERR_TOO_MANY)
        find_refused(self, bind);
    else if (err != ERR_OK && bind->sync)
        self->sync_at_ms = loop_now_ms() + MOVING_MS;
    else if (err != ERR_OK)
        self->stale = true;
    free(bind);
}

/* Binds again every client that belongs to `peer` and is not bound under its link. */
static void bind_all(struct bindings *self, struct peer *peer) {
    struct gateway *gateway = self->gateway;
    struct bind_many *bind = bind_many_new(self, peer);
    struct client *client, *next;
    HASH_ITER(hh, gateway->clients, client, next) {
        if (bind == NULL)
            return;
        if (!client_is_in(client) || client->bound_link == *link_of(peer) ||
            peers_by_key(gateway->session, client->account) != peer)
            continue;
        add_client(bind, client);
        if (bind->count == BINDINGS_PER_REQUEST) {
            ask_bind(self, peer, bind);
            bind = bind_many_new(self, peer);
        }
    }
    if (bind != NULL)
        ask_bind(self, peer, bind);
}

/* Tells an instance of every client that is bound at it, or is being bound; false when that must be
 * tried again. */
static bool sync_peer(struct bindings *self, struct peer *peer) {
    struct client *client, *next;
    struct bind_many *bind = bind_many_new(self, peer);
    bool first = true;
    HASH_ITER(by_binding, self->gateway->bound, client, next) {
        if (bind == NULL)
            return false;
        if (client->bound_link != bind->link)
            continue;
        add_client(bind, client);
        if (bind->count == BINDINGS_PER_REQUEST) {
            if (!ask_sync(self, peer, bind, first, false))
                return false;
            first = false;
            bind = bind_many_new(self, peer);
        }
    }
    return bind != NULL && ask_sync(self, peer, bind, first, true);
}

static void sync_all(struct bindings *self, int64_t now_ms) {
    struct peer *peer;
    self->sync_at_ms = 0;
    for (size_t i = 0; (peer = peers_live(self->gateway->session, i)) != NULL; i++)
        if (!sync_peer(self, peer))
            self->sync_at_ms = now_ms + MOVING_MS;
}

void bindings_tick(struct gateway *gateway) {
    struct bindings *self = gateway->bindings;
    int64_t now_ms = loop_now_ms();
    /* Who has left and is not told yet must not be forgotten without news. */
    bool told = left_tell(self);
    if (self->asked > 0)
        return;
    if (!self->stale) {
        if (told && self->sync_at_ms != 0 && self->sync_at_ms <= now_ms)
            sync_all(self, now_ms);
        return;
    }
    self->stale = false;
    struct peer *peer;
    for (size_t i = 0; (peer = peers_live(gateway->session, i)) != NULL; i++)
        if (*link_of(peer) != 0)
            bind_all(self, peer);
        else
            self->stale = true; /* its first answer has not been read */
}

/* --- what session says --------------------------------------------------------------------- */

void bindings_change(void *context, struct peer *peer, enum peer_change change) {
    struct gateway *gateway = context;
    struct bindings *self = gateway->bindings;
    self->stale = true;
    if (self->seen) {
        self->moving_until_ms = loop_now_ms() + MOVING_MS;
        /* Until then somebody may route to an instance that accounts have moved away from: an
         * attempt to reach the new one may take as long. */
        self->sync_at_ms =
            self->moving_until_ms + (int64_t)gateway->settings.service.peer_timeout_ms;
    }
    self->seen = true;
    if (change != PEER_LOST)
        return;
    /* Session may not have noticed, and go on under the same link: what it pushed meanwhile is gone
     * all the same, so binding again, which reads the log, is called for. */
    struct client *client, *next;
    HASH_ITER(hh, gateway->clients, client, next) {
        if (client->bound_link != 0 && client->bound_link == *link_of(peer))
            client->bound_link = LINK_LOST;
    }
}

/* Everyone who is bound under a link goes back to the log. */
static void catch_up_link(struct gateway *gateway, struct peer *peer, const char *reason) {
    struct client *client, *next;
    log_warn("pushes_missed", "session=%s reason=\"%s\"", peer_address(peer), reason);
    metric_add(gateway->gaps, 1);
    HASH_ITER(hh, gateway->clients, client, next) {
        if (client->bound_link == *link_of(peer) && client_is_in(client))
            feed_catch_up(client);
    }
}

void bindings_pong(void *context, struct peer *peer, const struct service_pong *pong) {
    struct gateway *gateway = context;
    if (*link_of(peer) != pong->link) {
        *link_of(peer) = pong->link;
        *seq_of(peer) = pong->pushed;
        gateway->bindings->stale = true;
    } else if (*seq_of(peer) < pong->pushed) {
        *seq_of(peer) = pong->pushed;
        catch_up_link(gateway, peer, "the last pushes were lost");
    }
}

/* Pushes and pings' answers come in order over one link. */
static void take_seq(struct gateway *gateway, struct peer *peer, uint64_t seq) {
    bool gap = *link_of(peer) != 0 && seq != *seq_of(peer) + 1;
    *seq_of(peer) = seq;
    if (gap)
        catch_up_link(gateway, peer, "a push was lost");
}

static void on_push(void *context, struct peer *peer, const void *body) {
    struct gateway *gateway = context;
    const struct gateway_push *push = body;
    take_seq(gateway, peer, push->seq);
    const struct push_item *items = push->items.items;
    for (size_t i = 0; i < push->items.count; i++)
        feed_push(gateway->feed, items[i].entry, &items[i].connections);
}

static void on_dirty(void *context, struct peer *peer, const void *body) {
    struct gateway *gateway = context;
    const struct gateway_dirty *dirty = body;
    *seq_of(peer) = dirty->seq;
    catch_up_link(gateway, peer, "session was not told of everything");
}

/* Why a connection ends that gives way to another; NULL: the operator wants it so. */
static const char *way_text(uint64_t cause) {
    return cause == KICK_RESUMED   ? "resumed on another connection"
           : cause == KICK_CROWDED ? "another connection of the account has taken its place"
                                   : NULL;
}

static void on_kick(void *context, struct peer *peer, const void *body) {
    struct gateway *gateway = context;
    const struct gateway_kick *kick = body;
    const char *gives_way = way_text(kick->cause);
    (void)peer;
    for (size_t i = 0; i < kick->connections.count; i++) {
        struct client *client = bindings_client(gateway, kick->connections.items[i]);
        if (client != NULL && gives_way != NULL)
            login_give_way(client, gives_way);
        else if (client != NULL)
            client_kick(client, kick->reason);
    }
}

/* Session judges by what it knows of connections that it is not told of. */
static void on_heard(void *context, struct peer *peer, const void *body) {
    struct gateway *gateway = context;
    const struct gateway_heard *heard = body;
    for (size_t i = 0; i < heard->connections.count; i++) {
        struct client *client = bindings_client(gateway, heard->connections.items[i]);
        if (client == NULL)
            continue;
        uint64_t silent_ms = edge_silent_ms(client->edge);
        struct session_heard told = {.accounts = {&client->account, 1},
                                     .connections = {&client->binding, 1},
                                     .silent_ms = {&silent_ms, 1}};
        if (peers_ask(gateway->session, peer,
                      &(struct peers_request){.message = &message_SESSION_HEARD, .body = &told}) !=
            ERR_OK)
            log_debug("heard_untold", "session=%s", peer_address(peer));
    }
}

const struct peers_event bindings_events[BINDINGS_EVENTS] = {
    {&message_GATEWAY_PUSH, on_push},
    {&message_GATEWAY_DIRTY, on_dirty},
    {&message_GATEWAY_KICK, on_kick},
    {&message_GATEWAY_HEARD, on_heard},
};
