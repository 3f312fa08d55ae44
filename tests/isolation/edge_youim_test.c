/*
 * The edge's side for YouIM's binary framing: frames in and out, and the rules that it shares with
 * TCP.
 */
#include "tests/support/edge_fixture.h"
#include "tests/support/edge_frames.h"

#include <stdio.h>

#include "tests/support/capture.h"

#define MAX_BODY 65504

/* --- frames --- */

/* The owner echoes, so its msgBody is sent back in a frame of the same type. */
EDGE_TEST(frames_are_objects_however_they_are_cut) {
    struct buffer out = buffer_make(4096);
    youim_add(&out, 5, slice_text("{\"a\":1}"));
    youim_add(&out, 99, slice_text(""));
    youim_add(&out, 255, slice_text(" {\"s\":\"}\\\"{\"}\r\n"));
    youim_add(&out, 0, slice_text("{}"));
    for (size_t cut = 1; cut <= out.length; cut++) {
        struct edge_client *client = edge_client_open(f, EDGE_YOUIM);
        for (size_t at = 0; at < out.length; at += cut) {
            edge_client_write(client, out.data + at, out.length - at < cut ? out.length - at : cut);
            edge_fixture_turn(f);
        }
        youim_expect(client, 5, "{\"msgBody\":{\"a\":1}}");
        youim_expect(client, 99, "{}");
        youim_expect(client, 255, "{\"msgBody\":{\"s\":\"}\\\"{\"}}");
        youim_expect(client, 0, "{\"msgBody\":{}}");
        assert_string_equal(edge_fixture_events(f),
                            "open;object {\"msgType\":5,\"msgBody\":{\"a\":1}};"
                            "object {\"msgType\":99};"
                            "object {\"msgType\":255,\"msgBody\":{\"s\":\"}\\\"{\"}};"
                            "object {\"msgType\":0,\"msgBody\":{}};");
        assert_int_equal(edge_transport(f->connection), EDGE_YOUIM);
        assert_int_equal(edge_total_queued_bytes(f->edge), 0);
        size_t closed = f->closed;
        edge_client_close(&client);
        UNTIL(f, f->closed == closed + 1);
        buffer_clear(&f->events);
    }
    buffer_free(&out);
}

EDGE_TEST(texts_lose_their_type_alone) {
    struct edge_client *client = edge_client_open_whole(f, EDGE_YOUIM);
    static const struct {
        const char *text;
        unsigned type;
        const char *body;
    } cases[] = {
        {"{\"msgType\":2,\"resultCode\":\"success\"}", 2, "{\"resultCode\":\"success\"}"},
        {"{\"msg\":\"x\",\"msgType\":6,\"fromUserId\":\"1\"}", 6,
         "{\"msg\":\"x\",\"fromUserId\":\"1\"}"},
        {"{\"msg\":\"x\",\"msgType\":100}", 100, "{\"msg\":\"x\"}"},
        {"{\"msgType\":10}", 10, "{}"},
        {"{\"msgType\":255}", 255, "{}"},
        /* Another's words are not ours, nor are another object's keys. */
        {"{\"msg\":\"\\\",\\\"msgType\\\":9,\\\\\",\"msgType\":6}", 6,
         "{\"msg\":\"\\\",\\\"msgType\\\":9,\\\\\"}"},
        {"{\"msg\":\"msgType\",\"a\":[{\"msgType\":9}],\"msgType\":8,\"toGroup\":\"}\"}", 8,
         "{\"msg\":\"msgType\",\"a\":[{\"msgType\":9}],\"toGroup\":\"}\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t expected = YOUIM_HEAD_BYTES + strlen(cases[i].body);
        assert_int_equal(edge_send(f->connection, slice_text(cases[i].text)), 0);
        assert_int_equal(edge_queued_bytes(f->connection), expected);
        assert_int_equal(edge_total_queued_bytes(f->edge), expected);
        youim_expect(client, cases[i].type, cases[i].body);
    }
    edge_client_close(&client);
}

EDGE_TEST(a_text_of_any_length_is_one_frame) {
    struct edge_client *client = edge_client_open_whole(f, EDGE_YOUIM);
    enum { LENGTH = 200000 };
    static char text[LENGTH + 1], body[LENGTH + 1];
    memset(text, 'x', LENGTH);
    memcpy(text, "{\"msg\":\"", 8);
    memcpy(text + LENGTH - 14, "\",\"msgType\":6}", 14);
    assert_int_equal(edge_send(f->connection, slice_make(text, LENGTH)), 0);
    memcpy(body, text, LENGTH - 13);
    memcpy(body + LENGTH - 13, "}", 2);
    youim_expect(client, 6, body);
    edge_client_close(&client);
}

/* Such texts have no frame. They are not sent, and harm nothing. */
EDGE_TEST(a_text_without_a_small_type_is_dropped) {
    struct edge_client *client = edge_client_open_whole(f, EDGE_YOUIM);
    static const char *const texts[] = {"{}", "{\"msgType\":256}", "{\"msgType\":99999999999999}",
                                        "{\"a\":\"msgType\"}", "{\"a\":{\"msgType\":5}}"};
    struct capture capture;
    capture_begin(&capture, STDERR_FILENO);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(edge_send(f->connection, slice_text(texts[i])), 0);
        assert_int_equal(edge_queued_bytes(f->connection), 0);
    }
    char *logged = capture_end(&capture);
    assert_non_null(strstr(logged, "level=error service=edge_test event=unframed_text"));
    free(logged);
    youim_send(client, 1, "{}");
    youim_expect(client, 1, "{\"msgBody\":{}}");
    edge_client_close(&client);
}

/* --- faults and limits --- */

#define DEEP(inner_)                                                                               \
    "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{" \
    "\"a\":" inner_ "}}}}}}}}}}}}}}"

EDGE_TEST(faulty_bodies_are_reported_and_skipped) {
    f->quiet = true;
    struct edge_client *client = edge_client_open(f, EDGE_YOUIM);
    static const struct {
        const char *body, *fault;
    } cases[] = {
        {"[]", "the input is not a JSON object"},
        {"null", "the input is not a JSON object"},
        {" ", "the input is not a JSON object"},
        {"{\"a\":", "the object has no end"},
        {"{}{}", "the message holds more than one object"},
        {"{},\"ref\":\"r\"", "the message holds more than one object"},
        {"{\"a\":\"\xff\"}", "the text is not valid UTF-8"},
        {DEEP("{\"a\":{}}"), "the object is nested deeper than 16 levels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[256];
        size_t objects = f->objects;
        buffer_clear(&f->events);
        youim_send(client, 5, cases[i].body);
        youim_send(client, 9, "{\"next\":1}");
        UNTIL(f, f->objects == objects + 1);
        snprintf(expected, sizeof expected,
                 "%sfault %s;object {\"msgType\":9,\"msgBody\":{\"next\":1}};",
                 i == 0 ? "open;" : "", cases[i].fault);
        assert_string_equal(edge_fixture_events(f), expected);
        assert_false(edge_client_has_ended(client));
        edge_count_good(f->connection);
    }
    /* With the object around it, a body has one level less. */
    size_t objects = f->objects;
    youim_send(client, 5, DEEP("{}"));
    UNTIL(f, f->objects == objects + 1);
    edge_client_close(&client);
}

EDGE_TEST(ten_faults_in_a_row_close) {
    f->quiet = true;
    struct edge_client *client = edge_client_open(f, EDGE_YOUIM);
    for (int i = 0; i < 10; i++)
        youim_send(client, 5, "x");
    youim_send(client, 5, "{\"never\":1}");
    UNTIL(f, edge_client_has_ended(client));
    assert_int_equal(client->in.length, 0);
    assert_null(strstr(edge_fixture_events(f), "never"));
    edge_client_close(&client);
    UNTIL(f, f->closed == 1);
}

EDGE_TEST(a_body_may_have_so_many_bytes) {
    f->quiet = true;
    static char body[MAX_BODY + 1];
    memset(body, 'x', MAX_BODY);
    memcpy(body, "{\"a\":\"", 6);
    memcpy(body + MAX_BODY - 2, "\"}", 2);
    struct edge_client *client = edge_client_open(f, EDGE_YOUIM);
    youim_send(client, 255, body);
    UNTIL(f, f->objects == 1);
    unsigned char head[YOUIM_HEAD_BYTES];
    youim_write_head(head, 5, MAX_BODY + 1);
    edge_client_write(client, head, sizeof head);
    UNTIL(f, edge_client_has_ended(client));
    assert_string_equal(edge_fixture_events(f), "open;fault the body is longer than 65504 bytes;");
    edge_client_close(&client);
    UNTIL(f, f->closed == 1);
    /* The head may arrive in parts, and announce a huge body. */
    client = edge_client_open(f, EDGE_YOUIM);
    edge_client_write(client, "\x05\xff", 2);
    edge_fixture_turns(f, 5);
    edge_client_write(client, "\xff\xff\xff", 3);
    UNTIL(f, edge_client_has_ended(client));
    edge_client_close(&client);
    UNTIL(f, f->closed == 2);
    assert_int_equal(f->objects, 1);
}

/* --- as on TCP --- */

EDGE_TEST(a_paused_connection_keeps_order) {
    f->quiet = true;
    struct edge_client *client = edge_client_open_whole(f, EDGE_YOUIM);
    edge_pause(f->connection);
    struct buffer out = buffer_make(1 << 20), expected = buffer_make(1 << 20);
    buffer_add_text(&expected, "open;");
    for (unsigned i = 0; i < 200; i++) {
        char body[32];
        snprintf(body, sizeof body, "{\"n\":%u}", i);
        youim_add(&out, i, slice_text(body));
        buffer_printf(&expected, "object {\"msgType\":%u,\"msgBody\":%s};", i, body);
    }
    edge_client_write(client, out.data, out.length - 3);
    edge_fixture_turns(f, 20);
    assert_int_equal(f->objects, 0);
    f->within = true;
    edge_resume(f->connection);
    f->within = false;
    UNTIL(f, f->objects == 199);
    edge_pause(f->connection);
    edge_client_write(client, out.data + out.length - 3, 3);
    edge_fixture_turns(f, 20);
    assert_int_equal(f->objects, 199);
    edge_resume(f->connection);
    UNTIL(f, f->objects == 200);
    buffer_add(&expected, "", 1);
    assert_string_equal(edge_fixture_events(f), expected.data);
    buffer_free(&expected);
    buffer_free(&out);
    edge_client_close(&client);
}

EDGE_TEST(a_mark_is_reached_when_the_kernel_has_it) {
    struct edge_client *client = edge_client_open_whole(f, EDGE_YOUIM);
    for (size_t round = 1; round <= 2; round++) {
        assert_int_equal(edge_send(f->connection, slice_text("{\"msgType\":6}")), 0);
        assert_true(edge_mark(f->connection));
        assert_false(edge_mark(f->connection));
        UNTIL(f, f->reached == round);
        youim_expect(client, 6, "{}");
    }
    /* One that goes while a mark is outstanding is no trouble. */
    assert_true(edge_mark(f->connection));
    edge_client_close(&client);
    UNTIL(f, f->closed == 1);
}

EDGE_TEST(a_full_queue_refuses_and_loses_nothing) {
    enum { LENGTH = 1000 };
    char text[LENGTH + 1];
    memset(text, 'x', LENGTH);
    memcpy(text, "{\"msg\":\"", 8);
    memcpy(text + LENGTH - 14, "\",\"msgType\":6}", 15);
    struct edge_client *client = edge_client_open_whole(f, EDGE_YOUIM);
    size_t accepted = edge_fixture_fill(f, text, LENGTH, 8);
    memcpy(text + LENGTH - 13, "}", 2);
    for (size_t i = 0; i < accepted; i++) {
        char number[24];
        snprintf(number, sizeof number, "%010zu", i);
        memcpy(text + 8, number, 10);
        youim_expect(client, 6, text);
    }
    UNTIL(f, edge_total_queued_bytes(f->edge) == 0);
    edge_client_close(&client);
}

EDGE_TEST(closing_sends_queued_objects_first) {
    struct edge_client *client = edge_client_open_whole(f, EDGE_YOUIM);
    assert_int_equal(edge_send(f->connection, slice_text("{\"msgType\":2}")), 0);
    edge_close(f->connection, 1000, "as you wish");
    assert_int_equal(edge_send(f->connection, slice_text("{\"msgType\":2}")), -1);
    youim_expect(client, 2, "{}");
    UNTIL(f, edge_client_has_ended(client));
    edge_client_close(&client);
    UNTIL(f, f->closed == 1);
}

EDGE_TEST_UNSTARTED(too_many_connections_are_refused) {
    f->settings.max_connections = 1;
    edge_fixture_start(f);
    struct edge_client *first = edge_client_open(f, EDGE_TCP);
    UNTIL(f, edge_count(f->edge) == 1);
    struct edge_client *second = edge_client_open(f, EDGE_YOUIM);
    UNTIL(f, edge_client_has_ended(second));
    assert_int_equal(f->refused, 1);
    edge_client_close(&second);
    edge_client_close(&first);
    UNTIL(f, f->closed == 1);
}

int main(void) { return test_run_all(NULL, NULL); }
