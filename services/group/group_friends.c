/* group.befriend, group.answer_friend, group.unfriend: friends, and requests for friendship. */
#include "services/group/group_friends.h"

#include "common/loop.h"
#include "services/group/group_joining.h"

/* How the change's two people stand to each other, and how many others each has. */
struct pair {
    bool friends, blocked; /* blocked: the subject takes nothing from `by` */
    bool asked, asked_by;  /* `by` has asked; the subject has */
    uint64_t requests_of_by, requests_to_subject;
    uint64_t friends_of_by, friends_of_subject;
};

static struct db_value lo(const struct group_change *change) {
    uint64_t a = change->by.account, b = change->subject.account;
    return db_u64(a < b ? a : b);
}

static struct db_value hi(const struct group_change *change) {
    uint64_t a = change->by.account, b = change->subject.account;
    return db_u64(a < b ? b : a);
}

static enum err read_pair(struct group_change *change, struct pair *pair_r) {
    struct db_rows *rows;
    enum err err =
        db_query(change->db, &group_sql_pair,
                 DB_ARGS(db_u64(change->by.account), db_u64(change->subject.account)), &rows);
    if (err == ERR_OK && db_rows_next(rows))
        *pair_r = (struct pair){.friends = db_rows_u64(rows, GROUP_PAIR_FRIENDS) != 0,
                                .blocked = db_rows_u64(rows, GROUP_PAIR_BLOCKED) != 0,
                                .asked = db_rows_u64(rows, GROUP_PAIR_ASKED) != 0,
                                .asked_by = db_rows_u64(rows, GROUP_PAIR_ASKED_BY) != 0,
                                .requests_of_by = db_rows_u64(rows, GROUP_PAIR_REQUESTS_FROM),
                                .requests_to_subject = db_rows_u64(rows, GROUP_PAIR_REQUESTS_TO),
                                .friends_of_by = db_rows_u64(rows, GROUP_PAIR_FRIENDS_OF),
                                .friends_of_subject = db_rows_u64(rows, GROUP_PAIR_OTHERS_FRIENDS)};
    else if (err == ERR_OK)
        err = ERR_INTERNAL;
    db_rows_destroy(&rows);
    return err;
}

enum err group_are_friends(struct group_change *change, bool *friends_r) {
    struct db_rows *rows;
    enum err err =
        db_query(change->db, &group_sql_find_friendship, DB_ARGS(lo(change), hi(change)), &rows);
    *friends_r = err == ERR_OK && db_rows_next(rows);
    db_rows_destroy(&rows);
    return err;
}

static enum err check_room(const struct pair *pair) {
    return pair->friends_of_by < GROUP_MAX_FRIENDS && pair->friends_of_subject < GROUP_MAX_FRIENDS
               ? ERR_OK
               : ERR_TOO_MANY;
}

/* The notice of the answer, to the account that asked. */
static void notify_answer(struct group_change *change, const struct group_party *asked,
                          struct group_party *asker, bool accepted) {
    group_change_notify(change, &(struct group_notice){.type = ENTRY_FRIEND_ANSWER,
                                                       .from = asked,
                                                       .subject = asker,
                                                       .selves = {&asker->account, 1},
                                                       .accepted = accepted});
}

/* --- asking -------------------------------------------------------------------------------- */

/* Whether the one that asks is a stranger to the other: it shares no group with it. */
static enum err find_stranger(struct group_change *change) {
    struct db_rows *rows;
    enum err err =
        db_query(change->db, &group_sql_share_group,
                 DB_ARGS(db_u64(change->by.account), db_u64(change->subject.account)), &rows);
    change->request.stranger = err == ERR_OK && !db_rows_next(rows);
    db_rows_destroy(&rows);
    return err;
}

static enum err check_befriend(struct group_change *change) {
    struct group_party *by = &change->by, *subject = &change->subject;
    struct pair pair;
    if (!by->exists || !subject->exists)
        return ERR_NO_ACCOUNT;
    if (by->account == subject->account)
        return ERR_TO_ONESELF;
    enum err err = read_pair(change, &pair);
    if (err != ERR_OK)
        return err;
    if (pair.friends)
        return ERR_ALREADY_FRIENDS;
    if (pair.blocked)
        return ERR_BLOCKED;
    if (pair.asked)
        return ERR_OK;
    if (pair.asked_by) {
        notify_answer(change, by, subject, true);
        notify_answer(change, subject, by, true);
        return check_room(&pair);
    }
    group_change_notify(change, &(struct group_notice){.type = ENTRY_FRIEND_REQUEST,
                                                       .from = by,
                                                       .subject = subject,
                                                       .selves = {&subject->account, 1}});
    if (pair.requests_of_by >= GROUP_MAX_REQUESTS)
        return ERR_TOO_MANY;
    err = find_stranger(change);
    if (err == ERR_OK && change->request.stranger &&
        change->plan->service->settings.strangers == STRANGERS_CLOSED)
        err = ERR_STRANGERS;
    return err != ERR_OK ? err
                         : group_check_request(change, GROUP_REQUEST_FRIEND, subject->account,
                                               pair.requests_to_subject);
}

/* The request of `asker` to `asked` becomes a friendship, or nothing. */
static enum err write_answer(struct group_change *change, uint64_t asked, uint64_t asker,
                             bool accepted) {
    enum err err =
        db_query(change->db, &group_sql_remove_request,
                 DB_ARGS(db_u64(GROUP_REQUEST_FRIEND), db_u64(asked), db_u64(asker)), NULL);
    if (err == ERR_OK && accepted)
        err = db_query(change->db, &group_sql_add_friendship,
                       DB_ARGS(lo(change), hi(change), db_u64((uint64_t)loop_wall_ms())), NULL);
    return err;
}

static enum err write_befriend(struct group_change *change) {
    uint64_t by = change->by.account, subject = change->subject.account;
    if (change->notices[0].type == ENTRY_FRIEND_ANSWER)
        return write_answer(change, by, subject, true);
    return group_write_request(change, GROUP_REQUEST_FRIEND, subject, by);
}

enum err group_handle_befriend(void *context, struct db *db, struct record_arena *arena,
                               const void *body, void *reply_r) {
    const struct group_befriend *ask = body;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .ask = ask,
                                                 .message = &message_GROUP_BEFRIEND,
                                                 .nonce = ask->nonce,
                                                 .kind = CHANGE_OF_ACCOUNTS,
                                                 .by = ask->account,
                                                 .subject = ask->target,
                                                 .selves = {ask->account, ask->target},
                                                 .check = check_befriend,
                                                 .write = write_befriend},
                            db, arena, reply_r);
}

/* --- answering ----------------------------------------------------------------------------- */

static enum err check_answer(struct group_change *change) {
    const struct group_answer_friend *ask = change->plan->ask;
    struct pair pair;
    enum err err = read_pair(change, &pair);
    if (err == ERR_OK && !pair.asked_by)
        err = ERR_NO_REQUEST;
    if (err == ERR_OK && ask->accept)
        err = change->subject.exists ? check_room(&pair) : ERR_NO_ACCOUNT;
    if (err == ERR_OK)
        notify_answer(change, &change->by, &change->subject, ask->accept);
    return err;
}

static enum err write_answer_friend(struct group_change *change) {
    const struct group_answer_friend *ask = change->plan->ask;
    return write_answer(change, ask->account, ask->asker, ask->accept);
}

enum err group_handle_answer_friend(void *context, struct db *db, struct record_arena *arena,
                                    const void *body, void *reply_r) {
    const struct group_answer_friend *ask = body;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .message = &message_GROUP_ANSWER_FRIEND,
                                                 .nonce = ask->nonce,
                                                 .ask = ask,
                                                 .kind = CHANGE_OF_ACCOUNTS,
                                                 .by = ask->account,
                                                 .subject = ask->asker,
                                                 .selves = {ask->account, ask->asker},
                                                 .check = check_answer,
                                                 .write = write_answer_friend},
                            db, arena, reply_r);
}

/* --- the end of a friendship --------------------------------------------------------------- */

static enum err check_unfriend(struct group_change *change) {
    bool friends;
    enum err err = group_are_friends(change, &friends);
    if (err == ERR_OK && !friends)
        err = ERR_NOT_FRIENDS;
    if (err == ERR_OK)
        group_change_notify(change,
                            &(struct group_notice){.type = ENTRY_FRIEND_REMOVED,
                                                   .from = &change->by,
                                                   .subject = &change->subject,
                                                   .selves = {&change->subject.account, 1}});
    return err;
}

/* Their remarks about each other end with it. */
static enum err write_unfriend(struct group_change *change) {
    enum err err =
        db_query(change->db, &group_sql_remove_friendship, DB_ARGS(lo(change), hi(change)), NULL);
    if (err == ERR_OK)
        err = db_query(change->db, &group_sql_remove_remark, DB_ARGS(lo(change), hi(change)), NULL);
    if (err == ERR_OK)
        err = db_query(change->db, &group_sql_remove_remark, DB_ARGS(hi(change), lo(change)), NULL);
    return err;
}

enum err group_handle_unfriend(void *context, struct db *db, struct record_arena *arena,
                               const void *body, void *reply_r) {
    const struct group_unfriend *ask = body;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .ask = ask,
                                                 .message = &message_GROUP_UNFRIEND,
                                                 .nonce = ask->nonce,
                                                 .kind = CHANGE_OF_ACCOUNTS,
                                                 .by = ask->account,
                                                 .subject = ask->target,
                                                 .selves = {ask->account, ask->target},
                                                 .check = check_unfriend,
                                                 .write = write_unfriend},
                            db, arena, reply_r);
}
