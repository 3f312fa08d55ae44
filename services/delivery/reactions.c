/* Reactions to the texts of a page; see reactions.h. */
#include "services/delivery/reactions.h"

#include "services/delivery/delivery_sql.h"

static enum err take_rows(struct record_arena *arena, struct db_rows *rows,
                          struct reactions *reactions) {
    size_t count = db_rows_count(rows);
    reactions->cids = record_arena_alloc(arena, count * sizeof *reactions->cids);
    reactions->items = record_arena_alloc(arena, count * sizeof *reactions->items);
    if (reactions->cids == NULL || reactions->items == NULL)
        return ERR_INTERNAL;
    while (db_rows_next(rows)) {
        reactions->cids[reactions->count] = db_rows_u64(rows, 0);
        reactions->items[reactions->count++] =
            (struct reaction){.emoji = record_arena_copy(arena, db_rows_slice(rows, 1)),
                              .count = db_rows_u64(rows, 2),
                              .mine = db_rows_u64(rows, 3) != 0};
    }
    return ERR_OK;
}

enum err reactions_find(struct db *db, struct record_arena *arena, uint64_t account,
                        struct db_rows *rows, struct reactions *reactions_r) {
    *reactions_r = (struct reactions){.count = 0};
    uint64_t conversation = 0, *cids;
    size_t count = 0;
    cids = record_arena_alloc(arena, db_rows_count(rows) * sizeof *cids);
    if (cids == NULL)
        return ERR_INTERNAL;
    while (db_rows_next(rows)) {
        if (db_rows_u64(rows, PAGE_TYPE) != ENTRY_TEXT)
            continue;
        conversation = db_rows_u64(rows, PAGE_CONVERSATION);
        cids[count++] = db_rows_u64(rows, PAGE_CID);
    }
    db_rows_rewind(rows);
    if (count == 0)
        return ERR_OK;
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    delivery_sql_add_reactions(&sql, account, conversation, cids, count);
    struct db_rows *found = NULL;
    enum err err = db_script_query(db, &sql, &found);
    buffer_free(&sql);
    if (err == ERR_OK && found != NULL)
        err = take_rows(arena, found, reactions_r);
    db_rows_destroy(&found);
    return err;
}

struct record_list reactions_of(const struct reactions *self, uint64_t cid) {
    size_t from = 0;
    while (from < self->count && self->cids[from] < cid)
        from++;
    size_t upto = from;
    while (upto < self->count && self->cids[upto] == cid)
        upto++;
    return (struct record_list){.items = self->items + from, .count = upto - from};
}
