/* One step of removing the rest of a deleted account; see group_ending.h. */
#include <stdio.h>

#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/entries/entries_blank.h"
#include "services/group/group_ending.h"
#include "services/group/group_joining.h"
#include "services/group/group_sql.h"

/* The row of `ending`. */
struct ending {
    uint64_t account;
    bool blank;
    uint64_t conversation, cid;
};

/* The first column of the first row; 0: there is none. */
static enum err find_number(struct db *db, const struct db_statement *statement,
                            const struct db_value *args, size_t count, uint64_t *number_r) {
    struct db_rows *rows;
    enum err err = db_query(db, statement, args, count, &rows);
    *number_r = err == ERR_OK && db_rows_next(rows) ? db_rows_u64(rows, 0) : 0;
    db_rows_destroy(&rows);
    return err;
}

/* --- memberships --------------------------------------------------------------------------- */

/* The next owner; 0 as its account: there is nobody. */
static enum err find_successor(struct group_change *change, struct group_party *successor) {
    struct db_rows *rows;
    uint64_t number;
    enum err err =
        db_query(change->db, &group_sql_find_successor,
                 DB_ARGS(db_u64(change->head->id), db_u64(change->subject.account)), &rows);
    if (err == ERR_OK && db_rows_next(rows)) {
        struct slice id = db_rows_slice(rows, 1);
        successor->account = db_rows_u64(rows, 0);
        successor->exists = true;
        if (!id_is_decimal(id, &number))
            successor->id = record_arena_copy(change->arena, id);
    }
    db_rows_destroy(&rows);
    return err;
}

static enum err note_succession(struct group_change *change, const struct group_party *successor) {
    char detail[64];
    snprintf(detail, sizeof detail, "account %llu is the owner",
             (unsigned long long)successor->account);
    change->noted.event = AUDIT_ROLE_CHANGED;
    change->noted.account = change->subject.account;
    change->noted.detail = record_arena_copy(change->arena, slice_text(detail));
    return change->noted.detail.length > 0 ? ERR_OK : ERR_OVERLOADED;
}

/* As if it left by itself. The next owner gets a notice that clients know: it administers the
 * group. */
static enum err check_end(struct group_change *change) {
    struct group_party *successor = record_arena_alloc(change->arena, sizeof *successor);
    if (successor == NULL)
        return ERR_OVERLOADED;
    if (change->subject.role == GROUP_STRANGER)
        return ERR_OK;
    bool owned = change->subject.role == GROUP_OWNER;
    enum err err = owned ? find_successor(change, successor) : ERR_OK;
    if (err != ERR_OK)
        return err;
    if (owned && successor->account == 0) {
        group_notify_dissolved(change, &change->subject);
        change->noted.event = AUDIT_GROUP_DISSOLVED;
        change->noted.account = change->subject.account;
        return ERR_OK;
    }
    group_notify_end(change, ENTRY_LEFT);
    change->notices[0].from = &change->subject;
    if (owned) {
        group_change_notify(change, &(struct group_notice){.type = ENTRY_ADMIN_ADDED,
                                                           .from = &change->subject,
                                                           .subject = successor,
                                                           .selves = {&successor->account, 1}});
        return note_succession(change, successor);
    }
    return ERR_OK;
}

static enum err write_end(struct group_change *change) {
    const struct db_value group = db_u64(change->head->id);
    if (change->notices[0].type == ENTRY_DISSOLVED)
        return group_write_dissolved(change);
    enum err err = ERR_OK;
    if (change->notice_count > 1) {
        const struct db_value owner = db_u64(change->notices[1].subject->account);
        err = db_query(change->db, &group_sql_set_owner, DB_ARGS(owner, group), NULL);
        if (err == ERR_OK)
            err = db_query(change->db, &group_sql_set_role,
                           DB_ARGS(db_u64(GROUP_OWNER), group, owner), NULL);
    }
    return err == ERR_OK ? group_write_gone(change) : err;
}

static enum err end_membership(const struct group_service *service, struct db *db,
                               struct record_arena *arena, uint64_t account, uint64_t group) {
    struct done reply = {0};
    return group_change_run(&(struct group_plan){.service = service,
                                                 .group = group,
                                                 .operated = true,
                                                 .subject = account,
                                                 .check = check_end,
                                                 .write = write_end},
                            db, arena, &reply);
}

/* --- friends and the rest ------------------------------------------------------------------ */

static enum err end_friendship(const struct group_service *service, struct db *db,
                               struct record_arena *arena, uint64_t account, uint64_t friend) {
    struct done reply = {0};
    struct group_unfriend ask = {.account = account, .target = friend};
    enum err err = group_handle_unfriend((void *)(uintptr_t)service, db, arena, &ask, &reply);
    return err == ERR_NOT_FRIENDS ? ERR_OK : err; /* the friend was faster */
}

/* Removes the rows of which nobody gets a notice. */
static enum err remove_rows(struct db *db, uint64_t account) {
    const struct db_value who = db_u64(account);
    enum err err = db_query(db, &group_sql_remove_requests_of, &who, 1, NULL);
    if (err == ERR_OK)
        err = db_query(db, &group_sql_remove_requests, DB_ARGS(db_u64(GROUP_REQUEST_FRIEND), who),
                       NULL);
    if (err == ERR_OK)
        err = db_query(db, &group_sql_remove_blocks, &who, 1, NULL);
    if (err == ERR_OK)
        err = db_query(db, &group_sql_forget_avatar,
                       DB_ARGS(db_u64(conversation_of_account(account))), NULL);
    return err == ERR_OK ? db_query(db, &group_sql_remove_remarks, &who, 1, NULL) : err;
}

/* --- conversations ------------------------------------------------------------------------- */

static enum err note(struct db *db, const struct ending *ending) {
    return db_query(
        db, &group_sql_note_ending,
        DB_ARGS(db_u64(ending->conversation), db_u64(ending->cid), db_u64(ending->account)), NULL);
}

/* With `cid` 0 the conversation is done with, and the next one is due. */
static enum err next_conversation(struct db *db, struct ending *ending, bool *more_r) {
    uint64_t next;
    enum err err =
        find_number(db, &group_sql_next_conversation,
                    DB_ARGS(db_u64(ending->account), db_u64(ending->conversation)), &next);
    *more_r = err == ERR_OK && next != 0;
    if (!*more_r)
        return err;
    ending->conversation = next;
    err = db_query(db, &group_sql_close_pair, DB_ARGS(db_u64(next)), NULL);
    if (err == ERR_OK && ending->blank)
        err = entries_blank(db, next, ending->account, 0, &ending->cid);
    return err == ERR_OK ? note(db, ending) : err;
}

static enum err step_conversations(struct db *db, struct ending *ending, bool *more_r) {
    *more_r = true;
    if (ending->cid == 0)
        return next_conversation(db, ending, more_r);
    enum err err =
        entries_blank(db, ending->conversation, ending->account, ending->cid, &ending->cid);
    return err == ERR_OK ? note(db, ending) : err;
}

/* --- a step -------------------------------------------------------------------------------- */

static enum err find_ending(struct db *db, struct ending *ending) {
    struct db_rows *rows;
    enum err err = db_query(db, &group_sql_find_ending, DB_NO_ARGS, &rows);
    if (err == ERR_OK && db_rows_next(rows))
        *ending = (struct ending){.account = db_rows_u64(rows, 0),
                                  .blank = db_rows_u64(rows, 1) != 0,
                                  .conversation = db_rows_u64(rows, 2),
                                  .cid = db_rows_u64(rows, 3)};
    db_rows_destroy(&rows);
    return err;
}

enum err ending_step(const struct group_service *service, struct db *db, struct record_arena *arena,
                     uint64_t *account_r, bool *more_r) {
    struct ending ending = {0};
    uint64_t found = 0;
    enum err err = find_ending(db, &ending);
    const struct db_value account = db_u64(*account_r = ending.account);
    *more_r = err == ERR_OK && ending.account != 0;
    if (!*more_r)
        return err;
    err = find_number(db, &group_sql_find_membership, &account, 1, &found);
    if (err != ERR_OK || found != 0)
        return err != ERR_OK ? err : end_membership(service, db, arena, ending.account, found);
    err = find_number(db, &group_sql_friends, DB_ARGS(account, account), &found);
    if (err != ERR_OK || found != 0)
        return err != ERR_OK ? err : end_friendship(service, db, arena, ending.account, found);
    err = remove_rows(db, ending.account);
    bool conversations = false;
    if (err == ERR_OK)
        err = step_conversations(db, &ending, &conversations);
    if (err != ERR_OK || conversations)
        return err;
    *more_r = false;
    return db_query(db, &group_sql_remove_ending, &account, 1, NULL);
}
