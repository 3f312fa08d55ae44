/*
 * Rows of the message log as entries on their way into a reply.
 *
 *     page_fetch(db, &page, &rows);
 *     while (db_rows_next(rows)) {
 *         struct entry entry = page_read_entry(rows);
 *         struct slice packed = page_pack_entry(arena, &entry);
 *     }
 *     db_rows_destroy(&rows);
 */
#ifndef PARLEY_DELIVERY_PAGE_H
#define PARLEY_DELIVERY_PAGE_H

#include "proto/messages.h"
#include "services/delivery/delivery_sql.h"

enum err page_fetch(struct db *db, const struct page *page, struct db_rows **rows_r)
    __attribute__((warn_unused_result));
/* The row that db_rows_next has given; lives as long as the rows. */
struct entry page_read_entry(const struct db_rows *rows);
/* As entries travel in lists, in the arena; without data when there is no memory. */
struct slice page_pack_entry(struct record_arena *arena, const struct entry *entry);

#endif
