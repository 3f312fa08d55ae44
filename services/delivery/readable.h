/*
 * The entries of a conversation that an account may read: from where it joined up to where it left,
 * without those written while it was absent. All code that reads the message log for an account
 * asks here.
 *
 *     struct readable readable;
 *     readable_find(db, arena, account, conversation, &readable);
 *     ... readable.parts: in the order of conversations, and of cid in each
 */
#ifndef PARLEY_DELIVERY_READABLE_H
#define PARLEY_DELIVERY_READABLE_H

#include "services/delivery/delivery_sql.h"

struct readable {
    struct page_part *parts; /* none is empty; in the arena */
    size_t count;
};

/* Of one conversation, or, with 0, of all that the account has a cursor in. */
enum err readable_find(struct db *db, struct record_arena *arena, uint64_t account,
                       uint64_t conversation, struct readable *readable_r)
    __attribute__((warn_unused_result));

/* Whether an entry with this cid may be read, of one conversation. */
bool readable_has(const struct readable *readable, uint64_t cid);

/* For readers of the rows of delivery_sql_cursors themselves. Of a cursor: the entries that may be
 * read behind `start`, absences included. */
struct page_part readable_behind(const struct db_rows *cursor, uint64_t start);
/* Of an absence: what lies before it; the rest begins behind it. Either may be empty. */
struct page_part readable_before(const struct db_rows *absence, struct page_part *rest);

#endif
