/* The log's SQL: prepared statements, and the parts of its scripts. */
#ifndef PARLEY_ENTRIES_SQL_H
#define PARLEY_ENTRIES_SQL_H

#include "services/entries/entries.h"

/* Longest script: ENTRIES_MAX_ROWS texts, each byte escaped to two. */
#define ENTRIES_SCRIPT_BYTES ((size_t)24 << 20)

extern const struct db_statement entries_sql_find_pair, entries_sql_count_accounts,
    entries_sql_next_pair, entries_sql_insert_pair, entries_sql_insert_cursors,
    entries_sql_add_absence, entries_sql_open_cursor, entries_sql_open_broadcast,
    entries_sql_next_block;

/* Those of these accounts that exist get what they lack of their own conversations' heads and
 * cursors. */
void entries_sql_add_open_selves(struct buffer *sql, const uint64_t *accounts, size_t count,
                                 uint64_t now_ms);
void entries_sql_add_close_cursors(struct buffer *sql, uint64_t conversation,
                                   const uint64_t *accounts, size_t count, uint64_t until);
/* BEGIN; the heads, locked; the next block of cids, and the time. */
void entries_sql_add_lock(struct buffer *sql, const uint64_t *ids, size_t count);
/* Of each conversation its last row's cid and time, 0 for none. */
void entries_sql_add_last_rows(struct buffer *sql, struct entry_head *const *heads, size_t count);
void entries_sql_add_claim(struct buffer *sql, struct entry_head *const *heads, size_t count,
                           uint64_t instance);
void entries_sql_add_members(struct buffer *sql, struct entry_head *const *heads, size_t count);
void entries_sql_add_insert(struct db *db, struct buffer *sql, const struct entry_row *rows,
                            size_t count);
void entries_sql_add_commit(struct buffer *sql);
/* The rows that the nonces of repeats belong to: nonce, conversation, cid, time_ms. */
void entries_sql_add_find_nonces(struct db *db, struct buffer *sql, const struct entry_row *rows,
                                 size_t count);

#endif
