/*
 * The edge's WebSocket and HTTP side, from the client's end of a real socket.
 */
#include "tests/support/edge_fixture.h"
#include "tests/support/edge_frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "services/gateway/edge/json.h"
#include "tests/support/edge_object.h"

/* A JSON object of exactly that length; the caller frees it. */
EDGE_TEST(texts_are_echoed_at_every_length) {
    struct edge_client *client = websocket_open(f);
    static const size_t lengths[] = {10, 125, 126, 127, 2000, 4096, 65535, EDGE_MAX_OBJECT};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *text = edge_object_of(lengths[i]);
        websocket_send_text(client, text);
        websocket_expect_text(client, text);
        free(text);
    }
    assert_int_equal(edge_count(f->edge), 1);
    assert_int_equal(edge_total_queued_bytes(f->edge), 0);
    assert_non_null(strstr(edge_address(f->connection), "127.0.0.1:"));
    assert_string_equal(edge_host(f->connection), "127.0.0.1");
    edge_client_close(&client);
    UNTIL(f, f->closed == 1);
    assert_int_equal(edge_count(f->edge), 0);
}

EDGE_TEST(fragments_are_joined_around_a_ping) {
    struct edge_client *client = websocket_open(f);
    websocket_send(client, 1, false, slice_text("{\"a\":"));
    websocket_send(client, 9, true, slice_text("hello"));
    websocket_send(client, 0, false, slice_text("\"\xc3"));
    websocket_send(client, 0, false, slice_text(""));
    websocket_send(client, 0, true, slice_text("\xa4\"}"));
    for (int i = 0; i < 2; i++) { /* in whatever order */
        struct websocket_frame frame = websocket_next(client);
        assert_true(frame.opcode == 10 || frame.opcode == 1);
        assert_string_equal(frame.bytes, frame.opcode == 10 ? "hello" : "{\"a\":\"\xc3\xa4\"}");
        free(frame.bytes);
    }
    websocket_send(client, 2, true, slice_text("{\"binary\":1}"));
    websocket_expect_text(client, "{\"binary\":1}");
    edge_client_close(&client);
}

/* Number `i` of the pipelined objects. */
static void numbered(char *out, size_t size, int i) {
    snprintf(out, size, "{\"n\":%d,\"a\":\"%0*d\"}", i, 1 + i * 7 % 250, 0);
}

/* `count` frames, in pieces of `size` bytes with a turn of the loop after each. */
static void pipelined(struct edge_fixture *f, int count, size_t size) {
    struct edge_client *client = websocket_open(f);
    struct buffer out = buffer_make(1 << 20);
    char text[300];
    for (int i = 0; i < count; i++) {
        numbered(text, sizeof text, i);
        websocket_add(&out, 1, true, slice_text(text));
    }
    for (size_t at = 0; at < out.length; at += size) {
        edge_client_write(client, out.data + at, out.length - at < size ? out.length - at : size);
        edge_fixture_turn(f);
    }
    for (int i = 0; i < count; i++) {
        numbered(text, sizeof text, i);
        websocket_expect_text(client, text);
    }
    buffer_free(&out);
    edge_client_close(&client);
}

EDGE_TEST(pipelined_frames_arrive_whole_and_in_order) {
    pipelined(f, 300, 1 << 20);
    pipelined(f, 300, 1000);
    pipelined(f, 20, 7);
    pipelined(f, 3, 1);
}

EDGE_TEST(frames_that_arrive_with_the_handshake_count) {
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    struct buffer out = buffer_make(4096);
    buffer_add_text(&out, WEBSOCKET_HANDSHAKE(""));
    websocket_add(&out, 1, true, slice_text("{\"early\":1}"));
    websocket_add(&out, 1, true, slice_text("{\"early\":2}"));
    edge_client_write(client, out.data, out.length);
    free(http_take_head(client));
    websocket_expect_text(client, "{\"early\":1}");
    websocket_expect_text(client, "{\"early\":2}");
    buffer_free(&out);
    edge_client_close(&client);
}

EDGE_TEST(offers_are_taken_without_what_they_offer) {
    static const char *const offers[] = {
        WEBSOCKET_HANDSHAKE("Sec-WebSocket-Protocol: chat, superchat\r\n"),
        WEBSOCKET_HANDSHAKE("Sec-WebSocket-Protocol: tcp\r\n"),
        WEBSOCKET_HANDSHAKE(
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"),
    };
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
        edge_client_write_text(client, offers[i]);
        char *head = http_take_head(client);
        assert_non_null(strstr(head, "HTTP/1.1 101 "));
        assert_null(strcasestr(head, "Sec-WebSocket-Protocol"));
        assert_null(strcasestr(head, "Sec-WebSocket-Extensions"));
        free(head);
        websocket_send_text(client, "{}");
        websocket_expect_text(client, "{}");
        edge_client_close(&client);
        /* The next one doesn't find anything changed. */
        client = websocket_open(f);
        edge_client_close(&client);
    }
}

EDGE_TEST(text_that_is_not_utf8_closes) {
    struct edge_client *client = websocket_open(f);
    websocket_send_text(client, "{\"a\":\"\xff\"}");
    websocket_send_text(client, "{\"never\":1}");
    websocket_expect_close(client, 1007, "the text is not valid UTF-8");
    assert_string_equal(edge_fixture_events(f), "open;fault the text is not valid UTF-8;close;");
    edge_client_close(&client);
}

EDGE_TEST(over_long_messages_close) {
    char *text = edge_object_of(EDGE_MAX_OBJECT + 1);
    struct edge_client *client = websocket_open(f);
    websocket_send_text(client, text);
    websocket_expect_close(client, 1009, "the message is longer than 65536 bytes");
    edge_client_close(&client);
    /* In fragments, none of which is too long. */
    client = websocket_open(f);
    websocket_send(client, 1, false, slice_make(text, EDGE_MAX_OBJECT / 2));
    for (int i = 0; i < 200; i++)
        websocket_send(client, 0, false, slice_make(text, 500));
    websocket_expect_close(client, 1009, "the message is longer than 65536 bytes");
    assert_int_equal(f->objects, 0);
    edge_client_close(&client);
    free(text);
}

EDGE_TEST(ten_faults_in_a_row_close) {
    struct edge_client *client = websocket_open(f);
    for (int i = 0; i < 9; i++) {
        websocket_send_text(client, "[]");
        websocket_expect_text(client, "{\"error\":1}");
    }
    websocket_send_text(client, "{\"good\":1}");
    for (int i = 0; i < 9; i++)
        websocket_send_text(client, i % 2 == 0 ? "{\"bad\":1}" : "");
    UNTIL(f, f->objects == 6 && edge_queued_bytes(f->connection) == 0);
    assert_non_null(f->connection);
    websocket_send_text(client, "nothing");
    websocket_send_text(client, "{\"never\":1}");
    websocket_expect_close(client, 1008, "too many faulty objects in a row");
    assert_null(strstr(edge_fixture_events(f), "never"));
    edge_client_close(&client);
}

EDGE_TEST(a_mark_is_reached_with_its_pong) {
    struct edge_client *client = websocket_open(f);
    for (size_t round = 1; round <= 2; round++) {
        assert_int_equal(edge_send(f->connection, slice_text("{\"a\":1}")), 0);
        assert_true(edge_mark(f->connection));
        assert_false(edge_mark(f->connection));
        websocket_expect_text(client, "{\"a\":1}");
        struct websocket_frame ping = websocket_expect_ping(client);
        assert_int_equal(ping.payload.length, 8);
        websocket_send(client, 10, true, slice_text(""));
        websocket_send(client, 10, true, slice_text("notmine!"));
        websocket_send_text(client, "{\"b\":1}");
        websocket_expect_text(client, "{\"b\":1}");
        assert_int_equal(f->reached, round - 1);
        websocket_send(client, 10, true, ping.payload);
        UNTIL(f, f->reached == round);
        websocket_send(client, 10, true, ping.payload); /* twice is once */
        free(ping.bytes);
    }
    websocket_send_text(client, "{}");
    websocket_expect_text(client, "{}");
    assert_int_equal(f->reached, 2);
    edge_client_close(&client);
}

EDGE_TEST(closing_sends_queued_objects_first) {
    struct edge_client *client = websocket_open(f);
    f->within = true;
    assert_int_equal(edge_send(f->connection, slice_text("{\"last\":1}")), 0);
    edge_close(f->connection, 4001, "as we wish");
    assert_int_equal(edge_send(f->connection, slice_text("{}")), -1);
    assert_false(edge_mark(f->connection));
    f->within = false;
    websocket_expect_text(client, "{\"last\":1}");
    websocket_expect_close(client, 4001, "as we wish");
    UNTIL(f, f->closed == 1);
    edge_client_close(&client);
    /* From within the handler; later objects are not handed over. */
    client = websocket_open(f);
    websocket_send_text(client, "{\"first\":1}");
    websocket_send_text(client, "{\"close\":1}");
    websocket_send_text(client, "{\"never\":1}");
    websocket_expect_text(client, "{\"first\":1}");
    websocket_expect_close(client, 1000, "as you wish");
    assert_null(strstr(edge_fixture_events(f), "never"));
    edge_client_close(&client);
}

EDGE_TEST(a_clients_close_is_answered) {
    struct edge_client *client = websocket_open(f);
    websocket_send_text(client, "{}");
    websocket_expect_text(client, "{}"); /* behind a close there might be no answer */
    websocket_send(client, 8, true, slice_text("\x03\xe8 bye"));
    struct websocket_frame frame = websocket_next(client);
    assert_int_equal(frame.opcode, 8);
    assert_memory_equal(frame.bytes, "\x03\xe8", 2);
    free(frame.bytes);
    UNTIL(f, edge_client_has_ended(client) && f->closed == 1);
    edge_client_close(&client);
    /* Without a word, and with a reset. */
    client = websocket_open(f);
    struct linger none = {.l_onoff = 1};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    edge_client_close(&client);
    UNTIL(f, f->closed == 2);
}

EDGE_TEST(broken_frames_close) {
    static const char *const broken[] = {"\x83\x80mask", "\xc1\x80mask", "\x80\x80mask",
                                         "\x89\xfe\x01\x01"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct edge_client *client = websocket_open(f);
        edge_client_write_text(client, broken[i]);
        edge_client_write_text(client, "{\"more\":\"of it\"}");
        UNTIL(f, (edge_client_read(client), client->in.length != 0 || client->ended));
        edge_client_close(&client);
        UNTIL(f, f->closed == i + 1);
    }
    assert_int_equal(f->objects, 0);
}

/* --- plain HTTP --- */

static void http_expect(struct edge_fixture *f, const char *request, const char *status,
                        const char *body) {
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(client, request);
    char *head = http_take_head(client);
    assert_non_null(strstr(head, status));
    free(head);
    edge_client_expect(client, body);
    edge_client_close(&client);
}

EDGE_TEST(http_answers_its_health) {
    http_expect(f, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", " 200 ", "ok\n");
    http_expect(f, "GET /healthz HTTP/1.0\r\n\r\n", " 200 ", "ok\n");
    http_expect(f, "GET / HTTP/1.1\r\nHost: tcp\r\n\r\n", " 200 ", "This is parley");
    http_expect(f, "GET /?a=b HTTP/1.1\r\nHost: a\r\n\r\n", " 200 ", "This is parley");
    http_expect(f, "GET /x HTTP/1.1\r\nHost: tcp\r\n\r\n", " 404 ", "There is nothing here.\n");
    http_expect(f, "GET /healthzz HTTP/1.1\r\nHost: a\r\n\r\n", " 404 ", "There is");
    http_expect(f, "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", " 405 ",
                "Only GET and HEAD are answered.\n");
    /* One after the other on one connection, HEAD without a body. */
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    for (int i = 0; i < 3; i++) {
        edge_client_write_text(client, "HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        char *head = http_take_head(client);
        assert_non_null(strstr(head, " 200 "));
        assert_non_null(strcasestr(head, "content-length: 3\r\n"));
        free(head);
    }
    assert_int_equal(client->in.length, 0);
    edge_client_close(&client);
    assert_string_equal(edge_fixture_events(f), "");
}

EDGE_TEST(other_protocols_are_refused) {
    static const char *const requests[] = {
        "CONNECT example.org:80 HTTP/1.1\r\nHost: example.org\r\n\r\n{\"a\":1}",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: carrier-pigeon\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "{\"code\":6}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        /* The names that libwebsockets knows our own protocols by. */
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: raw tcp\r\n"
        "\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: edge\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
        edge_client_write_text(client, requests[i]);
        UNTIL(f, edge_client_has_ended(client) || client->in.length > 0);
        assert_true(client->in.length == 0 ||
                    memmem(client->in.data, client->in.length, " 101 ", 5) == NULL);
        edge_client_close(&client);
    }
    assert_string_equal(edge_fixture_events(f), "");
    struct edge_client *tcp = edge_client_open(f, EDGE_TCP), *websocket = websocket_open(f);
    edge_client_write_text(tcp, "{}");
    edge_client_expect(tcp, "{}\n");
    edge_client_close(&tcp);
    edge_client_close(&websocket);
}

EDGE_TEST_UNSTARTED(an_unfinished_handshake_ends) {
    f->settings.handshake_timeout_ms = 1000;
    edge_fixture_start(f);
    struct edge_client *silent = edge_client_open(f, EDGE_WEBSOCKET);
    struct edge_client *slow = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(slow, "GET /healthz HTTP/1.1\r\nHo");
    UNTIL(f, edge_client_has_ended(silent) && edge_client_has_ended(slow));
    edge_client_close(&silent);
    edge_client_close(&slow);
}

int main(void) { return test_run_all(NULL, NULL); }
