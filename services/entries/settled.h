/*
 * Settled cursors: those of conversations where an account has everything, and has had it for a
 * while. A login looks at the others alone, so what it costs does not grow with how many
 * conversations the account has.
 *
 *     settled_set(db, account, ends, count)        after a page that looked at these cursors
 *     settled_undo(db, heads, count)               a writer, with its claim of these heads
 *
 * Always:
 * - where a cursor is settled, the account has received all that it may read there, and
 *   `cursor.settled` is the cid of the last of that. It stays when the cursor is not settled any
 *   more: a connection that was not given a position there begins behind it;
 * - a cursor is settled under the lock of its conversation's head, and that takes the head away
 *   from its writer: `conversation.claimant` is 0. The next writer claims it, and with that its
 *   cursors are settled no longer, in the transaction of the entry. So a message costs nothing
 *   more;
 * - a writer of the release before does not know any of that. It claims a head by
 *   `conversation.writer`, which is 0 else: while such a head is there, settled cursors may be
 *   wrong, and every one is looked at (entries_lock takes the head over, and its cursors are
 *   settled no longer).
 */
#ifndef PARLEY_ENTRIES_SETTLED_H
#define PARLEY_ENTRIES_SETTLED_H

#include "services/entries/entry.h"
#include "services/entries/settled_sql.h"

/* Settles those of an account's cursors that may be, in a transaction of its own. No writer waits
 * for it, nor it for one. */
enum err settled_set(struct db *db, uint64_t account, const struct settled_end *ends, size_t count)
    __attribute__((warn_unused_result));
/* No cursor of these conversations' readers is settled any more. Within a transaction that has
 * locked and claimed their heads, whose members are known. */
enum err settled_undo(struct db *db, struct entry_head *const *heads, size_t count)
    __attribute__((warn_unused_result));

#endif
