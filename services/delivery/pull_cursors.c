/* The cursors that a page looks at; see pull_cursors.h. */
#include "services/delivery/pull_cursors.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/log.h"
#include "proto/conversation.h"
#include "services/delivery/delivery_sql.h"
#include "services/entries/entries.h"

/* --- reading ------------------------------------------------------------------------------- */

/* Those of the conversations that are asked for, by name. */
static enum err fetch_listed(struct db *db, const struct delivery_pull *body,
                             struct db_rows **rows_r) {
    const struct u64_list *lists[] = {&body->conversations, &body->fresh};
    struct buffer list = buffer_make(DELIVERY_SCRIPT_BYTES);
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    *rows_r = NULL;
    if (lists[0]->count + lists[1]->count == 0)
        return ERR_OK;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < lists[i]->count; j++)
            buffer_printf(&list, list.length == 0 ? "%" PRIu64 : ",%" PRIu64, lists[i]->items[j]);
    delivery_sql_add_cursors(&sql, body->account, slice_make(list.data, list.length));
    enum err err = list.failed ? ERR_INTERNAL : db_script_query(db, &sql, rows_r);
    buffer_free(&list);
    buffer_free(&sql);
    return err;
}

/* Looked up before the cursors are: entries that such a writer commits later are pushed to this
 * connection, which is bound by now. */
static enum err find_old_writer(struct db *db, bool *found_r) {
    struct db_rows *rows;
    enum err err = db_query(db, &delivery_sql_old_writer, DB_NO_ARGS, &rows);
    *found_r = err == ERR_OK && db_rows_next(rows) && db_rows_u64(rows, 0) != 0;
    db_rows_destroy(&rows);
    return err;
}

static enum err fetch_cursors(struct db *db, const struct delivery_pull *body,
                              struct pull_cursors *self) {
    const struct db_value account = db_u64(body->account), of_all = db_u64(CONVERSATION_OF_ALL);
    if (body->listed)
        return fetch_listed(db, body, &self->rows);
    enum err err = find_old_writer(db, &self->old_writers);
    if (err != ERR_OK)
        return err;
    if (self->old_writers)
        return db_query(db, &delivery_sql_all_cursors, DB_ARGS(account, of_all, account, account),
                        &self->rows);
    const struct db_value most = db_u64(body->brief ? PULL_MAX_SETTLED + 1 : INT64_MAX);
    return db_query(db, &delivery_sql_cursors,
                    DB_ARGS(account, account, most, of_all, account, account), &self->rows);
}

/* Whether the last row shows that the account has no cursor in the broadcast conversation; and
 * whether there are more settled ones than are named. */
static bool look_through(struct pull_cursors *self, bool brief) {
    size_t settled = 0;
    bool misses = false;
    while (self->rows != NULL && db_rows_next(self->rows)) {
        uint64_t kind = db_rows_u64(self->rows, CURSOR_KIND);
        misses = misses || kind == CURSOR_MISSING;
        settled += kind == CURSOR_THERE_SETTLED;
    }
    self->unnamed = brief && settled > PULL_MAX_SETTLED;
    if (self->rows != NULL)
        db_rows_rewind(self->rows);
    return misses;
}

enum err pull_cursors_find(struct db *db, struct record_arena *arena,
                           const struct delivery_pull *body, struct pull_cursors *cursors_r) {
    *cursors_r = (struct pull_cursors){.rows = NULL};
    enum err err = fetch_cursors(db, body, cursors_r);
    if (err == ERR_OK && look_through(cursors_r, body->brief)) {
        const struct db_value of_all = db_u64(CONVERSATION_OF_ALL);
        db_rows_destroy(&cursors_r->rows);
        err = db_query(db, &delivery_sql_join_all, DB_ARGS(of_all, of_all, db_u64(body->account)),
                       NULL);
        if (err == ERR_OK)
            err = fetch_cursors(db, body, cursors_r);
        if (err == ERR_OK)
            (void)look_through(cursors_r, body->brief); /* else the account does not exist */
    }
    if (err == ERR_OK && cursors_r->rows != NULL && !body->listed)
        cursors_r->read =
            record_arena_alloc(arena, db_rows_count(cursors_r->rows) * sizeof *cursors_r->read);
    return err;
}

void pull_cursors_free(struct pull_cursors *self) { db_rows_destroy(&self->rows); }

/* --- settling ------------------------------------------------------------------------------ */

void pull_cursors_note_read(struct pull_cursors *self, uint64_t conversation, uint64_t end) {
    if (self->read != NULL && conversation != CONVERSATION_OF_ALL)
        self->read[self->read_count++] = (struct settled_end){conversation, end};
}

static int compare_ends(const void *a, const void *b) {
    const struct settled_end *x = a, *y = b;
    return (x->cid > y->cid) - (x->cid < y->cid);
}

/* Its claim of these heads ends the settled state of their cursors, as a writer's does. */
static enum err take_over(struct db *db, struct record_arena *arena) {
    uint64_t ids[PULL_MAX_TAKEN_OVER];
    size_t count = 0;
    struct db_rows *rows;
    struct entry_heads heads;
    enum err err =
        db_query(db, &delivery_sql_old_heads, DB_ARGS(db_u64(PULL_MAX_TAKEN_OVER)), &rows);
    while (err == ERR_OK && count < PULL_MAX_TAKEN_OVER && db_rows_next(rows))
        ids[count++] = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    if (err == ERR_OK && count > 0)
        err = entries_lock(db, NULL, 0, ids, count, false, arena, &heads);
    if (err == ERR_OK && count > 0)
        err = db_commit(db);
    return err;
}

void pull_cursors_settle(struct db *db, struct record_arena *arena, uint64_t account,
                         struct pull_cursors *self) {
    enum err err = ERR_OK;
    if (self->old_writers) {
        err = take_over(db, arena);
    } else if (self->read_count > 0) {
        qsort(self->read, self->read_count, sizeof *self->read, compare_ends);
        err = settled_set(db, account, self->read,
                          self->read_count < SETTLED_MAX ? self->read_count : SETTLED_MAX);
    }
    if (err != ERR_OK)
        log_debug("not_settled", "account=%llu reason=%s", (unsigned long long)account,
                  err_word(err));
}
