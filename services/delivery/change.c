/* Changes of texts and their notices; see change.h. */
#include "services/delivery/change.h"

#include <stdlib.h>

#include "common/log.h"
#include "proto/ids.h"
#include "services/delivery/delivery_sql.h"
#include "services/delivery/place.h"
#include "services/delivery/readable.h"
#include "services/delivery/rights.h"

/* As the head's claimant, which no writer of texts is: each of these reads the head again. Not 0,
 * for which all cursors would be looked at. */
#define CHANGES_WRITER 1

/* --- reading ------------------------------------------------------------------------------- */

static enum err find_conversation(const struct change_plan *plan, struct db *db,
                                  uint64_t *conversation_r) {
    struct place place;
    if (plan->account == 0 || (plan->user != 0 && plan->group != 0))
        return ERR_BAD_REQUEST;
    /* Notices to oneself or to all are no texts. */
    if (plan->group == 0 && (plan->user == 0 || plan->user == plan->account))
        return ERR_NO_MESSAGE;
    enum err err = place_find(db, plan->account, plan->user, plan->group, &place);
    if (err == ERR_OK && !place.reader)
        err = place_explain(db, plan->account, plan->user, plan->group, &place);
    *conversation_r = place.conversation;
    return err;
}

static struct slice copy_id(struct change *change, const struct db_rows *rows, unsigned column) {
    struct slice id = db_rows_slice(rows, column);
    uint64_t number;
    return id_is_decimal(id, &number) ? slice_make(NULL, 0) : record_arena_copy(&change->arena, id);
}

static enum err check_readable(struct change *change) {
    struct readable readable;
    enum err err = readable_find(change->db, &change->arena, change->plan->account,
                                 change->head->id, &readable);
    if (err == ERR_OK && !readable_has(&readable, change->plan->cid))
        err = ERR_NO_MESSAGE;
    return err;
}

static enum err read_text(struct change *change) {
    const struct change_plan *plan = change->plan;
    struct db_rows *rows;
    enum err err = check_readable(change);
    if (err != ERR_OK)
        return err;
    err = db_query(change->db, &delivery_sql_target,
                   DB_ARGS(db_u64(plan->account), db_u64(plan->user), db_u64(change->head->id),
                           db_u64(plan->cid)),
                   &rows);
    if (err == ERR_OK && (!db_rows_next(rows) || db_rows_u64(rows, TARGET_TYPE) != ENTRY_TEXT))
        err = ERR_NO_MESSAGE;
    if (err == ERR_OK) {
        change->sender = db_rows_u64(rows, TARGET_SENDER);
        change->time_ms = db_rows_u64(rows, TARGET_TIME_MS);
        change->edited_ms = db_rows_u64(rows, TARGET_EDITED_MS);
        change->administers = db_rows_u64(rows, TARGET_ADMINISTERS) != 0;
        change->shows_file = db_rows_u64(rows, TARGET_SHOWS_FILE) != 0;
        change->id = copy_id(change, rows, TARGET_ACCOUNT_ID);
        change->other_id = copy_id(change, rows, TARGET_OTHER_ID);
    }
    db_rows_destroy(&rows);
    return err;
}

enum err change_check_own(const struct change *change, uint64_t minutes) {
    if (change->sender != change->plan->account)
        return ERR_NOT_ALLOWED;
    return change->heads.now_ms > change->time_ms + minutes * 60000 ? ERR_TOO_LATE : ERR_OK;
}

/* --- once ---------------------------------------------------------------------------------- */

/* A notice of an edit does not keep the new words: they can be compared only as long as the text
 * still has them. */
static enum err check_same_text(struct change *change, const struct entry_row *row) {
    struct db_rows *rows;
    if (change->plan->type != ENTRY_EDITED)
        return ERR_OK;
    enum err err = db_query(change->db, &delivery_sql_newest_edit,
                            DB_ARGS(db_u64(row->conversation), db_u64(row->cid)), &rows);
    if (err == ERR_OK && db_rows_next(rows) &&
        !slice_equal(db_rows_slice(rows, 0), change->plan->text))
        err = ERR_REF_USED;
    db_rows_destroy(&rows);
    return err;
}

static enum err find_repeat(struct change *change, struct entry_row *row) {
    enum err err = entries_find_repeats(change->db, row, 1);
    if (err != ERR_OK || !row->repeat)
        return err;
    return row->clash ? ERR_REF_USED : check_same_text(change, row);
}

/* --- routing ------------------------------------------------------------------------------- */

static enum err find_readers(struct change *change) {
    struct db_rows *rows;
    const struct db_value cid = db_u64(change->plan->cid);
    if (change->plan->group == 0)
        return ERR_OK;
    enum err err = db_query(change->db, &delivery_sql_text_readers,
                            DB_ARGS(db_u64(change->head->id), cid, cid, cid), &rows);
    if (err != ERR_OK)
        return err;
    struct u64_list *readers = &change->readers;
    readers->items =
        record_arena_alloc(&change->arena, db_rows_count(rows) * sizeof *readers->items);
    while (readers->items != NULL && db_rows_next(rows))
        readers->items[readers->count++] = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return readers->items == NULL ? ERR_OVERLOADED : ERR_OK;
}

/* The entry goes to the members who may read the text. The others became members after it was
 * written; they get as much of it as it takes to know that they miss nothing. */
static int route_to_group(const struct change *change, const struct entry *entry,
                          struct route_batch *batch) {
    const struct u64_list *members = &change->head->members, *readers = &change->readers;
    if (route_batch_add(batch, entry, readers->items, readers->count) != 0)
        return -1;
    if (readers->count == members->count)
        return 0;
    uint64_t *others = malloc(members->count * sizeof *others);
    size_t count = 0, at = 0;
    if (others == NULL)
        return -1;
    for (size_t i = 0; i < members->count; i++) {
        while (at < readers->count && readers->items[at] < members->items[i])
            at++;
        if (at == readers->count || readers->items[at] != members->items[i])
            others[count++] = members->items[i];
    }
    struct entry hidden = *entry;
    hidden.target = 0;
    hidden.text = slice_make(NULL, 0);
    int status = count == 0 ? 0 : route_batch_add(batch, &hidden, others, count);
    free(others);
    return status;
}

static void route(const struct change *change, const struct entry_row *row) {
    const struct change_plan *plan = change->plan;
    const struct entry_head *head = change->head;
    const uint64_t pair[2] = {head->lo, head->hi};
    bool group = plan->group != 0;
    struct entry entry = {.conversation = row->conversation,
                          .cid = row->cid,
                          .prev = row->prev,
                          .time_ms = row->time_ms,
                          .type = row->type,
                          .from = plan->account,
                          .from_id = change->id,
                          .to = group ? plan->group : plan->user,
                          .to_id = group ? head->string_id : change->other_id,
                          .accepted = row->accepted,
                          .text = plan->text,
                          .target = row->target,
                          .edited_ms = change->changed_ms,
                          .trace = log_trace()};
    log_debug("stored", "cid=%llu conversation=%llu account=%llu", (unsigned long long)row->cid,
              (unsigned long long)row->conversation, (unsigned long long)row->sender);
    struct route_batch *batch = route_batch_new();
    if (batch != NULL && (group ? route_to_group(change, &entry, batch)
                                : route_batch_add(batch, &entry, pair, 2)) == 0)
        route_post(plan->service->router, &batch);
    else
        route_missed(plan->service->router);
    route_batch_destroy(&batch);
}

/* --- the run ------------------------------------------------------------------------------- */

static enum err check(struct change *change) {
    const struct change_plan *plan = change->plan;
    enum err err = read_text(change);
    if (err == ERR_OK)
        err = plan->retracts ? rights_check_in(change->head, plan->account)
                             : rights_check_write(change->head, plan->account, change->heads.now_ms,
                                                  delivery_friends_only(plan->service));
    return err == ERR_OK ? plan->check(change) : err;
}

static enum err finish(struct change *change, struct entry_row *row) {
    /* A notice without it stands for no words that could be compared. */
    row->edited_ms = change->plan->reworded ? 0 : change->changed_ms;
    enum err err = find_readers(change);
    if (err == ERR_OK)
        err = change->plan->write(change);
    /* Not committed at once: a notice that can't be stored takes the change back with it. */
    if (err == ERR_OK)
        err = entries_append(change->db, &change->heads, row, 1, false);
    if (err == ERR_OK && row->repeat)
        err = ERR_REF_USED; /* in another conversation, at this moment */
    if (err == ERR_OK)
        err = db_commit(change->db);
    if (err == ERR_OK)
        route(change, row);
    else if (err == ERR_UNAVAILABLE && db_uncertain(change->db))
        route_missed(change->plan->service->router);
    return err;
}

/* In a transaction that has locked the head. */
static enum err carry_out(struct change *change, bool *repeat_r) {
    const struct change_plan *plan = change->plan;
    struct entry_row row = {.head = change->head,
                            .type = plan->type,
                            .sender = plan->account,
                            .nonce = plan->nonce,
                            .notice = true,
                            .accepted = plan->on,
                            /* The message log keeps the words of a text in one place. */
                            .text = plan->type == ENTRY_EDITED ? slice_make(NULL, 0) : plan->text,
                            .target = plan->cid};
    enum err err = find_repeat(change, &row);
    *repeat_r = row.repeat;
    if (err != ERR_OK || row.repeat)
        return err;
    err = plan->stored ? ERR_UNAVAILABLE : check(change); /* its notice was removed meanwhile */
    *repeat_r = change->done;
    return err == ERR_OK && !change->done ? finish(change, &row) : err;
}

enum err change_run(const struct change_plan *plan, struct db *db, struct done *reply) {
    struct change change = {.plan = plan, .db = db};
    uint64_t conversation;
    bool repeat = false;
    if (plan->nonce.length != 0 && plan->nonce.length != NONCE_BYTES)
        return ERR_BAD_REQUEST;
    enum err err = find_conversation(plan, db, &conversation);
    if (err != ERR_OK)
        return err;
    err = entries_lock(db, NULL, CHANGES_WRITER, &conversation, 1,
                       delivery_friends_only(plan->service), &change.arena, &change.heads);
    change.head = err == ERR_OK ? entries_find_head(&change.heads, conversation) : NULL;
    if (err == ERR_OK)
        err = change.head == NULL ? ERR_UNAVAILABLE : carry_out(&change, &repeat);
    db_rollback(db); /* nothing after a commit */
    record_arena_free(&change.arena);
    reply->repeat = repeat;
    return err;
}
