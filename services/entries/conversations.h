/*
 * Opens conversations, and opens and closes them for their readers: a cursor says from where on and
 * up to where an account may read.
 *
 * The one place that makes conversations of people (a group's is made by group) and cursors. Every
 * function blocks and belongs to one thread at a time.
 */
#ifndef PARLEY_ENTRIES_CONVERSATIONS_H
#define PARLEY_ENTRIES_CONVERSATIONS_H

#include "common/db.h"
#include "services/entries/conversation_pair.h"

/*
 * limit: delivery | pairs whose conversations a batch opens together |
 * {CONVERSATIONS_MAX_PAIRS}, in two round trips | a batch has no more texts
 */
/* Pairs per conversations_open_pairs: one for each text of a batch. */
#define CONVERSATIONS_MAX_PAIRS 128

struct head_cache;

/*
 * Finds the conversations of these pairs (at most CONVERSATIONS_MAX_PAIRS; any order, repeats
 * allowed), and makes those that are not there yet: in two round trips at most, however many they
 * are. `conversation` stays 0 where one of the accounts does not exist. It waits for those that
 * another instance is about to make. `cache` may be NULL. Not within a transaction.
 */
enum err conversations_open_pairs(struct db *db, struct head_cache *cache,
                                  struct conversation_pair *pairs, size_t count)
    __attribute__((warn_unused_result));

/*
 * The own conversations of those of these accounts that exist, and the conversation of all: made
 * with their readers' cursors where they are not there yet. Not within a transaction: it waits for
 * those that another one is about to make. Accounts' cursors in the conversation of all are made by
 * delivery, when an account first reads.
 */
enum err conversations_open_selves(struct db *db, const uint64_t *accounts, size_t count)
    __attribute__((warn_unused_result));
enum err conversations_open_broadcast(struct db *db) __attribute__((warn_unused_result));

/*
 * Lets an account read a group from behind `last_cid` on: in the transaction that makes it a
 * member, with the locked head's last_cid. One that had left keeps its cursor, and may still read
 * the entries until it left; from there up to `last_cid` is its absence.
 */
enum err conversations_open_cursor(struct db *db, uint64_t conversation, uint64_t account,
                                   uint64_t last_cid) __attribute__((warn_unused_result));
/*
 * Lets accounts read a conversation up to `until` and no further: in the transaction that ends
 * their membership, with the cid of the notice of it. `accounts` ascending, so that it
 * never deadlocks with delivery.advance; any number.
 */
enum err conversations_close_cursors(struct db *db, uint64_t conversation, const uint64_t *accounts,
                                     size_t count, uint64_t until)
    __attribute__((warn_unused_result));

#endif
