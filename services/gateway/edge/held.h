/*
 * Memory for input of connections that nobody has logged in on: how much each holds, and which one
 * must go when all of them hold too much.
 *
 *     edge_held_init(&all, 8 << 20);
 *     edge_held_set(&all, &connection->held, bytes);          whenever it changes; 0 at its end
 *     while ((one = edge_held_victim(&all)) != NULL) ... drop its input, and set it to 0
 *
 * The victim is one of those that hold most, to a power of two, and of these the one that has held
 * as much for the longest time. So whoever fills the memory loses it, and an object that is only
 * slow to arrive stays.
 */
#ifndef PARLEY_GATEWAY_EDGE_HELD_H
#define PARLEY_GATEWAY_EDGE_HELD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* Sizes from 2^n to below 2^(n+1) are alike. */
#define EDGE_HELD_SIZES 32

struct edge_held {
    size_t bytes;
    TAILQ_ENTRY(edge_held) same; /* while `bytes` is not 0 */
};

TAILQ_HEAD(edge_held_list, edge_held);

struct edge_held_all {
    uint64_t bytes, max_bytes;
    struct edge_held_list by_size[EDGE_HELD_SIZES];
};

void edge_held_init(struct edge_held_all *self, uint64_t max_bytes);
/* `held` is all 0 at first. */
void edge_held_set(struct edge_held_all *self, struct edge_held *held, size_t bytes);
/* NULL: they hold `max_bytes` or less. */
struct edge_held *edge_held_victim(const struct edge_held_all *self);

#endif
