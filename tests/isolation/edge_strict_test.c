/*
 * Requests for WebSockets, and frames on them, that break the rules: each gets an answer that says
 * so.
 */
#include "services/gateway/edge/http_header.h"
#include "services/gateway/edge/http_socket.h"
#include "tests/support/edge_fixture.h"
#include "tests/support/edge_frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* --- frames --- */

#define BYTES(literal_) .bytes = {.data = (literal_), .length = sizeof(literal_) - 1}

static void expect_end(struct edge_fixture *f, struct slice bytes, unsigned status) {
    size_t closed = f->closed;
    struct edge_client *client = websocket_open(f);
    edge_client_write(client, bytes.data, bytes.length);
    struct websocket_frame frame = websocket_next(client);
    while (frame.opcode == WEBSOCKET_TEXT) { /* the fault, as the owner words it */
        free(frame.bytes);
        frame = websocket_next(client);
    }
    assert_int_equal(frame.opcode, WEBSOCKET_CLOSE);
    assert_true(frame.payload.length >= 2);
    if (((unsigned char)frame.bytes[0] << 8 | (unsigned char)frame.bytes[1]) != (int)status)
        fail_msg("%zu bytes: closed with %02x%02x, %s", bytes.length, frame.bytes[0],
                 frame.bytes[1], frame.bytes + 2);
    free(frame.bytes);
    edge_client_close(&client);
    UNTIL(f, f->closed == closed + 1);
}

EDGE_TEST(frames_that_break_the_rules_close) {
    static const struct {
        struct slice bytes;
        unsigned status;
    } cases[] = {
        {BYTES("\x81\x02{}"), 1002},           /* not masked */
        {BYTES("\x81\x7e\x00\x7e{}"), 1002},   /* long, not masked */
        {BYTES("\xc1\x82mask{}"), 1002},       /* reserved bits */
        {BYTES("\xa1\x82mask{}"), 1002},       /* */
        {BYTES("\x91\x82mask{}"), 1002},       /* */
        {BYTES("\x83\x80mask"), 1002},         /* reserved opcodes */
        {BYTES("\x8b\x80mask"), 1002},         /* */
        {BYTES("\x09\x80mask"), 1002},         /* a ping in fragments */
        {BYTES("\x89\xfe\x00\x7emask"), 1002}, /* too long a ping */
        {BYTES("\x88\xff\x00\x00\x00\x00\x00\x00\x00\x7emask"), 1002},
        {BYTES("\x80\x80mask"), 1002},                        /* nothing was begun */
        {BYTES("\x01\x81\0\0\0\0{\x81\x82\0\0\0\0{}"), 1002}, /* it was not ended */
        {BYTES("\x81\xff\x80\0\0\0\0\0\0\0mask"), 1002},      /* a negative length */
        {BYTES("\x81\xff\x7f\0\0\0\0\0\0\0mask{"), 1009},     /* a huge one */
        {BYTES("\x88\x81\0\0\0\0\x03"), 1002},                /* half a status */
        {BYTES("\x88\x82\0\0\0\0\x03\xe7"), 1002},            /* 999 */
        {BYTES("\x88\x82\0\0\0\0\x03\xed"), 1002},            /* 1005 */
        {BYTES("\x88\x82\0\0\0\0\x03\xf7"), 1002},            /* 1015 */
        {BYTES("\x88\x82\0\0\0\0\x13\x88"), 1002},            /* 5000 */
        {BYTES("\x88\x83\0\0\0\0\x03\xe8\xff"), 1007},        /* not UTF-8 */
        {BYTES("\x88\x84\0\0\0\0\x03\xe8\xc3\xa4"), 1000},    /* as it should be */
        {BYTES("\x88\x82\0\0\0\0\x0b\xb8"), 3000},            /* */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_end(f, cases[i].bytes, cases[i].status);
    assert_int_equal(f->objects, 0);
}

/* However it is cut, and whatever is said in front of it. */
EDGE_TEST(a_first_frame_is_looked_at_in_pieces) {
    struct edge_client *client = websocket_open(f);
    edge_client_write_text(client, "\x81");
    edge_fixture_turns(f, 5);
    edge_client_write(client, "\x02{}", 3);
    websocket_expect_close(client, 1002, "the frame is not masked");
    edge_client_close(&client);
    client = websocket_open(f);
    edge_client_write_text(client, "\x81");
    edge_fixture_turns(f, 5);
    edge_client_write(client, "\x82\0\0\0\0{}", 7);
    websocket_expect_text(client, "{}");
    edge_client_close(&client);
}

/* --- requests for the upgrade --- */

#define UPGRADE(method_, version_, more_)                                                          \
    method_ " / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"             \
            "Sec-WebSocket-Version: " version_ "\r\n" more_ "\r\n"
#define KEY_ALONE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define KEY "Host: a\r\n" KEY_ALONE

static void expect_head(struct edge_fixture *f, const char *request, const char *line) {
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(client, request);
    char *head = http_take_head(client);
    if (strstr(head, line) == NULL)
        fail_msg("%s is answered by %s", request, head);
    bool open = strstr(head, " 101 ") != NULL || strstr(head, "\r\nConnection: keep-alive") != NULL;
    free(head);
    if (!open)
        UNTIL(f, edge_client_has_ended(client));
    edge_client_close(&client);
}

EDGE_TEST(bad_requests_for_an_upgrade_are_answered) {
    static const char upgrade_to[] =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ";
    struct buffer out = buffer_make(1 << 16);
    expect_head(f, UPGRADE("GET", "13", KEY), " 101 ");
    expect_head(f, UPGRADE("GET", "8", KEY), "\r\nSec-WebSocket-Version: 13\r\n");
    expect_head(f, UPGRADE("GET", "", KEY), " 426 Upgrade Required\r\n");
    expect_head(f, UPGRADE("GET", "13", ""), " 400 Bad Request\r\n");
    expect_head(f, UPGRADE("GET", "13", "Sec-WebSocket-Key: short\r\n"), " 400 Bad Request\r\n");
    expect_head(f, UPGRADE("GET", "13", KEY_ALONE), " 400 Bad Request\r\n");
    expect_head(f, UPGRADE("POST", "13", KEY), " 400 Bad Request\r\n");
    expect_head(f,
                "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: close\r\n"
                "Sec-WebSocket-Version: 13\r\n" KEY "\r\n",
                " 400 Bad Request\r\n");
    buffer_printf(&out, "%sh2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", upgrade_to);
    buffer_add(&out, "", 1);
    expect_head(f, out.data, " 426 Upgrade Required\r\n");
    buffer_free(&out);
    UNTIL(f, f->closed == 1);
}

EDGE_TEST(subprotocols_of_any_length_are_answered) {
    static const size_t lengths[] = {1, 62, 63, 64, 126, 127, 300, 2000, 7800};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *name = calloc(1, lengths[i] + 1);
        struct buffer out = buffer_make(1 << 16);
        memset(name, 'x', lengths[i]);
        buffer_printf(&out, UPGRADE("GET", "13", KEY "Sec-WebSocket-Protocol: %s\r\n"), name);
        buffer_add(&out, "", 1);
        expect_head(f, out.data, " 101 ");
        buffer_free(&out);
        free(name);
    }
    expect_head(f, UPGRADE("GET", "13", KEY "Sec-WebSocket-Protocol: \"\r\n"), " 101 ");
}

/* --- pages of other servers --- */

#define FROM(host_, origin_)                                                                       \
    UPGRADE("GET", "13", KEY_ALONE "Host: " host_ "\r\nOrigin: " origin_ "\r\n")

EDGE_TEST(pages_of_this_server_may_connect) {
    static const char *const allowed[] = {
        FROM("localhost:5999", "http://localhost:5999"),
        FROM("127.0.0.1:5999", "http://127.0.0.1:5999"),
        FROM("[::1]:5999", "http://[::1]:5999"),
        FROM("chat.example.org", "https://chat.example.org"), /* behind a proxy with TLS */
        FROM("chat.example.org:443", "https://Chat.example.org"),
    };
    static const char *const refused[] = {
        FROM("localhost:5999", "http://localhost:3000"),
        FROM("localhost:5999", "http://127.0.0.1:5999"),
        FROM("chat.example.org", "https://chat.example.org.evil.example"),
        FROM("chat.example.org", "https://evil.example"),
        FROM("chat.example.org", "https://chat.example.org:8443"),
        FROM("chat.example.org", "null"),
        FROM("chat.example.org", "chat.example.org"),
    };
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        expect_head(f, allowed[i], " 101 ");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        expect_head(f, refused[i], " 403 Forbidden\r\n");
    UNTIL(f, f->closed == sizeof allowed / sizeof allowed[0]);
}

EDGE_TEST_UNSTARTED(pages_that_the_operator_names_may_connect) {
    f->settings.allowed_origins = "https://app.example.org, null";
    edge_fixture_start(f);
    expect_head(f, FROM("chat.example.org", "https://app.example.org"), " 101 ");
    expect_head(f, FROM("chat.example.org", "null"), " 101 ");
    expect_head(f, FROM("chat.example.org", "http://app.example.org"), " 403 ");
    edge_fixture_stop(f);
    f->settings.allowed_origins = "*";
    edge_fixture_start(f);
    expect_head(f, FROM("chat.example.org", "https://evil.example"), " 101 ");
}

/* --- sockets that are kept for further requests --- */

static bool ask_again(struct edge_client *client) {
    edge_client_write_text(client, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    char *head = http_take_head(client);
    bool kept = strstr(head, "\r\nConnection: keep-alive\r\n") != NULL;
    edge_client_expect(client, "ok\n");
    free(head);
    return kept;
}

EDGE_TEST(a_socket_takes_so_many_requests) {
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    for (size_t i = 1; i < EDGE_REQUESTS_MAX; i++)
        assert_true(ask_again(client));
    assert_false(ask_again(client));
    UNTIL(f, edge_client_has_ended(client));
    edge_client_close(&client);
}

EDGE_TEST_UNSTARTED(a_socket_that_asks_for_nothing_more_is_closed) {
    f->settings.idle_timeout_ms = 1000;
    edge_fixture_start(f);
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    assert_true(ask_again(client));
    UNTIL(f, edge_client_has_ended(client));
    edge_client_close(&client);
}

/* A browser may have many cookies of other programs on the same host. */
EDGE_TEST(long_cookies_are_taken) {
    struct buffer out = buffer_make(1 << 16);
    char *cookie = calloc(1, 6001);
    memset(cookie, 'x', 6000);
    buffer_printf(&out, "GET /healthz HTTP/1.1\r\nHost: a\r\nCookie: %s\r\n\r\n", cookie);
    buffer_add(&out, "", 1);
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(client, out.data);
    char *head = http_take_head(client);
    assert_non_null(strstr(head, " 200 OK\r\n"));
    free(head);
    free(cookie);
    buffer_free(&out);
    edge_client_close(&client);
}

/* --- what is no request, or too large a one --- */

static void repeat(struct buffer *out, const char *text, size_t count) {
    for (size_t i = 0; i < count; i++)
        buffer_add(out, text, strlen(text));
}

static void expect_answer_to_many(struct edge_fixture *f, const char *begin, const char *piece,
                                  size_t count, const char *rest, const char *line) {
    struct buffer out = buffer_make(1 << 20);
    buffer_add(&out, begin, strlen(begin));
    repeat(&out, piece, count);
    buffer_add(&out, rest, strlen(rest) + 1);
    expect_head(f, out.data, line);
    buffer_free(&out);
}

#define TOO_LARGE " 431 Request Header Fields Too Large\r\n"
#define BAD " 400 Bad Request\r\n"
#define FINE " 200 OK\r\n"
#define HEALTH "GET /healthz HTTP/1.1\r\nHost: a\r\n"

EDGE_TEST(heads_of_any_length_are_answered) {
    static const char end[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
    expect_answer_to_many(f, HEALTH "Cookie: ", "x", 65536, "\r\n\r\n", TOO_LARGE);
    expect_answer_to_many(f, "GET /", "x", 100000, end, TOO_LARGE);
    expect_answer_to_many(f, HEALTH, "a: b\r\n", 2000, "\r\n", TOO_LARGE);
    expect_answer_to_many(f, "GET /healthz?", "a&", 5000, end, TOO_LARGE);
    /* and without an end */
    expect_answer_to_many(f, "", "x", EDGE_HEAD_BYTES, "", TOO_LARGE);
    expect_answer_to_many(f, HEALTH "a: ", "x", EDGE_HEAD_BYTES, "", TOO_LARGE);
}

EDGE_TEST(heads_at_the_limits_are_taken) {
    static const char end[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
    size_t frame = strlen(HEALTH "b: \r\n\r\n");
    size_t headers = (EDGE_HEAD_BYTES - strlen(HEALTH "\r\n")) / strlen("b:\r\n");
    expect_answer_to_many(f, HEALTH "b: ", "x", EDGE_HEAD_BYTES - frame, "\r\n\r\n", FINE);
    expect_answer_to_many(f, HEALTH "b: ", "x", EDGE_HEAD_BYTES - frame + 1, "\r\n\r\n", TOO_LARGE);
    expect_answer_to_many(f, HEALTH, "b:\r\n", headers, "\r\n", FINE);
    expect_answer_to_many(f, HEALTH, "b:\r\n", headers + 1, "\r\n", TOO_LARGE);
    expect_answer_to_many(f, "GET /healthz?a=b", "&a=b;", 1500, end, FINE);
}

/* Names that begin as a known one does, escapes, and all else that a parser could stumble over. */
EDGE_TEST(unusual_requests_are_taken) {
    static const char *const fine[] = {
        HEALTH "a:\r\nx: \r\nacc: b\r\nho: c\r\nsec-websocket: d\r\n\r\n",
        HEALTH "content-lengt: 5\r\nUpgrad: h2c\r\n\r\n",
        HEALTH "!#$%&'*+-.^_`|~: \xff\xfe\r\n\r\n",
        "GET /health%7a?%00%zz%4 HTTP/1.1\r\n\r\n",
        "GET /%68ealthz HTTP/1.0\r\n\r\n",
        "HEAD /healthz?a=b&a=b;c HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        expect_head(f, fine[i], FINE);
    expect_head(f, "GET /healthz%00 HTTP/1.1\r\n\r\n", " 404 ");
    expect_head(f, "GET /healthz% HTTP/1.1\r\n\r\n", " 404 ");
    expect_head(f, "BREW /healthz HTTP/1.1\r\n\r\n", " 405 ");
    expect_head(f, UPGRADE("GET", "13", KEY "Host: b\r\n"), BAD);
    expect_head(f, UPGRADE("GET", "13", KEY KEY_ALONE), BAD);
}

EDGE_TEST(what_is_no_request_is_answered) {
    static const char *const bad[] = {
        "\r\n\r\n\r\n" HEALTH "\r\n",       /* blank lines */
        HEALTH "a: b\r\n c\r\n\r\n",        /* a folded header */
        HEALTH "a: b\x01\r\n\r\n",          /* control characters */
        HEALTH "a: b\n\n",                  /* */
        HEALTH "a: b\rc\r\n\r\n",           /* */
        "\x16\x03\x01\x02",                 /* TLS */
        HEALTH "a\r\n\r\n",                 /* no header */
        HEALTH ": a\r\n\r\n",               /* */
        HEALTH "a : b\r\n\r\n",             /* */
        "HELO a\r\n",                       /* no request */
        "GET /\r\n",                        /* */
        "GET  / HTTP/1.1\r\n",              /* */
        "GET / HTTP/3.0\r\n",               /* */
        "GET / HTTP/1.1 \r\n",              /* */
        "/ HTTP/1.1\r\n",                   /* */
        "CONNECT a:80 HTTP/1.1\r\n\r\n",    /* */
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", /* */
        "{\"code\":1}\r\n",                 /* */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_head(f, bad[i], BAD);
    assert_int_equal(f->objects, 0);
}

/* However it is cut: a client that sends slowly is waited for, and one that leaves is forgotten. */
EDGE_TEST(heads_are_looked_at_in_pieces) {
    static const char request[] = HEALTH "b: c\r\n\r\n";
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    for (size_t i = 0; i < sizeof request - 1; i++) {
        edge_client_write(client, request + i, 1);
        edge_fixture_turns(f, 2);
    }
    char *head = http_take_head(client);
    assert_non_null(strstr(head, FINE));
    free(head);
    edge_client_close(&client);
    client = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(client, "GET / HT");
    edge_fixture_turns(f, 5);
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
    UNTIL(f, edge_client_has_ended(client));
    assert_int_equal(client->in.length, 0);
    edge_client_close(&client);
}

/* What follows an upgrade in the same packet is a WebSocket's. */
EDGE_TEST(frames_may_come_with_the_request) {
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    struct buffer out = buffer_make(1 << 16);
    buffer_printf(&out, "%s%s", HEALTH "\r\n", UPGRADE("GET", "13", KEY));
    websocket_add(&out, WEBSOCKET_TEXT, true, slice_text("{\"a\":1}"));
    websocket_add(&out, WEBSOCKET_PING, true, slice_text("and?"));
    edge_client_write(client, out.data, out.length);
    free(http_take_head(client));
    edge_client_expect(client, "ok\n");
    free(http_take_head(client));
    struct websocket_frame pong = {0};
    for (int i = 0; i < 2; i++) {
        free(pong.bytes);
        pong = websocket_next(client);
        if (pong.opcode == WEBSOCKET_TEXT)
            assert_string_equal(pong.bytes, "{\"a\":1}");
    }
    buffer_free(&out);
    free(pong.bytes);
    edge_client_close(&client);
}

/* A client that pings and reads nothing is not answered without a limit. */
EDGE_TEST(pings_do_not_pile_up) {
    struct edge_client *client = websocket_open(f);
    struct buffer out = buffer_make(1 << 24);
    char text[125];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 2000; i++)
        websocket_add(&out, WEBSOCKET_PING, true, slice_make(text, sizeof text));
    int64_t end = loop_now_ms() + 300;
    while (loop_now_ms() < end) {
        (void)send(client->fd, out.data, out.length, MSG_NOSIGNAL);
        edge_fixture_turn(f);
        assert_true(edge_total_queued_bytes(f->edge) <= f->settings.send_queue_bytes + 65536);
    }
    buffer_free(&out);
    edge_client_close(&client);
}

/* Not for ever. */
EDGE_TEST(input_behind_a_refused_head_is_bounded) {
    static char bytes[65536];
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    memset(bytes, 'x', sizeof bytes);
    ssize_t sent = 0;
    while (sent >= 0 || errno == EAGAIN) {
        sent = send(client->fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        edge_fixture_turn(f);
    }
    edge_client_close(&client);
}

EDGE_TEST_UNSTARTED(a_head_that_does_not_end_is_not_waited_for) {
    f->settings.handshake_timeout_ms = 1000;
    edge_fixture_start(f);
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(client, HEALTH);
    UNTIL(f, edge_client_has_ended(client));
    edge_client_close(&client);
}

int main(void) { return test_run_all(NULL, NULL); }
