/* 313; see typing.h. */
#include "services/gateway/typing.h"

#include "services/gateway/client.h"
#include "services/gateway/request.h"

void typing_start(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct delivery_typing body = {
        .account = client->account, .user = request->person.number, .group = request->group.number};
    /* The same instance for all connections of the account: it keeps the pauses. */
    request_ask_by_account(client, client->gateway->delivery, &message_DELIVERY_TYPING, &body,
                           request_end);
}
