/*
 * Positions: how far a connection has been sent each conversation.
 *
 * A bounded hash table by conversation. A position remembers the last cid that was written to the
 * connection (`sent`) and whether that has not been covered by a mark yet (`touched`), so that what
 * has reached the client is known per conversation and not per message; of a client that
 * confirms, how much of what it was shown waits to be confirmed.
 *
 * A full table has room again when a settled position is forgotten: one where nothing waits for a
 * mark or to be confirmed, no more is to be read, and nothing was left out that is not announced
 * yet. The account's stored cursor stands where that position does, or will as soon as the moves
 * that are on their way are stored. Later entries there are read behind that.
 */
#ifndef PARLEY_GATEWAY_POSITIONS_H
#define PARLEY_GATEWAY_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * limit: gateway | positions of a connection | {POSITIONS_MAX} conversations {PULL_MAX_POSITIONS:}
 * | one gives way that is settled: nothing there waits for a mark or a 301. Later entries there are
 * read behind the account's stored cursor, so an entry that another connection of the account has
 * confirmed by then may be missing on this one. Where none is settled: the next page waits for the
 * client; a client that confirms goes on with those 4,096 until it confirms one of them
 */
/*
 * limit: gateway | conversations of which something is pushed before a login's first page |
 * {POSITIONS_MAX} | logged (`early_push_forgotten`); an entry that another connection of the
 * account has confirmed by then does not reach this one
 */
/* Conversations per connection; as many as a pull may list. */
#define POSITIONS_MAX 4096
/*
 * limit: gateway | entries of a conversation that a client which confirms gets ahead of its
 * last 301, and again at its next login | {POSITIONS_MAX_UNCONFIRMED} | what follows in that
 * conversation waits until it has confirmed half of them; all others go on
 */
/* Entries of a conversation that a client that confirms is sent ahead of what it has confirmed. */
#define POSITIONS_MAX_UNCONFIRMED 500

struct position {
    uint64_t conversation; /* 0: free */
    uint64_t sent;
    /* Of a client that confirms: the last that it was shown; 0: it is confirmed. */
    uint64_t unconfirmed;
    /* Entries shown that wait to be confirmed: up to `half`, and behind it. */
    uint64_t half;
    uint16_t shown[2];
    uint16_t skipped; /* entries left out, up to the next one; not announced yet */
    bool touched : 1;
    bool behind : 1;      /* more is to be read than was sent */
    bool from_others : 1; /* entries of other accounts were written since */
    bool asked : 1;       /* a page that reads it is on its way; nothing was pushed there since */
};

struct positions {
    struct position *slots;
    uint32_t capacity, count; /* capacity: 0 or a power of two */
    uint64_t *touched;        /* conversations */
    uint32_t touched_count, touched_capacity;
    uint32_t hand;      /* where the search for a position to forget begins */
    uint32_t forgotten; /* positions, ever */
    bool whole;         /* all of the account's conversations are here: one that is not is new */
    bool full;          /* none can be forgotten: each waits for a 301, and nothing else is read */
};

/* Frees the memory; the structure is empty and usable again. */
void positions_clear(struct positions *self);
/* NULL when the conversation has none. Valid until the next positions_set or positions_forget. */
struct position *positions_find(const struct positions *self, uint64_t conversation);
/* Whether the conversation has one, or may have. */
bool positions_have_room(const struct positions *self, uint64_t conversation);
/* Forgets one position that is settled; false: none is. */
bool positions_forget(struct positions *self);
/* -1 when there are POSITIONS_MAX already, no memory, or the conversation is 0. Never moves a
 * position backwards. */
int positions_set(struct positions *self, uint64_t conversation, uint64_t cid)
    __attribute__((warn_unused_result));
/* As positions_set for something just written: it is to be covered by the next mark. */
int positions_touch(struct positions *self, uint64_t conversation, uint64_t cid)
    __attribute__((warn_unused_result));
/* Notes that the conversation has more to read; false: it has no position. */
bool positions_note_behind(struct positions *self, uint64_t conversation);
/* The page that was on its way is here and `read`, or it failed: then its conversations are as
 * before. */
void positions_settle_asked(struct positions *self, bool read);
/* Takes one touched position off the list, and returns its state at that time; false when there is
 * none. */
bool positions_next_touched(struct positions *self, struct position *touched_r);

#endif
