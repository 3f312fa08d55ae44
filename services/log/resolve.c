/* Looking ids up, some at a time; see resolve.h. */
#include "services/log/resolve.h"

#include "proto/messages.h"

/* Looks up to RESOLVE_AT_ONCE ids up; `numbers` are 0 and stay so for unknown ones. */
static enum err resolve_some(struct db *db, const struct db_statement *statement,
                             const struct slice *ids, size_t count, uint64_t *numbers) {
    struct db_value values[RESOLVE_AT_ONCE];
    struct db_rows *rows;
    /* What can't be an id is looked for as NULL, which equals nothing; so is the rest of the
     * statement's arguments. */
    for (size_t i = 0; i < RESOLVE_AT_ONCE; i++)
        values[i] = i < count && id_is_acceptable(ids[i]) ? db_text(ids[i]) : db_null();
    enum err err = db_query(db, statement, values, RESOLVE_AT_ONCE, &rows);
    while (err == ERR_OK && db_rows_next(rows))
        for (size_t i = 0; i < count; i++)
            if (slice_equal(ids[i], db_rows_slice(rows, 0)))
                numbers[i] = db_rows_u64(rows, 1);
    db_rows_destroy(&rows);
    return err;
}

enum err resolve_ids(struct db *db, const struct db_statement *statement,
                     const struct slice_list *ids, struct record_arena *arena,
                     struct u64_list *numbers_r) {
    numbers_r->count = ids->count;
    numbers_r->items = record_arena_alloc(arena, ids->count * sizeof *numbers_r->items);
    if (numbers_r->items == NULL)
        return ERR_OVERLOADED;
    enum err err = ERR_OK;
    for (size_t at = 0; err == ERR_OK && at < ids->count; at += RESOLVE_AT_ONCE) {
        size_t left = ids->count - at;
        err = resolve_some(db, statement, ids->items + at,
                           left < RESOLVE_AT_ONCE ? left : RESOLVE_AT_ONCE, numbers_r->items + at);
    }
    return err;
}
