/* group.create: makes a group whose only member is its owner. */
#include <stdio.h>

#include "common/loop.h"
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/audit/audit.h"
#include "services/entries/conversations.h"
#include "services/group/group_done.h"
#include "services/group/group_sql.h"
#include "services/lookup/resolve.h"

#define NUMBER_TEXT_BYTES 24

static enum err check_account(struct db *db, uint64_t account) {
    struct db_rows *rows;
    enum err err = db_query(db, &group_sql_find_parties,
                            DB_ARGS(db_u64(0), db_u64(account), db_u64(account)), &rows);
    if (err == ERR_OK && (!db_rows_next(rows) || db_rows_u64(rows, GROUP_PARTY_EXISTS) == 0))
        err = ERR_NO_ACCOUNT;
    db_rows_destroy(&rows);
    return err;
}

static enum err add_rows(struct db *db, const struct group_create_reply *group, uint64_t owner) {
    uint64_t conversation = conversation_of_group(group->group);
    uint64_t now_ms = (uint64_t)loop_wall_ms();
    enum err err = db_query(db, &group_sql_add_conversation,
                            DB_ARGS(db_u64(conversation), db_u64(group->group), db_text(group->id),
                                    db_text(group->name), db_u64(owner), db_u64(now_ms)),
                            NULL);
    if (err == ERR_OK)
        err = db_query(
            db, &group_sql_add_member,
            DB_ARGS(db_u64(conversation), db_u64(owner), db_u64(GROUP_OWNER), db_u64(now_ms)),
            NULL);
    return err == ERR_OK ? conversations_open_cursor(db, conversation, owner, 0) : err;
}

/* One attempt. ERR_TAKEN: `number_taken_r` says whether it is the number that is, or the id. */
static enum err add_group(struct db *db, const struct group_done *done,
                          const struct group_create *ask, const struct group_create_reply *group,
                          bool *number_taken_r) {
    const struct audit_entry made = {.event = AUDIT_GROUP_MADE,
                                     .account = done->account,
                                     .subject = group->group,
                                     .address = ask->address,
                                     .detail = group->id};
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = group_done_add(done, db, group->group);
    if (err == ERR_OK)
        err = add_rows(db, group, done->account);
    *number_taken_r = err == ERR_TAKEN && db_fault_key(db, GROUP_KEY_NUMBER);
    if (err == ERR_OK)
        err = audit_add(db, &made);
    if (err == ERR_OK)
        err = db_commit(db);
    if (err == ERR_OK)
        audit_log(&made);
    else
        db_rollback(db);
    return err;
}

/* Id and name of the group with the reply's number: the same each time that it is asked for, also
 * when it has another name by now. */
static enum err describe(const struct group_create *ask, struct record_arena *arena,
                         struct group_create_reply *reply) {
    char decimal[NUMBER_TEXT_BYTES];
    snprintf(decimal, sizeof decimal, "%llu", (unsigned long long)reply->group);
    reply->id = ask->id.length > 0 ? ask->id : record_arena_copy(arena, slice_text(decimal));
    reply->name = ask->name.length > 0 ? ask->name : reply->id;
    return reply->id.length == 0 ? ERR_OVERLOADED : ERR_OK;
}

/*
 * A group whose number the server chooses; where `ask` has no id, it is the number's decimal form.
 * Where the number is taken, another one is tried.
 */
static enum err add_numbered(struct db *db, const struct group_done *done,
                             const struct group_create *ask, struct record_arena *arena,
                             struct group_create_reply *reply) {
    for (int i = 0; i < GROUP_NUMBER_TRIES; i++) {
        bool number_taken;
        reply->group = number_allocate();
        enum err err = describe(ask, arena, reply);
        if (err != ERR_OK)
            return err;
        err = add_group(db, done, ask, reply, &number_taken);
        if (!number_taken)
            return err;
    }
    return ERR_UNAVAILABLE;
}

/* Whether a group has the id in a form in which it can't be chosen any more. */
static enum err check_old_forms(struct db *db, struct slice given, struct record_arena *arena) {
    struct id_forms forms;
    struct u64_list numbers;
    id_forms_of(given, &forms);
    if (forms.count <= 1)
        return ERR_OK;
    enum err err =
        resolve_ids(db, &group_sql_resolve, &(struct slice_list){&given, 1}, arena, &numbers);
    return err == ERR_OK && numbers.items[0] != 0 ? ERR_TAKEN : err;
}

static enum err create(struct db *db, const struct group_done *done, const struct group_create *ask,
                       struct record_arena *arena, struct group_create_reply *reply) {
    bool number_taken;
    enum err err = check_account(db, ask->account);
    if (err != ERR_OK)
        return err;
    if (!id_is_decimal(ask->id, &reply->group))
        return add_numbered(db, done, ask, arena, reply);
    err = describe(ask, arena, reply);
    return err == ERR_OK ? add_group(db, done, ask, reply, &number_taken) : err;
}

enum err group_handle_create(void *context, struct db *db, struct record_arena *arena,
                             const void *body, void *reply_r) {
    (void)context;
    const struct group_create *given = body;
    struct group_create_reply *reply = reply_r;
    struct group_create ask = *given;
    struct group_done done;
    bool repeat;
    char id_room[ID_ROOM], name_room[NAME_ROOM];
    /* The reply's texts outlive these rooms. */
    ask.id = record_arena_copy(arena, id_normal(given->id, id_room));
    ask.name = record_arena_copy(arena, name_normal(given->name, name_room));
    if ((given->id.length > 0 && id_fault(ask.id) != NULL) ||
        (given->name.length > 0 && name_fault(ask.name) != NULL))
        return ERR_BAD_REQUEST;
    struct slice address = ask.address;
    ask.address = slice_make(NULL, 0); /* the same again may come from another address */
    enum err err = group_done_prepare(&done, &message_GROUP_CREATE, &ask, ask.account, ask.nonce);
    if (err != ERR_OK)
        return err;
    ask.address = address;
    err = check_old_forms(db, given->id, arena);
    if (err == ERR_OK)
        err = create(db, &done, &ask, arena, reply);
    err = group_done_settle(&done, db, err, &repeat, &reply->group);
    return repeat ? describe(&ask, arena, reply) : err;
}
