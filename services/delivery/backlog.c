/*
 * Cuts a backlog to the newest entries of each conversation, and counts the entries left out. This
 * is looked up once, with the first page after a login that wants no more.
 */
#include "services/delivery/backlog.h"
#include "services/delivery/delivery.h"

/* limit: delivery | conversations per statement of a login with `backlog` | {BACKLOG_STEP} |
 * several statements */
/* Conversations per statement. */
#define BACKLOG_STEP 256

typedef void add_statement(struct buffer *sql, uint64_t account, const struct unread_part *part,
                           uint64_t number);

/* Rows may be in any order. */
static struct unread_part *find_part(struct unread_part *parts, size_t count,
                                     uint64_t conversation) {
    for (size_t i = 0; i < count; i++)
        if (parts[i].conversation == conversation)
            return &parts[i];
    return NULL;
}

static void take_rows(struct unread_part *parts, size_t count, struct db_rows *rows, bool cut) {
    while (db_rows_next(rows)) {
        struct unread_part *part = find_part(parts, count, db_rows_u64(rows, 0));
        if (part != NULL && cut)
            part->last = db_rows_u64(rows, 1);
        else if (part != NULL)
            part->count = db_rows_u64(rows, 1);
    }
}

/* Finds where to cut the parts, or counts the entries left out of those that are cut. */
static enum err look_up(struct db *db, uint64_t account, struct unread_part *parts, size_t count,
                        bool cut, uint64_t number) {
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    add_statement *add = cut ? delivery_sql_add_cut : delivery_sql_add_count;
    for (size_t i = 0; i < count; i++)
        if (cut || parts[i].last != 0)
            add(&sql, account, &parts[i], number);
    if (sql.length == 0 && !sql.failed)
        return ERR_OK;
    buffer_add(&sql, ";", 1);
    enum err err = db_script_run(db, &sql);
    buffer_free(&sql);
    if (err != ERR_OK)
        return err;
    for (struct db_rows *rows = NULL; db_script_next(db, &rows); db_rows_destroy(&rows))
        if (rows != NULL)
            take_rows(parts, count, rows, cut);
    return db_script_end(db);
}

enum err backlog_cut(struct db *db, uint64_t account, struct unread_part *parts, size_t count,
                     uint64_t newest) {
    enum err err = ERR_OK;
    for (size_t from = 0; err == ERR_OK && from < count; from += BACKLOG_STEP) {
        size_t step = count - from < BACKLOG_STEP ? count - from : BACKLOG_STEP;
        err = look_up(db, account, parts + from, step, true, newest);
        if (err == ERR_OK)
            err = look_up(db, account, parts + from, step, false, BACKLOG_MOST_COUNTED);
    }
    return err;
}
