/* Rows of the message log as entries; see page.h. */
#include "services/delivery/page.h"

#include "common/envelope.h"
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/entries/entry.h"

#define MENTIONS_COLUMN 19

/* The string ids of all whom the rows mention. */
static enum err find_mentioned(struct db *db, struct page_rows *fetched) {
    struct db_rows *rows = fetched->rows;
    struct slice *lists = record_arena_alloc(fetched->arena, db_rows_count(rows) * sizeof *lists);
    size_t count = 0;
    if (lists == NULL)
        return ERR_INTERNAL;
    while (db_rows_next(rows))
        if (!db_rows_null(rows, MENTIONS_COLUMN))
            lists[count++] = db_rows_slice(rows, MENTIONS_COLUMN);
    db_rows_rewind(rows);
    return references_find_ids(db, fetched->arena, lists, count, &fetched->mentioned);
}

enum err page_fetch(struct db *db, struct record_arena *arena, const struct page *page,
                    struct page_rows *fetched_r) {
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    *fetched_r = (struct page_rows){.arena = arena};
    delivery_sql_add_page(&sql, page);
    enum err err = db_script_query(db, &sql, &fetched_r->rows);
    buffer_free(&sql);
    if (err == ERR_OK)
        err = find_mentioned(db, fetched_r);
    if (err != ERR_OK)
        db_rows_destroy(&fetched_r->rows);
    return err;
}

static struct slice string_id(const struct db_rows *rows, unsigned column) {
    return id_beside_number(db_rows_slice(rows, column));
}

enum err page_read_entry(const struct page_rows *fetched, struct entry *entry_r) {
    const struct db_rows *rows = fetched->rows;
    *entry_r = (struct entry){.conversation = db_rows_u64(rows, 0),
                              .cid = db_rows_u64(rows, 1),
                              .time_ms = entries_time_ms(db_rows_u64(rows, 2)),
                              .type = db_rows_u64(rows, 3),
                              .from = db_rows_u64(rows, 4),
                              .from_id = string_id(rows, 8),
                              .subject = db_rows_u64(rows, 5),
                              .subject_id = string_id(rows, 9),
                              .accepted = db_rows_u64(rows, 6) != 0,
                              .text = db_rows_slice(rows, 7),
                              .target = db_rows_u64(rows, 16),
                              .edited_ms = entries_time_ms(db_rows_u64(rows, 17)),
                              .reply = db_rows_u64(rows, 18),
                              .file = db_rows_slice(rows, 20)};
    uint64_t lo = db_rows_u64(rows, 10), hi = db_rows_u64(rows, 11);
    if (conversation_kind(entry_r->conversation) == CONVERSATION_PAIR) {
        entry_r->to = entry_r->from == lo ? hi : lo;
        entry_r->to_id = string_id(rows, 15);
    } else if (conversation_kind(entry_r->conversation) == CONVERSATION_GROUP) {
        entry_r->to = lo;
        entry_r->to_id = string_id(rows, 12);
    } else {
        entry_r->to = db_rows_u64(rows, 13);
        entry_r->to_id = string_id(rows, 14);
    }
    return references_show(&fetched->mentioned, fetched->arena,
                           db_rows_slice(rows, MENTIONS_COLUMN), entry_r);
}

enum err page_pack_entry(struct record_arena *arena, const struct entry *entry,
                         struct slice *packed_r) {
    struct buffer packed = buffer_make(ENVELOPE_MAX_BYTES);
    record_pack(&entry_desc, entry, &packed);
    *packed_r = packed.failed ? slice_make(NULL, 0)
                              : record_arena_copy(arena, slice_make(packed.data, packed.length));
    buffer_free(&packed);
    return packed_r->data == NULL ? ERR_INTERNAL : ERR_OK;
}
