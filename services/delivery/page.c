/* Rows of the message log as entries; see page.h. */
#include "services/delivery/page.h"

#include "common/envelope.h"
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/entries/entry.h"

enum err page_fetch(struct db *db, const struct page *page, struct db_rows **rows_r) {
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    delivery_sql_add_page(&sql, page);
    enum err err = db_script_query(db, &sql, rows_r);
    buffer_free(&sql);
    return err;
}

static struct slice string_id(const struct db_rows *rows, unsigned column) {
    struct slice id = db_rows_slice(rows, column);
    uint64_t number;
    return id_is_decimal(id, &number) ? slice_make(NULL, 0) : id;
}

struct entry page_read_entry(const struct db_rows *rows) {
    struct entry entry = {.conversation = db_rows_u64(rows, 0),
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
                          .edited_ms = entries_time_ms(db_rows_u64(rows, 17))};
    uint64_t lo = db_rows_u64(rows, 10), hi = db_rows_u64(rows, 11);
    if (conversation_kind(entry.conversation) == CONVERSATION_PAIR) {
        entry.to = entry.from == lo ? hi : lo;
        entry.to_id = string_id(rows, 15);
    } else if (conversation_kind(entry.conversation) == CONVERSATION_GROUP) {
        entry.to = lo;
        entry.to_id = string_id(rows, 12);
    } else {
        entry.to = db_rows_u64(rows, 13);
        entry.to_id = string_id(rows, 14);
    }
    return entry;
}

struct slice page_pack_entry(struct record_arena *arena, const struct entry *entry) {
    struct buffer packed = buffer_make(ENVELOPE_MAX_BYTES);
    record_pack(&entry_desc, entry, &packed);
    struct slice copy = packed.failed
                            ? slice_make(NULL, 0)
                            : record_arena_copy(arena, slice_make(packed.data, packed.length));
    buffer_free(&packed);
    return copy;
}
