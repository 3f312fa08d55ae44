/* group.resolve: the numbers of groups by their string ids; one that is dissolved keeps its own. */
#include "services/group/group.h"
#include "services/group/group_sql.h"
#include "services/lookup/resolve.h"

enum err group_handle_resolve(void *context, struct db *db, struct record_arena *arena,
                              const void *body, void *reply_r) {
    (void)context;
    const struct group_resolve *ask = body;
    struct group_resolve_reply *reply = reply_r;
    return resolve_ids(db, &group_sql_resolve, &ask->ids, arena, &reply->groups);
}
