/*
 * Appends entries to the message log, under the locks of their conversations' heads.
 *
 * The one place that writes message rows. Delivery writes texts through it, group writes notices
 * in the transaction of the change that they report:
 *
 *     entries_lock(db, cache, instance, ids, count, arena, heads)   opens the transaction
 *     ... the caller's own changes, in the same transaction
 *     entries_append(db, heads, rows, count, commit)                sets cid, prev, time; inserts
 *     ... entries_next_block(db, heads) and entries_append again, for more than ENTRIES_MAX_ROWS
 *
 * Always:
 * - heads are locked in the order of their ids, so two writers wait, never deadlock, on them;
 * - a cid is taken from `cid_block` after the lock, so cids grow within a conversation in commit
 *   order and a reader's cursor never skips a row, whatever instances write at once;
 * - no block of cids is used that is not behind the conversation's last cid and the writer's block
 *   before: after a restore of the database, nothing is stored until `parleyctl restored` has moved
 *   the sequence on (restored.h);
 * - a row's time is the database's, and never before that of the row before it in the conversation;
 * - a nonce is stored once;
 * - a writer's cached head is used only where it is exact (head_cache.h).
 *
 * Everything here blocks and belongs to one thread at a time.
 */
#ifndef PARLEY_ENTRIES_H
#define PARLEY_ENTRIES_H

#include "common/db.h"
#include "services/entries/entry.h"

struct head_cache;

/*
 * Begins a transaction and locks these conversations (at most ENTRIES_MAX_HEADS; any order, repeats
 * allowed; `ids` is sorted in place). `instance` is the writer's. `cache` may be NULL: everything
 * is read. `friends`: heads of pairs say whether the two are friends at this moment. After an error
 * the transaction is rolled back.
 */
enum err entries_lock(struct db *db, struct head_cache *cache, uint64_t instance, uint64_t *ids,
                      size_t count, bool friends, struct record_arena *arena,
                      struct entry_heads *heads_r) __attribute__((warn_unused_result));
/* The head of a conversation, or NULL when it has no row. */
struct entry_head *entries_find_head(const struct entry_heads *heads, uint64_t conversation);
/* Whether a head's group has this member. */
bool entries_is_member(const struct entry_head *head, uint64_t account);
/* How a member stands in the head's group. */
struct entry_standing entries_standing(const struct entry_head *head, uint64_t account);

/*
 * Appends rows in this order (at most ENTRIES_MAX_ROWS; once after each entries_lock or
 * entries_next_block, whose block of cids it uses) and moves their heads' last_cid; with `commit`
 * ends the transaction in the same round trip. Repeats are looked up after that. After an error
 * nothing is stored, unless heads->committed, or db_uncertain says that it may be all the same.
 */
enum err entries_append(struct db *db, struct entry_heads *heads, struct entry_row *rows,
                        size_t count, bool commit) __attribute__((warn_unused_result));
/*
 * For rows (at most ENTRIES_MAX_ROWS) that may not be stored, or not any more: sets `repeat` of
 * those whose nonce is there already, and with it the other members that entries_append sets. After
 * an error the transaction is rolled back.
 */
enum err entries_find_repeats(struct db *db, struct entry_row *rows, size_t count)
    __attribute__((warn_unused_result));
/* Takes a block of cids for another entries_append in the same transaction. After an error it is
 * rolled back. */
enum err entries_next_block(struct db *db, struct entry_heads *heads)
    __attribute__((warn_unused_result));

#endif
