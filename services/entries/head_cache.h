/*
 * A writer's cache of conversations, kept between its transactions.
 *
 *     head_cache_follow(cache, db_connections(db))   once it is connected, before each transaction
 *     conversations_open_pairs(db, cache, ...), entries_lock(db, cache, ...)
 *     head_cache_keep(cache, &heads)                 after the commit
 *     head_cache_forget(cache, &heads)               after a commit that failed: it may have
 *                                                    happened all the same
 *
 * After a rollback there is nothing to do: nothing was kept, and `conversation.claimant` is again
 * as it was.
 *
 * Always: cached values are exact where they are used.
 * - A last cid, and its time, are used only while `conversation.claimant` names this instance. It
 * was the last to commit there, then, and each commit of a writer is kept or forgotten here. No
 * other writer of this instance writes to the same conversation.
 * - Members and their standings are used only under the `conversation.version` under which they
 * were read, and that grows with each change of either.
 * - A pair's conversation stays the same for ever.
 * - All of that is so within one history of the database. A new connection may lead to another
 *   server, or to a backup that was restored: head_cache_follow forgets everything.
 */
#ifndef PARLEY_ENTRIES_HEAD_CACHE_H
#define PARLEY_ENTRIES_HEAD_CACHE_H

#include "services/entries/entry.h"

/*
 * limit: delivery | conversations, members that a writer remembers | {HEAD_CACHE_CONVERSATIONS}
 * (and as many pairs); {HEAD_CACHE_MEMBERS}; about 100 MB | all are forgotten, and read again
 * when needed
 */
/* Conversations, as many pairs, and members that are remembered (about 100 MB at most); one more
 * empties the cache. */
#define HEAD_CACHE_CONVERSATIONS 100000
#define HEAD_CACHE_MEMBERS 4000000

struct head_cache;

struct head_memory {
    uint64_t version, last_cid, last_ms;
    struct u64_list members; /* this and the members below are owned by the cache */
    struct entry_standings standings;
    struct slice lo_id, hi_id; /* of a pair's two accounts: ids never change */
};

/* NULL without memory. */
struct head_cache *head_cache_new(void);
void head_cache_destroy(struct head_cache **self);
/* Writers of one process know together which cids were given; `newest_block` is borrowed. */
void head_cache_share(struct head_cache *self, _Atomic uint64_t *newest_block);

/* The transactions that follow belong to the connection with this number. */
void head_cache_follow(struct head_cache *self, uint64_t connection);
void head_cache_keep(struct head_cache *self, const struct entry_heads *heads);
void head_cache_forget(struct head_cache *self, const struct entry_heads *heads);
/* Forgets everything. */
void head_cache_clear(struct head_cache *self);

/* NULL when nothing is remembered. */
const struct head_memory *head_cache_find(const struct head_cache *self, uint64_t conversation);

/* 0 when the pair is not remembered. */
uint64_t head_cache_find_pair(const struct head_cache *self, uint64_t lo, uint64_t hi);
void head_cache_keep_pair(struct head_cache *self, uint64_t lo, uint64_t hi, uint64_t conversation);

/*
 * The newest block of cids that the sequence has given. A block that the sequence gives after that
 * is a newer one, or the sequence went back. Others may get and note blocks meanwhile.
 */
uint64_t head_cache_newest_block(const struct head_cache *self);
void head_cache_note_block(struct head_cache *self, uint64_t block);

#endif
