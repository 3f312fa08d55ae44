/* Bytes on their way to one client. */
#include "services/gateway/edge/queue.h"

struct edge_queue edge_queue_make(uint64_t limit_bytes, uint64_t *total) {
    /* Twice: what is written already lies before `head` until it is half of all. */
    return (struct edge_queue){.bytes = buffer_make(2 * (size_t)limit_bytes + 256), .total = total};
}

static size_t unwritten(const struct edge_queue *self) { return self->bytes.length - self->head; }

size_t edge_queue_bytes(const struct edge_queue *self) {
    return unwritten(self) + self->held_bytes;
}

uint64_t edge_queue_written_bytes(const struct edge_queue *self) {
    return self->given - self->held_bytes;
}

uint64_t edge_queue_sent_bytes(const struct edge_queue *self) {
    return self->given + unwritten(self);
}

void edge_queue_drop(struct edge_queue *self) {
    *self->total -= edge_queue_bytes(self);
    self->held_bytes = self->head = 0;
    buffer_free(&self->bytes);
}

bool edge_queue_has_room(const struct edge_queue *self, size_t length, uint64_t limit_bytes,
                         uint64_t total_limit_bytes) {
    uint64_t queued = edge_queue_bytes(self);
    if (*self->total + length > total_limit_bytes && queued > 0 &&
        queued + length > EDGE_SHARE_BYTES)
        return false;
    return length <= limit_bytes && queued <= limit_bytes - length;
}

int edge_queue_add(struct edge_queue *self, const struct slice *pieces, size_t count) {
    size_t before = self->bytes.length;
    for (size_t i = 0; i < count; i++)
        if (buffer_add(&self->bytes, pieces[i].data, pieces[i].length) != 0) {
            self->bytes.length = before;
            return -1;
        }
    *self->total += self->bytes.length - before;
    return 0;
}

struct slice edge_queue_front(const struct edge_queue *self) {
    size_t length = unwritten(self);
    return slice_make(length == 0 ? NULL : self->bytes.data + self->head, length);
}

void edge_queue_wrote(struct edge_queue *self, size_t length, bool held) {
    self->given += length;
    self->head += length;
    self->held = held;
    if (held)
        self->held_bytes = length;
    else
        *self->total -= length;
    if (self->head == self->bytes.length) {
        buffer_free(&self->bytes);
        self->head = 0;
    } else if (self->head >= self->bytes.length / 2) {
        buffer_drop(&self->bytes, self->head);
        self->head = 0;
    }
}

void edge_queue_taken(struct edge_queue *self) {
    *self->total -= self->held_bytes;
    self->held_bytes = 0;
    self->held = false;
}
