/* group.add, group.leave, group.remove, group.dissolve: becoming a member, and ceasing to be one.
 */
#include "services/group/group_blocks.h"
#include "services/group/group_friends.h"
#include "services/group/group_joining.h"
#include "services/group/group_roles.h"
#include "services/group/group_sql.h"

/* --- joining ------------------------------------------------------------------------------- */

/* Adding an account that has asked to join accepts its request. An administrator can add others
 * only if they are the administrator's friends, and have not blocked it. */
static enum err check_wants(struct group_change *change) {
    struct group_join_state state;
    struct group_block_state block = {0};
    bool friends = false;
    enum err err = group_read_join_state(change, &state);
    if (err == ERR_OK && state.banned)
        return ERR_BANNED;
    if (err != ERR_OK || state.asked || change->by.role == GROUP_OPERATOR)
        return err;
    err = group_are_friends(change, &friends);
    if (err == ERR_OK && !friends)
        return ERR_NOT_FRIENDS;
    if (err == ERR_OK)
        err = group_read_block(change, change->subject.account, change->by.account, &block);
    return err == ERR_OK && block.blocked ? ERR_BLOCKED : err;
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

static enum err check_leave(struct group_change *change) {
    if (change->by.role == GROUP_STRANGER)
        return ERR_NOT_MEMBER;
    if (change->by.role == GROUP_OWNER)
        return ERR_OWNER_STAYS;
    group_notify_end(change, ENTRY_LEFT);
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
                                                 .write = group_write_gone},
                            db, arena, reply_r);
}

static enum err check_remove(struct group_change *change) {
    enum err err = group_check_above(change);
    if (err == ERR_OK && change->subject.role == GROUP_STRANGER)
        err = ERR_NOT_MEMBER;
    if (err == ERR_OK)
        group_notify_end(change, ENTRY_REMOVED);
    return err;
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
                                                 .write = group_write_gone},
                            db, arena, reply_r);
}

/* --- the end of a group -------------------------------------------------------------------- */

static enum err check_dissolve(struct group_change *change) {
    if (change->by.role < GROUP_OWNER)
        return ERR_NOT_ALLOWED;
    group_notify_dissolved(change, &change->by);
    return ERR_OK;
}

enum err group_handle_dissolve(void *context, struct db *db, struct record_arena *arena,
                               const void *body, void *reply_r) {
    const struct group_dissolve *given = body;
    struct group_dissolve ask = *given;
    ask.address = slice_make(NULL, 0); /* the same again may come from another address */
    return group_change_run(&(struct group_plan){.service = context,
                                                 .ask = &ask,
                                                 .message = &message_GROUP_DISSOLVE,
                                                 .nonce = ask.nonce,
                                                 .group = ask.group,
                                                 .operated = ask.by == 0,
                                                 .by = ask.by,
                                                 .audit = AUDIT_GROUP_DISSOLVED,
                                                 .address = given->address,
                                                 .check = check_dissolve,
                                                 .write = group_write_dissolved},
                            db, arena, reply_r);
}
