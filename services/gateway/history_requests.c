/* Requests that read the message log; see history_requests.h. */
#include "services/gateway/history_requests.h"

#include "services/gateway/client.h"
#include "services/gateway/request.h"

void history_request_read(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct delivery_history body = {.account = client->account,
                                    .user = request->person.number,
                                    .group = request->group.number,
                                    .before = request->before,
                                    .after = request->after,
                                    .around = request->around,
                                    .limit = request->limit};
    request_ask(client, client->gateway->delivery, &message_DELIVERY_HISTORY, &body, request_show);
}

void history_request_list(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct delivery_conversations body = {
        .account = client->account, .before = request->before, .limit = request->limit};
    request_ask(client, client->gateway->delivery, &message_DELIVERY_CONVERSATIONS, &body,
                request_show);
}

void history_request_search(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct delivery_search body = {.account = client->account,
                                   .everywhere = request->everywhere,
                                   .user = request->person.number,
                                   .group = request->group.number,
                                   .text = request->text,
                                   .before = request->before};
    request_ask(client, client->gateway->delivery, &message_DELIVERY_SEARCH, &body, request_show);
}
