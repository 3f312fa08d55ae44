/*
 * delivery.received: one cursor moves, in a conversation that is named by the accounts in it.
 *
 * What gateways know themselves they report by delivery.advance. This is for what a client says
 * about a conversation that its gateway has not written to it, or not as far: so everything is
 * checked, and a wrong request changes nothing.
 */
#include "services/delivery/delivery.h"
#include "services/delivery/delivery_sql.h"
#include "services/delivery/place.h"

enum err handle_received(void *context, struct db *db, struct record_arena *arena, const void *body,
                         void *reply_r) {
    (void)context;
    (void)arena;
    const struct delivery_received *ask = body;
    struct delivery_received_reply *reply = reply_r;
    struct place place;
    if (ask->account == 0 || (ask->user != 0 && ask->group != 0))
        return ERR_BAD_REQUEST;
    enum err err = place_find(db, ask->account, ask->user, ask->group, &place);
    if (err != ERR_OK)
        return err;
    if (!place.reader)
        return place_explain(db, ask->account, ask->user, ask->group, &place);
    if (ask->cid > place.last && ask->cid > place.received)
        return ERR_NO_MESSAGE;
    reply->conversation = place.conversation;
    if (ask->cid <= place.received)
        return ERR_OK;
    return db_query(db, &delivery_sql_move,
                    DB_ARGS(db_u64(ask->cid), db_u64(ask->account), db_u64(place.conversation)),
                    NULL);
}
