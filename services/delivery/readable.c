/* The parts of conversations that an account may read; see readable.h. */
#include "services/delivery/readable.h"

#include <inttypes.h>
#include <stdio.h>

struct page_part readable_behind(const struct db_rows *cursor, uint64_t start) {
    uint64_t last = db_rows_u64(cursor, CURSOR_LAST);
    if (!db_rows_null(cursor, CURSOR_UNTIL) && db_rows_u64(cursor, CURSOR_UNTIL) < last)
        last = db_rows_u64(cursor, CURSOR_UNTIL);
    return (struct page_part){db_rows_u64(cursor, CURSOR_CONVERSATION), start, last};
}

struct page_part readable_before(const struct db_rows *absence, struct page_part *rest) {
    uint64_t after = db_rows_u64(absence, ABSENCE_AFTER);
    uint64_t upto = db_rows_u64(absence, ABSENCE_UPTO);
    struct page_part before = *rest;
    if (after < before.until)
        before.until = after;
    if (upto > rest->after)
        rest->after = upto;
    return before;
}

static void add(struct readable *readable, struct page_part part) {
    if (part.after < part.until)
        readable->parts[readable->count++] = part;
}

/* Each row adds one part at most, and the end one more. */
static enum err read_rows(struct record_arena *arena, struct db_rows *rows,
                          struct readable *readable) {
    struct page_part rest = {0};
    readable->parts =
        record_arena_alloc(arena, (db_rows_count(rows) + 1) * sizeof *readable->parts);
    if (readable->parts == NULL)
        return ERR_INTERNAL;
    while (db_rows_next(rows)) {
        uint64_t kind = db_rows_u64(rows, CURSOR_KIND);
        if (kind == CURSOR_ABSENCE) {
            add(readable, readable_before(rows, &rest));
        } else if (kind == CURSOR_THERE) {
            add(readable, rest);
            rest = readable_behind(rows, db_rows_u64(rows, CURSOR_SINCE));
        }
    }
    add(readable, rest);
    return ERR_OK;
}

bool readable_has(const struct readable *readable, uint64_t cid) {
    for (size_t i = 0; i < readable->count; i++)
        if (cid > readable->parts[i].after && cid <= readable->parts[i].until)
            return true;
    return false;
}

static enum err fetch_one(struct db *db, uint64_t account, uint64_t conversation,
                          struct db_rows **rows_r) {
    char number[24];
    snprintf(number, sizeof number, "%" PRIu64, conversation);
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    delivery_sql_add_cursors(&sql, account, slice_text(number));
    enum err err = db_script_query(db, &sql, rows_r);
    buffer_free(&sql);
    return err;
}

enum err readable_find(struct db *db, struct record_arena *arena, uint64_t account,
                       uint64_t conversation, struct readable *readable_r) {
    const struct db_value number = db_u64(account);
    struct db_rows *rows = NULL;
    *readable_r = (struct readable){.count = 0};
    enum err err =
        conversation != 0
            ? fetch_one(db, account, conversation, &rows)
            : db_query(db, &delivery_sql_all_cursors,
                       DB_ARGS(number, db_u64(CONVERSATION_OF_ALL), number, number), &rows);
    if (err == ERR_OK)
        err = read_rows(arena, rows, readable_r);
    db_rows_destroy(&rows);
    return err;
}
