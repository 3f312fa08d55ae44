/* Blanks the texts of a deleted account. */
#ifndef PARLEY_ENTRIES_BLANK_H
#define PARLEY_ENTRIES_BLANK_H

#include "common/db.h"

/*
 * limit: delivery | entries that are looked through at once where a deleted account's texts are
 * blanked | {ENTRIES_BLANK_STEP} | the rest in the next step
 */
#define ENTRIES_BLANK_STEP 1000
/*
 * Blanks an account's texts among the ENTRIES_BLANK_STEP entries behind `after`; in a transaction
 * or without. `upto_r`: where to go on; 0: that was the end.
 */
enum err entries_blank(struct db *db, uint64_t conversation, uint64_t account, uint64_t after,
                       uint64_t *upto_r) __attribute__((warn_unused_result));

#endif
