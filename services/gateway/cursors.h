/* What has reached clients, reported to delivery in bulk. */
#ifndef PARLEY_GATEWAY_CURSORS_H
#define PARLEY_GATEWAY_CURSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursors;
struct gateway;

/* What was written to a client: up to `cid` of a conversation, for an account. */
struct written {
    uint64_t account, conversation, cid;
};

struct cursors *cursors_new(struct gateway *gateway);
void cursors_destroy(struct cursors **self);
/* false: too many wait; the cursor stays, and what it stays behind is repeated some day. */
bool cursors_add(struct gateway *gateway, const struct written *written);
/* Sends what there is now rather than in a while. */
void cursors_flush(struct gateway *gateway);
/* How many moves were ever added, and how many of these, in that order, are stored. */
uint64_t cursors_added(const struct gateway *gateway);
uint64_t cursors_stored(const struct gateway *gateway);
/* Nothing waits and nothing is on its way. */
bool cursors_idle(const struct gateway *gateway);
/* Moves that are not stored yet, and how many there may be at most. */
size_t cursors_waiting(const struct cursors *self);
#define CURSORS_WAITING_MAX ((size_t)2 * 65536)
void cursors_tick(struct gateway *gateway, int64_t now_ms);

#endif
