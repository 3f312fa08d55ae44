/* Requests about people and groups as they are shown; see people_requests.h. */
#include "services/gateway/people_requests.h"

#include "services/gateway/client.h"
#include "services/gateway/request.h"

void people_request_profile(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct group_profile body = {.account = client->account,
                                 .user = request->person.number,
                                 .group = request->group.number,
                                 .email = request->email};
    request_ask(client, client->gateway->group, &message_GROUP_PROFILE, &body, request_show);
}

void people_request_set_profile(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct group_set_profile body = {.account = client->account,
                                     .name = request->name,
                                     .about = request->about,
                                     .sets_about = request->sets_about,
                                     .avatar = request->file,
                                     .sets_avatar = request->sets_avatar,
                                     .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_SET_PROFILE, &body, request_end);
}

void people_request_set_group_profile(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct group_set_group_profile body = {.group = request->group.number,
                                           .account = client->account,
                                           .name = request->name,
                                           .about = request->about,
                                           .sets_about = request->sets_about,
                                           .slow_s = request->slow_s,
                                           .sets_slow = request->sets_slow,
                                           .avatar = request->file,
                                           .sets_avatar = request->sets_avatar,
                                           .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_SET_GROUP_PROFILE, &body,
                request_end);
}

void people_request_set_remark(struct client *client) {
    struct group_set_remark body = {.account = client->account,
                                    .friend = client->current->request.person.number,
                                    .remark = client->current->request.name,
                                    .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_SET_REMARK, &body, request_end);
}

void people_request_set_nick(struct client *client) {
    struct group_set_nick body = {.group = client->current->request.group.number,
                                  .account = client->account,
                                  .nick = client->current->request.name,
                                  .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_SET_NICK, &body, request_end);
}

void people_request_quiet(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct delivery_quiet body = {.account = client->account,
                                  .user = request->person.number,
                                  .group = request->group.number,
                                  .until_ms = request->until_ms,
                                  .login = client->login_number};
    request_ask(client, client->gateway->delivery, &message_DELIVERY_QUIET, &body, request_end);
}
