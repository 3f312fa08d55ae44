/* auth.resolve: the numbers of accounts by their string ids. */
#include "proto/ids.h"
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"
#include "services/lookup/resolve.h"

/* An id with an '@', written in another case. An address that is no id gives no account. */
static enum err find_caseless(struct db *db, struct slice given, uint64_t *number_r) {
    char rooms[2][ID_ROOM];
    struct slice address = id_address(id_normal(given, rooms[0]), rooms[1]);
    struct db_rows *rows;
    if (address.length == 0)
        return ERR_OK;
    enum err err = db_query(db, &auth_sql_find_by_address, DB_ARGS(db_text(address)), &rows);
    if (err == ERR_OK && db_rows_next(rows) && id_same(db_rows_slice(rows, AUTH_ACCOUNT_ID), given))
        *number_r = db_rows_u64(rows, AUTH_ACCOUNT_NUMBER);
    db_rows_destroy(&rows);
    return err;
}

enum err auth_handle_resolve(void *context, struct db *db, struct record_arena *arena,
                             const void *body, void *reply_r) {
    (void)context;
    const struct auth_resolve *ask = body;
    struct auth_resolve_reply *reply = reply_r;
    enum err err = resolve_ids(db, &auth_sql_resolve, &ask->ids, arena, &reply->accounts);
    for (size_t i = 0; err == ERR_OK && i < ask->ids.count; i++)
        if (reply->accounts.items[i] == 0)
            err = find_caseless(db, ask->ids.items[i], &reply->accounts.items[i]);
    return err;
}
