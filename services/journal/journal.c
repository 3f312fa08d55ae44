/* The journal; see journal.h. */
#include "services/journal/journal.h"

#include <inttypes.h>

static const struct db_statement add_change = {
    "journal_add_change",
    "INSERT INTO journal (block, entries, time_ms, conversations, what, account, subject)"
    " SELECT NEXT VALUE FOR cid_block, 0, " DB_NOW_MS ", '', ?, ?, ? FROM hook LIMIT 1"};

void journal_add_append(struct buffer *sql, uint64_t block, size_t entries, uint64_t time_ms,
                        const uint64_t *conversations, size_t count) {
    buffer_printf(sql,
                  "INSERT INTO journal (block,entries,time_ms,conversations) VALUES (%" PRIu64
                  ",%zu,%" PRIu64 ",x'",
                  block, entries, time_ms);
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, "%016" PRIx64, conversations[i]);
    buffer_add_text(sql, "');");
}

enum err journal_add_change(struct db *db, const char *what, uint64_t account, uint64_t subject) {
    return db_query(db, &add_change,
                    DB_ARGS(db_text(slice_text(what)), db_u64(account), db_u64(subject)), NULL);
}
