/*
 * group.block: an account that takes no messages and requests from another.
 *
 * The rows of `block` are for group. Delivery reads the pair's head, which is written in the same
 * transaction; the pair's conversation is opened before it, so no block waits for one.
 */
#include "services/group/group_blocks.h"

#include "proto/ids.h"
#include "services/entries/conversations.h"
#include "services/group/group_sql.h"

enum err group_read_block(struct group_change *change, uint64_t account, uint64_t other,
                          struct group_block_state *state_r) {
    struct db_rows *rows;
    enum err err =
        db_query(change->db, &group_sql_block, DB_ARGS(db_u64(account), db_u64(other)), &rows);
    if (err == ERR_OK && db_rows_next(rows))
        *state_r = (struct group_block_state){.blocked = db_rows_u64(rows, 0) != 0,
                                              .blocks = db_rows_u64(rows, 1)};
    else if (err == ERR_OK)
        err = ERR_INTERNAL;
    db_rows_destroy(&rows);
    return err;
}

/* The notice is the account's own: the blocked one learns nothing. */
static enum err check_block(struct group_change *change) {
    const struct group_block *ask = change->plan->ask;
    struct group_block_state state;
    enum err err = group_read_block(change, ask->account, ask->target, &state);
    if (err != ERR_OK || state.blocked == ask->on)
        return err;
    if (ask->on && state.blocks >= GROUP_MAX_BLOCKS)
        return ERR_TOO_MANY;
    group_change_notify(change, &(struct group_notice){.type = ENTRY_BLOCKED,
                                                       .from = &change->by,
                                                       .subject = &change->subject,
                                                       .selves = {&change->by.account, 1},
                                                       .accepted = ask->on});
    return ERR_OK;
}

/* A friendship stays: the friend's texts are refused, and a later end of the block restores all. */
static enum err write_block(struct group_change *change) {
    const struct group_block *ask = change->plan->ask;
    const struct entry_head *head = change->head;
    const unsigned bit = ask->target == head->lo ? 1 : 2;
    const unsigned blocked = ask->on ? head->blocked | bit : head->blocked & ~bit;
    enum err err = db_query(change->db, ask->on ? &group_sql_add_block : &group_sql_remove_block,
                            DB_ARGS(db_u64(ask->account), db_u64(ask->target)), NULL);
    if (err == ERR_OK)
        err = db_query(change->db, &group_sql_set_blocked,
                       DB_ARGS(db_u64(blocked), db_u64(head->id)), NULL);
    if (err == ERR_OK && ask->on)
        err = db_query(
            change->db, &group_sql_remove_request,
            DB_ARGS(db_u64(GROUP_REQUEST_FRIEND), db_u64(ask->account), db_u64(ask->target)), NULL);
    return err;
}

enum err group_handle_block(void *context, struct db *db, struct record_arena *arena,
                            const void *body, void *reply_r) {
    const struct group_block *ask = body;
    struct conversation_pair pair = conversation_pair(ask->account, ask->target);
    if (ask->account == ask->target)
        return ERR_TO_ONESELF;
    if (pair.hi >= NUMBER_LIMIT)
        return ERR_NO_ACCOUNT;
    enum err err = conversations_open_pairs(db, NULL, &pair, 1);
    if (err == ERR_OK && pair.conversation == 0 && !ask->on) {
        /* The account may have been deleted since it was blocked. */
        err = db_query(db, &group_sql_remove_block,
                       DB_ARGS(db_u64(ask->account), db_u64(ask->target)), NULL);
        if (err != ERR_OK || db_affected(db) > 0)
            return err;
    }
    if (err == ERR_OK && pair.conversation == 0)
        err = ERR_NO_ACCOUNT;
    if (err != ERR_OK)
        return err;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .ask = ask,
                                                 .message = &message_GROUP_BLOCK,
                                                 .nonce = ask->nonce,
                                                 .kind = CHANGE_OF_PAIR,
                                                 .pair = pair.conversation,
                                                 .by = ask->account,
                                                 .subject = ask->target,
                                                 .selves = {ask->account, ask->target},
                                                 .check = check_block,
                                                 .write = write_block},
                            db, arena, reply_r);
}
