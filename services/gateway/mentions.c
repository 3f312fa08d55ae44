/* Numbers of the accounts that a text mentions; see mentions.h. */
#include "services/gateway/mentions.h"

#include "services/gateway/client.h"

bool mentions_find(struct names *names, struct dialect_request *request) {
    bool all = true;
    for (size_t i = 0; i < request->mention_count; i++) {
        struct dialect_id *id = &request->mentions[i];
        all = names_find(names, RECIPIENT_USER, id, &id->number) && all;
    }
    return all;
}

/* Those that are not known have no number yet. */
static size_t list_unknown(const struct dialect_request *request, size_t at[MENTIONS_MAX]) {
    size_t count = 0;
    for (size_t i = 0; i < request->mention_count; i++)
        if (request->mentions[i].number == 0)
            at[count++] = i;
    return count;
}

size_t mentions_unknown(const struct dialect_request *request, struct slice ids[MENTIONS_MAX]) {
    size_t at[MENTIONS_MAX], count = list_unknown(request, at);
    for (size_t i = 0; i < count; i++)
        ids[i] = request->mentions[at[i]].text;
    return count;
}

void mentions_ask(struct client *client, request_done *done) {
    struct slice ids[MENTIONS_MAX];
    struct auth_resolve body = {.ids = {ids, mentions_unknown(&client->current->request, ids)}};
    request_ask(client, client->gateway->auth, &message_AUTH_RESOLVE, &body, done);
}

enum err mentions_take(struct names *names, struct dialect_request *request,
                       const struct auth_resolve_reply *reply) {
    size_t at[MENTIONS_MAX], count = list_unknown(request, at);
    if (reply->accounts.count != count)
        return ERR_INTERNAL;
    for (size_t i = 0; i < count; i++) {
        struct dialect_id *id = &request->mentions[at[i]];
        id->number = reply->accounts.items[i];
        if (id->number == 0)
            return ERR_BAD_MENTION;
        names_keep(names, RECIPIENT_USER, id->text, id->number);
    }
    return ERR_OK;
}
