/*
 * The growing byte buffer. It doubles, so that a run of small additions costs a constant each, and
 * takes exactly `max` when doubling would pass it.
 */
#include "common/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64

struct buffer buffer_make(size_t max) {
    return (struct buffer){.max = max};
}

void buffer_free(struct buffer *buffer) {
    free(buffer->data);
    *buffer = buffer_make(buffer->max);
}

void buffer_clear(struct buffer *buffer) {
    buffer->length = 0;
    buffer->failed = false;
}

static int fail(struct buffer *buffer) {
    buffer->failed = true;
    return -1;
}

/* Makes room for `more` bytes behind those that are there. */
static int reserve(struct buffer *buffer, size_t more) {
    if (more > buffer->max - buffer->length)
        return -1;
    size_t needed = buffer->length + more;
    if (needed <= buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity != 0 ? buffer->capacity : FIRST_CAPACITY;
    while (capacity < needed && capacity <= buffer->max / 2)
        capacity *= 2;
    if (capacity < needed || capacity > buffer->max)
        capacity = buffer->max;
    char *data = realloc(buffer->data, capacity);
    if (data == NULL)
        return -1;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int buffer_add(struct buffer *buffer, const void *bytes, size_t length) {
    if (length == 0)
        return 0; /* `bytes` may be NULL, which memcpy does not take */
    if (reserve(buffer, length) != 0)
        return fail(buffer);
    memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    return 0;
}

int buffer_add_text(struct buffer *buffer, const char *text) {
    return buffer_add(buffer, text, strlen(text));
}

/* Formats aside and copies: vsnprintf wants room for a 0 at the end, which a full buffer lacks. */
int buffer_printf(struct buffer *buffer, const char *format, ...) {
    char small[512];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int written = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    int result = -1;
    if (written >= 0 && (size_t)written < sizeof small) {
        result = buffer_add(buffer, small, (size_t)written);
    } else if (written >= 0 && (size_t)written <= buffer->max - buffer->length) {
        char *large = malloc((size_t)written + 1);
        if (large != NULL && vsnprintf(large, (size_t)written + 1, format, again) == written)
            result = buffer_add(buffer, large, (size_t)written);
        free(large);
    }
    va_end(again);
    return result == 0 ? 0 : fail(buffer);
}

void buffer_drop(struct buffer *buffer, size_t length) {
    if (length >= buffer->length) {
        buffer->length = 0;
        return;
    }
    if (length == 0)
        return;
    buffer->length -= length;
    memmove(buffer->data, buffer->data + length, buffer->length);
}
