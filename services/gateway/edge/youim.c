/* YouIM's frames, to objects and back. */
#include "services/gateway/edge/youim.h"

#include <endian.h>
#include <string.h>

/* The most bytes around a body in the object that is handed over. */
#define AROUND_BYTES 32
/*
 * limit: client | a body in YouIM's binary framing | {MAX_BODY} bytes: as an object it is at
 * most 65,536 | closed with the reason
 */
#define MAX_BODY (EDGE_MAX_OBJECT - AROUND_BYTES)

static const char too_long[] = "the body is longer than 65504 bytes";
static const char no_memory[] = "the server is short of memory";

_Static_assert(MAX_BODY == 65504, "the text of too_long names the limit");
_Static_assert(EDGE_YOUIM_HEAD_BYTES <= AROUND_BYTES, "a frame has room in `kept`");

void edge_youim_init(struct edge_youim *self) {
    *self = (struct edge_youim){.kept = buffer_make(EDGE_MAX_OBJECT)};
}

void edge_youim_free(struct edge_youim *self) { buffer_free(&self->kept); }

/* --- receiving --- */

static uint32_t body_length(const char *frame) {
    uint32_t length;
    memcpy(&length, frame + 1, sizeof length);
    return be32toh(length);
}

/* How many bytes the frame needs that begins with these: its head, or all of it once that is known;
 * 0 when it is more than there may be. */
static size_t bytes_needed(const char *bytes, size_t length) {
    if (length < EDGE_YOUIM_HEAD_BYTES)
        return EDGE_YOUIM_HEAD_BYTES;
    size_t body = body_length(bytes);
    return body > MAX_BODY ? 0 : EDGE_YOUIM_HEAD_BYTES + body;
}

static struct slice take(struct slice *input, size_t length) {
    struct slice front = slice_make(input->data, length);
    input->data += length;
    input->length -= length;
    return front;
}

/* Nothing that follows is taken. */
static enum edge_json_result give_up(struct edge_youim *self, enum edge_json_result result) {
    self->broken = true;
    buffer_free(&self->kept);
    return result;
}

/* Takes one frame off the input (EDGE_JSON_OBJECT); of an incomplete one its bytes are kept. */
static enum edge_json_result next_frame(struct edge_youim *self, struct slice *input,
                                        struct slice *frame_r) {
    struct buffer *kept = &self->kept;
    size_t needed;
    if (kept->length == 0) { /* the usual case, without a copy */
        needed = bytes_needed(input->data, input->length);
        if (needed != 0 && input->length >= needed) {
            *frame_r = take(input, needed);
            return EDGE_JSON_OBJECT;
        }
    }
    /* The head is completed first: it says how much more there must be. */
    while ((needed = bytes_needed(kept->data, kept->length)) != 0) {
        if (kept->length == needed) {
            *frame_r = slice_make(kept->data, kept->length);
            return EDGE_JSON_OBJECT;
        }
        size_t missing = needed - kept->length;
        if (input->length == 0)
            return EDGE_JSON_MORE;
        struct slice part = take(input, input->length < missing ? input->length : missing);
        if (buffer_add(kept, part.data, part.length) != 0)
            return give_up(self, EDGE_JSON_NO_MEMORY);
    }
    return give_up(self, EDGE_JSON_TOO_LONG);
}

/* NULL and the object, which lies in `out`; or what is wrong with the body. */
static const char *make_object(struct slice frame, struct buffer *out, struct slice *object_r) {
    struct slice body =
        slice_make(frame.data + EDGE_YOUIM_HEAD_BYTES, frame.length - EDGE_YOUIM_HEAD_BYTES);
    unsigned type = (unsigned char)frame.data[0];
    buffer_clear(out);
    if (body.length == 0) {
        buffer_printf(out, "{\"msgType\":%u}", type);
    } else {
        struct slice object;
        const char *fault = edge_json_check_within(body, 1, &object);
        if (fault != NULL)
            return fault;
        buffer_printf(out, "{\"msgType\":%u,\"msgBody\":", type);
        buffer_add(out, object.data, object.length);
        buffer_add(out, "}", 1);
    }
    *object_r = slice_make(out->data, out->length);
    return out->failed ? no_memory : NULL;
}

enum edge_json_result edge_youim_next(struct edge_youim *self, struct slice *input,
                                      struct buffer *scratch, struct slice *object_r,
                                      const char **fault_r) {
    struct slice frame;
    if (self->broken)
        input->length = 0;
    enum edge_json_result result = self->broken ? EDGE_JSON_MORE : next_frame(self, input, &frame);
    *fault_r = result == EDGE_JSON_TOO_LONG ? too_long : no_memory;
    if (result != EDGE_JSON_OBJECT)
        return result;
    *fault_r = make_object(frame, scratch, object_r);
    buffer_free(&self->kept);
    return *fault_r == NULL ? EDGE_JSON_OBJECT : EDGE_JSON_FAULT;
}

/* --- sending --- */

/* Behind the string that begins at `at`. */
static size_t skip_string(struct slice text, size_t at) {
    for (at++; at < text.length && text.data[at] != '"'; at++)
        if (text.data[at] == '\\')
            at++;
    return at < text.length ? at + 1 : text.length;
}

/* The object's own key `msgType`: where it begins, and behind its `:`. */
static bool find_type(struct slice text, size_t *start_r, size_t *value_r) {
    static const char key[] = "\"msgType\":";
    const size_t length = sizeof key - 1;
    size_t depth = 0;
    for (size_t i = 0; i < text.length;) {
        char c = text.data[i];
        if (c == '"') {
            if (depth == 1 && text.length - i > length && memcmp(text.data + i, key, length) == 0) {
                *start_r = i;
                *value_r = i + length;
                return true;
            }
            i = skip_string(text, i);
            continue;
        }
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        i++;
    }
    return false;
}

bool edge_youim_frame(struct slice text, unsigned char head[EDGE_YOUIM_HEAD_BYTES],
                      struct slice *before_r, struct slice *after_r) {
    size_t start, at;
    unsigned type = 0;
    if (!find_type(text, &start, &at))
        return false;
    for (; at < text.length && text.data[at] >= '0' && text.data[at] <= '9' && type < 256; at++)
        type = type * 10 + (unsigned)(text.data[at] - '0');
    if (type > 255)
        return false;
    /* Of the commas on both sides one goes too. */
    if (at < text.length && text.data[at] == ',')
        at++;
    else if (text.data[start - 1] == ',')
        start--;
    *before_r = slice_make(text.data, start);
    *after_r = slice_make(text.data + at, text.length - at);
    uint32_t length = htobe32((uint32_t)(before_r->length + after_r->length));
    head[0] = (unsigned char)type;
    memcpy(head + 1, &length, sizeof length);
    return true;
}
