/* Frames and messages of WebSocket. */
#include "services/gateway/edge/frame.h"

#include <endian.h>
#include <string.h>

#include "services/gateway/edge/json.h"

#define FINAL 0x80U
#define RESERVED 0x70U
#define CONTROL 0x08U
#define MASKED 0x80U
#define MASK_BYTES 4

/* --- writing --- */

size_t edge_frame_head(unsigned char head[EDGE_FRAME_HEAD_BYTES], enum edge_opcode opcode,
                       size_t length) {
    head[0] = (unsigned char)(FINAL | opcode); /* a whole message */
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

/* --- reading --- */

void edge_frames_init(struct edge_frames *self) {
    *self = (struct edge_frames){.message = buffer_make(EDGE_MAX_OBJECT)};
}

void edge_frames_free(struct edge_frames *self) { buffer_free(&self->message); }

static unsigned opcode_of(const struct edge_frames *self) { return self->head[0] & 0x0fU; }

static bool is_control(const struct edge_frames *self) { return (self->head[0] & CONTROL) != 0; }

static bool is_final(const struct edge_frames *self) { return (self->head[0] & FINAL) != 0; }

static unsigned short_length(const struct edge_frames *self) { return self->head[1] & 0x7fU; }

/* Of the head that the first two bytes announce. */
static size_t head_bytes(const struct edge_frames *self) {
    size_t wide = short_length(self) == 127 ? 8 : short_length(self) == 126 ? 2 : 0;
    return self->head_length < 2 ? 2 : 2 + wide + MASK_BYTES;
}

/* false: more of it must arrive. */
static bool take_head(struct edge_frames *self, struct slice *input) {
    while (self->head_length < head_bytes(self)) {
        if (input->length == 0)
            return false;
        self->head[self->head_length++] = (unsigned char)*input->data;
        *input = slice_make(input->data + 1, input->length - 1);
        if (self->head_length == 2)
            return true; /* to be looked at, before more is waited for */
    }
    return true;
}

/* What the first two bytes break; NULL: nothing. */
static const char *fault_of_begin(const struct edge_frames *self) {
    unsigned opcode = opcode_of(self);
    if ((self->head[1] & MASKED) == 0)
        return "the frame is not masked";
    if ((self->head[0] & RESERVED) != 0)
        return "the frame has a reserved bit, and no extension was agreed on";
    if (opcode > EDGE_OPCODE_PONG || (opcode > EDGE_OPCODE_BINARY && opcode < EDGE_OPCODE_CLOSE))
        return "the frame is of a reserved kind";
    if (is_control(self) && !is_final(self))
        return "the control frame is in fragments";
    if (is_control(self) && short_length(self) > EDGE_CONTROL_BYTES)
        return "the control frame is longer than 125 bytes";
    if (opcode == EDGE_OPCODE_CONTINUATION && !self->begun)
        return "the frame continues a message that was not begun";
    if ((opcode == EDGE_OPCODE_TEXT || opcode == EDGE_OPCODE_BINARY) && self->begun)
        return "the frame begins a message before the last one has ended";
    return NULL;
}

static uint64_t length_of(const struct edge_frames *self) {
    uint16_t short_wide;
    uint64_t wide;
    switch (short_length(self)) {
    case 126:
        memcpy(&short_wide, self->head + 2, sizeof short_wide);
        return be16toh(short_wide);
    case 127:
        memcpy(&wide, self->head + 2, sizeof wide);
        return be64toh(wide);
    default:
        return short_length(self);
    }
}

/* The head is whole. */
static enum edge_frames_result begin_payload(struct edge_frames *self, struct edge_found *found_r) {
    uint64_t length = length_of(self);
    if (length > INT64_MAX) {
        found_r->fault = "the frame's length is negative";
        return EDGE_FRAMES_BROKEN;
    }
    if (!is_control(self) && length > EDGE_MAX_OBJECT - self->message.length)
        return EDGE_FRAMES_TOO_LONG;
    self->rest = length;
    self->mask_at = 0;
    self->control_length = 0;
    self->in_payload = true;
    return EDGE_FRAMES_MORE;
}

static void unmask(struct edge_frames *self, char *bytes, size_t length) {
    const unsigned char *mask = self->head + head_bytes(self) - MASK_BYTES;
    unsigned char eight[8];
    for (size_t i = 0; i < sizeof eight; i++)
        eight[i] = mask[(self->mask_at + i) % MASK_BYTES];
    uint64_t wide_mask, wide;
    memcpy(&wide_mask, eight, sizeof wide_mask);
    size_t at = 0;
    for (; at + sizeof wide <= length; at += sizeof wide) {
        memcpy(&wide, bytes + at, sizeof wide);
        wide ^= wide_mask;
        memcpy(bytes + at, &wide, sizeof wide);
    }
    for (; at < length; at++)
        bytes[at] = (char)((unsigned char)bytes[at] ^ eight[at % sizeof eight]);
    self->mask_at = (self->mask_at + length) % MASK_BYTES;
}

/* false: no memory. */
static bool take_payload(struct edge_frames *self, struct slice *input) {
    size_t length = self->rest < input->length ? (size_t)self->rest : input->length;
    char *to = self->control + self->control_length;
    if (length == 0)
        return true;
    if (is_control(self)) {
        memcpy(to, input->data, length);
        self->control_length += length;
    } else {
        if (buffer_add(&self->message, input->data, length) != 0)
            return false;
        to = self->message.data + self->message.length - length;
    }
    unmask(self, to, length);
    self->rest -= length;
    *input = slice_make(input->data + length, input->length - length);
    return true;
}

/* The frame is whole. EDGE_FRAMES_MORE: its message isn't. */
static enum edge_frames_result end_frame(struct edge_frames *self, struct edge_found *found_r) {
    self->in_payload = false;
    self->head_length = 0;
    if (is_control(self)) {
        found_r->opcode = (enum edge_opcode)opcode_of(self);
        found_r->payload = slice_make(self->control, self->control_length);
        return EDGE_FRAMES_CONTROL;
    }
    self->begun = !is_final(self);
    found_r->payload = slice_make(self->message.data, self->message.length);
    return self->begun ? EDGE_FRAMES_MORE : EDGE_FRAMES_MESSAGE;
}

enum edge_frames_result edge_frames_next(struct edge_frames *self, struct slice *input,
                                         struct edge_found *found_r) {
    *found_r = (struct edge_found){0};
    enum edge_frames_result result = EDGE_FRAMES_MORE;
    while (result == EDGE_FRAMES_MORE) {
        if (!self->in_payload) {
            if (!take_head(self, input))
                return EDGE_FRAMES_MORE;
            found_r->fault = fault_of_begin(self);
            if (found_r->fault != NULL)
                return EDGE_FRAMES_BROKEN;
            if (self->head_length < head_bytes(self))
                continue;
            result = begin_payload(self, found_r);
            if (result != EDGE_FRAMES_MORE)
                return result;
        }
        if (!take_payload(self, input))
            return EDGE_FRAMES_NO_MEMORY;
        if (self->rest > 0)
            return EDGE_FRAMES_MORE;
        result = end_frame(self, found_r);
    }
    return result;
}
