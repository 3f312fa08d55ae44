/* Requests about groups; see group_requests.h. */
#include "services/gateway/group_requests.h"

#include <stdio.h>

#include "services/gateway/client.h"
#include "services/gateway/request.h"

/* --- making a group ---------------------------------------------------------------------- */

static void group_created(struct client *client, enum err err, const void *reply_v) {
    const struct group_create_reply *reply = reply_v;
    struct dialect_result result = {.err = err};
    if (err == ERR_OK) {
        result.group = reply->group;
        result.group_id = reply->id;
        result.group_name = reply->name;
    }
    request_finish(client, &result);
}

/* The chosen id as text, also where it was read as a number. */
static struct slice id_text(const struct dialect_id *id, char out[24]) {
    if (!id->present || id->text.length > 0)
        return id->text;
    snprintf(out, 24, "%llu", (unsigned long long)id->number);
    return slice_text(out);
}

void group_request_create(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    char digits[24];
    struct group_create body = {.account = client->account,
                                .id = id_text(&request->group, digits),
                                .name = request->name,
                                .address = slice_text(edge_host(client->edge)),
                                .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_CREATE, &body, group_created);
}

/* --- becoming a member --------------------------------------------------------------------- */

void group_request_join(struct client *client) {
    struct group_join body = {.group = client->current->request.group.number,
                              .account = client->account,
                              .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_JOIN, &body, request_end);
}

/* Accepts a person that has asked, and adds a friend that has not. */
void group_request_admit(struct client *client) {
    struct group_add body = {.group = client->current->request.group.number,
                             .account = client->current->request.person.number,
                             .by = client->account,
                             .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_ADD, &body, request_end);
}

/* A YouIM client has no other request to add a friend with; one that opted in does it so. */
void group_request_answer_join(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    if (request->accept && client->ext) {
        group_request_admit(client);
        return;
    }
    struct group_answer_join body = {.group = request->group.number,
                                     .account = client->account,
                                     .asker = request->person.number,
                                     .accept = request->accept,
                                     .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_ANSWER_JOIN, &body, request_end);
}

/* --- no longer a member -------------------------------------------------------------------- */

void group_request_leave(struct client *client) {
    struct group_leave body = {.group = client->current->request.group.number,
                               .account = client->account,
                               .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_LEAVE, &body, request_end);
}

void group_request_remove_member(struct client *client) {
    struct group_remove body = {.group = client->current->request.group.number,
                                .account = client->current->request.person.number,
                                .by = client->account,
                                .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_REMOVE, &body, request_end);
}

void group_request_dissolve(struct client *client) {
    struct group_dissolve body = {.group = client->current->request.group.number,
                                  .by = client->account,
                                  .address = slice_text(edge_host(client->edge)),
                                  .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_DISSOLVE, &body, request_end);
}

/* --- roles and names ----------------------------------------------------------------------- */

void group_request_set_admin(struct client *client) {
    struct group_set_admin body = {.group = client->current->request.group.number,
                                   .account = client->current->request.person.number,
                                   .by = client->account,
                                   .on = client->current->request.accept,
                                   .address = slice_text(edge_host(client->edge)),
                                   .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_SET_ADMIN, &body, request_end);
}

void group_request_rename(struct client *client) {
    struct group_rename body = {.group = client->current->request.group.number,
                                .by = client->account,
                                .name = client->current->request.name,
                                .nonce = request_nonce(client)};
    request_ask(client, client->gateway->group, &message_GROUP_RENAME, &body, request_end);
}
