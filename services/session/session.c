/* The session service: handlers, hooks, and the sweep that drops gateways that fell silent. */
#include "services/session/session.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/loop.h"
#include "proto/ids.h"
#include "proto/messages.h"

/*
 * limit: session | accounts in one reply to `parleyctl sessions` | {SESSION_LIST_MAX} | the
 * next page
 */
/* Accounts in one reply to session.list. */
#define SESSION_LIST_MAX 8192
/* Looks for silent gateways in a time-out. */
#define SWEEPS_PER_TIMEOUT 5

static void set_gauges(struct session *self) {
    metric_set(self->bindings_gauge, directory_count(self->directory));
    metric_set(self->gateways_gauge, gateway_instances_count(self->gateways));
}

/* --- handlers ------------------------------------------------------------------------------ */

static enum err reply_done(struct call *call) {
    call_reply(&call, &(struct done){0});
    return ERR_OK;
}

/* Looks at all of a bind or unbind before anything is changed. Whether it was refused: then the
 * caller has its reply. */
static bool is_refused(struct call *call, const struct u64_list *accounts,
                       const struct u64_list *connections) {
    const char *fault =
        accounts->count != connections->count ? "accounts and connections differ in number" : NULL;
    for (size_t i = 0; fault == NULL && i < accounts->count; i++)
        if (accounts->items[i] == 0 || accounts->items[i] >= NUMBER_LIMIT)
            fault = "accounts holds a number that no account can have";
    if (fault != NULL)
        call_fail_text(&call, ERR_BAD_REQUEST, fault);
    return fault != NULL;
}

/* Of a bind, its place `i`. */
static struct arrival arrival_of(const struct session_bind *bind, size_t i, uint16_t gateway) {
    return (struct arrival){.account = bind->accounts.items[i],
                            .connection = bind->connections.items[i],
                            .gateway = gateway,
                            .login = i < bind->logins.count ? bind->logins.items[i] : 0,
                            .resumed = bind->resumed,
                            .waited = bind->waited};
}

/* A connection that was bound elsewhere while its account or login was ended here. */
static void end_again(struct session *self, const struct arrival *arrival) {
    const struct ending *ending =
        endings_find(self->endings, arrival->account, arrival->login, loop_now_ms());
    if (ending != NULL)
        gateway_instances_kick(self->gateways, self->service, arrival->gateway, arrival->connection,
                               (struct gateway_kick){.cause = ending->cause});
}

/*
 * Those that were here before stay, also when the limit was lowered meanwhile. `news`: an account's
 * first connection is its coming, and not one that was here before.
 */
static enum err bind_one(struct session *self, const struct session_bind *bind, size_t i,
                         uint16_t gateway, bool news) {
    const struct arrival arrival = arrival_of(bind, i, gateway);
    uint64_t account = arrival.account, connection = arrival.connection;
    bool known = directory_find(self->directory, account, gateway, connection) != NULL;
    bool first = directory_first(self->directory, account) == NULL;
    enum err err = directory_bind(self->directory, account, gateway, connection);
    if (err != ERR_OK)
        return err;
    if (bind->again && !known)
        end_again(self, &arrival);
    if (known || bind->again)
        room_take_again(self->room, &arrival);
    else
        room_take(self->room, &arrival);
    if (!known && !news)
        presence_confirm(self->presence, account);
    else if (first)
        presence_note(self->presence, account, true, bind->moving);
    return ERR_OK;
}

/* The gateway that calls; NULL when it was refused, and the caller has its reply. */
static struct gateway_instance *hear_binding(struct session *self, struct call *call,
                                             const struct u64_list *accounts,
                                             const struct u64_list *connections) {
    if (is_refused(call, accounts, connections))
        return NULL;
    struct gateway_instance *gateway =
        gateway_instances_hear_binding(self->gateways, call_caller(call), loop_now_ms());
    if (gateway == NULL)
        call_fail_text(&call, ERR_TOO_MANY, "too many gateways are connected");
    return gateway;
}

static enum err bind_all(struct session *self, const struct session_bind *bind,
                         const struct gateway_instance *gateway) {
    enum err err = ERR_OK;
    /* After a restart of session nobody has come online; after a gateway was dropped its accounts
     * were reported as offline. */
    bool news = !bind->again || gateway->dropped;
    /* One that does not fit is no reason to leave the others of a bulk bind without pushes. If it
     * was there before, its client is closed. */
    for (size_t i = 0; i < bind->accounts.count; i++) {
        enum err one = bind_one(self, bind, i, gateway->index, news);
        if (one == ERR_TOO_MANY && bind->again)
            gateway_instances_kick(self->gateways, self->service, gateway->index,
                                   bind->connections.items[i],
                                   (struct gateway_kick){.cause = KICK_FULL});
        else if (one != ERR_OK)
            err = one;
    }
    set_gauges(self);
    return err;
}

enum err session_handle_bind(void *context, struct call *call, const void *body) {
    struct session *self = context;
    const struct session_bind *bind = body;
    const struct gateway_instance *gateway =
        hear_binding(self, call, &bind->accounts, &bind->connections);
    if (gateway == NULL)
        return ERR_OK;
    /* A login is bound alone. */
    const struct arrival first = bind->accounts.count == 1 && !bind->again
                                     ? arrival_of(bind, 0, gateway->index)
                                     : (struct arrival){0};
    struct session_bind_reply reply = {
        .wait_ms = room_wait_ms(self->room, &first),
        .confirm = endings_may_concern(self->endings, first.account, first.login, loop_now_ms())};
    enum err err = reply.wait_ms > 0 ? ERR_OK : bind_all(self, bind, gateway);
    if (err == ERR_OK)
        call_reply(&call, &reply);
    return err;
}

/*
 * A gateway lists the connections that it has bound at this instance after others were found or
 * lost. A connection that it no longer lists may be bound at another instance by now. It gets
 * pushes until `last`, since callers may route here a while longer, but is not listed, and its end
 * is no news.
 */
enum err session_handle_sync(void *context, struct call *call, const void *body) {
    struct session *self = context;
    const struct session_sync *sync = body;
    struct gateway_instance *gateway =
        hear_binding(self, call, &sync->accounts, &sync->connections);
    if (gateway == NULL)
        return ERR_OK;
    const struct session_bind bind = {.accounts = sync->accounts,
                                      .connections = sync->connections,
                                      .again = true,
                                      .logins = sync->logins};
    if (sync->first) {
        presence_release(self->presence);
        directory_unconfirm(self->directory, gateway->index);
    }
    enum err err = bind_all(self, &bind, gateway);
    if (sync->last) {
        gateway->dropped = false;
        size_t forgotten =
            directory_drop_gateway(self->directory, gateway->index, true, NULL, NULL);
        if (forgotten > 0)
            log_info("bindings_forgotten", "bindings=%zu", forgotten);
    }
    set_gauges(self);
    if (err == ERR_OK)
        call_reply(&call, &(struct done){0});
    return err;
}

/* A connection whose account belongs to another instance goes silently. */
static void unbind_one(struct session *self, const struct session_unbind *unbind, size_t i,
                       uint16_t gateway) {
    uint64_t account = unbind->accounts.items[i];
    if (!directory_unbind(self->directory, account, gateway, unbind->connections.items[i]))
        return;
    if (!unbind->elsewhere && !unbind->moved && directory_first(self->directory, account) == NULL)
        presence_note(self->presence, account, false, unbind->moving);
}

enum err session_handle_unbind(void *context, struct call *call, const void *body) {
    struct session *self = context;
    const struct session_unbind *unbind = body;
    if (is_refused(call, &unbind->accounts, &unbind->connections))
        return ERR_OK;
    const struct gateway_instance *gateway =
        gateway_instances_hear(self->gateways, call_caller(call), loop_now_ms());
    for (size_t i = 0; gateway != NULL && i < unbind->accounts.count; i++)
        unbind_one(self, unbind, i, gateway->index);
    set_gauges(self);
    return reply_done(call);
}

enum err session_handle_heard(void *context, struct call *call, const void *body) {
    struct session *self = context;
    const struct gateway_instance *gateway =
        gateway_instances_hear(self->gateways, call_caller(call), loop_now_ms());
    if (gateway != NULL)
        room_heard(self->room, gateway->index, body);
    return reply_done(call);
}

enum err session_handle_route(void *context, struct call *call, const void *body) {
    struct session *self = context;
    pusher_route(self->pusher, body);
    hooks_link_wake(self->hooks);
    return reply_done(call);
}

enum err session_handle_dirty(void *context, struct call *call, const void *body) {
    struct session *self = context;
    const struct session_dirty *dirty = body;
    char quoted[LOG_QUOTED_BYTES];
    log_warn("routes_lost", "reason=%s",
             log_quote(quoted, dirty->reason.data, dirty->reason.length));
    pusher_dirty(self->pusher, dirty->reason);
    return reply_done(call);
}

/* As friends have heard it, or will at once. */
static bool is_online(const struct session *self, uint64_t account) {
    for (DIRECTORY_EACH(self->directory, account, b))
        if (!b->unconfirmed)
            return true;
    return presence_holds(self->presence, account);
}

enum err session_handle_online(void *context, struct call *call, const void *body) {
    const struct session *self = context;
    const struct session_online *ask = body;
    struct session_online_reply reply = {
        .accounts.items = record_arena_alloc(call_arena(call),
                                             ask->accounts.count * sizeof *ask->accounts.items)};
    if (reply.accounts.items == NULL)
        return ERR_OVERLOADED;
    for (size_t i = 0; i < ask->accounts.count; i++)
        if (is_online(self, ask->accounts.items[i]))
            reply.accounts.items[reply.accounts.count++] = ask->accounts.items[i];
    call_reply(&call, &reply);
    return ERR_OK;
}

static int compare_u64(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The operator's: sorts all that is there, which takes a moment with very many. */
enum err session_handle_list(void *context, struct call *call, const void *body) {
    struct session *self = context;
    const struct session_list *list = body;
    size_t limit =
        list->limit == 0 || list->limit > SESSION_LIST_MAX ? SESSION_LIST_MAX : list->limit;
    size_t count = 0, total = 0;
    uint64_t *all =
        record_arena_alloc(call_arena(call), directory_count(self->directory) * sizeof *all);
    struct session_list_reply reply = {
        .accounts.items = record_arena_alloc(call_arena(call), limit * sizeof *all),
        .connections.items = record_arena_alloc(call_arena(call), limit * sizeof *all)};
    if (all == NULL || reply.accounts.items == NULL || reply.connections.items == NULL)
        return ERR_OVERLOADED;
    const struct binding *b;
    for (uint64_t position = 0; (b = directory_walk(self->directory, &position)) != NULL;)
        if (b->account > list->after && !b->unconfirmed)
            all[total++] = b->account;
    qsort(all, total, sizeof *all, compare_u64);
    for (size_t i = 0; i < total; i++) {
        bool same = count > 0 && all[i] == reply.accounts.items[count - 1];
        if (!same && count == limit)
            break;
        count += !same;
        reply.accounts.items[count - 1] = all[i];
        reply.connections.items[count - 1] = same ? reply.connections.items[count - 1] + 1 : 1;
    }
    reply.accounts.count = reply.connections.count = count;
    call_reply(&call, &reply);
    return ERR_OK;
}

enum err session_handle_kick(void *context, struct call *call, const void *body) {
    struct session *self = context;
    const struct session_kick *kick = body;
    endings_note(
        self->endings,
        &(struct ending){.account = kick->account, .cause = kick->cause, .at_ms = loop_now_ms()});
    size_t kicked =
        pusher_kick(self->pusher, kick->account, 0,
                    (struct gateway_kick){.reason = kick->reason, .cause = kick->cause});
    log_info("kicked", "account=%llu connections=%zu", (unsigned long long)kick->account, kicked);
    return reply_done(call);
}

void session_ask(void *context, struct call *call, struct slice credential,
                 const struct message_desc *message, const void *body) {
    const struct session *self = context;
    const struct session_kick *kick = message == &message_SESSION_KICK ? body : NULL;
    admitting_ask(self->admitting, call, credential, message, kick == NULL ? 0 : kick->account);
}

void session_ping(void *context, struct slice caller, struct service_pong *pong) {
    struct session *self = context;
    const struct gateway_instance *gateway =
        gateway_instances_hear(self->gateways, caller, loop_now_ms());
    pong->link = gateway != NULL ? gateway->link : gateway_instances_link(self->gateways, caller);
    pong->pushed = gateway != NULL ? gateway->seq : 0;
}

/* --- the sweep ----------------------------------------------------------------------------- */

static void account_gone(void *argument, uint64_t account) {
    struct session *self = argument;
    presence_note(self->presence, account, false, false);
}

static void drop(struct session *self, struct gateway_instance *gateway) {
    char quoted[LOG_QUOTED_BYTES];
    size_t bindings =
        directory_drop_gateway(self->directory, gateway->index, false, account_gone, self);
    log_warn("gateway_dropped", "gateway=%s bindings=%zu",
             log_quote(quoted, gateway->id, gateway->id_length), bindings);
    gateway_instances_drop(self->gateways, gateway);
}

static void on_sweep(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct session *self = timer->data;
    int64_t now_ms = loop_now_ms();
    int64_t timeout_ms = (int64_t)self->settings.gateway_timeout_ms;
    int64_t late_ms = now_ms - self->swept_ms - timeout_ms / SWEEPS_PER_TIMEOUT;
    self->swept_ms = now_ms;
    /* This process stood still: the gateways' messages from meanwhile are still to be read. */
    if (late_ms > timeout_ms / SWEEPS_PER_TIMEOUT)
        gateway_instances_excuse(self->gateways, late_ms);
    struct gateway_instance *gateway;
    while ((gateway = gateway_instances_silent(self->gateways, now_ms - timeout_ms)) != NULL)
        drop(self, gateway);
    set_gauges(self);
}

/* --- queues --------------------------------------------------------------------------------- */

static size_t depth_of_bindings(const void *argument) { return directory_count(argument); }

static size_t depth_of_presence(const void *argument) { return presence_waiting(argument); }

/* --- life ---------------------------------------------------------------------------------- */

int session_start(struct service *service, void *context) {
    struct session *self = context;
    const struct session_settings *settings = &self->settings;
    if (settings->gateway_timeout_ms <= settings->service.heartbeat_ms) {
        log_error("start_failed", "reason=\"gateway_timeout_ms is not longer than heartbeat_ms\"");
        return -1;
    }
    self->service = service;
    self->directory = directory_new(settings->max_bindings, GATEWAY_INSTANCES_SLOTS);
    self->gateways = gateway_instances_new();
    self->endings = endings_new();
    self->hooks = hooks_link_new(service, settings->hooks_peers);
    if (self->hooks != NULL)
        self->presence = presence_new(service, settings->group_peers, self->hooks,
                                      settings->presence_grace_ms, settings->presence_changes);
    self->admitting = admitting_new(service, settings->auth_peers);
    if (self->presence == NULL || self->admitting == NULL)
        return -1;
    if (self->directory != NULL && self->gateways != NULL && self->endings != NULL)
        self->pusher = pusher_new(service, self->directory, self->gateways);
    if (self->pusher != NULL)
        self->room =
            room_new(service, self->directory, self->gateways, settings->connections_per_account,
                     (int64_t)settings->heard_timeout_ms);
    if (self->room == NULL) {
        log_error("start_failed", "reason=\"out of memory\"");
        return -1;
    }
    struct metrics *metrics = service_metrics(service);
    self->bindings_gauge = metrics_gauge(metrics, "bindings", "", "Connections in the directory.");
    self->gateways_gauge = metrics_gauge(metrics, "gateways", "", "Gateways that are heard.");
    service_add_queue(service, "bindings", depth_of_bindings, self->directory,
                      settings->max_bindings);
    service_add_queue(service, "presence", depth_of_presence, self->presence, PRESENCE_MAX);
    double every = (double)settings->gateway_timeout_ms / SWEEPS_PER_TIMEOUT / 1000;
    self->swept_ms = loop_now_ms();
    ev_timer_init(&self->sweep, on_sweep, every, every);
    self->sweep.data = self;
    ev_timer_start(service_loop(service), &self->sweep);
    return 0;
}

void session_stop(void *context) {
    struct session *self = context;
    presence_stop(self->presence);
}

bool session_stopped(void *context) {
    const struct session *self = context;
    return presence_idle(self->presence);
}

void session_finish(void *context) {
    struct session *self = context;
    if (ev_is_active(&self->sweep))
        ev_timer_stop(service_loop(self->service), &self->sweep);
    presence_destroy(&self->presence);
    hooks_link_destroy(&self->hooks);
    admitting_destroy(&self->admitting);
    room_destroy(&self->room);
    endings_destroy(&self->endings);
    pusher_destroy(&self->pusher);
    gateway_instances_destroy(&self->gateways);
    directory_destroy(&self->directory);
}
