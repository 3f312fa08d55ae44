/*
 * Slow mode: in some groups a plain member may write only once in a while.
 *
 * The message log itself says when a member wrote last, so that holds for all instances and after
 * a restart. Only groups in slow mode pay for the look-up.
 */
#ifndef PARLEY_DELIVERY_SLOW_H
#define PARLEY_DELIVERY_SLOW_H

#include "common/db.h"
#include "services/entries/entry.h"

/*
 * limit: delivery | newest entries of a group in slow mode among which a member's last text is
 * looked for | {SLOW_MOST_ENTRIES} | an older text counts as long ago
 */
#define SLOW_MOST_ENTRIES 5000

/* Whether slow mode of the head's group concerns this member. */
bool slow_concerns(const struct entry_head *head, uint64_t account);
/*
 * In the transaction that has locked the head, at `now_ms`: how long the member still has to wait;
 * 0: it may write.
 */
enum err slow_wait(struct db *db, const struct entry_head *head, uint64_t account, uint64_t now_ms,
                   uint64_t *wait_ms_r) __attribute__((warn_unused_result));

#endif
