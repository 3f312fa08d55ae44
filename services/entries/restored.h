/*
 * Keeps a cid from being given twice after the database was restored from a backup.
 *
 * A backup is older than the message log was, so the sequences in it give numbers again that
 * clients have seen. `parleyctl restored` (entries_restored) moves them past all that can have been
 * given, and begins a new epoch: clients that know another one forget the entries that they kept
 * (docs/protocol.md). Two signs of a restore that nobody has announced, or that was incomplete, are
 * refused: a log that is ahead of its sequence at the start (entries_check), and a sequence that
 * goes back while a writer runs (entries.h).
 */
#ifndef PARLEY_ENTRIES_RESTORED_H
#define PARLEY_ENTRIES_RESTORED_H

#include "common/db.h"
#include "services/schema/schema.h"

/*
 * limit: database | numbers that `parleyctl restored` passes over | 2^42 cids, 2^40
 * conversations of two; 2,048 times {RESTORED_CIDS:} {RESTORED_PAIRS:} | the command says that
 * none are left
 */
/*
 * How far the sequences are moved on: that of cids by as many as 40 days of 10,000 batches a second
 * take, which can be done 2,048 times; that of pairs by a trillion, a million times. Accounts and
 * groups are numbered at random: their sequences in the database are not used.
 */
#define RESTORED_CIDS ((uint64_t)1 << 42)
#define RESTORED_PAIRS ((uint64_t)1 << 40)
/*
 * limit: database | looking for the newest cid at the start | {ENTRIES_CHECK_MS} |
 * `entries_not_checked` is logged, the service starts
 */
/* The longest that entries_check looks for the newest cid: a minute of many millions of
 * conversations would keep a service from starting. */
#define ENTRIES_CHECK_MS 10000

/* For the start of services that write to the message log: schema_check, and ERR_NOT_ALLOWED for
 * one that is ahead of its sequence. */
enum err entries_check(struct db *db, char message_r[SCHEMA_MESSAGE_BYTES])
    __attribute__((warn_unused_result));

/*
 * After a restore, as often as one likes: moves the sequences and begins a new epoch. Not ERR_OK:
 * `message_r` says why; it can be run again. Services should not run meanwhile.
 */
enum err entries_restored(struct db *db, uint64_t *epoch_r, uint64_t *first_cid_r,
                          char message_r[SCHEMA_MESSAGE_BYTES]) __attribute__((warn_unused_result));

#endif
