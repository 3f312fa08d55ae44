/* Requests about friends; see friend_requests.h. */
#include "services/gateway/friend_requests.h"

#include "services/gateway/client.h"
#include "services/gateway/request.h"

void friend_request_befriend(struct client *client) {
    struct group_befriend body = {.account = client->account,
                                  .target = client->current->request.person.number,
                                  .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_BEFRIEND, &body, request_end);
}

void friend_request_answer(struct client *client) {
    struct group_answer_friend body = {.account = client->account,
                                       .asker = client->current->request.person.number,
                                       .accept = client->current->request.accept,
                                       .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_ANSWER_FRIEND, &body, request_end);
}

void friend_request_unfriend(struct client *client) {
    struct group_unfriend body = {.account = client->account,
                                  .target = client->current->request.person.number,
                                  .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_UNFRIEND, &body, request_end);
}

void friend_request_rename_self(struct client *client) {
    struct group_rename_account body = {.account = client->account,
                                        .name = client->current->request.name,
                                        .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_RENAME_ACCOUNT, &body, request_end);
}
