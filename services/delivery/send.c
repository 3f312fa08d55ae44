/* delivery.send: checks as much as can be checked without the database, and hands over to a
 * writer. */
#include "proto/ids.h"
#include "services/delivery/files.h"
#include "services/delivery/references.h"
#include "services/delivery/writers.h"

static bool texts_fit(const struct delivery_send *body) {
    if (body->texts.count == 0 || body->texts.count != body->nonces.count ||
        !references_fit(body) || !files_fit(body))
        return false;
    for (size_t i = 0; i < body->texts.count; i++) {
        size_t length = body->texts.items[i].length;
        if ((length == 0) != (files_of(body, i) != 0) || length > TEXT_MAX_BYTES ||
            body->nonces.items[i].length != NONCE_BYTES)
            return false;
    }
    return true;
}

static enum err check(const struct delivery_send *body) {
    if (body->account == 0 || !texts_fit(body) || (body->to_account == 0) == (body->to_group == 0))
        return ERR_BAD_REQUEST;
    if (body->account >= NUMBER_LIMIT || body->to_account >= NUMBER_LIMIT)
        return ERR_NO_ACCOUNT;
    if (body->to_group >= NUMBER_LIMIT)
        return ERR_NO_GROUP;
    return body->account == body->to_account ? ERR_TO_ONESELF : ERR_OK;
}

/* The same for everything that goes to one conversation. */
static uint64_t conversation_key(const struct delivery_send *body) {
    if (body->to_group != 0)
        return peers_hash(body->to_group, 0);
    return body->account < body->to_account ? peers_hash(body->account, body->to_account)
                                            : peers_hash(body->to_account, body->account);
}

static enum err go_on(void *context, struct call *call, const struct before_released *released) {
    struct delivery *self = context;
    const struct delivery_send *body = &released->texts.send;
    return writers_submit(self->writers, call,
                          &(struct writers_texts){.body = body,
                                                  .reworded = released->reworded,
                                                  .stored = released->stored},
                          conversation_key(body));
}

enum err handle_send(void *context, struct call *call, const void *body) {
    struct delivery *self = context;
    const struct delivery_send *texts = body;
    enum err err = check(texts);
    if (err != ERR_OK)
        return err;
    if (self->before != NULL)
        return before_hold(self->before, call, &(struct before_texts){.send = *texts}, go_on);
    return writers_submit(self->writers, call, &(struct writers_texts){.body = texts},
                          conversation_key(texts));
}
