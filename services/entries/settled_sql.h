/* The SQL of settled cursors, as parts of scripts. */
#ifndef PARLEY_ENTRIES_SETTLED_SQL_H
#define PARLEY_ENTRIES_SETTLED_SQL_H

#include "common/db.h"

/*
 * limit: delivery | cursors that a login's first page settles | {SETTLED_MAX}, those that have been
 * idle for longest, in groups of at most {SETTLED_MAX_MEMBERS} members | the others are looked at
 * at the next login, too
 */
/* Cursors per settled_set. */
#define SETTLED_MAX 256
/* In a larger group none is: its next writer would write to the cursors of all of them. */
#define SETTLED_MAX_MEMBERS 100
/*
 * limit: delivery | how long nothing was written before a cursor is settled | a day
 * {SETTLED_IDLE_MS:} | a connection that lags behind another one of its account for longer may miss
 * entries that that one has received, if the account has more than {PULL_MAX_SETTLED} settled
 * conversations
 */
#define SETTLED_IDLE_MS ((uint64_t)24 * 60 * 60 * 1000)

/*
 * Of a cursor `c`: the cid of the last entry that its account may read, NULL: none. The last of a
 * conversation is found backwards, as MAX(cid) may read all of them. Where the entry with which an
 * account left is gone, so is all before it: entries are removed from the beginning.
 */
#define CURSOR_END                                                                                 \
    "IF(c.until IS NULL," LAST_OF_CURSOR                                                           \
    ",COALESCE((SELECT m.cid FROM message m WHERE m.conversation=c.conversation "                  \
    "AND m.cid=c.until),IF(" LAST_OF_CURSOR "<c.until," LAST_OF_CURSOR ",NULL)))"
#define LAST_OF_CURSOR                                                                             \
    "(SELECT m.cid FROM message m WHERE m.conversation=c.conversation ORDER BY m.cid DESC LIMIT "  \
    "1)"

/* A conversation, and the last that the account may read there; 0: nothing. */
struct settled_end {
    uint64_t conversation, cid;
};

struct settled_reader {
    uint64_t account, conversation;
};

/* Those of these conversations that have been idle for long enough, and are not too large. */
void settled_sql_add_idle(struct buffer *sql, const struct settled_end *ends, size_t count);
/* BEGIN; those of these heads that nobody has locked, nor a writer of the release before claimed:
 * locked. */
void settled_sql_add_lock(struct buffer *sql, const uint64_t *ids, size_t count);
/* Settles the account's cursors there that have all; takes the heads from their writers; COMMIT. */
void settled_sql_add_set(struct buffer *sql, uint64_t account, const uint64_t *ids, size_t count);
/* Readers ascending, each once. */
void settled_sql_add_undo(struct buffer *sql, const struct settled_reader *readers, size_t count);

#endif
