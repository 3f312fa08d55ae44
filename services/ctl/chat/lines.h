/*
 * Splits a stream of bytes at line feeds: the server's objects, and the user's lines.
 *
 *     struct chat_lines lines;
 *     chat_lines_init(&lines, 65536);
 *     struct slice input = ... what was read, line;
 *     while ((result = chat_lines_next(&lines, &input, &line)) != CHAT_LINES_MORE) ...
 *     chat_lines_free(&lines);
 *
 * Always: however the input is cut into pieces, the results are the same.
 */
#ifndef PARLEY_CTL_CHAT_LINES_H
#define PARLEY_CTL_CHAT_LINES_H

#include "common/buffer.h"
#include "common/record.h"

enum chat_lines_result {
    CHAT_LINES_MORE,    /* the input is used up */
    CHAT_LINES_LINE,    /* one line without its end; lives until the next call, as the input does */
    CHAT_LINES_TOO_LONG /* a line passed the maximum (or memory is short); it is left out */
};

struct chat_lines {
    struct buffer kept; /* the part of a line from earlier input */
    bool handed;        /* `kept` is what the last call returned */
    bool skipping;      /* up to the end of a line that is too long */
};

void chat_lines_init(struct chat_lines *self, size_t max_bytes);
void chat_lines_free(struct chat_lines *self);
/* Forgets the kept bytes: another stream begins. */
void chat_lines_clear(struct chat_lines *self);

enum chat_lines_result chat_lines_next(struct chat_lines *self, struct slice *input,
                                       struct slice *line_r);
/* At the end of the stream: the last line, which has no line feed. False when there is none. */
bool chat_lines_last(struct chat_lines *self, struct slice *line_r);

#endif
