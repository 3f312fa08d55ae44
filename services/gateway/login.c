/* Logging in and out; see login.h. */
#include "services/gateway/login.h"

#include <string.h>

#include "common/log.h"
#include "proto/ids.h"
#include "proto/login_number.h"
#include "services/gateway/bindings.h"
#include "services/gateway/client.h"
#include "services/gateway/feed.h"
#include "services/gateway/limits.h"
#include "services/gateway/request.h"

/* --- the time for it ----------------------------------------------------------------------- */

static void await_login(struct client *client) {
    const struct gateway *gateway = client->gateway;
    loop_timer_start(service_loop(gateway->service), &client->login->timer,
                     (int64_t)gateway->settings.login_timeout_ms);
}

static void stop_timer(struct client *client) {
    ev_timer_stop(service_loop(client->gateway->service), &client->login->timer);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    const struct client *client = timer->data;
    (void)ev;
    (void)revents;
    edge_close(client->edge, 1008, "no login in time");
}

void login_init(struct client *client) {
    ev_timer_init(&client->login->timer, on_timer, 0, 0);
    client->login->timer.data = client;
    await_login(client);
}

static void leave_limits(struct client *client) {
    limits_leave(client->gateway->limits, &client->counted, loop_now_us());
}

void login_stop(struct client *client) {
    stop_timer(client);
    leave_limits(client);
}

/* --- registering --------------------------------------------------------------------------- */

static void opt_in(struct client *client) {
    if (client->current->request.confirm && !client->confirms)
        feed_confirms(client);
    client->ext = client->ext || client->current->request.ext;
    client_set_pace(client);
    client->confirms = client->confirms || client->current->request.confirm;
}

static void registered(struct client *client, enum err err, const void *reply_v) {
    const struct auth_register_reply *reply = reply_v;
    struct dialect_result result = {.err = err};
    if (err == ERR_OK) {
        result.account = reply->account;
        result.account_id = reply->id;
        opt_in(client);
    }
    request_finish(client, &result);
}

void login_register(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct auth_register body = {.id = request->account,
                                 .email = request->email,
                                 .password = request->password,
                                 .name = request->name,
                                 .registration_token = request->registration_token,
                                 .address = slice_text(edge_host(client->edge)),
                                 .nonce = request_nonce(client)};
    request_ask(client, client->gateway->auth, &message_AUTH_REGISTER, &body, registered);
}

/* --- logging in, and resuming -------------------------------------------------------------- */

static uint64_t transport_of(const struct client *client) {
    static const enum transport transports[EDGE_TRANSPORT_COUNT] = {[EDGE_WEBSOCKET] =
                                                                        TRANSPORT_WEBSOCKET,
                                                                    [EDGE_TCP] = TRANSPORT_TCP,
                                                                    [EDGE_YOUIM] = TRANSPORT_YOUIM};
    return transports[edge_transport(client->edge)];
}

static void forget_account(struct client *client) {
    edge_trust(client->edge, false);
    leave_limits(client);
    client->account = client->login_number = 0;
    client->account_id[0] = client->login->token[0] = '\0';
    client_set_state(client, CLIENT_NEW);
    await_login(client);
}

static request_done bound;

/* Not for a client that has hung up or given way meanwhile: that would close another connection in
 * vain. */
static void bind_if_there(struct client *client, bool waited) {
    if (client->state != CLIENT_LOGGING_IN || edge_remote_end(client->edge) != EDGE_REMOTE_OPEN)
        bound(client, ERR_THROTTLED, NULL);
    else
        bindings_bind(client, waited, bound);
}

/* A login that auth has accepted does not fail because session is away for a moment. */
static void bind_once_more(struct client *client) {
    client->login->bound_late = true;
    bind_if_there(client, false);
}

static void bind_after_waiting(struct client *client) {
    client->current->ask = bind_once_more;
    bind_if_there(client, true);
}

static void refuse(struct client *client, enum err err, const char *reason) {
    bindings_unbind(client, false);
    forget_account(client);
    request_fail(client, err, reason);
}

static void enter(struct client *client) {
    opt_in(client);
    uint64_t backlog = client->current->request.backlog;
    struct dialect_result result = {.err = ERR_OK,
                                    .account = client->account,
                                    .account_id = slice_text(client->account_id),
                                    .token = slice_text(client->login->token),
                                    .epoch = client->login->epoch};
    client_set_state(client, CLIENT_CATCHING_UP);
    edge_trust(client->edge, true);
    request_finish(client, &result);
    feed_start(client, backlog);
}

/* It may have been ended since it was bound: then its connection is being closed. */
static void confirmed(struct client *client, enum err err, const void *reply) {
    (void)reply;
    if (client->state != CLIENT_LOGGING_IN)
        return;
    if (err == ERR_OK)
        enter(client);
    else
        refuse(client, err, err == ERR_BAD_TOKEN ? "this login was ended at this moment" : "");
}

/* Auth may have accepted the login before it was ended, and session have ended it before it was
 * bound. From here on session ends it, so it is enough to look once more. */
static void confirm(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct auth_resume body = {.token = slice_text(client->login->token),
                               .address = slice_text(edge_host(client->edge)),
                               .device = request->device,
                               .transport = transport_of(client)};
    client->current->ask = confirm;
    request_ask(client, client->gateway->auth, &message_AUTH_RESUME, &body, confirmed);
}

static void bound(struct client *client, enum err err, const void *reply_v) {
    const struct session_bind_reply *reply = reply_v;
    if (client->state != CLIENT_LOGGING_IN) /* it gave way, and its connection is being closed */
        return;
    if (err == ERR_OK)
        bindings_bound(client, reply->wait_ms > 0);
    if (err == ERR_OK && reply->wait_ms > 0) {
        if (!request_ask_later(client, reply->wait_ms, bind_after_waiting))
            refuse(client, ERR_THROTTLED, "this login is resumed over and over");
    } else if (err == ERR_OK && (reply->confirm || client->login->bound_late)) {
        confirm(client);
    } else if (err == ERR_OK) {
        enter(client);
    } else {
        refuse(client, err,
               err == ERR_TOO_MANY ? "the account has as many connections as it may have" : "");
    }
}

const char *login_reason(enum err err) {
    return err == ERR_THROTTLED ? "too many failed logins, try again in a minute" : "";
}

/* Whether a reply names an account, and a token that fits. */
static bool is_login(const struct auth_login_reply *reply) {
    return reply->account != 0 && reply->id.length > 0 && reply->id.length <= ID_MAX_BYTES &&
           reply->token.length > 0 && reply->token.length <= CLIENT_TOKEN_BYTES;
}

static void logged_in(struct client *client, enum err err, const void *reply_v) {
    const struct auth_login_reply *reply = reply_v;
    if (err == ERR_OK && !is_login(reply))
        err = ERR_INTERNAL;
    if (err == ERR_OK) {
        client->counted = limits_enter(client->gateway->limits, reply->account);
        err = client->counted == NULL ? ERR_OVERLOADED : ERR_OK;
    }
    if (err != ERR_OK) {
        client_set_state(client, CLIENT_NEW);
        await_login(client);
        request_fail(client, err, login_reason(err));
        return;
    }
    client->account = reply->account;
    client->login->epoch = reply->epoch;
    memcpy(client->account_id, reply->id.data, reply->id.length);
    client->account_id[reply->id.length] = '\0';
    memcpy(client->login->token, reply->token.data, reply->token.length);
    client->login->token[reply->token.length] = '\0';
    client->login_number = login_number(reply->token);
    client->login->bound_late = false;
    client->current->ask = bind_once_more; /* should session not be there */
    bindings_bind(client, false, bound);
}

bool login_begin(struct client *client) {
    if (client->state != CLIENT_NEW) {
        request_fail(client, ERR_NOT_ALLOWED, "this connection is already logged in");
        return false;
    }
    stop_timer(client);
    client_set_state(client, CLIENT_LOGGING_IN);
    return true;
}

void login_resume(struct client *client) {
    struct auth_resume body = {.token = client->current->request.token,
                               .outside = true,
                               .address = slice_text(edge_host(client->edge)),
                               .device = client->current->request.device,
                               .transport = transport_of(client)};
    request_ask(client, client->gateway->auth, &message_AUTH_RESUME, &body, logged_in);
}

void login_enter(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct auth_enter body = {.token = request->token,
                              .id = request->account,
                              .address = slice_text(edge_host(client->edge)),
                              .device = request->device,
                              .transport = transport_of(client)};
    request_ask(client, client->gateway->auth, &message_AUTH_ENTER, &body, logged_in);
}

void login_ask(struct client *client) {
    struct auth_login body = {.login = client->current->request.account,
                              .password = client->current->request.password,
                              .open = client->dialect == DIALECT_YOUIM,
                              .address = slice_text(edge_host(client->edge)),
                              .device = client->current->request.device,
                              .transport = transport_of(client)};
    request_ask(client, client->gateway->auth, &message_AUTH_LOGIN, &body, logged_in);
}

/* --- logging out --------------------------------------------------------------------------- */

static void leave(struct client *client, bool logged_out) {
    feed_leave(client);
    bindings_unbind(client, logged_out);
}

/* A client whose token may still be valid stays logged in, and may try again. */
static void logged_out(struct client *client, enum err err, const void *reply) {
    (void)reply;
    if (err != ERR_OK) {
        request_fail(client, err, "");
        return;
    }
    if (client_is_in(client)) { /* else it has given way, and its connection is being closed */
        leave(client, true);
    }
    forget_account(client);
    request_finish(client, &(struct dialect_result){.err = ERR_OK});
}

/* Repeating it does no harm: a token is void once. */
void login_end(struct client *client) {
    struct auth_logout body = {.account = client->account,
                               .token = slice_text(client->login->token)};
    request_ask(client, client->gateway->auth, &message_AUTH_LOGOUT, &body, logged_out);
}

void login_stop_serving(struct client *client) {
    leave(client, false);
    client_set_state(client, CLIENT_NEW);
}

void login_give_way(struct client *client, const char *reason) {
    log_debug("client_gives_way", "client=%llu account=%llu reason=\"%s\"",
              (unsigned long long)client->id, (unsigned long long)client->account, reason);
    client_send_fault(client, reason);
    /* Before the connection is closed, which waits for its queue. */
    login_stop_serving(client);
    edge_close(client->edge, 1008, reason);
}
