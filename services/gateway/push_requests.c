/* The request for Web Push; see push_requests.h. */
#include "services/gateway/push_requests.h"

#include "services/gateway/client.h"
#include "services/gateway/request.h"

static void subscribed(struct client *client, enum err err, const void *reply) {
    if (err == ERR_BAD_REQUEST)
        request_fail(client, err,
                     "endpoint, p256dh and auth must be those of a subscription to Web Push");
    else
        request_show(client, err, reply);
}

void push_request_subscribe(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    const struct hooks_subscribe body = {.account = client->account,
                                         .login = client->login_number,
                                         .endpoint = request->push.endpoint,
                                         .p256dh = request->push.p256dh,
                                         .auth = request->push.auth,
                                         .off = request->push.off};
    if (client->gateway->hooks == NULL) {
        request_fail(client, ERR_NOT_ALLOWED, "this server wakes no browsers");
        return;
    }
    client->current->ask = push_request_subscribe;
    request_ask(client, client->gateway->hooks, &message_HOOKS_SUBSCRIBE, &body, subscribed);
}
