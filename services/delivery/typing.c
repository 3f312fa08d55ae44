/*
 * delivery.typing: an account is shown typing to the others of a conversation, which need not be
 * stored yet. Typing that is not shown (too soon, in too large a group) is no error: the client
 * cannot know, and has nothing to do about it.
 */
#include "common/loop.h"
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/delivery/delivery_sql.h"
#include "services/delivery/live.h"
#include "services/delivery/pauses.h"
#include "services/delivery/place.h"

/* The account may write to the other one. */
static enum err check_pair(const struct delivery *self, struct db *db,
                           const struct delivery_typing *ask) {
    const bool friends_only = delivery_friends_only(self);
    struct db_rows *rows;
    enum err err =
        db_query(db, &delivery_sql_pair, DB_ARGS(db_u64(ask->user), db_u64(ask->account)), &rows);
    if (err == ERR_OK)
        err = !db_rows_next(rows)                          ? ERR_NO_ACCOUNT
              : db_rows_u64(rows, 0) != 0                  ? ERR_BLOCKED
              : !friends_only || db_rows_u64(rows, 1) != 0 ? ERR_OK
                                                           : ERR_STRANGERS;
    db_rows_destroy(&rows);
    return err;
}

/* The others in the group; none where it is too large, or the account is muted. */
static enum err find_others(struct db *db, const struct delivery_typing *ask,
                            struct u64_list *others) {
    struct place place;
    struct db_rows *rows;
    enum err err = place_find(db, ask->account, 0, ask->group, &place);
    if (err != ERR_OK)
        return err;
    if (!place.reader || place.left || place.dissolved)
        return place_explain(db, ask->account, 0, ask->group, &place);
    err = db_query(db, &delivery_sql_members,
                   DB_ARGS(db_u64(place.conversation), db_u64(SMALL_GROUP_MAX + 1)), &rows);
    bool small = err == ERR_OK && db_rows_count(rows) <= SMALL_GROUP_MAX, muted = false;
    while (small && db_rows_next(rows)) {
        if (db_rows_u64(rows, 0) != ask->account)
            others->items[others->count++] = db_rows_u64(rows, 0);
        else
            muted = db_rows_u64(rows, 1) != 0;
    }
    if (muted)
        others->count = 0;
    db_rows_destroy(&rows);
    return err;
}

enum err handle_typing(void *context, struct db *db, struct record_arena *arena, const void *body,
                       void *reply_r) {
    (void)arena;
    (void)reply_r;
    const struct delivery *self = context;
    const struct delivery_typing *ask = body;
    uint64_t accounts[SMALL_GROUP_MAX] = {ask->user};
    struct u64_list others = {accounts, ask->group == 0};
    if (ask->account == 0 || (ask->user == 0) == (ask->group == 0))
        return ERR_BAD_REQUEST;
    if (ask->user == ask->account)
        return ERR_TO_ONESELF;
    const struct pauses_key key = {ask->account, ask->user, ask->group};
    if (pauses_runs(self->pauses, &key, loop_now_ms()))
        return ERR_OK;
    enum err err = ask->group == 0 ? check_pair(self, db, ask) : find_others(db, ask, &others);
    if (err != ERR_OK || !pauses_begin(self->pauses, &key, loop_now_ms()) || others.count == 0)
        return err;
    struct entry entry = {.conversation = ask->group == 0 ? 0 : conversation_of_group(ask->group),
                          .type = ENTRY_TYPING,
                          .from = ask->account,
                          .to = ask->group == 0 ? ask->user : ask->group};
    live_push(self, db, &entry, accounts, others.count);
    return ERR_OK;
}
