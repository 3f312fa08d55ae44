/* group.add, group.leave, group.remove, group.dissolve: becoming a member, and ceasing to be one.
 */
#include "services/group/group_friends.h"
#include "services/group/group_joining.h"
#include "services/group/group_sql.h"

/* --- joining ------------------------------------------------------------------------------- */

/* Adding an account that has asked to join accepts its request. An administrator can add others
 * only if they are the administrator's friends. */
static enum err check_wants(struct group_change *change) {
    struct group_join_state state;
    bool friends = false;
    enum err err = group_read_join_state(change, &state);
    if (err != ERR_OK || state.asked || change->by.role == GROUP_OPERATOR)
        return err;
    err = group_are_friends(change, &friends);
    return err == ERR_OK && !friends ? ERR_NOT_FRIENDS : err;
}

static enum err check_add(struct group_change *change) {
    if (change->by.role < GROUP_ADMINISTRATOR)
        return ERR_NOT_ALLOWED;
    if (!change->subject.exists)
        return ERR_NO_ACCOUNT;
    if (change->subject.role != GROUP_STRANGER)
        return ERR_ALREADY_MEMBER;
    enum err err = check_wants(change);
    if (err == ERR_OK)
        err = group_check_room(change);
    if (err == ERR_OK)
        group_notify_joined(change);
    return err;
}

enum err group_handle_add(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void *reply_r) {
    const struct group_add *ask = body;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .ask = ask,
                                                 .message = &message_GROUP_ADD,
                                                 .nonce = ask->nonce,
                                                 .group = ask->group,
                                                 .operated = ask->by == 0,
                                                 .by = ask->by,
                                                 .subject = ask->account,
                                                 .check = check_add,
                                                 .write = group_write_joined},
                            db, arena, reply_r);
}

/* --- leaving ------------------------------------------------------------------------------- */

static void notify_end(struct group_change *change, enum entry_type type) {
    group_change_notify(
        change,
        &(struct group_notice){.type = type, .from = &change->by, .subject = &change->subject});
    change->leavers = (struct u64_list){&change->subject.account, 1};
}

static enum err write_gone(struct group_change *change) {
    return db_query(change->db, &group_sql_remove_member,
                    DB_ARGS(db_u64(change->head->id), db_u64(change->subject.account)), NULL);
}

static enum err check_leave(struct group_change *change) {
    if (change->by.role == GROUP_STRANGER)
        return ERR_NOT_MEMBER;
    if (change->by.role == GROUP_OWNER)
        return ERR_OWNER_STAYS;
    notify_end(change, ENTRY_LEFT);
    return ERR_OK;
}

enum err group_handle_leave(void *context, struct db *db, struct record_arena *arena,
                            const void *body, void *reply_r) {
    const struct group_leave *ask = body;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .ask = ask,
                                                 .message = &message_GROUP_LEAVE,
                                                 .nonce = ask->nonce,
                                                 .group = ask->group,
                                                 .by = ask->account,
                                                 .subject = ask->account,
                                                 .check = check_leave,
                                                 .write = write_gone},
                            db, arena, reply_r);
}

/* The owner removes anyone else, an administrator plain members, the operator all but the owner. */
static enum err check_remove(struct group_change *change) {
    if (!change->plan->operated && change->plan->by == change->plan->subject)
        return ERR_TO_ONESELF;
    if (change->by.role < GROUP_ADMINISTRATOR)
        return ERR_NOT_ALLOWED;
    if (change->subject.role == GROUP_STRANGER)
        return ERR_NOT_MEMBER;
    if (change->by.role == GROUP_OPERATOR && change->subject.role == GROUP_OWNER)
        return ERR_OWNER_STAYS;
    if (change->subject.role >= change->by.role)
        return ERR_NOT_ALLOWED;
    notify_end(change, ENTRY_REMOVED);
    return ERR_OK;
}

enum err group_handle_remove(void *context, struct db *db, struct record_arena *arena,
                             const void *body, void *reply_r) {
    const struct group_remove *ask = body;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .ask = ask,
                                                 .message = &message_GROUP_REMOVE,
                                                 .nonce = ask->nonce,
                                                 .group = ask->group,
                                                 .operated = ask->by == 0,
                                                 .by = ask->by,
                                                 .subject = ask->account,
                                                 .check = check_remove,
                                                 .write = write_gone},
                            db, arena, reply_r);
}

/* --- the end of a group -------------------------------------------------------------------- */

static enum err check_dissolve(struct group_change *change) {
    if (change->by.role < GROUP_OWNER)
        return ERR_NOT_ALLOWED;
    group_change_notify(change,
                        &(struct group_notice){.type = ENTRY_DISSOLVED, .from = &change->by});
    change->leavers = change->head->members;
    return ERR_OK;
}

/* The row stays: what was written can be read, and nobody else gets the id. */
static enum err write_dissolved(struct group_change *change) {
    const struct db_value conversation = db_u64(change->head->id);
    enum err err = db_query(change->db, &group_sql_set_dissolved, &conversation, 1, NULL);
    if (err == ERR_OK)
        err = db_query(change->db, &group_sql_remove_members, &conversation, 1, NULL);
    if (err == ERR_OK)
        err = db_query(change->db, &group_sql_remove_requests,
                       DB_ARGS(db_u64(GROUP_REQUEST_JOIN), db_u64(change->head->lo)), NULL);
    return err;
}

enum err group_handle_dissolve(void *context, struct db *db, struct record_arena *arena,
                               const void *body, void *reply_r) {
    const struct group_dissolve *ask = body;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .ask = ask,
                                                 .message = &message_GROUP_DISSOLVE,
                                                 .nonce = ask->nonce,
                                                 .group = ask->group,
                                                 .operated = ask->by == 0,
                                                 .by = ask->by,
                                                 .check = check_dissolve,
                                                 .write = write_dissolved},
                            db, arena, reply_r);
}
