/* The edge's pure parts at their limits: a connection's queue, WebSocket messages, YouIM's frames.
 */
#include <string.h>

#include "services/gateway/edge/message.h"
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

static enum edge_message_result part(struct edge_message *message, size_t length, size_t rest,
                                     bool final) {
    struct slice text = {0};
    enum edge_message_result result =
        edge_message_add(message, slice_make(bytes, length), rest, final, &text);
    if (result == EDGE_MESSAGE_WHOLE)
        assert_true(text.length >= length);
    return result;
}

TEST(a_message_may_have_so_many_bytes) {
    struct edge_message message;
    edge_message_init(&message);
    assert_int_equal(part(&message, EDGE_MAX_OBJECT, 0, true), EDGE_MESSAGE_WHOLE);
    assert_int_equal(part(&message, EDGE_MAX_OBJECT - 10, 10, true), EDGE_MESSAGE_MORE);
    assert_int_equal(part(&message, 10, 0, true), EDGE_MESSAGE_WHOLE);
    edge_message_free(&message);
    assert_int_equal(part(&message, EDGE_MAX_OBJECT, 0, false), EDGE_MESSAGE_MORE);
    assert_int_equal(part(&message, 0, 0, true), EDGE_MESSAGE_WHOLE);
    edge_message_free(&message);
    /* Found out from the frame's head, before its payload has arrived. */
    assert_int_equal(part(&message, 1, EDGE_MAX_OBJECT, true), EDGE_MESSAGE_TOO_LONG);
    assert_int_equal(part(&message, 100, 0, false), EDGE_MESSAGE_MORE);
    assert_int_equal(part(&message, 1, EDGE_MAX_OBJECT - 100, false), EDGE_MESSAGE_TOO_LONG);
    assert_null(message.parts.data);
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
