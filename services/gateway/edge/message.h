/*
 * WebSocket messages: heads of the frames that are written, and whole messages from the parts that
 * libwebsockets hands over, which are of any size, several to a frame and several frames to a
 * message.
 *
 *     edge_message_init(&message);
 *     switch (edge_message_add(&message, part, rest, final, &text)) {
 *     case EDGE_MESSAGE_WHOLE: ... text lives until the next call of either function ...
 *         edge_message_free(&message);
 *
 * Memory is held only while a message is incomplete, and at most EDGE_MAX_OBJECT bytes.
 */
#ifndef PARLEY_GATEWAY_EDGE_MESSAGE_H
#define PARLEY_GATEWAY_EDGE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"
#include "common/record.h"

#define EDGE_FRAME_HEAD_BYTES 10

/* The kind of a frame (RFC 6455, 11.8). */
enum edge_opcode { EDGE_OPCODE_TEXT = 1, EDGE_OPCODE_PING = 9 };

/* Writes the head of a server's frame with a payload of that length; returns the head's length. */
size_t edge_frame_head(unsigned char head[EDGE_FRAME_HEAD_BYTES], enum edge_opcode opcode,
                       size_t length);

struct edge_message {
    struct buffer parts;
};

enum edge_message_result {
    EDGE_MESSAGE_MORE,
    EDGE_MESSAGE_WHOLE,
    EDGE_MESSAGE_TOO_LONG, /* over EDGE_MAX_OBJECT: nothing of it was kept */
    EDGE_MESSAGE_NO_MEMORY
};

void edge_message_init(struct edge_message *self);
/* Also forgets the parts of an incomplete message. */
void edge_message_free(struct edge_message *self);
/* `rest_bytes`: how much of the same frame is still to come; `final`: this frame is the message's
 * last one. */
enum edge_message_result edge_message_add(struct edge_message *self, struct slice part,
                                          size_t rest_bytes, bool final, struct slice *text_r);

#endif
