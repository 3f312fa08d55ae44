/*
 * Finds the numbers of string ids, in the tables that have both: auth's accounts and group's
 * conversations.
 */
#ifndef PARLEY_LOOKUP_RESOLVE_H
#define PARLEY_LOOKUP_RESOLVE_H

#include "common/db.h"
#include "common/record.h"
#include "proto/ids.h"

/* limit: delivery | ids per look-up statement | {RESOLVE_AT_ONCE} | several statements */
/* Ids per statement. */
#define RESOLVE_AT_ONCE 16
#define RESOLVE_SIXTEEN "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
/* Each of them in up to ID_FORMS forms. */
#define RESOLVE_IDS "(" RESOLVE_SIXTEEN ", " RESOLVE_SIXTEEN ", " RESOLVE_SIXTEEN ")"

/*
 * Sets `numbers_r` to the numbers of `ids`, in their order, 0 for unknown ones; in memory of
 * `arena`. `statement`: RESOLVE_IDS -> id and number of those that exist. Fails with an error of
 * the database, or with ERR_OVERLOADED without memory.
 */
enum err resolve_ids(struct db *db, const struct db_statement *statement,
                     const struct slice_list *ids, struct record_arena *arena,
                     struct u64_list *numbers_r) __attribute__((warn_unused_result));

#endif
