/* group.join, group.answer_join: requests to become a member, stored until they are answered. */
#include "common/loop.h"
#include "services/group/group_joining.h"
#include "services/group/group_sql.h"

/* --- asking -------------------------------------------------------------------------------- */

/* The owner and every administrator get a notice; a second request is the same as the first. */
static enum err check_join(struct group_change *change) {
    struct group_join_state state;
    struct u64_list administrators;
    if (!change->subject.exists)
        return ERR_NO_ACCOUNT;
    if (change->subject.role != GROUP_STRANGER)
        return ERR_ALREADY_MEMBER;
    enum err err = group_read_join_state(change, &state);
    if (err == ERR_OK && state.banned)
        return ERR_BANNED;
    if (err != ERR_OK || state.asked)
        return err;
    if (state.requests_of >= GROUP_MAX_REQUESTS)
        return ERR_TOO_MANY;
    change->request.stranger = true;
    err = group_check_request(change, GROUP_REQUEST_JOIN, change->head->lo, state.requests_to);
    if (err != ERR_OK)
        return err;
    err = group_change_read(change, &group_sql_administrators, DB_ARGS(db_u64(change->head->id)),
                            &administrators);
    if (err == ERR_OK && administrators.count == 0) /* the owner is missing */
        err = ERR_INTERNAL;
    if (err == ERR_OK)
        group_change_notify(change, &(struct group_notice){.type = ENTRY_JOIN_REQUEST,
                                                           .from = &change->subject,
                                                           .subject = &change->subject,
                                                           .selves = administrators});
    return err;
}

static enum err write_join(struct group_change *change) {
    return group_write_request(change, GROUP_REQUEST_JOIN, change->head->lo,
                               change->subject.account);
}

/* The applicant's own conversation is locked so that its requests are counted exactly. */
enum err group_handle_join(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *reply_r) {
    const struct group_join *ask = body;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .ask = ask,
                                                 .message = &message_GROUP_JOIN,
                                                 .nonce = ask->nonce,
                                                 .group = ask->group,
                                                 .by = ask->account,
                                                 .subject = ask->account,
                                                 .selves = {ask->account},
                                                 .check = check_join,
                                                 .write = write_join},
                            db, arena, reply_r);
}

/* --- answering ----------------------------------------------------------------------------- */

/* The first answer takes the request away; the next finds none. */
static enum err check_answer(struct group_change *change) {
    const struct group_answer_join *ask = change->plan->ask;
    struct group_join_state state;
    if (change->by.role < GROUP_ADMINISTRATOR)
        return ERR_NOT_ALLOWED;
    enum err err = group_read_join_state(change, &state);
    if (err == ERR_OK && !state.asked)
        err = ERR_NO_REQUEST;
    if (err == ERR_OK && ask->accept)
        err = change->subject.exists ? group_check_room(change) : ERR_NO_ACCOUNT;
    if (err != ERR_OK)
        return err;
    if (ask->accept)
        group_notify_joined(change);
    else
        group_change_notify(change,
                            &(struct group_notice){.type = ENTRY_JOIN_REFUSED,
                                                   .from = &change->by,
                                                   .subject = &change->subject,
                                                   .selves = {&change->subject.account, 1}});
    return ERR_OK;
}

static enum err write_answer(struct group_change *change) {
    const struct group_answer_join *ask = change->plan->ask;
    return ask->accept ? group_write_joined(change) : group_remove_join_request(change);
}

enum err group_handle_answer_join(void *context, struct db *db, struct record_arena *arena,
                                  const void *body, void *reply_r) {
    const struct group_answer_join *ask = body;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .message = &message_GROUP_ANSWER_JOIN,
                                                 .nonce = ask->nonce,
                                                 .ask = ask,
                                                 .group = ask->group,
                                                 .by = ask->account,
                                                 .subject = ask->asker,
                                                 .selves = {ask->asker},
                                                 .check = check_answer,
                                                 .write = write_answer},
                            db, arena, reply_r);
}
