/* Changes and their notices; see group_change.h. */
#include "services/group/group_change.h"

#include <string.h>

#include "common/log.h"
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/entries/conversations.h"
#include "services/entries/entries.h"
#include "services/group/group_sql.h"

/* The readers of a change's notices, whose own conversations are to be locked. */
struct readers {
    uint64_t accounts[GROUP_CHANGE_MAX_SELVES];
    size_t count;
};

/* --- reading ------------------------------------------------------------------------------- */

/* Reads one party from its row. */
static void take_party(struct group_party *party, const struct db_rows *rows,
                       struct record_arena *arena) {
    uint64_t number;
    struct slice id = db_rows_slice(rows, GROUP_PARTY_ID);
    party->exists = db_rows_u64(rows, GROUP_PARTY_EXISTS) != 0;
    party->role = (enum group_role)db_rows_u64(rows, GROUP_PARTY_ROLE);
    if (!id_is_decimal(id, &number))
        party->id = record_arena_copy(arena, id);
}

static enum err find_parties(struct group_change *change) {
    struct group_party *by = &change->by, *subject = &change->subject;
    uint64_t conversation = change->head == NULL ? 0 : change->head->id;
    struct db_rows *rows;
    enum err err = db_query(
        change->db, &group_sql_find_parties,
        DB_ARGS(db_u64(conversation), db_u64(by->account), db_u64(subject->account)), &rows);
    while (err == ERR_OK && db_rows_next(rows)) {
        uint64_t account = db_rows_u64(rows, GROUP_PARTY_NUMBER);
        if (account == by->account)
            take_party(by, rows, change->arena);
        if (account == subject->account)
            take_party(subject, rows, change->arena);
    }
    db_rows_destroy(&rows);
    if (change->plan->operated)
        *by = (struct group_party){.exists = true, .role = GROUP_OPERATOR};
    return err;
}

enum err group_change_read(struct group_change *change, const struct db_statement *statement,
                           const struct db_value *args, size_t arg_count,
                           struct u64_list *accounts_r) {
    struct db_rows *rows;
    *accounts_r = (struct u64_list){0};
    enum err err = db_query(change->db, statement, args, arg_count, &rows);
    if (err != ERR_OK)
        return err;
    accounts_r->items = record_arena_alloc(change->arena, db_rows_count(rows) * sizeof(uint64_t));
    while (accounts_r->items != NULL && db_rows_next(rows))
        accounts_r->items[accounts_r->count++] = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return accounts_r->items == NULL ? ERR_OVERLOADED : ERR_OK;
}

void group_change_notify(struct group_change *change, const struct group_notice *notice) {
    change->notices[change->notice_count++] = *notice;
}

/* --- locking ------------------------------------------------------------------------------- */

static struct entry_head *head_of_self(const struct group_change *change, uint64_t account) {
    return entries_find_head(&change->heads, conversation_of_account(account));
}

/* The conversation that the plan is about; 0: none. */
static uint64_t conversation_of(const struct group_plan *plan) {
    return plan->kind == CHANGE_OF_GROUP  ? conversation_of_group(plan->group)
           : plan->kind == CHANGE_OF_PAIR ? plan->pair
           : plan->kind == CHANGE_OF_ALL  ? CONVERSATION_OF_ALL
                                          : 0;
}

static enum err lock(struct group_change *change, const struct readers *readers) {
    uint64_t ids[ENTRIES_MAX_HEADS], conversation = conversation_of(change->plan);
    size_t count = 0;
    if (conversation != 0)
        ids[count++] = conversation;
    for (size_t i = 0; i < readers->count; i++)
        ids[count++] = conversation_of_account(readers->accounts[i]);
    enum err err = entries_lock(change->db, NULL, change->plan->service->instance, ids, count,
                                false, change->arena, &change->heads);
    if (err != ERR_OK || conversation == 0)
        return err;
    change->head = entries_find_head(&change->heads, conversation);
    bool there = change->head != NULL && !change->head->dissolved;
    return change->plan->kind == CHANGE_OF_GROUP && !there ? ERR_NO_GROUP : ERR_OK;
}

static enum err add_reader(struct readers *readers, uint64_t account) {
    if (readers->count == GROUP_CHANGE_MAX_SELVES)
        return ERR_TOO_MANY;
    readers->accounts[readers->count++] = account;
    return ERR_OK;
}

static enum err plan_readers(const struct group_plan *plan, struct readers *readers) {
    readers->count = 0;
    for (size_t i = 0; i < 2; i++) {
        if (plan->selves[i] != 0)
            readers->accounts[readers->count++] = plan->selves[i];
        /* A larger number would reach into the other kinds of conversations. */
        if (plan->selves[i] >= NUMBER_LIMIT)
            return ERR_NO_ACCOUNT;
    }
    return readers->count == 0 && plan->kind == CHANGE_OF_ACCOUNTS ? ERR_NO_ACCOUNT : ERR_OK;
}

/* Everyone whose own conversation the change needs; `locked_r`: all of those are. */
static enum err find_readers(const struct group_change *change, struct readers *readers,
                             bool *locked_r) {
    enum err err = plan_readers(change->plan, readers);
    for (size_t i = 0; i < change->notice_count; i++) {
        const struct u64_list *selves = &change->notices[i].selves;
        for (size_t j = 0; err == ERR_OK && j < selves->count; j++)
            err = add_reader(readers, selves->items[j]);
    }
    *locked_r = change->plan->kind == CHANGE_OF_ACCOUNTS || change->head != NULL;
    for (size_t i = 0; i < readers->count; i++)
        *locked_r = *locked_r && head_of_self(change, readers->accounts[i]) != NULL;
    return err;
}

static enum err open_conversations(const struct group_change *change,
                                   const struct readers *readers) {
    if (change->plan->kind == CHANGE_OF_ALL)
        return conversations_open_broadcast(change->db);
    return conversations_open_selves(change->db, readers->accounts, readers->count);
}

/* --- the notices --------------------------------------------------------------------------- */

/* Conversations that a notice stands in. */
static size_t copies(const struct group_notice *notice) {
    return notice->selves.count > 0 ? notice->selves.count : 1;
}

/* The rows of all notices, one after the other, each with all its copies; NULL without memory. */
static struct entry_row *make_rows(const struct group_change *change, size_t *count_r) {
    size_t count = 0, at = 0;
    for (size_t i = 0; i < change->notice_count; i++)
        count += copies(&change->notices[i]);
    struct entry_row *rows = record_arena_alloc(change->arena, count * sizeof *rows);
    for (size_t i = 0; rows != NULL && i < change->notice_count; i++) {
        const struct group_notice *notice = &change->notices[i];
        bool own = notice->selves.count > 0;
        for (size_t j = 0; j < copies(notice); j++)
            rows[at++] = (struct entry_row){
                .head = own ? head_of_self(change, notice->selves.items[j]) : change->head,
                .type = notice->type,
                .sender = notice->from == NULL ? 0 : notice->from->account,
                .subject = notice->subject == NULL ? 0 : notice->subject->account,
                .about = own && change->plan->kind == CHANGE_OF_GROUP ? change->head->lo : 0,
                .notice = true,
                .accepted = notice->accepted,
                .target = notice->target,
                .text = notice->text};
    }
    *count_r = count;
    return rows;
}

static enum err append(struct group_change *change, struct entry_row *rows, size_t count) {
    enum err err = ERR_OK;
    for (size_t at = 0; err == ERR_OK && at < count; at += ENTRIES_MAX_ROWS) {
        size_t some = count - at < ENTRIES_MAX_ROWS ? count - at : ENTRIES_MAX_ROWS;
        if (at > 0)
            err = entries_next_block(change->db, &change->heads);
        /* Not committed at once: a notice that can't be stored takes the change back with it. */
        if (err == ERR_OK)
            err = entries_append(change->db, &change->heads, rows + at, some, false);
    }
    return err;
}

/* --- routing ------------------------------------------------------------------------------- */

/* Everyone who was a member before the change, and a new member. */
static int route_to_group(const struct group_change *change, const struct entry *entry,
                          struct route_batch *batch) {
    const struct entry_head *head = change->head;
    size_t count = head->members.count;
    uint64_t *accounts = record_arena_alloc(change->arena, (count + 1) * sizeof *accounts);
    if (accounts == NULL)
        return -1;
    if (count > 0)
        memcpy(accounts, head->members.items, count * sizeof *accounts);
    if (entry->type == ENTRY_JOINED)
        accounts[count++] = change->subject.account;
    return route_batch_add(batch, entry, accounts, count);
}

static int route_row(const struct group_change *change, const struct entry_row *row,
                     const struct group_notice *notice, struct route_batch *batch) {
    static const struct group_party nobody;
    const struct group_party *from = notice->from == NULL ? &nobody : notice->from;
    const struct group_party *subject = notice->subject == NULL ? &nobody : notice->subject;
    struct entry entry = {.conversation = row->conversation,
                          .cid = row->cid,
                          .prev = row->prev,
                          .time_ms = row->time_ms,
                          .type = row->type,
                          .from = from->account,
                          .from_id = from->id,
                          .subject = subject->account,
                          .subject_id = subject->id,
                          .accepted = row->accepted,
                          .target = row->target,
                          .text = row->text,
                          .trace = log_trace()};
    log_debug("stored", "cid=%llu conversation=%llu account=%llu", (unsigned long long)row->cid,
              (unsigned long long)row->conversation, (unsigned long long)row->sender);
    if (change->plan->kind == CHANGE_OF_GROUP) {
        entry.to = change->head->lo;
        entry.to_id = change->head->string_id;
    }
    if (notice->selves.count > 0)
        return route_batch_add(batch, &entry, &row->head->lo, 1);
    return change->plan->kind == CHANGE_OF_ALL ? route_batch_add_everyone(batch, &entry)
                                               : route_to_group(change, &entry, batch);
}

static void route(const struct group_change *change, const struct entry_row *rows) {
    struct router *router = change->plan->service->router;
    struct route_batch *batch = route_batch_new();
    int status = batch == NULL ? -1 : 0;
    for (size_t i = 0; i < change->notice_count; i++)
        for (size_t j = 0; status == 0 && j < copies(&change->notices[i]); j++)
            status = route_row(change, rows++, &change->notices[i], batch);
    if (status == 0)
        route_post(router, &batch);
    else
        route_missed(router);
    route_batch_destroy(&batch);
}

/* --- the run ------------------------------------------------------------------------------- */

/* There was nothing to do: that is kept, if the request may be repeated. */
static enum err finish_repeat(struct group_change *change) {
    enum err err = group_done_add(change->done, change->db, 0);
    return err == ERR_OK && change->plan->nonce.length > 0 ? db_commit(change->db) : err;
}

/* Of a group: the event, and, in the detail, the account that it concerns. */
static struct audit_entry audit_of(const struct group_plan *plan) {
    return (struct audit_entry){.event = plan->audit,
                                .account = plan->by,
                                .subject = plan->group,
                                .address = plan->address,
                                .detail = plan->detail};
}

/* With every conversation locked: carries the change out, with its notices. */
static enum err finish(struct group_change *change) {
    size_t count;
    struct entry_row *rows = make_rows(change, &count);
    enum err err = rows == NULL ? ERR_OVERLOADED : ERR_OK;
    if (err == ERR_OK)
        err = group_done_add(change->done, change->db, 0);
    if (err == ERR_OK && change->plan->write != NULL)
        err = change->plan->write(change);
    if (err == ERR_OK && change->plan->kind == CHANGE_OF_GROUP)
        err =
            db_query(change->db, &group_sql_raise_version, DB_ARGS(db_u64(change->head->id)), NULL);
    if (err == ERR_OK && change->noted.event != AUDIT_NONE)
        err = audit_add(change->db, &change->noted);
    if (err == ERR_OK)
        err = append(change, rows, count);
    if (err == ERR_OK && change->leavers.count > 0)
        err = conversations_close_cursors(change->db, change->head->id, change->leavers.items,
                                          change->leavers.count, change->head->last_cid);
    if (err == ERR_OK)
        err = db_commit(change->db);
    if (err == ERR_OK && change->noted.event != AUDIT_NONE)
        audit_log(&change->noted);
    if (err == ERR_OK)
        route(change, rows);
    else if (err == ERR_UNAVAILABLE && db_uncertain(change->db))
        route_missed(change->plan->service->router);
    return err;
}

/* One transaction. `again_r`: it changed nothing, since it had not locked all conversations that it
 * needs; now they exist, and `readers` has them. */
static enum err attempt(const struct group_plan *plan, const struct group_done *done, struct db *db,
                        struct record_arena *arena, struct readers *readers, struct done *reply,
                        bool *again_r) {
    struct group_change change = {.plan = plan,
                                  .done = done,
                                  .db = db,
                                  .arena = arena,
                                  .noted = audit_of(plan),
                                  .by = {.account = plan->by},
                                  .subject = {.account = plan->subject}};
    bool locked = false;
    *again_r = false;
    enum err err = lock(&change, readers);
    if (err == ERR_OK)
        err = find_parties(&change);
    if (err == ERR_OK)
        err = plan->check(&change);
    if (err == ERR_OK)
        err = find_readers(&change, readers, &locked);
    reply->repeat = err == ERR_OK && change.notice_count == 0;
    if (reply->repeat)
        err = finish_repeat(&change);
    else if (err == ERR_OK && locked)
        err = finish(&change);
    db_rollback(db); /* nothing after a commit */
    if (err != ERR_OK || reply->repeat || locked)
        return err;
    *again_r = true;
    return open_conversations(&change, readers);
}

static enum err run(const struct group_plan *plan, const struct group_done *done, struct db *db,
                    struct record_arena *arena, struct done *reply) {
    struct readers readers;
    bool again = true;
    /* A larger number would reach into the other kinds of conversations. */
    if (plan->kind == CHANGE_OF_GROUP && (plan->group == 0 || plan->group >= NUMBER_LIMIT))
        return ERR_NO_GROUP;
    enum err err = plan_readers(plan, &readers);
    for (int i = 0; err == ERR_OK && again && i < GROUP_CHANGE_ATTEMPTS; i++)
        err = attempt(plan, done, db, arena, &readers, reply, &again);
    return err == ERR_OK && again ? ERR_UNAVAILABLE : err;
}

enum err group_change_run(const struct group_plan *plan, struct db *db, struct record_arena *arena,
                          struct done *reply) {
    struct group_done done;
    bool repeat;
    uint64_t result;
    enum err err = group_done_prepare(&done, plan->message, plan->ask, plan->by, plan->nonce);
    if (err != ERR_OK)
        return err;
    err = group_done_settle(&done, db, run(plan, &done, db, arena, reply), &repeat, &result);
    reply->repeat = reply->repeat || repeat;
    return err;
}
