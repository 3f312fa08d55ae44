/* auth.list_audit: who did what, as the operator, and who has an API key for that, sees it. */
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

static struct slice text_of(const struct db_rows *rows, enum auth_audited_column column,
                            struct record_arena *arena) {
    return record_arena_copy(arena, db_rows_slice(rows, column));
}

static void take(const struct db_rows *rows, struct record_arena *arena, struct audited *item) {
    *item = (struct audited){.number = db_rows_u64(rows, AUTH_AUDITED_NUMBER),
                             .time_ms = db_rows_u64(rows, AUTH_AUDITED_TIME_MS),
                             .event = text_of(rows, AUTH_AUDITED_EVENT, arena),
                             .account = db_rows_u64(rows, AUTH_AUDITED_ACCOUNT),
                             .subject = db_rows_u64(rows, AUTH_AUDITED_SUBJECT),
                             .address = text_of(rows, AUTH_AUDITED_ADDRESS, arena),
                             .trace = db_rows_u64(rows, AUTH_AUDITED_TRACE),
                             .detail = text_of(rows, AUTH_AUDITED_DETAIL, arena)};
}

enum err auth_handle_list_audit(void *context, struct db *db, struct record_arena *arena,
                                const void *body, void *reply_r) {
    (void)context;
    const struct auth_list_audit *ask = body;
    struct auth_list_audit_reply *reply = reply_r;
    const uint64_t size = ask->limit == 0 || ask->limit > LIST_MAX ? LIST_MAX : ask->limit;
    const struct db_value party = db_u64(ask->party);
    struct audited *items = record_arena_alloc(arena, size * sizeof *items);
    struct db_rows *rows;
    if (items == NULL)
        return ERR_OVERLOADED;
    enum err err = db_query(db, &auth_sql_list_audit,
                            DB_ARGS(db_u64(ask->before == 0 ? UINT64_MAX : ask->before), party,
                                    party, party, db_u64(size + 1)),
                            &rows);
    if (err != ERR_OK)
        return err;
    reply->more = db_rows_count(rows) > size;
    reply->items.items = items;
    while (reply->items.count < size && db_rows_next(rows))
        take(rows, arena, &items[reply->items.count++]);
    db_rows_destroy(&rows);
    return ERR_OK;
}
