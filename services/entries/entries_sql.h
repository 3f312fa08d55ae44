/* The SQL of locking heads and appending entries, as parts of scripts. */
#ifndef PARLEY_ENTRIES_SQL_H
#define PARLEY_ENTRIES_SQL_H

#include "common/db.h"
#include "services/entries/entry.h"

extern const struct db_statement entries_sql_next_block;
/* conversation, cid, n -> the cid of the entry that is n behind the first one behind that cid */
extern const struct db_statement entries_sql_step;
/* conversation, after, upto, account: the account's texts there are blanked */
extern const struct db_statement entries_sql_blank;
/* The same: reactions to these texts go, before they do. */
extern const struct db_statement entries_sql_blank_reactions;
/* The same: these texts show their files no longer. */
extern const struct db_statement entries_sql_blank_file_uses;

/* BEGIN; the heads, locked, with `friends` also whether pairs are; the next block of cids, and the
 * time. */
void entries_sql_add_lock(struct buffer *sql, const uint64_t *ids, size_t count, bool friends);
/* Of each conversation its last row's cid and time (with none the cid of the last that was removed,
 * or 0), and the string ids of a pair. */
void entries_sql_add_last_rows(struct buffer *sql, struct entry_head *const *heads, size_t count);
void entries_sql_add_claim(struct buffer *sql, struct entry_head *const *heads, size_t count,
                           uint64_t instance);
void entries_sql_add_members(struct buffer *sql, struct entry_head *const *heads, size_t count);
void entries_sql_add_insert(struct db *db, struct buffer *sql, const struct entry_row *rows,
                            size_t count);
/* Notes the files that those of the rows show that are stored; without any, nothing is added. */
void entries_sql_add_file_uses(struct buffer *sql, const struct entry_row *rows, size_t count);
void entries_sql_add_commit(struct buffer *sql);
/* The rows that the nonces of repeats belong to: nonce, conversation, cid, time_ms, body, type,
 * target, accepted, edited_ms, reply, mentions, file. */
void entries_sql_add_find_nonces(struct db *db, struct buffer *sql, const struct entry_row *rows,
                                 size_t count);

#endif
