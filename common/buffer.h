/*
 * A growing byte buffer with a maximum.
 *
 *     struct buffer b = buffer_make(65536);
 *     if (buffer_add(&b, bytes, n) != 0) ... over the maximum, or no memory: nothing was added
 *     buffer_free(&b);
 *
 * Always: length <= capacity <= max, and data is NULL while capacity is 0. An addition
 * that does not fit leaves the buffer as it was and sets `failed`, so that a run of additions may
 * be checked once at its end. `failed` stays set until buffer_clear, though a later, smaller
 * addition may fit.
 */
#ifndef PARLEY_COMMON_BUFFER_H
#define PARLEY_COMMON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data;
    size_t length, capacity, max;
    bool failed;
};

/* An empty buffer that will never hold more than `max` bytes. */
struct buffer buffer_make(size_t max);
/* Leaves it empty, with the same maximum: it may be used again. */
void buffer_free(struct buffer *buffer);
/* Forgets the contents and `failed`, keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* 0, or -1 with `failed` set. The added bytes must not lie in the buffer itself. */
int buffer_add(struct buffer *buffer, const void *bytes, size_t length);
int buffer_add_text(struct buffer *buffer, const char *text);
int buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Removes `length` bytes (at most all) from the front; moves the rest. */
void buffer_drop(struct buffer *buffer, size_t length);

#endif
