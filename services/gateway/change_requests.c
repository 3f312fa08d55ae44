/* Requests that change a stored text; see change_requests.h. */
#include "services/gateway/change_requests.h"

#include "services/gateway/client.h"
#include "services/gateway/request.h"

void change_request_recall(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct delivery_recall body = {.account = client->account,
                                   .user = request->person.number,
                                   .group = request->group.number,
                                   .cid = request->cid,
                                   .nonce = request_nonce(client)};
    request_ask(client, client->gateway->delivery, &message_DELIVERY_RECALL, &body, request_end);
}

void change_request_edit(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct delivery_edit body = {.account = client->account,
                                 .user = request->person.number,
                                 .group = request->group.number,
                                 .cid = request->cid,
                                 .text = request->text,
                                 .nonce = request_nonce(client)};
    request_ask(client, client->gateway->delivery, &message_DELIVERY_EDIT, &body, request_end);
}

void change_request_react(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct delivery_react body = {.account = client->account,
                                  .user = request->person.number,
                                  .group = request->group.number,
                                  .cid = request->cid,
                                  .emoji = request->text,
                                  .on = request->accept,
                                  .nonce = request_nonce(client)};
    request_ask(client, client->gateway->delivery, &message_DELIVERY_REACT, &body, request_end);
}
