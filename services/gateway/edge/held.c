/* Memory for input of connections without a login; see held.h. */
#include "services/gateway/edge/held.h"

static size_t size_of(size_t bytes) {
    size_t size = 0;
    while (bytes > 1 && size < EDGE_HELD_SIZES - 1) {
        bytes >>= 1;
        size++;
    }
    return size;
}

void edge_held_init(struct edge_held_all *self, uint64_t max_bytes) {
    self->bytes = 0;
    self->max_bytes = max_bytes;
    for (size_t i = 0; i < EDGE_HELD_SIZES; i++)
        TAILQ_INIT(&self->by_size[i]);
}

void edge_held_set(struct edge_held_all *self, struct edge_held *held, size_t bytes) {
    size_t before = held->bytes;
    if (before == bytes)
        return;
    self->bytes += bytes;
    self->bytes -= before;
    held->bytes = bytes;
    if (before != 0 && bytes != 0 && size_of(before) == size_of(bytes))
        return;
    if (before != 0)
        TAILQ_REMOVE(&self->by_size[size_of(before)], held, same);
    if (bytes != 0)
        TAILQ_INSERT_TAIL(&self->by_size[size_of(bytes)], held, same);
}

struct edge_held *edge_held_victim(const struct edge_held_all *self) {
    if (self->bytes <= self->max_bytes)
        return NULL;
    for (size_t i = EDGE_HELD_SIZES; i-- > 0;)
        if (!TAILQ_EMPTY(&self->by_size[i]))
            return TAILQ_FIRST(&self->by_size[i]);
    return NULL;
}
