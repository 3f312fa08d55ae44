/*
 * Positions: how far a connection has been sent each conversation.
 *
 * A bounded hash table by conversation; nothing is ever removed from it but all at once. A position
 * remembers the last cid that was written to the connection (`sent`) and whether that has not been
 * covered by a mark yet (`touched`), so that what has reached the client can be told per
 * conversation and not per message.
 */
#ifndef PARLEY_GATEWAY_POSITIONS_H
#define PARLEY_GATEWAY_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Conversations per connection; as many as a pull may list. */
#define POSITIONS_MAX 4096

struct position {
    uint64_t conversation; /* 0: free */
    uint64_t sent;
    uint64_t
        unconfirmed; /* of a client that confirms: the last that was shown; 0: it is confirmed */
    bool touched;
};

struct positions {
    struct position *slots;
    uint32_t capacity, count; /* capacity: 0 or a power of two */
    uint64_t *touched;        /* conversations */
    uint32_t touched_count, touched_capacity;
};

/* Frees the memory; the structure is empty and usable again. */
void positions_clear(struct positions *self);
/* NULL when the conversation has none. Valid until the next positions_set. */
struct position *positions_find(const struct positions *self, uint64_t conversation);
/* -1 when there are POSITIONS_MAX already, or no memory. Never moves a position backwards. */
int positions_set(struct positions *self, uint64_t conversation, uint64_t cid)
    __attribute__((warn_unused_result));
/* As positions_set for something just written: it is to be covered by the next mark. */
int positions_touch(struct positions *self, uint64_t conversation, uint64_t cid)
    __attribute__((warn_unused_result));
/* Takes one touched position off the list; false when there is none. */
bool positions_next_touched(struct positions *self, uint64_t *conversation_r, uint64_t *cid_r);

#endif
