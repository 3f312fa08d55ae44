/*
 * The log: conversations' heads, message rows, and the cursors that come with a conversation.
 *
 * The one place that writes message rows. Delivery writes messages through it, group writes notices
 * in the transaction of the change they tell of:
 *
 *     entries_lock(db, cache, instance, ids, count, arena, heads)   opens the transaction
 *     ... the caller's own changes, in the same transaction
 *     entries_append(db, heads, rows, count, commit)                assigns cid, prev, time;
 * inserts
 *     ... entries_next_block(db, heads) and entries_append again, for more than ENTRIES_MAX_ROWS
 *     head_cache_keep(cache, ...)  after the commit;  head_cache_clear(cache)  after a failure
 *
 * Always:
 * - heads are locked in the order of their ids, so two writers wait, never deadlock, on them;
 * - a cid is taken from `cid_block` after the lock, so cids grow within a conversation in commit
 *   order and a reader's cursor never skips a row, whatever instances write at once;
 * - no block of cids is used that is not behind what the conversation has and what the writer has
 *   had before: after a restore of the database, nothing is stored until `parleyctl restored` has
 *   moved the sequence on (restored.h);
 * - a row's time is the database's, and never before that of the row before it in the conversation;
 * - a nonce is stored once;
 * - a cached last cid, and its time, is used only while conversation.writer says that this instance
 * wrote last, cached members only under the same conversation.version: both are exact.
 *
 * Everything here blocks and belongs to one thread at a time.
 */
#ifndef PARLEY_ENTRIES_H
#define PARLEY_ENTRIES_H

#include "common/db.h"
#include "proto/messages.h"

/* Rows per entries_append; as many cids come from one value of cid_block. */
#define ENTRIES_MAX_ROWS 128
/* Conversations per entries_lock. */
#define ENTRIES_MAX_HEADS 1024
/* Conversations and members that a cache holds before it is emptied (about 100 MB at most). */
#define HEAD_CACHE_CONVERSATIONS 100000
#define HEAD_CACHE_MEMBERS 4000000

struct head_cache;

/* A conversation's head while its row is locked. Slices and lists live in the arena. */
struct entry_head {
    uint64_t id, lo, hi, owner, version;
    uint64_t last_cid; /* 0: nothing is stored yet */
    uint64_t last_ms;  /* the time of that row */
    unsigned blocked;  /* of a pair: bit 0 lo, bit 1 hi may not write */
    bool dissolved;
    struct slice string_id; /* of a group; empty where it is its number's decimal form */
    struct slice name;
    struct u64_list members; /* of a group, ascending */
};

/* The heads of one transaction, ascending by id; ids without a row are left out. */
struct entry_heads {
    struct entry_head *items;
    size_t count;
    uint64_t first_cid; /* of the block for the next entries_append */
    uint64_t now_ms;    /* by the database's clock, once all are locked */
};

struct entry_row {
    struct entry_head *head;
    uint64_t type, sender;
    struct slice nonce;      /* 16 bytes, or empty: always stored */
    uint64_t subject, about; /* of a notice: an account, a group; else 0 */
    bool notice, accepted;
    struct slice text;
    /* What entries_append sets. */
    bool repeat; /* the nonce was there already; conversation, cid, time are that row's */
    bool clash;  /* ... and that row is another message: nothing of this one is stored */
    uint64_t conversation, cid, prev, time_ms;
};

/* A row's time as messages can hold it, whatever clock wrote it. */
static inline uint64_t entries_time_ms(uint64_t stored_ms) {
    return stored_ms < RECORD_NUMBER_MOST ? stored_ms : RECORD_NUMBER_MOST;
}

/* NULL without memory. */
struct head_cache *head_cache_new(void);
void head_cache_destroy(struct head_cache **self);
/* Writers of one process know together which cids were given; `newest_block` is borrowed. */
void head_cache_share(struct head_cache *self, _Atomic uint64_t *newest_block);
/* Forgets everything: after a transaction whose outcome is not a plain commit. */
void head_cache_clear(struct head_cache *self);
/* After the commit: what this instance now knows of these heads. */
void head_cache_keep(struct head_cache *self, const struct entry_heads *heads);

/*
 * The conversation of two accounts, made when they have none yet. ERR_NO_ACCOUNT when one of them
 * does not exist. `cache` may be NULL. Not within a transaction.
 */
enum err entries_open_pair(struct db *db, struct head_cache *cache, uint64_t a, uint64_t b,
                           uint64_t *conversation_r) __attribute__((warn_unused_result));

/*
 * The own conversations of those of these accounts that exist, and the conversation of all: made
 * with their readers' cursors where they are not there yet. Not within a transaction: what another
 * one is about to make is waited for. Whoever made the conversation of all, accounts' cursors in it
 * are made by delivery, when an account first reads.
 */
enum err entries_open_selves(struct db *db, const uint64_t *accounts, size_t count)
    __attribute__((warn_unused_result));
enum err entries_open_broadcast(struct db *db) __attribute__((warn_unused_result));

/*
 * Begins a transaction and locks these conversations (at most ENTRIES_MAX_HEADS; any order, repeats
 * allowed; `ids` is sorted in place). `instance` is the writer's. `cache` may be NULL: everything
 * is read. After an error the transaction is rolled back.
 */
enum err entries_lock(struct db *db, struct head_cache *cache, uint64_t instance, uint64_t *ids,
                      size_t count, struct record_arena *arena, struct entry_heads *heads_r)
    __attribute__((warn_unused_result));
/* The head of a conversation, or NULL when it has no row. */
struct entry_head *entries_find_head(const struct entry_heads *heads, uint64_t conversation);
/*
 * Lets an account read a group from behind `last_cid` on: in the transaction that makes it a
 * member, with the locked head's last_cid. One that had left stands where it stood, and may still
 * read what was said until then; what was said from then up to `last_cid` is its absence.
 */
enum err entries_open_cursor(struct db *db, uint64_t conversation, uint64_t account,
                             uint64_t last_cid) __attribute__((warn_unused_result));
/*
 * Lets accounts read a conversation up to `until` and no further: in the transaction that ends
 * their membership, with the cid of the notice that tells them. `accounts` ascending, so that it
 * never deadlocks with delivery.advance; any number.
 */
enum err entries_close_cursors(struct db *db, uint64_t conversation, const uint64_t *accounts,
                               size_t count, uint64_t until) __attribute__((warn_unused_result));
/* Whether a head's group has this member. */
bool entries_is_member(const struct entry_head *head, uint64_t account);

/*
 * Appends rows in this order (at most ENTRIES_MAX_ROWS; once after each entries_lock or
 * entries_next_block, whose block of cids it uses) and moves their heads' last_cid; with `commit`
 * ends the transaction in the same round trip. Repeats are looked up after that. After an error
 * nothing is kept, unless db_uncertain says that the commit may have happened all the same.
 */
enum err entries_append(struct db *db, struct entry_heads *heads, struct entry_row *rows,
                        size_t count, bool commit) __attribute__((warn_unused_result));
/*
 * For rows (at most ENTRIES_MAX_ROWS) that may not be stored, or not any more: sets `repeat` of
 * those whose nonce is there already, and with it what entries_append sets. After an error it is
 * rolled back.
 */
enum err entries_find_repeats(struct db *db, struct entry_row *rows, size_t count)
    __attribute__((warn_unused_result));
/* Takes a block of cids for another entries_append in the same transaction. After an error it is
 * rolled back. */
enum err entries_next_block(struct db *db, struct entry_heads *heads)
    __attribute__((warn_unused_result));

#endif
