/* Lines in a stream of bytes; see lines.h. */
#include "services/ctl/chat/lines.h"

#include <string.h>

void chat_lines_init(struct chat_lines *self, size_t max_bytes) {
    *self = (struct chat_lines){.kept = buffer_make(max_bytes)};
}

void chat_lines_free(struct chat_lines *self) { buffer_free(&self->kept); }

void chat_lines_clear(struct chat_lines *self) {
    buffer_clear(&self->kept);
    self->handed = self->skipping = false;
}

static struct slice take(struct slice *input, size_t length) {
    struct slice taken = slice_make(input->data, length);
    input->data += length;
    input->length -= length;
    return taken;
}

/* Adds to the line that is kept. CHAT_LINES_MORE, or CHAT_LINES_TOO_LONG. */
static enum chat_lines_result keep(struct chat_lines *self, struct slice piece) {
    if (piece.length == 0 || buffer_add(&self->kept, piece.data, piece.length) == 0)
        return CHAT_LINES_MORE;
    buffer_clear(&self->kept);
    return CHAT_LINES_TOO_LONG;
}

/* The input has no line feed. */
static enum chat_lines_result take_rest(struct chat_lines *self, struct slice *input) {
    struct slice rest = take(input, input->length);
    if (self->skipping)
        return CHAT_LINES_MORE;
    enum chat_lines_result result = keep(self, rest);
    self->skipping = result == CHAT_LINES_TOO_LONG;
    return result;
}

enum chat_lines_result chat_lines_next(struct chat_lines *self, struct slice *input,
                                       struct slice *line_r) {
    if (self->handed)
        buffer_clear(&self->kept);
    self->handed = false;
    while (input->length > 0) {
        const char *end = memchr(input->data, '\n', input->length);
        if (end == NULL)
            return take_rest(self, input);
        struct slice piece = take(input, (size_t)(end - input->data));
        (void)take(input, 1);
        if (self->skipping) {
            self->skipping = false;
            continue;
        }
        if (self->kept.length == 0 && piece.length <= self->kept.max) {
            *line_r = piece;
            return CHAT_LINES_LINE;
        }
        if (keep(self, piece) == CHAT_LINES_TOO_LONG)
            return CHAT_LINES_TOO_LONG;
        self->handed = true;
        *line_r = slice_make(self->kept.data, self->kept.length);
        return CHAT_LINES_LINE;
    }
    return CHAT_LINES_MORE;
}

bool chat_lines_last(struct chat_lines *self, struct slice *line_r) {
    *line_r = slice_make(self->kept.data, self->handed ? 0 : self->kept.length);
    return line_r->length > 0;
}
