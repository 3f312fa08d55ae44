/* Requests to block, mute and ban accounts; see moderation_requests.h. */
#include "services/gateway/moderation_requests.h"

#include "services/gateway/client.h"
#include "services/gateway/request.h"

void moderation_request_block(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct group_block body = {.account = client->account,
                               .target = request->person.number,
                               .on = request->accept,
                               .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_BLOCK, &body, request_end);
}

void moderation_request_mute(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct group_mute body = {.group = request->group.number,
                              .account = request->person.number,
                              .by = client->account,
                              .until_ms = request->until_ms,
                              .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_MUTE, &body, request_end);
}

void moderation_request_ban(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct group_ban body = {.group = request->group.number,
                             .account = request->person.number,
                             .by = client->account,
                             .on = request->accept,
                             .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_BAN, &body, request_end);
}
