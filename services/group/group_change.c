/* Changes of groups and their notices; see group_change.h. */
#include "services/group/group_change.h"

#include <string.h>

#include "services/group/group_sql.h"

/* What a row says of one party. */
static void take_party(struct group_party *party, const struct db_rows *rows,
                       struct record_arena *arena) {
    uint64_t number;
    struct slice id = db_rows_slice(rows, GROUP_PARTY_ID);
    party->exists = true;
    party->role = (enum group_role)db_rows_u64(rows, GROUP_PARTY_ROLE);
    if (!id_is_decimal(id, &number))
        party->id = record_arena_copy(arena, id);
}

static enum err find_parties(struct group_change *change) {
    struct group_party *by = &change->by, *subject = &change->subject;
    struct db_rows *rows;
    enum err err = db_query(
        change->db, &group_sql_find_parties,
        DB_ARGS(db_u64(change->head->id), db_u64(by->account), db_u64(subject->account)), &rows);
    while (err == ERR_OK && db_rows_next(rows)) {
        uint64_t account = db_rows_u64(rows, GROUP_PARTY_NUMBER);
        if (account == by->account)
            take_party(by, rows, change->arena);
        if (account == subject->account)
            take_party(subject, rows, change->arena);
    }
    db_rows_destroy(&rows);
    if (by->account == 0)
        *by = (struct group_party){.exists = true, .role = GROUP_OPERATOR};
    return err;
}

enum err group_change_begin(struct group_change *change, const struct group_service *service,
                            struct db *db, struct record_arena *arena, uint64_t group, uint64_t by,
                            uint64_t subject) {
    *change = (struct group_change){.service = service,
                                    .db = db,
                                    .arena = arena,
                                    .by = {.account = by},
                                    .subject = {.account = subject}};
    /* A larger number would reach into the other kinds of conversations. */
    if (group == 0 || group >= NUMBER_LIMIT)
        return ERR_NO_GROUP;
    uint64_t conversation = conversation_of_group(group);
    enum err err = log_lock(db, NULL, service->instance, &conversation, 1, arena, &change->heads);
    if (err != ERR_OK)
        return err;
    change->head = log_find_head(&change->heads, conversation);
    if (change->head == NULL || change->head->dissolved)
        return ERR_NO_GROUP;
    return find_parties(change);
}

static int route(const struct group_change *change, const struct log_row *row,
                 struct route_batch *batch) {
    const struct log_head *head = change->head;
    struct entry entry = {.conversation = row->conversation,
                          .cid = row->cid,
                          .prev = row->prev,
                          .time_ms = row->time_ms,
                          .type = row->type,
                          .from = change->by.account,
                          .from_id = change->by.id,
                          .to = head->lo,
                          .to_id = head->string_id,
                          .subject = change->subject.account,
                          .subject_id = change->subject.id,
                          .accepted = row->accepted,
                          .text = row->text};
    size_t count = head->members.count;
    uint64_t *accounts = record_arena_alloc(change->arena, (count + 1) * sizeof *accounts);
    if (batch == NULL || accounts == NULL)
        return -1;
    if (count > 0)
        memcpy(accounts, head->members.items, count * sizeof *accounts);
    if (change->subject.account != 0 && !log_is_member(head, change->subject.account))
        accounts[count++] = change->subject.account;
    return route_batch_add(batch, &entry, accounts, count);
}

enum err group_change_end(struct group_change *change, enum err err,
                          const struct group_notice *notice) {
    struct router *router = change->service->router;
    if (err == ERR_OK)
        err =
            db_query(change->db, &group_sql_raise_version, DB_ARGS(db_u64(change->head->id)), NULL);
    if (err != ERR_OK) {
        db_rollback(change->db);
        return err;
    }
    struct log_row row = {.head = change->head,
                          .type = notice->type,
                          .sender = change->by.account,
                          .subject = change->subject.account,
                          .notice = true,
                          .accepted = notice->accepted,
                          .text = notice->text};
    /* Committed by itself: a notice that could not be stored takes the change back with it. */
    err = log_append(change->db, &change->heads, &row, 1, false);
    if (err == ERR_OK)
        err = db_commit(change->db);
    if (err != ERR_OK) {
        if (db_uncertain(change->db))
            route_missed(router);
        return err;
    }
    struct route_batch *batch = route_batch_new();
    if (route(change, &row, batch) == 0)
        route_post(router, &batch);
    else
        route_missed(router);
    route_batch_destroy(&batch);
    return ERR_OK;
}
