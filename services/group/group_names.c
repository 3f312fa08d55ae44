/* group.rename, group.rename_account: names of groups, and nicknames. */
#include "proto/ids.h"
#include "services/group/group_change.h"
#include "services/group/group_sql.h"

/* --- a group's ----------------------------------------------------------------------------- */

static enum err check_rename(struct group_change *change) {
    const struct group_rename *ask = change->plan->ask;
    if (change->by.role < GROUP_ADMINISTRATOR)
        return ERR_NOT_ALLOWED;
    group_change_notify(change, &(struct group_notice){.type = ENTRY_GROUP_RENAMED,
                                                       .from = &change->by,
                                                       .text = ask->name});
    return ERR_OK;
}

static enum err write_rename(struct group_change *change) {
    const struct group_rename *ask = change->plan->ask;
    return db_query(change->db, &group_sql_rename_group,
                    DB_ARGS(db_text(ask->name), db_u64(change->head->id)), NULL);
}

enum err group_handle_rename(void *context, struct db *db, struct record_arena *arena,
                             const void *body, void *reply_r) {
    struct group_rename ask = *(const struct group_rename *)body;
    char room[NAME_ROOM];
    ask.name = name_normal(ask.name, room);
    if (name_fault(ask.name) != NULL)
        return ERR_BAD_REQUEST;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .message = &message_GROUP_RENAME,
                                                 .nonce = ask.nonce,
                                                 .ask = &ask,
                                                 .group = ask.group,
                                                 .by = ask.by,
                                                 .check = check_rename,
                                                 .write = write_rename},
                            db, arena, reply_r);
}

/* --- a nickname ---------------------------------------------------------------------------- */

/* The friends stay the same once the account's own conversation is locked. */
static enum err check_rename_account(struct group_change *change) {
    const struct group_rename_account *ask = change->plan->ask;
    const struct db_value account = db_u64(change->by.account);
    struct u64_list friends;
    if (!change->by.exists)
        return ERR_NO_ACCOUNT;
    enum err err = group_change_read(change, &group_sql_friends,
                                     (const struct db_value[]){account, account}, 2, &friends);
    if (err != ERR_OK)
        return err;
    struct group_notice notice = {.type = ENTRY_RENAMED,
                                  .from = &change->by,
                                  .subject = &change->by,
                                  .selves = {&change->by.account, 1},
                                  .text = ask->name};
    group_change_notify(change, &notice);
    notice.selves = friends;
    if (friends.count > 0)
        group_change_notify(change, &notice);
    return ERR_OK;
}

static enum err write_rename_account(struct group_change *change) {
    const struct group_rename_account *ask = change->plan->ask;
    return db_query(change->db, &group_sql_rename_account,
                    DB_ARGS(db_text(ask->name), db_u64(ask->account)), NULL);
}

enum err group_handle_rename_account(void *context, struct db *db, struct record_arena *arena,
                                     const void *body, void *reply_r) {
    struct group_rename_account ask = *(const struct group_rename_account *)body;
    char room[NAME_ROOM];
    ask.name = name_normal(ask.name, room);
    if (name_fault(ask.name) != NULL)
        return ERR_BAD_REQUEST;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .message = &message_GROUP_RENAME_ACCOUNT,
                                                 .nonce = ask.nonce,
                                                 .ask = &ask,
                                                 .kind = CHANGE_OF_ACCOUNTS,
                                                 .by = ask.account,
                                                 .subject = ask.account,
                                                 .selves = {ask.account},
                                                 .check = check_rename_account,
                                                 .write = write_rename_account},
                            db, arena, reply_r);
}
