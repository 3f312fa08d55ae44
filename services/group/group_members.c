/* group.add, group.leave, group.remove, group.dissolve: who comes into a group, and who goes. */
#include "common/loop.h"
#include "services/group/group_change.h"
#include "services/group/group_rules.h"
#include "services/group/group_sql.h"

/* --- coming -------------------------------------------------------------------------------- */

enum err group_check_room(const struct group_change *change) {
    return change->head->members.count < change->plan->service->settings.group_max_members
               ? ERR_OK
               : ERR_TOO_MANY;
}

void group_tell_joined(struct group_change *change) {
    group_change_tell(change, &(struct group_notice){.type = ENTRY_JOINED,
                                                     .from = &change->by,
                                                     .subject = &change->subject,
                                                     .accepted = true,
                                                     .text = change->head->name});
}

/* The new member reads what comes after this moment: first of all the notice. */
enum err group_write_joined(struct group_change *change) {
    uint64_t conversation = change->head->id, account = change->subject.account;
    enum err err = group_remove_join_request(change);
    if (err == ERR_OK)
        err = db_query(change->db, &group_sql_add_member,
                       DB_ARGS(db_u64(conversation), db_u64(account), db_u64(GROUP_MEMBER),
                               db_u64((uint64_t)loop_wall_ms())),
                       NULL);
    if (err == ERR_OK)
        err = entries_open_cursor(change->db, conversation, account, change->head->last_cid);
    return err;
}

/* Who has asked to join is thereby accepted; others an administrator only pulls in as friends. */
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
        group_tell_joined(change);
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

/* --- going --------------------------------------------------------------------------------- */

static void tell_gone(struct group_change *change, enum entry_type type) {
    group_change_tell(change, &(struct group_notice){
                                  .type = type, .from = &change->by, .subject = &change->subject});
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
    tell_gone(change, ENTRY_LEFT);
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
    tell_gone(change, ENTRY_REMOVED);
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
    group_change_tell(change, &(struct group_notice){.type = ENTRY_DISSOLVED, .from = &change->by});
    change->leavers = change->head->members;
    return ERR_OK;
}

/* The row stays: what was said can be read, and the id is nobody else's. */
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
