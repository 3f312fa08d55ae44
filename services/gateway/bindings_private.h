/* What bindings.c and bindings_left.c share. */
#ifndef PARLEY_GATEWAY_BINDINGS_PRIVATE_H
#define PARLEY_GATEWAY_BINDINGS_PRIVATE_H

#include "proto/messages.h"
#include "services/gateway/bindings.h"
#include "services/gateway/gateway.h"
#include "services/gateway/retry.h"

/* In place of a client's link when that was lost: it is bound under none that will ever be. */
#define LINK_LOST UINT64_MAX

/* A connection that ended, and the link under which it was bound. */
struct left {
    uint64_t account, connection, link;
};

struct bindings {
    struct gateway *gateway;
    bool stale; /* some clients may have to be bound elsewhere */
    size_t asked;
    bool seen;               /* an instance was live once */
    int64_t moving_until_ms; /* instances came or went, and other gateways may not know */
    int64_t sync_at_ms;      /* session is told of all; 0: it has been */
    struct left *left;       /* room for BINDINGS_WAITING_MAX; told to nobody yet */
    size_t left_count;
};

/* The two numbers that a peer carries for us. */
static inline uint64_t *link_of(struct peer *peer) { return &peer_numbers(peer)[0]; }
static inline uint64_t *seq_of(struct peer *peer) { return &peer_numbers(peer)[1]; }

bool bindings_moving(const struct bindings *self);

/* --- bindings_left.c ----------------------------------------------------------------------- */

/* -1 without memory. */
int left_init(struct bindings *self) __attribute__((warn_unused_result));
void left_add(struct bindings *self, const struct left *left);
/* Tells of all that have left; false when that must be tried again: no instance is there, or its
 * queue is full. */
bool left_tell(struct bindings *self);

#endif
