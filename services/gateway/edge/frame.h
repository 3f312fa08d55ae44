/*
 * WebSocket frames (RFC 6455, 5): heads of those that are written, and whole messages out of the
 * bytes that a client sends, however they are cut.
 *
 *     edge_frames_init(&frames);
 *     while ((result = edge_frames_next(&frames, &input, &found)) != EDGE_FRAMES_MORE)
 *         ... a message, a control frame, or why no more of the input can be read ...
 *     edge_frames_free(&frames);
 *
 * Memory is held only while a message is incomplete, and at most EDGE_MAX_OBJECT bytes.
 */
#ifndef PARLEY_GATEWAY_EDGE_FRAME_H
#define PARLEY_GATEWAY_EDGE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/record.h"

#define EDGE_FRAME_HEAD_BYTES 10
/* A client's has the mask besides. */
#define EDGE_CLIENT_HEAD_BYTES (EDGE_FRAME_HEAD_BYTES + 4)
/* limit: client | payload of a control frame (ping, pong, close) | {EDGE_CONTROL_BYTES} | closed,
 * 1002 */
#define EDGE_CONTROL_BYTES 125

/* The kind of a frame (RFC 6455, 11.8). */
enum edge_opcode {
    EDGE_OPCODE_CONTINUATION = 0,
    EDGE_OPCODE_TEXT = 1,
    EDGE_OPCODE_BINARY = 2, /* taken as a text */
    EDGE_OPCODE_CLOSE = 8,
    EDGE_OPCODE_PING = 9,
    EDGE_OPCODE_PONG = 10
};

/* Writes the head of a server's frame with a payload of that length; returns the head's length. */
size_t edge_frame_head(unsigned char head[EDGE_FRAME_HEAD_BYTES], enum edge_opcode opcode,
                       size_t length);

struct edge_frames {
    unsigned char head[EDGE_CLIENT_HEAD_BYTES]; /* of the frame that is being read */
    size_t head_length;                         /* as far as it has arrived */
    bool in_payload;
    bool begun;    /* a message, by a frame that was not its last */
    uint64_t rest; /* of the payload, to come */
    size_t mask_at;
    char control[EDGE_CONTROL_BYTES];
    size_t control_length;
    struct buffer message;
};

enum edge_frames_result {
    EDGE_FRAMES_MORE,     /* the input is used up */
    EDGE_FRAMES_MESSAGE,  /* `payload` is a whole message */
    EDGE_FRAMES_CONTROL,  /* `opcode` is EDGE_OPCODE_CLOSE, _PING or _PONG */
    EDGE_FRAMES_BROKEN,   /* `fault` says which rule it breaks; nothing behind it can be read */
    EDGE_FRAMES_TOO_LONG, /* a message over EDGE_MAX_OBJECT, likewise */
    EDGE_FRAMES_NO_MEMORY
};

struct edge_found {
    struct slice payload; /* lives until the next call of any function */
    enum edge_opcode opcode;
    const char *fault;
};

void edge_frames_init(struct edge_frames *self);
/* Takes what it reads off the front of the input. */
enum edge_frames_result edge_frames_next(struct edge_frames *self, struct slice *input,
                                         struct edge_found *found_r);
/* Frees the message. To be called behind each whole one, before the next frame is read. */
void edge_frames_free(struct edge_frames *self);

#endif
