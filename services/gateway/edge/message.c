/* Frames and messages of WebSocket. */
#include "services/gateway/edge/message.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "services/gateway/edge/json.h"

size_t edge_frame_head(unsigned char head[EDGE_FRAME_HEAD_BYTES], enum edge_opcode opcode,
                       size_t length) {
    head[0] = (unsigned char)(0x80 | opcode); /* a whole message */
    if (length < 126) {
        head[1] = (unsigned char)length;
        return 2;
    }
    if (length < 65536) {
        head[1] = 126;
        head[2] = (unsigned char)(length >> 8);
        head[3] = (unsigned char)length;
        return 4;
    }
    head[1] = 127;
    uint64_t wide = htobe64(length);
    memcpy(head + 2, &wide, sizeof wide);
    return EDGE_FRAME_HEAD_BYTES;
}

void edge_message_init(struct edge_message *self) {
    *self = (struct edge_message){.parts = buffer_make(EDGE_MAX_OBJECT)};
}

void edge_message_free(struct edge_message *self) { buffer_free(&self->parts); }

enum edge_message_result edge_message_add(struct edge_message *self, struct slice part,
                                          size_t rest_bytes, bool final, struct slice *text_r) {
    size_t room = EDGE_MAX_OBJECT - self->parts.length;
    if (part.length > room || rest_bytes > room - part.length) {
        edge_message_free(self);
        return EDGE_MESSAGE_TOO_LONG;
    }
    bool whole = final && rest_bytes == 0;
    if (whole && self->parts.length == 0) { /* the usual case, without a copy */
        *text_r = part;
        return EDGE_MESSAGE_WHOLE;
    }
    if (buffer_add(&self->parts, part.data, part.length) != 0) {
        edge_message_free(self);
        return EDGE_MESSAGE_NO_MEMORY;
    }
    *text_r = slice_make(self->parts.data, self->parts.length);
    return whole ? EDGE_MESSAGE_WHOLE : EDGE_MESSAGE_MORE;
}
