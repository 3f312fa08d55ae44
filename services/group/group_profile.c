/* group.profile: an account or a group as anybody may see it. */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/group/group.h"
#include "services/group/group_sql.h"

static struct slice text_of(const struct db_rows *rows, enum group_profile_column column,
                            struct record_arena *arena) {
    return record_arena_copy(arena, db_rows_slice(rows, column));
}

static void take_row(const struct db_rows *rows, struct record_arena *arena, uint64_t *number_r,
                     struct group_profile_reply *reply) {
    uint64_t number;
    *number_r = db_rows_u64(rows, GROUP_PROFILE_NUMBER);
    if (!id_is_decimal(db_rows_slice(rows, GROUP_PROFILE_ID), &number))
        reply->id = text_of(rows, GROUP_PROFILE_ID, arena);
    reply->name = text_of(rows, GROUP_PROFILE_NAME, arena);
    reply->avatar = text_of(rows, GROUP_PROFILE_AVATAR, arena);
    reply->about = text_of(rows, GROUP_PROFILE_ABOUT, arena);
    reply->remark = text_of(rows, GROUP_PROFILE_REMARK, arena);
    reply->near = db_rows_u64(rows, GROUP_PROFILE_NEAR) != 0;
    reply->slow_s = db_rows_u64(rows, GROUP_PROFILE_SLOW_S);
}

/* Whatever the statement finds: 0 is no number of an account or group. */
static enum err show(struct db *db, struct record_arena *arena, enum err missing,
                     const struct db_statement *statement, const struct db_value *args,
                     size_t arg_count, uint64_t *number_r, struct group_profile_reply *reply) {
    struct db_rows *rows;
    enum err err = db_query(db, statement, args, arg_count, &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = missing;
    if (err == ERR_OK)
        take_row(rows, arena, number_r, reply);
    db_rows_destroy(&rows);
    return err;
}

static enum err find_by_email(struct db *db, struct slice email, uint64_t *account_r) {
    struct db_rows *rows;
    char room[EMAIL_ROOM];
    struct slice normal = email_normal(email, room);
    enum err err = db_query(db, &group_sql_find_by_email, DB_ARGS(db_text(normal)), &rows);
    if (err == ERR_OK)
        err = db_rows_next(rows) ? ERR_OK : ERR_NO_ACCOUNT;
    if (err == ERR_OK)
        *account_r = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return err;
}

static enum err share_group(struct db *db, uint64_t account, uint64_t other, bool *share_r) {
    struct db_rows *rows;
    enum err err =
        db_query(db, &group_sql_share_group, DB_ARGS(db_u64(account), db_u64(other)), &rows);
    *share_r = err == ERR_OK && db_rows_next(rows);
    db_rows_destroy(&rows);
    return err;
}

enum err group_handle_profile(void *context, struct db *db, struct record_arena *arena,
                              const void *body, void *reply_r) {
    const struct group_service *self = context;
    const struct group_profile *ask = body;
    struct group_profile_reply *reply = reply_r;
    const struct db_value asking = db_u64(ask->account);
    uint64_t user = ask->user;
    if ((ask->user != 0) + (ask->group != 0) + (ask->email.length > 0) != 1)
        return ERR_BAD_REQUEST;
    if (ask->group != 0)
        return show(db, arena, ERR_NO_GROUP, &group_sql_profile_of_group,
                    DB_ARGS(asking, db_u64(ask->group)), &reply->group, reply);
    if (ask->email.length > 0 && !self->settings.profile_by_email)
        return ERR_NOT_ALLOWED;
    enum err err = ask->email.length > 0 ? find_by_email(db, ask->email, &user) : ERR_OK;
    if (err != ERR_OK)
        return err;
    err = show(db, arena, ERR_NO_ACCOUNT, &group_sql_profile_of_account,
               DB_ARGS(asking, asking, asking, db_u64(user)), &reply->user, reply);
    bool near = reply->near || user == ask->account;
    if (err == ERR_OK && self->settings.strangers != STRANGERS_OPEN && !near)
        err = share_group(db, ask->account, user, &near);
    if (err == ERR_OK && self->settings.strangers != STRANGERS_OPEN && !near)
        reply->about = slice_make(NULL, 0);
    return err;
}
