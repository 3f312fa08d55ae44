/* Lines on standard output; see screen.h. */
#include "services/ctl/chat/screen.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* limit: tool | a line that `chat` shows | {LINE_MAX_BYTES} | left out, with a word in its place */
/* A text of 65,000 bytes that are each shown by a number has half of it. */
#define LINE_MAX_BYTES ((size_t)1 << 20)

void chat_screen_init(struct chat_screen *self, int fd) {
    *self = (struct chat_screen){.line = buffer_make(LINE_MAX_BYTES), .fd = fd};
}

void chat_screen_free(struct chat_screen *self) { buffer_free(&self->line); }

struct buffer *chat_screen_begin(struct chat_screen *self) {
    buffer_clear(&self->line);
    return &self->line;
}

/* All of it, also where the terminal was left non-blocking by another program. */
static void write_all(struct chat_screen *self, const char *bytes, size_t length) {
    while (length > 0 && !self->failed) {
        ssize_t done = write(self->fd, bytes, length);
        if (done >= 0) {
            bytes += done;
            length -= (size_t)done;
        } else if (errno == EAGAIN) {
            struct pollfd out = {.fd = self->fd, .events = POLLOUT};
            (void)poll(&out, 1, -1);
        } else if (errno != EINTR) {
            self->failed = true;
        }
    }
}

void chat_screen_end(struct chat_screen *self) {
    if (buffer_add_text(&self->line, "\n") != 0 || self->line.failed) {
        buffer_clear(&self->line);
        buffer_add_text(&self->line, "-- a line is too long to show\n");
    }
    write_all(self, self->line.data, self->line.length);
}

void chat_screen_say(struct chat_screen *self, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_printf(chat_screen_begin(self), "-- %s", text);
    chat_screen_end(self);
}
