/* How an account stands in a conversation; see place.h. */
#include "services/delivery/place.h"

#include "proto/messages.h"
#include "services/delivery/delivery_sql.h"

/* All four kinds are found by the same key. */
static enum err find(struct db *db, uint64_t account, uint64_t user, uint64_t group,
                     struct place *place_r) {
    uint64_t kind = CONVERSATION_BROADCAST, lo = 0, hi = 0;
    if (group != 0) {
        kind = CONVERSATION_GROUP;
        lo = group;
    } else if (user == account) {
        kind = CONVERSATION_SELF;
        lo = account;
    } else if (user != 0) {
        kind = CONVERSATION_PAIR;
        lo = user < account ? user : account;
        hi = user < account ? account : user;
    }
    struct db_rows *rows;
    enum err err = db_query(db, &delivery_sql_place,
                            DB_ARGS(db_u64(account), db_u64(kind), db_u64(lo), db_u64(hi)), &rows);
    *place_r = (struct place){.conversation = 0};
    if (err == ERR_OK && db_rows_next(rows)) {
        uint64_t last = db_rows_u64(rows, PLACE_LAST);
        if (!db_rows_null(rows, PLACE_UNTIL) && db_rows_u64(rows, PLACE_UNTIL) < last)
            last = db_rows_u64(rows, PLACE_UNTIL);
        *place_r = (struct place){.conversation = db_rows_u64(rows, PLACE_CONVERSATION),
                                  .since = db_rows_u64(rows, PLACE_SINCE),
                                  .received = db_rows_u64(rows, PLACE_RECEIVED),
                                  .seen = db_rows_u64(rows, PLACE_SEEN),
                                  .last = last,
                                  .dissolved = db_rows_u64(rows, PLACE_DISSOLVED) != 0,
                                  .reader = !db_rows_null(rows, PLACE_ACCOUNT),
                                  .left = !db_rows_null(rows, PLACE_UNTIL),
                                  .blocked = db_rows_u64(rows, PLACE_BLOCKED) != 0,
                                  .friends = db_rows_u64(rows, PLACE_FRIENDS) != 0};
    }
    db_rows_destroy(&rows);
    return err;
}

enum err place_find(struct db *db, uint64_t account, uint64_t user, uint64_t group,
                    struct place *place_r) {
    const struct db_value all = db_u64(CONVERSATION_OF_ALL);
    enum err err = find(db, account, user, group, place_r);
    if (err != ERR_OK || place_r->reader || place_r->conversation != CONVERSATION_OF_ALL)
        return err;
    /* An account that was connected when the first broadcast ever was sent has no cursor there. */
    err = db_query(db, &delivery_sql_join_all, DB_ARGS(all, all, db_u64(account)), NULL);
    return err == ERR_OK ? find(db, account, user, group, place_r) : err;
}

enum err place_explain(struct db *db, uint64_t account, uint64_t user, uint64_t group,
                       const struct place *place) {
    if (group != 0)
        return place->conversation == 0 || place->dissolved ? ERR_NO_GROUP : ERR_NOT_MEMBER;
    if (user == 0 || user == account)
        return ERR_NO_MESSAGE;
    struct db_rows *rows;
    enum err err = db_query(db, &delivery_sql_account, DB_ARGS(db_u64(user)), &rows);
    if (err == ERR_OK)
        err = db_rows_next(rows) ? ERR_NO_MESSAGE : ERR_NO_ACCOUNT;
    db_rows_destroy(&rows);
    return err;
}
