/* The edge's pure parts at their limits: a connection's queue, WebSocket messages, YouIM's frames.
 */
#include <string.h>

#include "services/gateway/edge/frame.h"
#include "services/gateway/edge/json.h"
#include "services/gateway/edge/queue.h"
#include "services/gateway/edge/youim.h"
#include "tests/support/test_list.h"

static char bytes[2 * EDGE_MAX_OBJECT];

/* --- the queue --- */

static void add(struct edge_queue *queue, size_t length) {
    const struct slice piece = slice_make(bytes, length);
    assert_int_equal(edge_queue_add(queue, &piece, 1), 0);
}

TEST(the_total_is_the_sum_of_all_queues) {
    uint64_t total = 0;
    struct edge_queue first = edge_queue_make(1000, &total), second = edge_queue_make(1000, &total);
    add(&first, 300);
    add(&second, 200);
    assert_int_equal(total, 500);
    edge_queue_wrote(&first, 100, false);
    assert_int_equal(edge_queue_bytes(&first), 200);
    edge_queue_wrote(&first, 150, true); /* the kernel took some of it, nobody knows how much */
    assert_int_equal(edge_queue_front(&first).length, 50);
    assert_int_equal(edge_queue_bytes(&first), 200);
    assert_int_equal(edge_queue_sent_bytes(&first), 300);
    assert_int_equal(total, 400);
    edge_queue_taken(&first);
    assert_false(first.held);
    assert_int_equal(total, 250);
    edge_queue_wrote(&first, 50, false);
    assert_null(first.bytes.data); /* an empty queue holds no memory */
    edge_queue_drop(&second);
    assert_int_equal(total, 0);
}

TEST(a_queue_has_room_up_to_its_limits) {
    uint64_t total = 0;
    const uint64_t limit = 4 * EDGE_SHARE_BYTES;
    struct edge_queue queue = edge_queue_make(limit, &total);
    assert_true(edge_queue_has_room(&queue, limit, limit, limit));
    assert_false(edge_queue_has_room(&queue, limit + 1, limit, 2 * limit));
    assert_true(edge_queue_has_room(&queue, limit, limit, 0)); /* one text alone */
    add(&queue, 10);
    assert_true(edge_queue_has_room(&queue, limit - 10, limit, limit));
    assert_false(edge_queue_has_room(&queue, limit - 9, limit, 2 * limit));
    assert_true(edge_queue_has_room(&queue, EDGE_SHARE_BYTES - 10, limit, 0));
    assert_false(edge_queue_has_room(&queue, EDGE_SHARE_BYTES - 9, limit, 0));
    edge_queue_drop(&queue);
}

/* --- messages --- */

/* A client's frame whose mask is zero, so that its payload stays as it is. */
static enum edge_frames_result frame(struct edge_frames *frames, unsigned first, size_t length,
                                     size_t *length_r) {
    unsigned char head[EDGE_CLIENT_HEAD_BYTES] = {0};
    size_t begin = edge_frame_head(head, EDGE_OPCODE_TEXT, length);
    struct edge_found found;
    head[0] = (unsigned char)first;
    head[1] |= 0x80;
    memset(head + begin, 0, 4);
    struct slice input = slice_make((const char *)head, begin + 4);
    enum edge_frames_result result = edge_frames_next(frames, &input, &found);
    if (result == EDGE_FRAMES_MORE && length > 0) {
        input = slice_make(bytes, length);
        result = edge_frames_next(frames, &input, &found);
        assert_int_equal(input.length, 0);
    }
    *length_r = found.payload.length;
    if (result == EDGE_FRAMES_MESSAGE)
        edge_frames_free(frames);
    return result;
}

#define PART 0x01
#define WHOLE 0x81
#define MORE 0x00
#define LAST 0x80
#define PING 0x89

TEST(a_message_may_have_so_many_bytes) {
    struct edge_frames frames;
    size_t length;
    edge_frames_init(&frames);
    assert_int_equal(frame(&frames, WHOLE, EDGE_MAX_OBJECT, &length), EDGE_FRAMES_MESSAGE);
    assert_int_equal(length, EDGE_MAX_OBJECT);
    assert_null(frames.message.data);
    assert_int_equal(frame(&frames, WHOLE, 0, &length), EDGE_FRAMES_MESSAGE);
    assert_int_equal(length, 0);
    assert_int_equal(frame(&frames, PART, EDGE_MAX_OBJECT - 10, &length), EDGE_FRAMES_MORE);
    assert_int_equal(frame(&frames, PING, 125, &length), EDGE_FRAMES_CONTROL); /* in between */
    assert_int_equal(length, 125);
    assert_int_equal(frame(&frames, MORE, 10, &length), EDGE_FRAMES_MORE);
    assert_int_equal(frame(&frames, LAST, 0, &length), EDGE_FRAMES_MESSAGE);
    assert_int_equal(length, EDGE_MAX_OBJECT);
    /* Found out from the frame's head, before its payload has arrived. */
    assert_int_equal(frame(&frames, PART, 100, &length), EDGE_FRAMES_MORE);
    assert_int_equal(frame(&frames, LAST, EDGE_MAX_OBJECT - 99, &length), EDGE_FRAMES_TOO_LONG);
    edge_frames_free(&frames);
    edge_frames_init(&frames);
    assert_int_equal(frame(&frames, WHOLE, EDGE_MAX_OBJECT + 1, &length), EDGE_FRAMES_TOO_LONG);
    assert_null(frames.message.data);
}

TEST(frames_are_refused_by_their_first_two_bytes) {
    static const struct {
        const char *bytes, *fault;
    } cases[] = {
        {"\x81\x01", "the frame is not masked"},
        {"\xc1\x81", "the frame has a reserved bit, and no extension was agreed on"},
        {"\x83\x81", "the frame is of a reserved kind"},
        {"\x8b\x81", "the frame is of a reserved kind"},
        {"\x09\x81", "the control frame is in fragments"},
        {"\x89\xfe", "the control frame is longer than 125 bytes"},
        {"\x80\x81", "the frame continues a message that was not begun"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct edge_frames frames;
        struct edge_found found;
        struct slice input = slice_make(cases[i].bytes, 2);
        edge_frames_init(&frames);
        assert_int_equal(edge_frames_next(&frames, &input, &found), EDGE_FRAMES_BROKEN);
        assert_string_equal(found.fault, cases[i].fault);
    }
}

/* --- YouIM --- */

TEST(nothing_is_taken_behind_a_frame_that_is_too_long) {
    struct edge_youim youim;
    struct buffer scratch = buffer_make(EDGE_MAX_OBJECT);
    struct slice input = slice_make("\x05\0\0\xff\xe1{}\x05\0\0\0\2{}", 14), object;
    const char *fault = NULL;
    edge_youim_init(&youim);
    assert_int_equal(edge_youim_next(&youim, &input, &scratch, &object, &fault),
                     EDGE_JSON_TOO_LONG);
    assert_string_equal(fault, "the body is longer than 65504 bytes");
    assert_int_equal(edge_youim_next(&youim, &input, &scratch, &object, &fault), EDGE_JSON_MORE);
    assert_int_equal(input.length, 0);
    edge_youim_free(&youim);
    buffer_free(&scratch);
}

int main(void) { return test_run_all(NULL, NULL); }
