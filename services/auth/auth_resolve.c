/* auth.resolve: the numbers of accounts by their string ids. */
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"
#include "services/log/resolve.h"

enum err auth_handle_resolve(void *context, struct db *db, struct record_arena *arena,
                             const void *body, void *reply_r) {
    (void)context;
    const struct auth_resolve *ask = body;
    struct auth_resolve_reply *reply = reply_r;
    return resolve_ids(db, &auth_sql_resolve, &ask->ids, arena, &reply->accounts);
}
