/* group.set_retention: for how long the entries of a group are kept; delivery removes them. */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/group/group.h"
#include "services/group/group_sql.h"

/* The operator's: nobody in the group gets notice of it, and the caches of the group's head stay
 * exact. A dissolved group may be set, too. */
enum err group_handle_set_retention(void *context, struct db *db, struct record_arena *arena,
                                    const void *body, void *reply_r) {
    (void)context;
    (void)arena;
    (void)reply_r;
    const struct group_set_retention *ask = body;
    const struct db_value id = db_u64(conversation_of_group(ask->group));
    if (ask->group == 0 || ask->group >= NUMBER_LIMIT || ask->days > RETENTION_MAX_DAYS)
        return ERR_BAD_REQUEST;
    struct db_rows *rows;
    enum err err = db_query(db, &group_sql_find_group, DB_ARGS(id), &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_NO_GROUP;
    db_rows_destroy(&rows);
    if (err != ERR_OK)
        return err;
    return db_query(db, &group_sql_set_retention,
                    DB_ARGS(ask->as_all ? db_null() : db_u64(ask->days), id), NULL);
}
