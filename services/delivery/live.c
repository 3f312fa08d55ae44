/* Entries that are not stored; see live.h. */
#include "services/delivery/live.h"

#include "common/log.h"
#include "common/loop.h"
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/delivery/delivery_sql.h"

void live_push(const struct delivery *self, struct db *db, struct entry *entry,
               const uint64_t *accounts, size_t count) {
    bool group = conversation_kind(entry->conversation) == CONVERSATION_GROUP;
    struct db_rows *rows;
    if (db_query(db, &delivery_sql_names,
                 DB_ARGS(db_u64(group ? 0 : entry->to), db_u64(group ? entry->conversation : 0),
                         db_u64(entry->from)),
                 &rows) != ERR_OK)
        return;
    struct route_batch *batch = db_rows_next(rows) ? route_batch_new() : NULL;
    if (batch != NULL) {
        entry->time_ms = (uint64_t)loop_wall_ms();
        entry->trace = log_trace();
        entry->from_id = id_beside_number(db_rows_slice(rows, 0));
        entry->to_id = id_beside_number(db_rows_slice(rows, 1));
        if (route_batch_add(batch, entry, accounts, count) != 0)
            route_batch_destroy(&batch);
    }
    db_rows_destroy(&rows);
    route_post_live(self->router, &batch);
}
