/* Looks ids up, RESOLVE_AT_ONCE at a time; see resolve.h. */
#include "services/lookup/resolve.h"

#include "proto/ids.h"
#include "proto/messages.h"

/* Which of the forms `id` is, 0 for the first; ID_FORMS for none of them. */
static size_t rank_of(const struct id_forms *forms, struct slice id) {
    for (size_t i = 0; i < forms->count; i++)
        if (slice_equal(forms->items[i], id))
            return i;
    return ID_FORMS;
}

/* Looks up to RESOLVE_AT_ONCE ids up; `numbers` are 0 and stay so for unknown ones. Of the
 * forms of an id, the first that exists counts. */
static enum err resolve_some(struct db *db, const struct db_statement *statement,
                             const struct slice *ids, size_t count, uint64_t *numbers) {
    struct id_forms forms[RESOLVE_AT_ONCE];
    size_t ranks[RESOLVE_AT_ONCE];
    struct db_value values[RESOLVE_AT_ONCE * ID_FORMS];
    struct db_rows *rows;
    /* A text that can't be an id has no forms; NULL equals nothing. */
    for (size_t i = 0; i < RESOLVE_AT_ONCE; i++) {
        id_forms_of(i < count ? ids[i] : slice_make(NULL, 0), &forms[i]);
        ranks[i] = ID_FORMS;
        for (size_t j = 0; j < ID_FORMS; j++)
            values[i * ID_FORMS + j] = j < forms[i].count ? db_text(forms[i].items[j]) : db_null();
    }
    enum err err = db_query(db, statement, values, RESOLVE_AT_ONCE * ID_FORMS, &rows);
    while (err == ERR_OK && db_rows_next(rows))
        for (size_t i = 0; i < count; i++) {
            size_t rank = rank_of(&forms[i], db_rows_slice(rows, 0));
            if (rank >= ranks[i])
                continue;
            ranks[i] = rank;
            numbers[i] = db_rows_u64(rows, 1);
        }
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
