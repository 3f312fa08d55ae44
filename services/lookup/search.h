/*
 * A search for part of a text in a list that is read by pages, in the order of a number. No index
 * has the middle of a text, so it reads row by row, and a request no more than SEARCH_AT_ONCE of
 * them:
 *
 *     struct search_page page;
 *     enum err err = search_begin(&page, db, &find_end, after, words, arena);
 *     ... the rows with numbers from `after` to page.until that match `SEARCH_IN(...)`, given
 * page.pattern next = search_next(&page, more, last);
 */
#ifndef PARLEY_LOOKUP_SEARCH_H
#define PARLEY_LOOKUP_SEARCH_H

#include "common/db.h"
#include "common/record.h"

/*
 * limit: client | accounts or groups that a search of the API reads for a page | {SEARCH_AT_ONCE} |
 * the answer has the place to go on from
 */
/* Rows that one request reads at most. */
#define SEARCH_AT_ONCE 50000

/* Whether the pattern is in a column, without regard to case and accents. */
#define SEARCH_IN(column_) column_ " COLLATE utf8mb4_unicode_520_ci LIKE ? ESCAPE '!'"

struct search_page {
    struct slice pattern; /* for SEARCH_IN; in the arena */
    uint64_t until;       /* the number of the last row that is read; UINT64_MAX: all are */
};

/*
 * `find_end`: the number behind which, how many rows to pass over -> the number of the row behind
 * these, if there is one. Fails with an error of the database, with ERR_BAD_REQUEST if `words` is
 * no UTF-8, or with ERR_OVERLOADED without memory.
 */
enum err search_begin(struct search_page *page_r, struct db *db,
                      const struct db_statement *find_end, uint64_t after, struct slice words,
                      struct record_arena *arena) __attribute__((warn_unused_result));

/* Behind which number to go on; 0: there are no further rows. `more`: not all that match were
 * taken, but only up to `last`. */
uint64_t search_next(const struct search_page *page, bool more, uint64_t last);

#endif
