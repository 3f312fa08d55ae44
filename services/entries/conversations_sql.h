/* The SQL of opening and closing conversations. */
#ifndef PARLEY_ENTRIES_CONVERSATIONS_SQL_H
#define PARLEY_ENTRIES_CONVERSATIONS_SQL_H

#include "common/db.h"
#include "services/entries/conversation_pair.h"

/* last, account, conversation, last: the absence of an account that had left and is in again */
extern const struct db_statement conversations_sql_add_absence;
/* account, conversation, last, last */
extern const struct db_statement conversations_sql_open_cursor;
/* CONVERSATION_OF_ALL, created_ms, CONVERSATION_OF_ALL */
extern const struct db_statement conversations_sql_open_broadcast;

/* Of each pair whose accounts exist a row: lo, hi, conversation (NULL: there is none yet). */
void conversations_sql_add_find(struct buffer *sql, const struct conversation_pair *pairs,
                                size_t count);
/* Makes the conversations and cursors of those pairs that have none: a transaction. `pairs`
 * ascending, so that two instances never deadlock on them. */
void conversations_sql_add_make(struct buffer *sql, const struct conversation_pair *pairs,
                                size_t count, uint64_t now_ms);

/* Those of these accounts that exist get the heads and cursors of their own conversations, where
 * they are missing. */
void conversations_sql_add_open_selves(struct buffer *sql, const uint64_t *accounts, size_t count,
                                       uint64_t now_ms);
void conversations_sql_add_close_cursors(struct buffer *sql, uint64_t conversation,
                                         const uint64_t *accounts, size_t count, uint64_t until);

#endif
