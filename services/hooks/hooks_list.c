/* hooks.list: hooks as the operator, and who has an API key for that, sees them. */
#include "common/url.h"
#include "proto/hook_words.h"
#include "services/hooks/hooks.h"
#include "services/hooks/hooks_sql.h"

enum hook_state { HOOK_WELL, HOOK_FAILING, HOOK_PARKED };

static struct slice text_of(const struct db_rows *rows, enum hooks_shown_column column,
                            struct record_arena *arena) {
    return record_arena_copy(arena, db_rows_slice(rows, column));
}

static void take(const struct db_rows *rows, struct record_arena *arena, struct shown_hook *item) {
    char events[HOOK_WORDS_BYTES], url[URL_ROOM];
    uint64_t failing_since_ms = db_rows_u64(rows, HOOKS_SHOWN_FAILING_SINCE_MS);
    hook_families_write(db_rows_u64(rows, HOOKS_SHOWN_EVENTS), events);
    *item = (struct shown_hook){
        .name = text_of(rows, HOOKS_SHOWN_NAME, arena),
        .url = record_arena_copy(arena,
                                 url_without_password(db_rows_slice(rows, HOOKS_SHOWN_URL), url)),
        .events = record_arena_copy(arena, slice_text(events)),
        .state = db_rows_u64(rows, HOOKS_SHOWN_PARKED) != 0 ? HOOK_PARKED
                 : failing_since_ms != 0                    ? HOOK_FAILING
                                                            : HOOK_WELL,
        .behind = db_rows_u64(rows, HOOKS_SHOWN_BEHIND),
        .told = db_rows_u64(rows, HOOKS_SHOWN_TOLD),
        .told_ms = db_rows_u64(rows, HOOKS_SHOWN_TOLD_MS),
        .lost = db_rows_u64(rows, HOOKS_SHOWN_LOST),
        .failing_since_ms = failing_since_ms,
        .fault = text_of(rows, HOOKS_SHOWN_FAULT, arena),
        .created_ms = db_rows_u64(rows, HOOKS_SHOWN_CREATED_MS)};
}

enum err hooks_handle_list(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *reply_r) {
    (void)context;
    const struct hooks_list *ask = body;
    struct hooks_list_reply *reply = reply_r;
    const uint64_t size = ask->limit == 0 || ask->limit > LIST_MAX ? LIST_MAX : ask->limit;
    struct shown_hook *items = record_arena_alloc(arena, size * sizeof *items);
    struct db_rows *rows;
    if (items == NULL)
        return ERR_OVERLOADED;
    enum err err = db_query(db, &hooks_sql_show_all, DB_ARGS(db_u64(size)), &rows);
    if (err != ERR_OK)
        return err;
    reply->items.items = items;
    while (reply->items.count < size && db_rows_next(rows))
        take(rows, arena, &items[reply->items.count++]);
    db_rows_destroy(&rows);
    return ERR_OK;
}
