/* Which cursors need not be looked at; see settled.h. */
#include "services/entries/settled.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/conversation.h"
#include "services/entries/settled_sql.h"

/* limit: delivery | cursors per statement that makes them unsettled | {UNDO_STEP} | several
 * statements */
/* Cursors per statement. */
#define UNDO_STEP 512

/* Runs a script, of which at most one statement gives rows: a number each, copied to `numbers`. */
static enum err run(struct db *db, struct buffer *sql, uint64_t *numbers, size_t *count) {
    size_t room = count == NULL ? 0 : *count, found = 0;
    enum err err = db_script_run(db, sql);
    buffer_free(sql);
    if (err != ERR_OK)
        return err;
    for (struct db_rows *rows = NULL; db_script_next(db, &rows); db_rows_destroy(&rows))
        while (rows != NULL && found < room && db_rows_next(rows))
            numbers[found++] = db_rows_u64(rows, 0);
    if (count != NULL)
        *count = found;
    return db_script_end(db);
}

enum err settled_set(struct db *db, uint64_t account, const struct settled_end *ends,
                     size_t count) {
    uint64_t ids[SETTLED_MAX];
    size_t idle = count, locked;
    struct buffer sql = buffer_make(ENTRIES_SCRIPT_BYTES);
    assert(count > 0 && count <= SETTLED_MAX);
    settled_sql_add_idle(&sql, ends, count);
    enum err err = run(db, &sql, ids, &idle);
    if (err != ERR_OK || idle == 0)
        return err;
    sql = buffer_make(ENTRIES_SCRIPT_BYTES);
    settled_sql_add_lock(&sql, ids, idle);
    locked = idle;
    err = run(db, &sql, ids, &locked);
    if (err == ERR_OK && locked > 0) {
        sql = buffer_make(ENTRIES_SCRIPT_BYTES);
        settled_sql_add_set(&sql, account, ids, locked);
        err = run(db, &sql, NULL, NULL);
    }
    if (err != ERR_OK || locked == 0)
        db_rollback(db);
    return err;
}

/* --- no more ------------------------------------------------------------------------------- */

static size_t list_readers(const struct entry_head *head, struct settled_reader *readers) {
    const uint64_t pair[2] = {head->lo, head->hi};
    enum conversation_kind kind = conversation_kind(head->id);
    const uint64_t *accounts = kind == CONVERSATION_GROUP ? head->members.items : pair;
    size_t count = kind == CONVERSATION_GROUP  ? head->members.count
                   : kind == CONVERSATION_PAIR ? 2
                   : kind == CONVERSATION_SELF ? 1
                                               : 0; /* that of all is never settled */
    for (size_t i = 0; readers != NULL && i < count; i++)
        readers[i] = (struct settled_reader){accounts[i], head->id};
    return count;
}

static int compare_readers(const void *a, const void *b) {
    const struct settled_reader *x = a, *y = b;
    if (x->account != y->account)
        return x->account > y->account ? 1 : -1;
    return (x->conversation > y->conversation) - (x->conversation < y->conversation);
}

/* Ascending as delivery.advance moves them, so that the two never deadlock. */
enum err settled_undo(struct db *db, struct entry_head *const *heads, size_t count) {
    size_t total = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        total += list_readers(heads[i], NULL);
    if (total == 0)
        return ERR_OK;
    struct settled_reader *readers = malloc(total * sizeof *readers);
    if (readers == NULL)
        return ERR_INTERNAL;
    for (size_t i = 0; i < count; i++)
        at += list_readers(heads[i], readers + at);
    qsort(readers, total, sizeof *readers, compare_readers);
    enum err err = ERR_OK;
    for (size_t from = 0; err == ERR_OK && from < total; from += UNDO_STEP) {
        struct buffer sql = buffer_make(ENTRIES_SCRIPT_BYTES);
        settled_sql_add_undo(&sql, readers + from,
                             total - from < UNDO_STEP ? total - from : UNDO_STEP);
        err = run(db, &sql, NULL, NULL);
    }
    free(readers);
    return err;
}
