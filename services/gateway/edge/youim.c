/*
 * YouIM's binary framing: 1 byte msgType, 4 bytes length (big-endian), then that many bytes of
 * JSON, the object under `msgBody`; no body where the length is 0. Turned into the object that the
 * other transports carry, and back. For the rest such a connection is a TCP one, marks included.
 */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "services/gateway/edge/private.h"

/* What stands around a body in the object that is handed over, at most. */
#define AROUND_BYTES 32
#define MAX_BODY (EDGE_MAX_OBJECT - AROUND_BYTES)

static const char too_long[] = "the body is longer than 65504 bytes";
static const char no_memory[] = "the server is short of memory";

_Static_assert(MAX_BODY == 65504, "the text of too_long names the limit");
_Static_assert(EDGE_YOUIM_HEAD_BYTES <= AROUND_BYTES, "a frame has room in `message`");

/* --- receiving --- */

static uint32_t body_length(const char *frame) {
    uint32_t length;
    memcpy(&length, frame + 1, sizeof length);
    return be32toh(length);
}

/* How many bytes the frame needs that begins with these: its head, or all of it once that is known.
 * Ends the connection, with a fault, where it is more than there may be. */
static size_t bytes_needed(struct edge_connection *connection, const char *bytes, size_t length) {
    if (length < EDGE_YOUIM_HEAD_BYTES)
        return EDGE_YOUIM_HEAD_BYTES;
    size_t body = body_length(bytes);
    if (body > MAX_BODY) {
        edge_count_fault(connection, too_long);
        edge_close(connection, 1009, too_long);
        return 0;
    }
    return EDGE_YOUIM_HEAD_BYTES + body;
}

static struct slice take(struct slice *input, size_t length) {
    struct slice front = slice_make(input->data, length);
    input->data += length;
    input->length -= length;
    return front;
}

/* Takes one frame off the input; of an incomplete one its bytes are kept in `message`. false: there
 * is none, and the input is used up, or the connection ends. */
static bool next_frame(struct edge_connection *connection, struct slice *input,
                       struct slice *frame_r) {
    struct buffer *kept = &connection->message;
    size_t needed;
    if (kept->length == 0) { /* the usual case, without a copy */
        needed = bytes_needed(connection, input->data, input->length);
        if (needed != 0 && input->length >= needed) {
            *frame_r = take(input, needed);
            return true;
        }
    }
    /* The head is completed first, which tells how much more there must be. */
    while ((needed = bytes_needed(connection, kept->data, kept->length)) != 0) {
        if (kept->length == needed) {
            *frame_r = slice_make(kept->data, kept->length);
            return true;
        }
        size_t missing = needed - kept->length;
        if (input->length == 0)
            return false;
        struct slice part = take(input, input->length < missing ? input->length : missing);
        if (buffer_add(kept, part.data, part.length) != 0) {
            edge_close(connection, 1011, no_memory);
            return false;
        }
    }
    return false;
}

/* NULL and the object, which lies in the edge's scratch buffer; or what is wrong with the body. */
static const char *make_object(struct edge *edge, struct slice frame, struct slice *object_r) {
    struct slice body =
        slice_make(frame.data + EDGE_YOUIM_HEAD_BYTES, frame.length - EDGE_YOUIM_HEAD_BYTES);
    struct buffer *out = &edge->scratch;
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

static void take_input(struct edge_connection *connection, struct slice input) {
    struct edge *edge = connection->edge;
    struct slice frame, object;
    while (connection->state == EDGE_OPEN && !connection->paused) {
        if (!next_frame(connection, &input, &frame))
            return;
        const char *fault = make_object(edge, frame, &object);
        buffer_free(&connection->message);
        if (fault == NULL)
            edge->handlers->on_object(edge->argument, connection, object);
        else
            edge_count_fault(connection, fault);
    }
    if (connection->state == EDGE_OPEN &&
        buffer_add(&connection->waiting, input.data, input.length) != 0)
        edge_close(connection, 1011, no_memory);
}

void edge_youim_resume(struct edge_connection *connection, struct slice waiting) {
    take_input(connection, waiting);
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

/* --- libwebsockets --- */

int edge_youim_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t length) {
    struct edge *edge = lws_context_user(lws_get_context(wsi));
    if (reason == LWS_CALLBACK_RAW_ADOPT)
        return edge_tcp_adopt(edge, wsi, EDGE_YOUIM);
    return edge_tcp_callback(wsi, reason, user, in, length);
}
