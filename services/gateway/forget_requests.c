/* The request to end one's account; see forget_requests.h. */
#include "services/gateway/forget_requests.h"

#include "common/log.h"
#include "services/gateway/client.h"
#include "services/gateway/login.h"
#include "services/gateway/request.h"

static void begun(void *argument, enum err err, const void *reply, const char *text) {
    (void)argument;
    (void)reply;
    (void)text;
    if (err != ERR_OK)
        log_debug("ending_not_begun", "reason=%s", err_word(err));
}

/* Group closes the account's connections, and begins to remove what it has. It would find the
 * account by itself, only later, so nothing depends on it. */
static void begin(struct client *client) {
    struct peers *group = client->gateway->group;
    struct group_forget body = {.account = client->account};
    if (peers_ask(group, peers_next(group),
                  &(struct peers_request){.message = &message_GROUP_FORGET,
                                          .body = &body,
                                          .trace = client->current->request.trace,
                                          .done = begun}) != ERR_OK)
        log_debug("ending_not_begun", "reason=unavailable");
}

/* The answer goes out before the connection is closed. */
static void forgotten(struct client *client, enum err err, const void *reply) {
    if (err == ERR_OK)
        begin(client);
    if (err == ERR_THROTTLED)
        request_fail(client, err, login_reason(err));
    else
        request_end(client, err, reply);
}

void forget_request_ask(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct auth_forget body = {.account = client->account,
                               .password = request->password,
                               .confirm = request->accept,
                               .blank = request->blank,
                               .address = slice_text(edge_host(client->edge))};
    request_ask(client, client->gateway->auth, &message_AUTH_FORGET, &body, forgotten);
}
