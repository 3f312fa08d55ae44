/* group.resolve: the numbers of groups by their string ids; one that is dissolved keeps its own. */
#include "services/group/group.h"
#include "services/group/group_sql.h"

/* Looks up to GROUP_RESOLVE_AT_ONCE ids up; `numbers` are 0 and stay so for unknown ones. */
static enum err resolve_some(struct db *db, const struct slice *ids, size_t count,
                             uint64_t *numbers) {
    struct db_value values[GROUP_RESOLVE_AT_ONCE];
    struct db_rows *rows;
    /* What can't be an id is looked for as NULL, which equals nothing; so is the rest of the
     * statement's arguments. */
    for (size_t i = 0; i < GROUP_RESOLVE_AT_ONCE; i++)
        values[i] = i < count && id_is_acceptable(ids[i]) ? db_text(ids[i]) : db_null();
    enum err err = db_query(db, &group_sql_resolve, values, GROUP_RESOLVE_AT_ONCE, &rows);
    while (err == ERR_OK && db_rows_next(rows))
        for (size_t i = 0; i < count; i++)
            if (slice_equal(ids[i], db_rows_slice(rows, 0)))
                numbers[i] = db_rows_u64(rows, 1);
    db_rows_destroy(&rows);
    return err;
}

enum err group_handle_resolve(void *context, struct db *db, struct record_arena *arena,
                              const void *body, void *reply_r) {
    (void)context;
    const struct group_resolve *ask = body;
    struct group_resolve_reply *reply = reply_r;
    reply->groups.count = ask->ids.count;
    reply->groups.items = record_arena_alloc(arena, ask->ids.count * sizeof(uint64_t));
    if (reply->groups.items == NULL)
        return ERR_OVERLOADED;
    for (size_t at = 0; at < ask->ids.count; at += GROUP_RESOLVE_AT_ONCE) {
        size_t left = ask->ids.count - at;
        enum err err = resolve_some(db, ask->ids.items + at,
                                    left < GROUP_RESOLVE_AT_ONCE ? left : GROUP_RESOLVE_AT_ONCE,
                                    reply->groups.items + at);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}
