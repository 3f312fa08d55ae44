/* group.set_admin: administrators, who help the owner; and which role stands above which. */
#include "services/group/group_roles.h"

#include <stdio.h>

#include "services/group/group_sql.h"

enum err group_check_above(const struct group_change *change) {
    if (!change->plan->operated && change->plan->by == change->plan->subject)
        return ERR_TO_ONESELF;
    if (change->by.role < GROUP_ADMINISTRATOR)
        return ERR_NOT_ALLOWED;
    if (change->by.role == GROUP_OPERATOR && change->subject.role == GROUP_OWNER)
        return ERR_OWNER_STAYS;
    return change->subject.role >= change->by.role ? ERR_NOT_ALLOWED : ERR_OK;
}

static enum err check_limit(struct group_change *change) {
    struct u64_list administrators;
    enum err err = group_change_read(change, &group_sql_administrators,
                                     DB_ARGS(db_u64(change->head->id)), &administrators);
    return err == ERR_OK && administrators.count > GROUP_MAX_ADMINISTRATORS ? ERR_TOO_MANY : err;
}

static enum err check_set_admin(struct group_change *change) {
    const struct group_set_admin *ask = change->plan->ask;
    if (change->by.role < GROUP_OWNER)
        return ERR_NOT_ALLOWED;
    if (change->subject.role == GROUP_STRANGER)
        return ERR_NOT_MEMBER;
    if (change->subject.role == GROUP_OWNER)
        return change->plan->operated ? ERR_NOT_ALLOWED : ERR_TO_ONESELF;
    if (ask->on && change->subject.role == GROUP_ADMINISTRATOR)
        return ERR_ALREADY_ADMIN;
    if (!ask->on && change->subject.role == GROUP_MEMBER)
        return ERR_NOT_ADMIN;
    group_change_notify(
        change, &(struct group_notice){.type = ask->on ? ENTRY_ADMIN_ADDED : ENTRY_ADMIN_REMOVED,
                                       .from = &change->by,
                                       .subject = &change->subject,
                                       .selves = {&change->subject.account, 1}});
    return ask->on ? check_limit(change) : ERR_OK;
}

static enum err write_role(struct group_change *change) {
    const struct group_set_admin *ask = change->plan->ask;
    return db_query(change->db, &group_sql_set_role,
                    DB_ARGS(db_u64(ask->on ? GROUP_ADMINISTRATOR : GROUP_MEMBER),
                            db_u64(change->head->id), db_u64(change->subject.account)),
                    NULL);
}

enum err group_handle_set_admin(void *context, struct db *db, struct record_arena *arena,
                                const void *body, void *reply_r) {
    const struct group_set_admin *given = body;
    struct group_set_admin ask = *given;
    ask.address = slice_make(NULL, 0); /* the same again may come from another address */
    char detail[64];
    snprintf(detail, sizeof detail, "account %llu is %s", (unsigned long long)ask.account,
             ask.on ? "an administrator" : "no administrator any more");
    return group_change_run(&(struct group_plan){.service = context,
                                                 .message = &message_GROUP_SET_ADMIN,
                                                 .nonce = ask.nonce,
                                                 .ask = &ask,
                                                 .group = ask.group,
                                                 .operated = ask.by == 0,
                                                 .by = ask.by,
                                                 .subject = ask.account,
                                                 .selves = {ask.account},
                                                 .audit = AUDIT_ROLE_CHANGED,
                                                 .address = given->address,
                                                 .detail = slice_text(detail),
                                                 .check = check_set_admin,
                                                 .write = write_role},
                            db, arena, reply_r);
}
