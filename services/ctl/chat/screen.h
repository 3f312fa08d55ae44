/*
 * The user's screen: lines on a terminal or in a pipe.
 *
 *     chat_screen_init(&screen, STDOUT_FILENO);
 *     struct buffer *line = chat_screen_begin(&screen);
 *     buffer_add_text(line, ...); chat_show_text(line, ...);
 *     chat_screen_end(&screen);                                    writes it, with its line feed
 *     chat_screen_say(&screen, "connected to %s", server);         words of our own: "-- connected"
 *
 * Whatever others wrote goes through show.h first.
 */
#ifndef PARLEY_CTL_CHAT_SCREEN_H
#define PARLEY_CTL_CHAT_SCREEN_H

#include "common/buffer.h"

struct chat_screen {
    struct buffer line;
    int fd;
    bool failed; /* it cannot be written to any more */
};

void chat_screen_init(struct chat_screen *self, int fd);
void chat_screen_free(struct chat_screen *self);
struct buffer *chat_screen_begin(struct chat_screen *self);
void chat_screen_end(struct chat_screen *self);
void chat_screen_say(struct chat_screen *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
