/* group.mute, group.ban: members who may not write for a while, accounts that may not be members.
 */
#include "common/loop.h"
#include "services/entries/entries.h"
#include "services/group/group_joining.h"
#include "services/group/group_roles.h"
#include "services/group/group_sql.h"

/* --- muting -------------------------------------------------------------------------------- */

static enum err check_mute(struct group_change *change) {
    const struct group_mute *ask = change->plan->ask;
    enum err err = group_check_above(change);
    if (err == ERR_OK && change->subject.role == GROUP_STRANGER)
        err = ERR_NOT_MEMBER;
    if (err != ERR_OK)
        return err;
    if (entries_standing(change->head, change->subject.account).muted_until_ms != ask->until_ms)
        group_change_notify(change, &(struct group_notice){.type = ENTRY_MUTED,
                                                           .from = &change->by,
                                                           .subject = &change->subject,
                                                           .target = ask->until_ms});
    return ERR_OK;
}

static enum err write_mute(struct group_change *change) {
    const struct group_mute *ask = change->plan->ask;
    return db_query(
        change->db, &group_sql_set_mute,
        DB_ARGS(db_u64(ask->until_ms), db_u64(change->head->id), db_u64(change->subject.account)),
        NULL);
}

enum err group_handle_mute(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *reply_r) {
    const struct group_mute *ask = body;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .ask = ask,
                                                 .message = &message_GROUP_MUTE,
                                                 .nonce = ask->nonce,
                                                 .group = ask->group,
                                                 .operated = ask->by == 0,
                                                 .by = ask->by,
                                                 .subject = ask->account,
                                                 .check = check_mute,
                                                 .write = write_mute},
                            db, arena, reply_r);
}

/* --- banning ------------------------------------------------------------------------------- */

static enum err check_room_for_ban(struct group_change *change) {
    struct db_rows *rows;
    enum err err =
        db_query(change->db, &group_sql_count_bans, DB_ARGS(db_u64(change->head->id)), &rows);
    if (err == ERR_OK && (!db_rows_next(rows) || db_rows_u64(rows, 0) >= GROUP_MAX_BANS))
        err = ERR_TOO_MANY;
    db_rows_destroy(&rows);
    return err;
}

/* A member who is banned is removed, with the notice of that as the last that it reads. */
static enum err check_ban(struct group_change *change) {
    const struct group_ban *ask = change->plan->ask;
    struct group_join_state state = {0};
    enum err err = group_check_above(change);
    if (err == ERR_OK && ask->on && !change->subject.exists)
        err = ERR_NO_ACCOUNT;
    if (err == ERR_OK)
        err = group_read_join_state(change, &state);
    if (err != ERR_OK || state.banned == ask->on)
        return err;
    group_change_notify(change, &(struct group_notice){.type = ENTRY_BANNED,
                                                       .from = &change->by,
                                                       .subject = &change->subject,
                                                       .accepted = ask->on});
    if (ask->on && change->subject.role != GROUP_STRANGER)
        group_notify_end(change, ENTRY_REMOVED);
    return ask->on ? check_room_for_ban(change) : ERR_OK;
}

static enum err write_ban(struct group_change *change) {
    const struct group_ban *ask = change->plan->ask;
    const struct db_value group = db_u64(change->head->id),
                          account = db_u64(change->subject.account);
    if (!ask->on)
        return db_query(change->db, &group_sql_remove_ban, DB_ARGS(group, account), NULL);
    enum err err =
        db_query(change->db, &group_sql_add_ban,
                 DB_ARGS(group, account, db_u64(ask->by), db_u64((uint64_t)loop_wall_ms())), NULL);
    if (err == ERR_OK)
        err = group_remove_join_request(change);
    return err == ERR_OK && change->subject.role != GROUP_STRANGER ? group_write_gone(change) : err;
}

enum err group_handle_ban(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void *reply_r) {
    const struct group_ban *ask = body;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .ask = ask,
                                                 .message = &message_GROUP_BAN,
                                                 .nonce = ask->nonce,
                                                 .group = ask->group,
                                                 .operated = ask->by == 0,
                                                 .by = ask->by,
                                                 .subject = ask->account,
                                                 .check = check_ban,
                                                 .write = write_ban},
                            db, arena, reply_r);
}
