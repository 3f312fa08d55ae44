/*
 * delivery.received: one cursor moves, in a conversation that is named by the accounts in it.
 *
 * What gateways know themselves they report by delivery.advance. This is for what a client says
 * about a conversation that its gateway has not written to it, or not as far: so everything is
 * checked, and a wrong request changes nothing.
 */
#include "proto/conversation.h"
#include "services/delivery/delivery.h"
#include "services/delivery/delivery_sql.h"

struct place {
    uint64_t conversation; /* 0: there is none */
    uint64_t received, last;
    bool dissolved, reader;
};

/* All four kinds are found by the same key. */
static enum err find_place(struct db *db, const struct delivery_received *ask,
                           struct place *place_r) {
    uint64_t kind = CONVERSATION_BROADCAST, lo = 0, hi = 0;
    if (ask->group != 0) {
        kind = CONVERSATION_GROUP;
        lo = ask->group;
    } else if (ask->user == ask->account) {
        kind = CONVERSATION_SELF;
        lo = ask->account;
    } else if (ask->user != 0) {
        kind = CONVERSATION_PAIR;
        lo = ask->user < ask->account ? ask->user : ask->account;
        hi = ask->user < ask->account ? ask->account : ask->user;
    }
    struct db_rows *rows;
    enum err err =
        db_query(db, &delivery_sql_place,
                 DB_ARGS(db_u64(ask->account), db_u64(kind), db_u64(lo), db_u64(hi)), &rows);
    *place_r = (struct place){.conversation = 0};
    if (err == ERR_OK && db_rows_next(rows)) {
        uint64_t last = db_rows_u64(rows, PLACE_LAST);
        if (!db_rows_null(rows, PLACE_UNTIL) && db_rows_u64(rows, PLACE_UNTIL) < last)
            last = db_rows_u64(rows, PLACE_UNTIL);
        *place_r = (struct place){.conversation = db_rows_u64(rows, PLACE_CONVERSATION),
                                  .received = db_rows_u64(rows, PLACE_RECEIVED),
                                  .last = last,
                                  .dissolved = db_rows_u64(rows, PLACE_DISSOLVED) != 0,
                                  .reader = !db_rows_null(rows, PLACE_ACCOUNT)};
    }
    db_rows_destroy(&rows);
    return err;
}

/* An account that was connected when the first broadcast ever was sent has no cursor there yet. */
static enum err join_all(struct db *db, const struct delivery_received *ask,
                         struct place *place_r) {
    const struct db_value all = db_u64(CONVERSATION_OF_ALL);
    enum err err =
        db_query(db, &delivery_sql_join_all, DB_ARGS(all, all, db_u64(ask->account)), NULL);
    return err == ERR_OK ? find_place(db, ask, place_r) : err;
}

/* Why there is nothing to confirm where the account is no reader. */
static enum err why_not(struct db *db, const struct delivery_received *ask,
                        const struct place *place) {
    if (ask->group != 0)
        return place->conversation == 0 || place->dissolved ? ERR_NO_GROUP : ERR_NOT_MEMBER;
    if (ask->user == 0 || ask->user == ask->account)
        return ERR_NO_MESSAGE;
    struct db_rows *rows;
    enum err err = db_query(db, &delivery_sql_account, DB_ARGS(db_u64(ask->user)), &rows);
    if (err == ERR_OK)
        err = db_rows_next(rows) ? ERR_NO_MESSAGE : ERR_NO_ACCOUNT;
    db_rows_destroy(&rows);
    return err;
}

enum err handle_received(void *context, struct db *db, struct record_arena *arena, const void *body,
                         void *reply_r) {
    (void)context;
    (void)arena;
    const struct delivery_received *ask = body;
    struct delivery_received_reply *reply = reply_r;
    struct place place;
    if (ask->account == 0 || (ask->user != 0 && ask->group != 0))
        return ERR_BAD_REQUEST;
    enum err err = find_place(db, ask, &place);
    if (err == ERR_OK && place.conversation == CONVERSATION_OF_ALL && !place.reader)
        err = join_all(db, ask, &place);
    if (err != ERR_OK)
        return err;
    if (!place.reader)
        return why_not(db, ask, &place);
    if (ask->cid > place.last && ask->cid > place.received)
        return ERR_NO_MESSAGE;
    reply->conversation = place.conversation;
    if (ask->cid <= place.received)
        return ERR_OK;
    return db_query(db, &delivery_sql_move,
                    DB_ARGS(db_u64(ask->cid), db_u64(ask->account), db_u64(place.conversation)),
                    NULL);
}
