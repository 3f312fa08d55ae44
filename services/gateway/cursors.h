/*
 * How much has reached clients, and how far they have read, reported to delivery in bulk: each
 * report moves cursors.
 *
 * Moves are stored in the order in which they were added. Losing one repeats messages and loses
 * none, so beyond CURSORS_WAITING_MAX moves further ones are dropped. Those that wait are reported
 * every flush_ms, one request at a time.
 */
#ifndef PARLEY_GATEWAY_CURSORS_H
#define PARLEY_GATEWAY_CURSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/peers.h"

struct cursors;

/* limit: gateway | moves of cursors that are not stored yet | {CURSORS_WAITING_MAX} | further ones
 * are dropped: messages are repeated, none is lost */
/* Moves that are not stored yet, at most. */
#define CURSORS_WAITING_MAX ((size_t)2 * 65536)

/* All that was written to a client: up to `cid` of a conversation, for an account. */
struct written {
    uint64_t account, conversation, cid;
    bool from_others; /* there are entries of other accounts among it */
    uint64_t seen;    /* what is read of it; 0: that is not known */
    uint64_t login;   /* which says so */
};

struct cursors_options {
    struct service *service;
    struct peers **delivery; /* borrowed; looked at when moves are reported */
    uint64_t flush_ms, timeout_ms;
    void (*stored)(void *context); /* called when further moves are stored */
    void *context;
};

/* NULL without memory. */
struct cursors *cursors_new(const struct cursors_options *options);
/* After the peers are destroyed, which ends the report that is on its way. */
void cursors_destroy(struct cursors **self);
/* false: too many wait; the cursor stays, and the entries behind it are repeated some day. */
bool cursors_add(struct cursors *self, const struct written *written);
/* Reports the waiting moves now rather than in a while. */
void cursors_flush(struct cursors *self);
/* How many moves were ever added, and how many of these, in that order, are stored. */
uint64_t cursors_added(const struct cursors *self);
uint64_t cursors_stored(const struct cursors *self);
/* Nothing waits and nothing is on its way. */
bool cursors_idle(const struct cursors *self);
/* Moves that are not stored yet. */
size_t cursors_waiting(const struct cursors *self);

#endif
