/*
 * The bytes that wait to be written to one client, and those that libwebsockets holds for it.
 *
 *     queue = edge_queue_make(limit_bytes, &total_bytes);
 *     edge_queue_add(&queue, pieces, count);                whole frames or lines
 *     struct slice front = edge_queue_front(&queue);        write a part of it, then
 *     edge_queue_wrote(&queue, length, held);               held: the kernel took only some of it
 *     edge_queue_taken(&queue);                             now the kernel has taken that as well
 *     edge_queue_drop(&queue);                              forgets what is queued, frees
 *
 * Nothing is written while the queue is `held`. Always: `total_bytes` is the sum of
 * edge_queue_bytes over all queues that were made with it.
 */
#ifndef PARLEY_GATEWAY_EDGE_QUEUE_H
#define PARLEY_GATEWAY_EDGE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/record.h"

/* The bytes that a queue may hold while all of them together are beyond their limit. */
#define EDGE_SHARE_BYTES ((size_t)65536)

struct edge_queue {
    struct buffer bytes; /* from `head` on they wait */
    size_t head;
    size_t held_bytes; /* of the last write, while `held`: the kernel may have some of them */
    bool held;
    uint64_t given;  /* bytes handed to libwebsockets, ever */
    uint64_t *total; /* over all queues; borrowed */
};

struct edge_queue edge_queue_make(uint64_t limit_bytes, uint64_t *total);
void edge_queue_drop(struct edge_queue *self);

/* Whether the queue takes so many bytes more: its own limit, and that of all queues together. */
bool edge_queue_has_room(const struct edge_queue *self, size_t length, uint64_t limit_bytes,
                         uint64_t total_limit_bytes);
/* Appends these pieces, whatever there is room for; 0, or -1 without memory. */
int edge_queue_add(struct edge_queue *self, const struct slice *pieces, size_t count)
    __attribute__((warn_unused_result));

struct slice edge_queue_front(const struct edge_queue *self);
void edge_queue_wrote(struct edge_queue *self, size_t length, bool held);
void edge_queue_taken(struct edge_queue *self);

/* Not yet with the kernel, as far as is known; surely with it; all that was ever added. */
size_t edge_queue_bytes(const struct edge_queue *self);
uint64_t edge_queue_written_bytes(const struct edge_queue *self);
uint64_t edge_queue_sent_bytes(const struct edge_queue *self);

#endif
