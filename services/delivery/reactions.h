/*
 * Reactions to the texts of a page.
 *
 *     struct reactions reactions;
 *     reactions_find(db, arena, account, rows, &reactions);      of the rows of page_fetch
 *     entry.reactions = reactions_of(&reactions, entry.cid);
 */
#ifndef PARLEY_DELIVERY_REACTIONS_H
#define PARLEY_DELIVERY_REACTIONS_H

#include "common/db.h"
#include "proto/messages.h"

/* In the arena; ascending by cid. */
struct reactions {
    uint64_t *cids; /* of each item */
    struct reaction *items;
    size_t count;
};

/* Rows of one conversation, which are left at their beginning. `account` reads them. */
enum err reactions_find(struct db *db, struct record_arena *arena, uint64_t account,
                        struct db_rows *rows, struct reactions *reactions_r)
    __attribute__((warn_unused_result));
/* Borrowed; empty where there are none. */
struct record_list reactions_of(const struct reactions *self, uint64_t cid);

#endif
