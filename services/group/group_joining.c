/* How an account becomes a member, and ceases to be one; see group_joining.h. */
#include "services/group/group_joining.h"

#include "common/loop.h"
#include "services/entries/conversations.h"
#include "services/group/group_sql.h"

enum err group_read_join_state(struct group_change *change, struct group_join_state *state_r) {
    struct db_rows *rows;
    enum err err =
        db_query(change->db, &group_sql_join,
                 DB_ARGS(db_u64(change->head->lo), db_u64(change->subject.account)), &rows);
    if (err == ERR_OK && db_rows_next(rows))
        *state_r =
            (struct group_join_state){.asked = db_rows_u64(rows, GROUP_JOIN_ASKED) != 0,
                                      .banned = db_rows_u64(rows, GROUP_JOIN_BANNED) != 0,
                                      .requests_of = db_rows_u64(rows, GROUP_JOIN_REQUESTS_FROM),
                                      .requests_to = db_rows_u64(rows, GROUP_JOIN_REQUESTS_TO)};
    else if (err == ERR_OK)
        err = ERR_INTERNAL;
    db_rows_destroy(&rows);
    return err;
}

enum err group_remove_join_request(struct group_change *change) {
    return db_query(change->db, &group_sql_remove_request,
                    DB_ARGS(db_u64(GROUP_REQUEST_JOIN), db_u64(change->head->lo),
                            db_u64(change->subject.account)),
                    NULL);
}

enum err group_check_request(struct group_change *change, enum group_request_kind kind,
                             uint64_t target, uint64_t waiting) {
    struct db_rows *rows;
    change->request.displaces = 0;
    if (waiting < GROUP_MAX_REQUESTS)
        return ERR_OK;
    enum err err =
        db_query(change->db, &group_sql_find_oldest, DB_ARGS(db_u64(kind), db_u64(target)), &rows);
    if (err == ERR_OK && db_rows_next(rows))
        change->request.displaces = db_rows_u64(rows, 0);
    else if (err == ERR_OK)
        err = ERR_TOO_MANY;
    db_rows_destroy(&rows);
    return err;
}

enum err group_write_request(struct group_change *change, enum group_request_kind kind,
                             uint64_t target, uint64_t account) {
    enum err err = ERR_OK;
    if (change->request.displaces != 0)
        err = db_query(change->db, &group_sql_remove_request,
                       DB_ARGS(db_u64(kind), db_u64(target), db_u64(change->request.displaces)),
                       NULL);
    return err != ERR_OK ? err
                         : db_query(change->db, &group_sql_add_request,
                                    DB_ARGS(db_u64(kind), db_u64(target), db_u64(account),
                                            db_u64((uint64_t)loop_wall_ms()),
                                            db_u64(change->request.stranger)),
                                    NULL);
}

enum err group_check_room(const struct group_change *change) {
    return change->head->members.count < change->plan->service->settings.group_max_members
               ? ERR_OK
               : ERR_TOO_MANY;
}

void group_notify_joined(struct group_change *change) {
    group_change_notify(change, &(struct group_notice){.type = ENTRY_JOINED,
                                                       .from = &change->by,
                                                       .subject = &change->subject,
                                                       .accepted = true,
                                                       .text = change->head->name});
}

/* The new member reads from here on: first of all the notice. */
enum err group_write_joined(struct group_change *change) {
    uint64_t conversation = change->head->id, account = change->subject.account;
    enum err err = group_remove_join_request(change);
    if (err == ERR_OK)
        err = db_query(change->db, &group_sql_add_member,
                       DB_ARGS(db_u64(conversation), db_u64(account), db_u64(GROUP_MEMBER),
                               db_u64((uint64_t)loop_wall_ms())),
                       NULL);
    if (err == ERR_OK)
        err = conversations_open_cursor(change->db, conversation, account, change->head->last_cid);
    return err;
}

void group_notify_end(struct group_change *change, enum entry_type type) {
    group_change_notify(
        change,
        &(struct group_notice){.type = type, .from = &change->by, .subject = &change->subject});
    change->leavers = (struct u64_list){&change->subject.account, 1};
}

enum err group_write_gone(struct group_change *change) {
    return db_query(change->db, &group_sql_remove_member,
                    DB_ARGS(db_u64(change->head->id), db_u64(change->subject.account)), NULL);
}

void group_notify_dissolved(struct group_change *change, const struct group_party *from) {
    group_change_notify(change, &(struct group_notice){.type = ENTRY_DISSOLVED, .from = from});
    change->leavers = change->head->members;
}

/* The row stays: what was written can be read, and nobody else gets the id. */
enum err group_write_dissolved(struct group_change *change) {
    const struct db_value conversation = db_u64(change->head->id);
    enum err err = db_query(change->db, &group_sql_set_dissolved, &conversation, 1, NULL);
    if (err == ERR_OK)
        err = db_query(change->db, &group_sql_remove_members, &conversation, 1, NULL);
    if (err == ERR_OK)
        err = db_query(change->db, &group_sql_remove_requests,
                       DB_ARGS(db_u64(GROUP_REQUEST_JOIN), db_u64(change->head->lo)), NULL);
    if (err == ERR_OK)
        err = db_query(change->db, &group_sql_set_group_avatar, DB_ARGS(db_u64(0), conversation),
                       NULL);
    if (err == ERR_OK)
        err = db_query(change->db, &group_sql_forget_avatar, &conversation, 1, NULL);
    return err;
}
