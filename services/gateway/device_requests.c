/* Requests about an account's logins; see device_requests.h. */
#include "services/gateway/device_requests.h"

#include <string.h>

#include "services/gateway/client.h"
#include "services/gateway/dialect/extension_devices.h"
#include "services/gateway/request.h"

/* The logins that session named, until auth has listed them all. */
struct online {
    size_t count;
    uint64_t logins[SESSION_LOGINS_MAX];
};

static void listed(struct client *client, enum err err, const void *reply) {
    struct online *online = client->current->kept;
    const struct devices_shown shown = {
        .devices = reply, .logins = {online->logins, online->count}, .own = client->login_number};
    request_show(client, err, &shown);
}

static void list(struct client *client) {
    struct auth_devices body = {.account = client->account};
    request_ask(client, client->gateway->auth, &message_AUTH_DEVICES, &body, listed);
}

static void ask(struct client *client, void (*what)(struct client *client)) {
    client->current->ask = what;
    what(client);
}

static void found_online(struct client *client, enum err err, const void *reply_v) {
    const struct session_logins_reply *reply = reply_v;
    struct online *online = err == ERR_OK ? request_keep(client, sizeof *online) : NULL;
    if (online == NULL) {
        request_fail(client, err == ERR_OK ? ERR_OVERLOADED : err, "");
        return;
    }
    online->count = reply->logins.count;
    memcpy(online->logins, reply->logins.items, online->count * sizeof online->logins[0]);
    ask(client, list);
}

static void find_online(struct client *client) {
    struct session_logins body = {.account = client->account};
    request_ask_by_account(client, client->gateway->session, &message_SESSION_LOGINS, &body,
                           found_online);
}

/* --- ending one -------------------------------------------------------------------------- */

static void connections_ended(struct client *client, enum err err, const void *reply) {
    (void)reply;
    if (err == ERR_OK)
        ask(client, find_online);
    else
        request_fail(client, err, "");
}

static void end_connections(struct client *client) {
    const uint64_t *login = client->current->kept;
    struct session_end_login body = {.account = client->account, .login = *login};
    request_ask_by_account(client, client->gateway->session, &message_SESSION_END_LOGIN, &body,
                           connections_ended);
}

static void token_ended(struct client *client, enum err err, const void *reply_v) {
    const struct auth_end_device_reply *reply = reply_v;
    uint64_t *login = err == ERR_OK ? request_keep(client, sizeof *login) : NULL;
    if (login == NULL) {
        request_fail(client, err == ERR_OK ? ERR_OVERLOADED : err, "");
        return;
    }
    *login = reply->login;
    ask(client, *login == 0 ? find_online : end_connections);
}

static void end_token(struct client *client) {
    struct auth_end_device body = {.account = client->account,
                                   .id = client->current->request.close};
    request_ask(client, client->gateway->auth, &message_AUTH_END_DEVICE, &body, token_ended);
}

void device_request_list(struct client *client) {
    ask(client, client->current->request.close_given ? end_token : find_online);
}
