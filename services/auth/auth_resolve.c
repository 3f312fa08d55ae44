/* auth.resolve: the numbers of accounts by their string ids. */
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

/* Looks up to AUTH_RESOLVE_AT_ONCE ids up; `numbers` are 0 and stay so for unknown ones. */
static enum err resolve_some(struct db *db, const struct slice *ids, size_t count,
                             uint64_t *numbers) {
    struct db_value values[AUTH_RESOLVE_AT_ONCE];
    struct db_rows *rows;
    /* What can't be an id is looked for as the empty one, which nobody has; so is the rest of the
     * statement's arguments. */
    for (size_t i = 0; i < AUTH_RESOLVE_AT_ONCE; i++)
        values[i] = db_text(i < count && id_is_acceptable(ids[i]) ? ids[i] : slice_text(""));
    enum err err = db_query(db, &auth_sql_resolve, values, AUTH_RESOLVE_AT_ONCE, &rows);
    while (err == ERR_OK && db_rows_next(rows))
        for (size_t i = 0; i < count; i++)
            if (slice_equal(ids[i], db_rows_slice(rows, 0)))
                numbers[i] = db_rows_u64(rows, 1);
    db_rows_destroy(&rows);
    return err;
}

enum err auth_handle_resolve(void *context, struct db *db, struct record_arena *arena,
                             const void *body, void *reply_r) {
    (void)context;
    const struct auth_resolve *ask = body;
    struct auth_resolve_reply *reply = reply_r;
    reply->accounts.count = ask->ids.count;
    reply->accounts.items = record_arena_alloc(arena, ask->ids.count * sizeof(uint64_t));
    if (reply->accounts.items == NULL)
        return ERR_OVERLOADED;
    for (size_t at = 0; at < ask->ids.count; at += AUTH_RESOLVE_AT_ONCE) {
        size_t left = ask->ids.count - at;
        enum err err = resolve_some(db, ask->ids.items + at,
                                    left < AUTH_RESOLVE_AT_ONCE ? left : AUTH_RESOLVE_AT_ONCE,
                                    reply->accounts.items + at);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}
