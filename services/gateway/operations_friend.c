/* What requests about friends and oneself do; see operations_private.h. */
#include "services/gateway/operations_private.h"

void operation_befriend(struct client *client) {
    struct group_befriend body = {.account = client->account,
                                  .target = client->current->request.person.number,
                                  .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_BEFRIEND, &body, operation_end);
}

void operation_answer_friend(struct client *client) {
    struct group_answer_friend body = {.account = client->account,
                                       .asker = client->current->request.person.number,
                                       .accept = client->current->request.accept,
                                       .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_ANSWER_FRIEND, &body,
                  operation_end);
}

void operation_unfriend(struct client *client) {
    struct group_unfriend body = {.account = client->account,
                                  .target = client->current->request.person.number,
                                  .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_UNFRIEND, &body, operation_end);
}

void operation_rename_self(struct client *client) {
    struct group_rename_account body = {.account = client->account,
                                        .name = client->current->request.name,
                                        .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_RENAME_ACCOUNT, &body,
                  operation_end);
}
