/*
 * delivery.received and delivery.read: one cursor moves, in a conversation that is named by the
 * accounts in it.
 *
 * Gateways report the entries that they have written by delivery.advance. These requests are for
 * entries that a client confirms and its gateway has not written to it, and for read entries, which
 * only clients know: so everything is checked, and a wrong request changes nothing. Where a mark
 * does not move, nobody gets anything.
 */
#include "proto/conversation.h"
#include "services/delivery/delivery_sql.h"
#include "services/delivery/live.h"
#include "services/delivery/place.h"

/* Where the account's cursor is; an error where it has none, or may not move as far as `cid`. */
static enum err find_cursor(struct db *db, uint64_t account, uint64_t user, uint64_t group,
                            uint64_t cid, struct place *place_r) {
    if (account == 0 || (user != 0 && group != 0))
        return ERR_BAD_REQUEST;
    enum err err = place_find(db, account, user, group, place_r);
    if (err == ERR_OK && !place_r->reader)
        err = place_explain(db, account, user, group, place_r);
    return err == ERR_OK && cid > place_r->last && cid > place_r->received ? ERR_NO_MESSAGE : err;
}

/* The other one of a pair is to know. */
static bool concerns_other(const struct delivery *self, const struct place *place) {
    return conversation_kind(place->conversation) == CONVERSATION_PAIR && !place->blocked &&
           (place->friends || !delivery_friends_only(self));
}

enum err handle_received(void *context, struct db *db, struct record_arena *arena, const void *body,
                         void *reply_r) {
    (void)arena;
    const struct delivery_received *ask = body;
    struct delivery_received_reply *reply = reply_r;
    struct place place;
    enum err err = find_cursor(db, ask->account, ask->user, ask->group, ask->cid, &place);
    if (err != ERR_OK)
        return err;
    reply->conversation = place.conversation;
    if (ask->cid <= place.received)
        return ERR_OK;
    const struct db_value cid = db_u64(ask->cid);
    err = db_query(db, &delivery_sql_move,
                   DB_ARGS(cid, db_u64(ask->account), db_u64(place.conversation), cid), NULL);
    if (err != ERR_OK || db_affected(db) == 0 || !concerns_other(context, &place))
        return err;
    struct entry entry = {.conversation = place.conversation,
                          .type = ENTRY_RECEIVED,
                          .from = ask->account,
                          .to = ask->user,
                          .target = ask->cid};
    live_push(context, db, &entry, &ask->user, 1);
    return ERR_OK;
}

enum err handle_read(void *context, struct db *db, struct record_arena *arena, const void *body,
                     void *reply_r) {
    (void)arena;
    const struct delivery_read *ask = body;
    struct delivery_received_reply *reply = reply_r;
    struct place place;
    enum err err = find_cursor(db, ask->account, ask->user, ask->group, ask->cid, &place);
    if (err != ERR_OK)
        return err;
    reply->conversation = place.conversation;
    if (ask->cid <= place.seen || ask->cid <= place.since)
        return ERR_OK;
    const struct db_value cid = db_u64(ask->cid);
    err = db_query(db, &delivery_sql_move_seen,
                   DB_ARGS(cid, cid, db_u64(ask->account), db_u64(place.conversation), cid), NULL);
    if (err != ERR_OK || db_affected(db) == 0)
        return err;
    struct entry entry = {.conversation = place.conversation,
                          .type = ENTRY_READ,
                          .from = ask->account,
                          .to = ask->group != 0 ? ask->group : ask->user,
                          .target = ask->cid,
                          .login = ask->login};
    live_push(context, db, &entry, (const uint64_t[]){ask->account, ask->user},
              concerns_other(context, &place) ? 2 : 1);
    return ERR_OK;
}
