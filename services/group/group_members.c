/* group.add: who comes into a group. */
#include "common/loop.h"
#include "services/group/group_change.h"
#include "services/group/group_sql.h"

static enum err may_add(const struct group_change *change) {
    if (change->by.role < GROUP_ADMINISTRATOR)
        return ERR_NOT_ALLOWED;
    if (!change->subject.exists)
        return ERR_NO_ACCOUNT;
    if (change->subject.role != GROUP_STRANGER)
        return ERR_ALREADY_MEMBER;
    return change->head->members.count < change->service->settings.group_max_members ? ERR_OK
                                                                                     : ERR_TOO_MANY;
}

/* The new member reads what comes after this moment: first of all the notice. */
static enum err add_member(const struct group_change *change) {
    uint64_t conversation = change->head->id, account = change->subject.account;
    enum err err = db_query(change->db, &group_sql_add_member,
                            DB_ARGS(db_u64(conversation), db_u64(account), db_u64(GROUP_MEMBER),
                                    db_u64((uint64_t)loop_wall_ms())),
                            NULL);
    if (err == ERR_OK)
        err = log_open_cursor(change->db, conversation, account, change->head->last_cid);
    return err;
}

enum err group_handle_add(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void *reply_r) {
    (void)reply_r;
    const struct group_add *ask = body;
    struct group_change change;
    struct group_notice notice = {.type = ENTRY_JOINED, .accepted = true};
    enum err err =
        group_change_begin(&change, context, db, arena, ask->group, ask->by, ask->account);
    if (err == ERR_OK)
        err = may_add(&change);
    if (err == ERR_OK)
        err = add_member(&change);
    if (err == ERR_OK)
        notice.text = change.head->name;
    return group_change_end(&change, err, &notice);
}
