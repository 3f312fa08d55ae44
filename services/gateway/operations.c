/* What requests do: one at a time on a connection, each ending with client_finish. Those about the
 * connection itself are here. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "services/gateway/operations_private.h"

/* A request to another service on behalf of a client, who may be gone when it is answered. */
struct errand {
    struct gateway *gateway;
    uint64_t client;
    void (*done)(struct client *client, enum err err, const void *reply);
};

static void errand_done(void *argument, enum err err, const void *reply, const char *text) {
    (void)text;
    struct errand errand = *(struct errand *)argument;
    free(argument);
    struct client *client = gateway_client(errand.gateway, errand.client);
    if (client != NULL)
        errand.done(client, err, reply);
}

void operation_ask(struct client *client, struct peers *peers, const struct message_desc *message,
                   const void *body,
                   void (*done)(struct client *client, enum err err, const void *reply)) {
    struct errand *errand = malloc(sizeof *errand);
    enum err err = ERR_OVERLOADED;
    if (errand != NULL) {
        *errand = (struct errand){client->gateway, client->id, done};
        err = peers_ask(
            peers, peers_next(peers),
            &(struct peers_request){
                .message = message, .body = body, .done = errand_done, .argument = errand});
    }
    if (err != ERR_OK) {
        free(errand);
        done(client, err, NULL);
    }
}

void operation_end(struct client *client, enum err err, const void *reply) {
    (void)reply;
    client_finish(client, &(struct client_result){.err = err});
}

/* --- registering ---------------------------------------------------------------------------------
 */

static void registered(struct client *client, enum err err, const void *reply_v) {
    const struct auth_register_reply *reply = reply_v;
    struct client_result result = {.err = err};
    if (err == ERR_OK) {
        result.account = reply->account;
        result.account_id = reply->id;
        client->ext = client->ext || client->request.ext;
    }
    client_finish(client, &result);
}

static void start_register(struct client *client) {
    const struct client_request *request = &client->request;
    struct auth_register body = {.id = request->account,
                                 .email = request->email,
                                 .password = request->password,
                                 .name = request->name};
    operation_ask(client, client->gateway->auth, &message_AUTH_REGISTER, &body, registered);
}

/* --- logging in ----------------------------------------------------------------------------------
 */

static void forget_account(struct client *client) {
    client->account = 0;
    client->account_id[0] = client->token[0] = '\0';
    client_set_state(client, CLIENT_NEW);
    client_await_login(client);
}

static void bound(struct client *client, enum err err) {
    if (err != ERR_OK) {
        bindings_unbind(client);
        forget_account(client);
        client_fail(client, err,
                    err == ERR_TOO_MANY ? "the account has as many connections as it may have"
                                        : "");
        return;
    }
    client->ext = client->ext || client->request.ext;
    struct client_result result = {.err = ERR_OK,
                                   .account = client->account,
                                   .account_id = slice_text(client->account_id),
                                   .token = slice_text(client->token)};
    client_set_state(client, CLIENT_CATCHING_UP);
    client_finish(client, &result);
    feed_start(client);
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
    memcpy(client->account_id, reply->id.data, reply->id.length);
    client->account_id[reply->id.length] = '\0';
    memcpy(client->token, reply->token.data, reply->token.length);
    client->token[reply->token.length] = '\0';
    bindings_bind(client, bound);
}

static void start_login(struct client *client) {
    if (client->state != CLIENT_NEW) {
        client_fail(client, ERR_NOT_ALLOWED, "already logged in on this connection");
        return;
    }
    client_end_login(client);
    client_set_state(client, CLIENT_LOGGING_IN);
    struct auth_login body = {.login = client->request.account,
                              .password = client->request.password,
                              .open = client->dialect == DIALECT_YOUIM,
                              .address = slice_text(edge_host(client->edge))};
    operation_ask(client, client->gateway->auth, &message_AUTH_LOGIN, &body, logged_in);
}

/* --- logging out ---------------------------------------------------------------------------------
 */

static void logged_out(struct client *client, enum err err, const void *reply) {
    (void)reply;
    if (err != ERR_OK)
        log_warn("logout_unconfirmed", "reason=%s", err_word(err)); /* the token ends by age */
    forget_account(client);
    client_finish(client, &(struct client_result){.err = ERR_OK});
}

static void start_logout(struct client *client) {
    struct auth_logout body = {.account = client->account, .token = slice_text(client->token)};
    feed_leave(client);
    bindings_unbind(client);
    client_set_state(client, CLIENT_NEW); /* from here on nothing is read for the account */
    operation_ask(client, client->gateway->auth, &message_AUTH_LOGOUT, &body, logged_out);
}

/* --- all -----------------------------------------------------------------------------------------
 */

/* Every operation that is not done at once (client.c: HEARTBEAT, SEND). `looked_up`: by then the
 * ids of the group and person that it concerns have their numbers. */
static const struct {
    void (*start)(struct client *client);
    bool looked_up;
} operations[OPERATION_COUNT] = {
    [OPERATION_REGISTER] = {start_register, false},
    [OPERATION_LOGIN] = {start_login, false},
    [OPERATION_LOGOUT] = {start_logout, false},
    [OPERATION_CREATE_GROUP] = {operation_create_group, false},
    [OPERATION_BEFRIEND] = {operation_befriend, true},
    [OPERATION_ANSWER_FRIEND] = {operation_answer_friend, true},
    [OPERATION_UNFRIEND] = {operation_unfriend, true},
    [OPERATION_JOIN] = {operation_join, true},
    [OPERATION_ANSWER_JOIN] = {operation_answer_join, true},
    [OPERATION_ADMIT] = {operation_admit, true},
    [OPERATION_LEAVE] = {operation_leave, true},
    [OPERATION_REMOVE_MEMBER] = {operation_remove_member, true},
    [OPERATION_SET_ADMIN] = {operation_set_admin, true},
    [OPERATION_DISSOLVE] = {operation_dissolve, true},
    [OPERATION_RENAME_GROUP] = {operation_rename_group, true},
    [OPERATION_RENAME_SELF] = {operation_rename_self, true},
};

static void person_found(struct client *client, enum err err, uint64_t number) {
    struct client_id *person = &client->request.person;
    person->number = number;
    if (err == ERR_OK && person->present && number == 0)
        err = ERR_NO_ACCOUNT;
    if (err != ERR_OK)
        client_fail(client, err, "");
    else
        operations[client->request.operation].start(client);
}

static void group_found(struct client *client, enum err err, uint64_t number) {
    struct client_id *group = &client->request.group;
    group->number = number;
    if (err == ERR_OK && group->present && number == 0)
        err = ERR_NO_GROUP;
    if (err != ERR_OK)
        client_fail(client, err, "");
    else if (names_find(client, PEER_USER, &client->request.person, &number, person_found))
        person_found(client, ERR_OK, number);
}

void operation_start(struct client *client) {
    enum operation operation = client->request.operation;
    client->started = true;
    uint64_t number;
    if (operations[operation].start == NULL)
        client_fail(client, ERR_INTERNAL, "");
    else if (!operations[operation].looked_up)
        operations[operation].start(client);
    else if (names_find(client, PEER_GROUP, &client->request.group, &number, group_found))
        group_found(client, ERR_OK, number);
}
