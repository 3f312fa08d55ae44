/* The SQL of reading the log and of cursors. */
#ifndef PARLEY_DELIVERY_SQL_H
#define PARLEY_DELIVERY_SQL_H

#include "common/db.h"

/* Longest script of a pull or an advance. */
#define DELIVERY_SCRIPT_BYTES ((size_t)2 << 20)

/* account -> conversation, since, received, until (0: none), last cid (0: none) */
extern const struct db_statement delivery_sql_cursors;

/* One conversation's part of a page: rows behind `after` and up to `until`, at most `limit`. */
struct page_part {
    uint64_t conversation, after, until;
};

/*
 * The page's rows, ascending by cid: conversation, cid, time_ms, type, sender, subject, accepted,
 * body, sender's string id, subject's string id, lo, hi, group's string id, about, that group's
 * string id.
 */
void delivery_sql_add_page(struct buffer *sql, const struct page_part *parts, size_t count,
                           size_t limit);

/* Moves cursors that exist forward; rows ascending, so that two advances never deadlock, and each
 * cursor once: the server changes a row once, by any of its moves. */
struct cursor_move {
    uint64_t account, conversation, cid;
};
void delivery_sql_add_advance(struct buffer *sql, const struct cursor_move *moves, size_t count);

#endif
