/* The log's SQL: prepared statements, and the parts of its scripts. */
#ifndef PARLEY_LOG_SQL_H
#define PARLEY_LOG_SQL_H

#include "services/log/store.h"

/* Longest script: LOG_MAX_ROWS texts, each byte escaped to two. */
#define LOG_SCRIPT_BYTES ((size_t)24 << 20)

extern const struct db_statement log_sql_find_pair, log_sql_count_accounts, log_sql_next_pair,
    log_sql_insert_pair, log_sql_insert_cursors, log_sql_add_absence, log_sql_open_cursor,
    log_sql_open_broadcast, log_sql_next_block;

/* Those of these accounts that exist get what they lack of their own conversations' heads and
 * cursors. */
void log_sql_add_open_selves(struct buffer *sql, const uint64_t *accounts, size_t count,
                             uint64_t now_ms);
void log_sql_add_close_cursors(struct buffer *sql, uint64_t conversation, const uint64_t *accounts,
                               size_t count, uint64_t until);
/* BEGIN; the heads, locked; the next block of cids, and the time. */
void log_sql_add_lock(struct buffer *sql, const uint64_t *ids, size_t count);
/* Of each conversation its last row's cid and time, 0 for none. */
void log_sql_add_last_rows(struct buffer *sql, struct log_head *const *heads, size_t count);
void log_sql_add_claim(struct buffer *sql, struct log_head *const *heads, size_t count,
                       uint64_t instance);
void log_sql_add_members(struct buffer *sql, struct log_head *const *heads, size_t count);
void log_sql_add_insert(struct db *db, struct buffer *sql, const struct log_row *rows,
                        size_t count);
void log_sql_add_commit(struct buffer *sql);
/* The rows that the nonces of repeats belong to: nonce, conversation, cid, time_ms. */
void log_sql_add_find_nonces(struct db *db, struct buffer *sql, const struct log_row *rows,
                             size_t count);

#endif
