/* What requests do: one at a time on a connection, each ending with client_finish. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "services/gateway/gateway.h"

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

static void ask(struct client *client, struct peers *peers, const struct message_desc *message,
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
    ask(client, client->gateway->auth, &message_AUTH_REGISTER, &body, registered);
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
        client_fail(client, err, "");
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
                              .address = slice_text(edge_address(client->edge))};
    ask(client, client->gateway->auth, &message_AUTH_LOGIN, &body, logged_in);
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
    ask(client, client->gateway->auth, &message_AUTH_LOGOUT, &body, logged_out);
}

/* --- groups --------------------------------------------------------------------------------------
 */

static void group_created(struct client *client, enum err err, const void *reply_v) {
    const struct group_create_reply *reply = reply_v;
    struct client_result result = {.err = err};
    if (err == ERR_OK) {
        result.group = reply->group;
        result.group_id = reply->id;
        result.group_name = reply->name;
    }
    client_finish(client, &result);
}

/* The chosen id as text, also where it was read as a number. */
static struct slice id_text(const struct client_id *id, char out[24]) {
    if (!id->present || id->text.length > 0)
        return id->text;
    snprintf(out, 24, "%llu", (unsigned long long)id->number);
    return slice_text(out);
}

static void start_create_group(struct client *client) {
    const struct client_request *request = &client->request;
    char digits[24];
    struct group_create body = {
        .account = client->account, .id = id_text(&request->group, digits), .name = request->name};
    ask(client, client->gateway->group, &message_GROUP_CREATE, &body, group_created);
}

/* --- all -----------------------------------------------------------------------------------------
 */

void operation_start(struct client *client) {
    client->started = true;
    switch (client->request.operation) {
    case OPERATION_REGISTER:
        start_register(client);
        return;
    case OPERATION_LOGIN:
        start_login(client);
        return;
    case OPERATION_LOGOUT:
        start_logout(client);
        return;
    case OPERATION_CREATE_GROUP:
        start_create_group(client);
        return;
    case OPERATION_NONE:
    case OPERATION_HEARTBEAT:
    case OPERATION_SEND:
        break;
    }
    client_fail(client, ERR_INTERNAL, "");
}
