/*
 * Numbers the rows of the journal, and has a teller for each hook.
 *
 *     struct reader *reader = reader_new(hooks);
 *     reader_add_presence(reader, accounts, count, online);
 *     reader_stop(reader);
 *     while (!reader_is_stopped(reader)) ...
 *     reader_destroy(&reader);                  after the service's pool
 *
 * Every `hook_look_ms` it looks into the journal, again at once while there is more, and sooner
 * where session says that something was committed (reader_wake). Of several instances the one works
 * that holds the lease, a row of the database: it keeps it, and another one takes it
 * READER_LEASE_MS after its last sign of life.
 *
 * Why this order is right. Rows of the journal carry the block of cids that their transaction took.
 * Blocks are given in order, but transactions end in any order: a reader that remembers the last
 * block skips what commits later under an earlier one. So a look takes all rows that are there,
 * gives them the next numbers, in the order of their blocks, and removes them: nothing is skipped
 * that ever appears. One look sees one state of the database (one statement). A transaction takes
 * its block under the locks of its conversations' heads and holds these until it has committed, so
 * where a state shows a row of a conversation, it shows all earlier ones of that conversation.
 * Hence each conversation is in order; different ones may be told in another order than that of
 * their blocks. Numbers are given by one instance at a time, under the lock of the row of the
 * lease, so a hook's place among them is one number.
 *
 * A look begins behind the blocks of READER_FLOOR_MS ago, so that rows which the server has not
 * purged yet cost nothing; one look in that time begins at the first block. No transaction lasts
 * that long.
 */
#ifndef PARLEY_HOOKS_READER_H
#define PARLEY_HOOKS_READER_H

#include "services/hooks/hooks.h"

/* limit: hooks | rows of the journal that are numbered at once | {READER_ROWS} | the next look
 * follows at once */
#define READER_ROWS 500
/* limit: hooks | silence of the instance that works, until another one does |
 * {READER_LEASE_MS} | the other one repeats what was being posted */
#define READER_LEASE_MS 5000
/* limit: hooks | age of a lease that is renewed | {READER_RENEW_MS} | - */
#define READER_RENEW_MS 1500
/* limit: hooks | looks begin behind the blocks that were numbered so long ago | {READER_FLOOR_MS};
 * one look in that time begins at the first one | - */
#define READER_FLOOR_MS 600000
/* limit: hooks | rows of the journal that are removed at once; how often | {READER_TIDY_ROWS};
 * {READER_TIDY_MS}, at once while there are more | the next ones follow */
#define READER_TIDY_ROWS 1000
#define READER_TIDY_MS 10000

/* NULL without memory. */
struct reader *reader_new(struct hooks *hooks) __attribute__((warn_unused_result));
/* At the end: nothing more is posted; what is being posted is waited for, and the lease given up.
 */
void reader_stop(struct reader *self);
bool reader_is_stopped(struct reader *self);
void reader_destroy(struct reader **self);

/* limit: hooks | looks for which session has asked | one in {READER_WAKE_MS}, and one look at a
 * time | they are one */
#define READER_WAKE_MS 10
/* There may be rows that no look has seen. Whether a look comes of it: this instance works, and
 * there is a hook. */
bool reader_wake(struct reader *self);

void reader_add_presence(struct reader *self, const struct u64_list *accounts, bool online);

#endif
