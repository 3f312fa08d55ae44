/*
 * Fuzz target of a WebSocket client's bytes: however they are cut, the same messages and control
 * frames come out of them, or the same fault, and the limits are kept; the check of a message for
 * UTF-8 agrees with another library; the head of a server's frame says its kind and length.
 *
 * The input is 1 byte (how it is cut) and the client's bytes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "services/gateway/edge/frame.h"
#include "services/gateway/edge/json.h"
#include "tests/fuzz/fuzz.h"

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

static void note(struct buffer *out, const char *kind, struct slice payload) {
    uint64_t length = payload.length;
    require(buffer_add_text(out, kind) == 0);
    require(buffer_add(out, &length, sizeof length) == 0);
    if (payload.length > 0)
        require(buffer_add(out, payload.data, payload.length) == 0);
}

/* false: nothing behind it can be read. */
static bool take(struct edge_frames *frames, struct buffer *out, struct slice *input) {
    struct edge_found found;
    enum edge_frames_result result = edge_frames_next(frames, input, &found);
    require(frames->message.length <= EDGE_MAX_OBJECT);
    switch (result) {
    case EDGE_FRAMES_MORE:
        require(input->length == 0);
        return true;
    case EDGE_FRAMES_MESSAGE:
        check_message(found.payload);
        check_head(found.payload.length);
        note(out, "message", found.payload);
        edge_frames_free(frames);
        return true;
    case EDGE_FRAMES_CONTROL:
        require(found.payload.length <= EDGE_CONTROL_BYTES);
        note(out, "control", found.payload);
        return true;
    default:
        require((found.fault != NULL) == (result == EDGE_FRAMES_BROKEN));
        note(out, "fault", slice_text(found.fault));
        return false;
    }
}

static struct buffer run(const uint8_t *bytes, size_t size, size_t cut) {
    struct buffer out = buffer_make(64 * size + 64);
    struct edge_frames frames;
    bool open = true;
    edge_frames_init(&frames);
    for (size_t at = 0; open && at < size; at += cut) {
        struct slice input = piece_at(bytes, size, at, cut);
        while (open && input.length > 0)
            open = take(&frames, &out, &input);
    }
    edge_frames_free(&frames);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1)
        require_same_however_cut(run, data + 1, size - 1, 1 + (size_t)data[0]);
    return 0;
}
