/*
 * group.show, group.list and group.list_members: groups as the operator, and who has an API key for
 * that, sees them.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/group/group.h"
#include "services/group/group_sql.h"
#include "services/lookup/search.h"

static struct slice text_of(const struct db_rows *rows, unsigned column,
                            struct record_arena *arena) {
    return record_arena_copy(arena, db_rows_slice(rows, column));
}

static void take(const struct db_rows *rows, struct record_arena *arena, struct shown_group *item) {
    *item = (struct shown_group){.group = db_rows_u64(rows, GROUP_SHOWN_NUMBER),
                                 .id = text_of(rows, GROUP_SHOWN_ID, arena),
                                 .name = text_of(rows, GROUP_SHOWN_NAME, arena),
                                 .about = text_of(rows, GROUP_SHOWN_ABOUT, arena),
                                 .owner = db_rows_u64(rows, GROUP_SHOWN_OWNER),
                                 .owner_id = text_of(rows, GROUP_SHOWN_OWNER_ID, arena),
                                 .members = db_rows_u64(rows, GROUP_SHOWN_MEMBERS),
                                 .slow_s = db_rows_u64(rows, GROUP_SHOWN_SLOW_S),
                                 .avatar = text_of(rows, GROUP_SHOWN_AVATAR, arena),
                                 .retention_days = db_rows_u64(rows, GROUP_SHOWN_RETENTION_DAYS),
                                 .retention_as_all =
                                     db_rows_u64(rows, GROUP_SHOWN_RETENTION_AS_ALL) != 0,
                                 .dissolved = db_rows_u64(rows, GROUP_SHOWN_DISSOLVED) != 0,
                                 .created_ms = db_rows_u64(rows, GROUP_SHOWN_CREATED_MS)};
}

enum err group_handle_show(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *reply_r) {
    (void)context;
    const struct group_show *ask = body;
    struct db_rows *rows;
    if (ask->group == 0 || ask->group >= NUMBER_LIMIT)
        return ERR_NO_GROUP;
    enum err err =
        db_query(db, &group_sql_show, DB_ARGS(db_u64(conversation_of_group(ask->group))), &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_NO_GROUP;
    if (err == ERR_OK)
        take(rows, arena, reply_r);
    db_rows_destroy(&rows);
    return err;
}

enum err group_handle_list(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *reply_r) {
    (void)context;
    const struct group_list *ask = body;
    struct group_list_reply *reply = reply_r;
    const uint64_t size = ask->limit == 0 || ask->limit > LIST_MAX ? LIST_MAX : ask->limit;
    struct shown_group *items = record_arena_alloc(arena, size * sizeof *items);
    struct search_page page;
    struct db_rows *rows;
    if (items == NULL)
        return ERR_OVERLOADED;
    enum err err = search_begin(&page, db, &group_sql_find_end, ask->after, ask->search, arena);
    if (err == ERR_OK)
        err = db_query(db, &group_sql_list,
                       DB_ARGS(db_u64(ask->after), db_u64(page.until), db_text(page.pattern),
                               db_text(page.pattern), db_u64(size + 1)),
                       &rows);
    if (err != ERR_OK)
        return err;
    const bool full = db_rows_count(rows) > size;
    reply->items.items = items;
    while (reply->items.count < size && db_rows_next(rows))
        take(rows, arena, &items[reply->items.count++]);
    db_rows_destroy(&rows);
    reply->next = search_next(&page, full, full ? items[size - 1].group : 0);
    reply->more = reply->next != 0;
    return ERR_OK;
}
