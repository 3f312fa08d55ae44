/* auth.show and auth.list: accounts as the operator, and who has an API key for that, sees them. */
#include "proto/ids.h"
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"
#include "services/lookup/search.h"

static void take(const struct db_rows *rows, struct record_arena *arena,
                 struct shown_account *item) {
    *item = (struct shown_account){
        .account = db_rows_u64(rows, AUTH_SHOWN_NUMBER),
        .id = record_arena_copy(arena, db_rows_slice(rows, AUTH_SHOWN_ID)),
        .email = record_arena_copy(arena, db_rows_slice(rows, AUTH_SHOWN_EMAIL)),
        .name = record_arena_copy(arena, db_rows_slice(rows, AUTH_SHOWN_NAME)),
        .about = record_arena_copy(arena, db_rows_slice(rows, AUTH_SHOWN_ABOUT)),
        .has_password = db_rows_u64(rows, AUTH_SHOWN_HAS_PASSWORD) != 0,
        .disabled = db_rows_u64(rows, AUTH_SHOWN_DISABLED) != 0,
        .deleted = db_rows_u64(rows, AUTH_SHOWN_DELETED) != 0,
        .created_ms = db_rows_u64(rows, AUTH_SHOWN_CREATED_MS)};
}

enum err auth_handle_show(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void *reply_r) {
    (void)context;
    const struct auth_show *ask = body;
    struct db_rows *rows;
    enum err err = db_query(db, &auth_sql_show, DB_ARGS(db_u64(ask->account)), &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_NO_ACCOUNT;
    if (err == ERR_OK)
        take(rows, arena, reply_r);
    db_rows_destroy(&rows);
    return err;
}

enum err auth_handle_list(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void *reply_r) {
    (void)context;
    const struct auth_list *ask = body;
    struct auth_list_reply *reply = reply_r;
    const uint64_t size = ask->limit == 0 || ask->limit > LIST_MAX ? LIST_MAX : ask->limit;
    struct shown_account *items = record_arena_alloc(arena, size * sizeof *items);
    struct search_page page;
    struct db_rows *rows;
    if (items == NULL)
        return ERR_OVERLOADED;
    enum err err = search_begin(&page, db, &auth_sql_find_end, ask->after, ask->search, arena);
    if (err == ERR_OK)
        err = db_query(db, &auth_sql_list,
                       DB_ARGS(db_u64(ask->after), db_u64(page.until), db_text(page.pattern),
                               db_text(page.pattern), db_text(page.pattern), db_u64(size + 1)),
                       &rows);
    if (err != ERR_OK)
        return err;
    const bool full = db_rows_count(rows) > size;
    reply->items.items = items;
    while (reply->items.count < size && db_rows_next(rows))
        take(rows, arena, &items[reply->items.count++]);
    db_rows_destroy(&rows);
    reply->next = search_next(&page, full, full ? items[size - 1].account : 0);
    reply->more = reply->next != 0;
    return ERR_OK;
}
