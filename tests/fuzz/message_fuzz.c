/*
 * Fuzz target of WebSocket messages: parts of frames, however cut, become exactly the messages that
 * their payloads make, and the limit is kept; the check of a message for UTF-8 agrees
 * with another library, wherever the parts are cut.
 *
 * The input is a list of frames: 1 byte (its lowest bit: the message's last frame; the others: the
 * longest part, in steps of 64 bytes, 0: the whole frame), 2 bytes length, and the payload.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "services/gateway/edge/json.h"
#include "services/gateway/edge/message.h"
#include "tests/fuzz/fuzz.h"

#define FRAME_HEAD_BYTES 3

static bool is_utf8(struct slice text) {
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text.data;
    utf8proc_ssize_t left = (utf8proc_ssize_t)text.length;
    while (left > 0) {
        utf8proc_int32_t point;
        utf8proc_ssize_t taken = utf8proc_iterate(bytes, left, &point);
        if (taken <= 0)
            return false;
        bytes += taken;
        left -= taken;
    }
    return true;
}

static void check_message(struct slice message) {
    struct slice object;
    const char *fault = edge_json_check(message, &object);
    require((fault == edge_json_not_utf8) == !is_utf8(message));
    if (fault == NULL)
        require(object.data[0] == '{' && object.data[object.length - 1] == '}');
}

/* The head of a server's frame says its kind and length. */
static void check_head(size_t length) {
    unsigned char head[EDGE_FRAME_HEAD_BYTES];
    size_t bytes = edge_frame_head(head, EDGE_OPCODE_TEXT, length), found = head[1];
    size_t wide = found == 126 ? 2 : found == 127 ? 8 : 0;
    require(head[0] == 0x81 && found <= 127 && bytes == 2 + wide);
    if (wide != 0)
        found = 0;
    for (size_t i = 0; i < wide; i++)
        found = found << 8 | head[2 + i];
    require(found == length);
}

/* Hands one frame over in parts. false: the message is too long. */
static bool add_frame(struct edge_message *message, struct buffer *expected, struct slice payload,
                      size_t longest, bool final) {
    size_t at = 0;
    do {
        size_t length = payload.length - at < longest ? payload.length - at : longest;
        size_t rest = payload.length - at - length;
        struct slice part = slice_make(payload.data + at, length), text = {0};
        enum edge_message_result result = edge_message_add(message, part, rest, final, &text);
        if (expected->length + length + rest > EDGE_MAX_OBJECT) {
            require(result == EDGE_MESSAGE_TOO_LONG && message->parts.data == NULL);
            return false;
        }
        require(buffer_add(expected, part.data, part.length) == 0);
        require(result == (final && rest == 0 ? EDGE_MESSAGE_WHOLE : EDGE_MESSAGE_MORE));
        if (result == EDGE_MESSAGE_WHOLE) {
            require(slice_equal(text, slice_make(expected->data, expected->length)));
            check_message(text);
            check_head(text.length);
            edge_message_free(message);
            buffer_clear(expected);
        }
        at += length;
    } while (at < payload.length);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct edge_message message;
    struct buffer expected = buffer_make(EDGE_MAX_OBJECT);
    bool open = true;
    edge_message_init(&message);
    for (size_t at = 0; open && at + FRAME_HEAD_BYTES <= size;) {
        size_t length = (size_t)data[at + 1] << 8 | data[at + 2], longest = data[at] / 2 * 64U;
        bool final = (data[at] & 1) != 0;
        at += FRAME_HEAD_BYTES;
        length = length < size - at ? length : size - at;
        open = add_frame(&message, &expected, slice_make((const char *)data + at, length),
                         longest == 0 ? length : longest, final);
        at += length;
    }
    edge_message_free(&message);
    buffer_free(&expected);
    return 0;
}
