/* delivery.cursors: how far members of a group have been served. */
#include "proto/conversation.h"
#include "services/delivery/delivery.h"
#include "services/delivery/delivery_sql.h"

static void fill_in(struct delivery_cursors_reply *reply, const struct u64_list *accounts,
                    struct db_rows *rows) {
    while (db_rows_next(rows))
        for (size_t i = 0; i < accounts->count; i++)
            if (accounts->items[i] == db_rows_u64(rows, 0)) {
                reply->received.items[i] = db_rows_u64(rows, 1);
                reply->seen.items[i] = db_rows_u64(rows, 2);
            }
}

enum err handle_cursors(void *context, struct db *db, struct record_arena *arena, const void *body,
                        void *reply_r) {
    (void)context;
    const struct delivery_cursors *ask = body;
    struct delivery_cursors_reply *reply = reply_r;
    size_t count = ask->accounts.count;
    struct u64_list received = {record_arena_alloc(arena, count * sizeof(uint64_t)), count};
    struct u64_list seen = {record_arena_alloc(arena, count * sizeof(uint64_t)), count};
    if (received.items == NULL || seen.items == NULL)
        return ERR_OVERLOADED;
    reply->received = received;
    reply->seen = seen;
    if (count == 0)
        return ERR_OK;
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    delivery_sql_add_far(&sql, conversation_of_group(ask->group), ask->accounts.items, count);
    enum err err = db_script_run(db, &sql);
    buffer_free(&sql);
    if (err != ERR_OK)
        return err;
    struct db_rows *rows;
    if (db_script_next(db, &rows))
        fill_in(reply, &ask->accounts, rows);
    db_rows_destroy(&rows);
    return db_script_end(db);
}
