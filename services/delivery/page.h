/*
 * Rows of the message log as entries on their way into a reply.
 *
 *     struct page_rows fetched;
 *     page_fetch(db, arena, &page, &fetched);
 *     while (db_rows_next(fetched.rows)) {
 *         struct slice packed;
 *         page_read_entry(&fetched, &entry);
 *         page_pack_entry(arena, &entry, &packed);
 *     }
 *     db_rows_destroy(&fetched.rows);
 */
#ifndef PARLEY_DELIVERY_PAGE_H
#define PARLEY_DELIVERY_PAGE_H

#include "proto/messages.h"
#include "services/delivery/delivery_sql.h"
#include "services/delivery/references.h"

struct page_rows {
    struct db_rows *rows; /* NULL after an error */
    struct record_arena *arena;
    struct mentioned mentioned;
};

enum err page_fetch(struct db *db, struct record_arena *arena, const struct page *page,
                    struct page_rows *fetched_r) __attribute__((warn_unused_result));
/* The row that db_rows_next has given; lives as long as the rows and the arena. */
enum err page_read_entry(const struct page_rows *fetched, struct entry *entry_r)
    __attribute__((warn_unused_result));
/* As entries travel in lists, in the arena. */
enum err page_pack_entry(struct record_arena *arena, const struct entry *entry,
                         struct slice *packed_r) __attribute__((warn_unused_result));

#endif
