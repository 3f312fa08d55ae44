/* The SQL of listing an account's conversations. */
#ifndef PARLEY_DELIVERY_OVERVIEW_SQL_H
#define PARLEY_DELIVERY_OVERVIEW_SQL_H

#include "common/db.h"
#include "proto/messages.h"

/* The columns of the next two: conversation, since, received, until, seen, quiet_until_ms, cid of
 * the last row (NULL: none). */
enum overview_column {
    OVERVIEW_CONVERSATION,
    OVERVIEW_SINCE,
    OVERVIEW_RECEIVED,
    OVERVIEW_UNTIL,
    OVERVIEW_SEEN,
    OVERVIEW_QUIET,
    OVERVIEW_LAST,
};
/* account, whether settled ones, too (0 or 1) -> their cursors, in any order */
extern const struct db_statement overview_sql_open;
/* account, before, most -> settled cursors, the last entry of which is older; the newest first */
extern const struct db_statement overview_sql_settled;

/* The part of a conversation that an account may read, and has not read. */
struct overview_part {
    uint64_t conversation, since, end;
    uint64_t read; /* everything up to there was read, or may not be */
};
/* Of each the newest entries that it may read, at most `most`: conversation, cid, type; the newest
 * of each first. */
void overview_sql_add_newest(struct buffer *sql, const struct overview_part *parts, size_t count,
                             size_t most);
/* The unread entries of each that is not read up to its end: conversation, others' texts, those
 * that mention the account. Nothing is added where all are read. */
void overview_sql_add_unread(struct buffer *sql, uint64_t account,
                             const struct overview_part *parts, size_t count);
/* Of each: conversation, lo, hi, string id, name, avatar; of the other account in it its string id,
 * name, avatar. */
void overview_sql_add_peers(struct buffer *sql, uint64_t account, const struct overview_part *parts,
                            size_t count);

#endif
