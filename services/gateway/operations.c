/* What requests do: one at a time on a connection, each ending with client_finish. Those about the
 * connection itself are here. */
#include <sodium.h>
#include <string.h>

#include "common/log.h"
#include "services/gateway/bindings.h"
#include "services/gateway/feed.h"
#include "services/gateway/login.h"
#include "services/gateway/names.h"
#include "services/gateway/nonces.h"
#include "services/gateway/operations_private.h"
#include "services/gateway/received.h"
#include "services/gateway/requests.h"

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
    client_finish(client, &result);
}

static void start_register(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct auth_register body = {.id = request->account,
                                 .email = request->email,
                                 .password = request->password,
                                 .name = request->name,
                                 .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->auth, &message_AUTH_REGISTER, &body, registered);
}

/* --- logging in, and resuming -------------------------------------------------------------- */

static void forget_account(struct client *client) {
    client->account = client->login->number = 0;
    client->account_id[0] = client->login->token[0] = '\0';
    client_set_state(client, CLIENT_NEW);
    client_await_login(client);
}

static void bound(struct client *client, enum err err, uint64_t wait_ms);

/* Not for a client that has hung up meanwhile: that would throw another out for nobody. */
static void bind_if_there(struct client *client, bool waited) {
    if (edge_has_left(client->edge))
        bound(client, ERR_THROTTLED, 0);
    else
        bindings_bind(client, waited, bound);
}

static void bind_after_waiting(struct client *client) { bind_if_there(client, true); }

static void bind_once_more(struct client *client) { bind_if_there(client, false); }

/* Whoever auth has let in does not fail for a session that is away for a moment. */
static bool may_bind_later(struct client *client, enum err err) {
    if (!patience_may_pass(err))
        return false;
    client->current->patience.pause_ms = patience_next_pause_ms(client->current->patience.pause_ms);
    return operation_wait(client, (uint64_t)client->current->patience.pause_ms, bind_once_more);
}

static void bound(struct client *client, enum err err, uint64_t wait_ms) {
    const char *reason = "";
    if (wait_ms > 0) {
        if (operation_wait(client, wait_ms, bind_after_waiting))
            return;
        err = ERR_THROTTLED;
        reason = "this login is resumed over and over";
    } else if (err == ERR_TOO_MANY) {
        reason = "the account has as many connections as it may have";
    } else if (may_bind_later(client, err)) {
        return;
    }
    if (err != ERR_OK) {
        bindings_unbind(client);
        forget_account(client);
        client_fail(client, err, reason);
        return;
    }
    opt_in(client);
    client->feed->backlog = client->current->request.backlog;
    struct dialect_result result = {.err = ERR_OK,
                                    .account = client->account,
                                    .account_id = slice_text(client->account_id),
                                    .token = slice_text(client->login->token),
                                    .epoch = client->login->epoch};
    client_set_state(client, CLIENT_CATCHING_UP);
    client_finish(client, &result);
    feed_start(client);
}

/* Never 0, which means none. */
static uint64_t number_login(const char *token) {
    unsigned char hash[crypto_generichash_BYTES_MIN];
    uint64_t number;
    crypto_generichash(hash, sizeof hash, (const unsigned char *)token, strlen(token), NULL, 0);
    memcpy(&number, hash, sizeof number);
    return number != 0 ? number : 1;
}

static void logged_in(struct client *client, enum err err, const void *reply_v) {
    const struct auth_login_reply *reply = reply_v;
    if (err != ERR_OK || reply->id.length > ID_MAX_BYTES ||
        reply->token.length > CLIENT_TOKEN_BYTES) {
        client_set_state(client, CLIENT_NEW);
        client_await_login(client);
        client_fail(client, err == ERR_OK ? ERR_INTERNAL : err, "");
        return;
    }
    client->account = reply->account;
    client->login->epoch = reply->epoch;
    memcpy(client->account_id, reply->id.data, reply->id.length);
    client->account_id[reply->id.length] = '\0';
    memcpy(client->login->token, reply->token.data, reply->token.length);
    client->login->token[reply->token.length] = '\0';
    client->login->number = number_login(client->login->token);
    bindings_bind(client, false, bound);
}

/* false: it is logged in, and is told. */
static bool begin_login(struct client *client) {
    if (client->state != CLIENT_NEW) {
        client_fail(client, ERR_NOT_ALLOWED, "already logged in on this connection");
        return false;
    }
    client_end_login(client);
    client_set_state(client, CLIENT_LOGGING_IN);
    return true;
}

static void ask_resume(struct client *client) {
    struct auth_resume body = {.token = client->current->request.token,
                               .address = slice_text(edge_host(client->edge))};
    operation_ask(client, client->gateway->auth, &message_AUTH_RESUME, &body, logged_in);
}

static void start_resume(struct client *client) {
    if (begin_login(client))
        ask_resume(client);
}

static void ask_login(struct client *client) {
    struct auth_login body = {.login = client->current->request.account,
                              .password = client->current->request.password,
                              .open = client->dialect == DIALECT_YOUIM,
                              .address = slice_text(edge_host(client->edge))};
    operation_ask(client, client->gateway->auth, &message_AUTH_LOGIN, &body, logged_in);
}

static void start_login(struct client *client) {
    if (begin_login(client))
        ask_login(client);
}

/* --- logging out --------------------------------------------------------------------------- */

/* A client whose token may live on is not told that it is out, nor is it: it may say so again. */
static void logged_out(struct client *client, enum err err, const void *reply) {
    (void)reply;
    if (err != ERR_OK) {
        client_fail(client, err, "");
        return;
    }
    if (client_is_in(client)) { /* else its connection is being closed, and that was done */
        feed_leave(client);
        bindings_unbind(client);
    }
    forget_account(client);
    client_finish(client, &(struct dialect_result){.err = ERR_OK});
}

/* Repeating it does no harm: a token is void once. */
static void start_logout(struct client *client) {
    struct auth_logout body = {.account = client->account,
                               .token = slice_text(client->login->token)};
    operation_ask(client, client->gateway->auth, &message_AUTH_LOGOUT, &body, logged_out);
}

/* --- all ----------------------------------------------------------------------------------- */

/* Every operation that is not done at once (client.c: HEARTBEAT, SEND). `looked_up`: by then the
 * ids of the group and person that it concerns have their numbers. `again`: asks the service again
 * when an instance failed; NULL: one try has to do. */
static const struct {
    void (*start)(struct client *client);
    bool looked_up;
    void (*again)(struct client *client);
} operations[OPERATION_COUNT] = {
    [OPERATION_REGISTER] = {start_register, false, start_register},
    [OPERATION_LOGIN] = {start_login, false, ask_login},
    [OPERATION_RESUME] = {start_resume, false, ask_resume},
    [OPERATION_LOGOUT] = {start_logout, false, start_logout},
    [OPERATION_RECEIVED] = {received_start, true, received_start},
    [OPERATION_CREATE_GROUP] = {operation_create_group, false, operation_create_group},
    [OPERATION_BEFRIEND] = {operation_befriend, true, operation_befriend},
    [OPERATION_ANSWER_FRIEND] = {operation_answer_friend, true, operation_answer_friend},
    [OPERATION_UNFRIEND] = {operation_unfriend, true, operation_unfriend},
    [OPERATION_JOIN] = {operation_join, true, operation_join},
    [OPERATION_ANSWER_JOIN] = {operation_answer_join, true, operation_answer_join},
    [OPERATION_ADMIT] = {operation_admit, true, operation_admit},
    [OPERATION_LEAVE] = {operation_leave, true, operation_leave},
    [OPERATION_REMOVE_MEMBER] = {operation_remove_member, true, operation_remove_member},
    [OPERATION_SET_ADMIN] = {operation_set_admin, true, operation_set_admin},
    [OPERATION_DISSOLVE] = {operation_dissolve, true, operation_dissolve},
    [OPERATION_RENAME_GROUP] = {operation_rename_group, true, operation_rename_group},
    [OPERATION_RENAME_SELF] = {operation_rename_self, true, operation_rename_self},
};

static void person_found(struct client *client, enum err err, uint64_t number) {
    struct dialect_id *person = &client->current->request.person;
    person->number = number;
    if (err == ERR_OK && person->present && number == 0)
        err = ERR_NO_ACCOUNT;
    if (err != ERR_OK)
        client_fail(client, err, "");
    else
        operations[client->current->request.operation].start(client);
}

static void group_found(struct client *client, enum err err, uint64_t number) {
    struct dialect_id *group = &client->current->request.group;
    group->number = number;
    if (err == ERR_OK && group->present && number == 0)
        err = ERR_NO_GROUP;
    if (err != ERR_OK)
        client_fail(client, err, "");
    else if (names_find(client, RECIPIENT_USER, &client->current->request.person, &number,
                        person_found))
        person_found(client, ERR_OK, number);
}

void operation_start(struct client *client) {
    enum operation operation = client->current->request.operation;
    client->current->started = true;
    client->current->again = operations[operation].again;
    client_nonce(client, &client->current->request, client->current->nonce);
    patience_start(&client->current->patience, client->gateway->settings.send_timeout_ms);
    uint64_t number, before = log_trace_begin(client->current->request.trace);
    if (operations[operation].start == NULL)
        client_fail(client, ERR_INTERNAL, "");
    else if (!operations[operation].looked_up)
        operations[operation].start(client);
    else if (names_find(client, RECIPIENT_GROUP, &client->current->request.group, &number,
                        group_found))
        group_found(client, ERR_OK, number);
    log_trace_end(before);
}
