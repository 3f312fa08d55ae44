/* What requests about groups do; see operations_private.h. */
#include <stdio.h>

#include "services/gateway/operations_private.h"

/* --- making one ---------------------------------------------------------------------------- */

static void group_created(struct client *client, enum err err, const void *reply_v) {
    const struct group_create_reply *reply = reply_v;
    struct dialect_result result = {.err = err};
    if (err == ERR_OK) {
        result.group = reply->group;
        result.group_id = reply->id;
        result.group_name = reply->name;
    }
    client_finish(client, &result);
}

/* The chosen id as text, also where it was read as a number. */
static struct slice id_text(const struct dialect_id *id, char out[24]) {
    if (!id->present || id->text.length > 0)
        return id->text;
    snprintf(out, 24, "%llu", (unsigned long long)id->number);
    return slice_text(out);
}

void operation_create_group(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    char digits[24];
    struct group_create body = {.account = client->account,
                                .id = id_text(&request->group, digits),
                                .name = request->name,
                                .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_CREATE, &body, group_created);
}

/* --- becoming a member --------------------------------------------------------------------- */

void operation_join(struct client *client) {
    struct group_join body = {.group = client->current->request.group.number,
                              .account = client->account,
                              .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_JOIN, &body, operation_end);
}

void operation_answer_join(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct group_answer_join body = {.group = request->group.number,
                                     .account = client->account,
                                     .asker = request->person.number,
                                     .accept = request->accept,
                                     .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_ANSWER_JOIN, &body, operation_end);
}

/* Accepts who has asked, and pulls in a friend who has not. */
void operation_admit(struct client *client) {
    struct group_add body = {.group = client->current->request.group.number,
                             .account = client->current->request.person.number,
                             .by = client->account,
                             .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_ADD, &body, operation_end);
}

/* --- being one no longer ------------------------------------------------------------------- */

void operation_leave(struct client *client) {
    struct group_leave body = {.group = client->current->request.group.number,
                               .account = client->account,
                               .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_LEAVE, &body, operation_end);
}

void operation_remove_member(struct client *client) {
    struct group_remove body = {.group = client->current->request.group.number,
                                .account = client->current->request.person.number,
                                .by = client->account,
                                .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_REMOVE, &body, operation_end);
}

void operation_dissolve(struct client *client) {
    struct group_dissolve body = {.group = client->current->request.group.number,
                                  .by = client->account,
                                  .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_DISSOLVE, &body, operation_end);
}

/* --- roles and names ----------------------------------------------------------------------- */

void operation_set_admin(struct client *client) {
    struct group_set_admin body = {.group = client->current->request.group.number,
                                   .account = client->current->request.person.number,
                                   .by = client->account,
                                   .on = client->current->request.accept,
                                   .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_SET_ADMIN, &body, operation_end);
}

void operation_rename_group(struct client *client) {
    struct group_rename body = {.group = client->current->request.group.number,
                                .by = client->account,
                                .name = client->current->request.name,
                                .nonce = operation_nonce(client)};
    operation_ask(client, client->gateway->group, &message_GROUP_RENAME, &body, operation_end);
}
