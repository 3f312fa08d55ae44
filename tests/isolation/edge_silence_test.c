/* The edge and clients that say nothing: who stays, and who is found to be gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/filter.h>
#include <netinet/tcp.h>

#include "services/gateway/edge/websocket.h"
#include "tests/isolation/edge_fixture.h"

/* By default this many intervals are ten minutes. */
#define INTERVALS 20

/* The machine is gone: its kernel drops whatever comes for this connection, unanswered. */
static void vanish(struct client *client) {
    struct sock_filter nothing = {.code = BPF_RET | BPF_K, .k = 0};
    struct sock_fprog program = {.len = 1, .filter = &nothing};
    assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program),
                     0);
}

/* The WebSocket's stack answers pings, as every browser's does; the others can't say anything. */
static void healthy_clients_that_say_nothing_stay(void **state) {
    struct fixture *f = *state;
    f->settings.ping_interval_ms = 150;
    fixture_start(f);
    struct client *websocket = websocket_open(f);
    struct edge_connection *to_websocket = f->connection;
    struct client *tcp = client_open(f, EDGE_TCP);
    UNTIL(f, edge_count(f->edge) == 2);
    struct client *youim = client_open(f, EDGE_YOUIM);
    UNTIL(f, edge_count(f->edge) == 3);
    for (int i = 0; i < INTERVALS; i++) {
        struct frame ping = frame_next(websocket);
        assert_int_equal(ping.opcode, 9);
        frame_send(websocket, 10, true, ping.payload);
        free(ping.bytes);
    }
    assert_int_equal(f->reached, 0); /* no mark was set */
    assert_false(client_ended(tcp) || client_ended(youim));
    assert_in_range(edge_silent_ms(f->connection), INTERVALS * 100, 600000);
    assert_int_equal(edge_send(to_websocket, slice_text("{\"a\":1}")), 0);
    assert_int_equal(edge_send(f->connection, slice_text("{\"msgType\":6}")), 0);
    bool pinged = true;
    while (pinged) {
        struct frame frame = frame_next(websocket);
        pinged = frame.opcode == 9;
        if (pinged)
            frame_send(websocket, 10, true, frame.payload);
        free(frame.bytes);
    }
    UNTIL(f, client_has(youim, 7));
    client_say(tcp, "{}");
    client_expect(tcp, "{}\n");
    client_close(&websocket);
    client_close(&tcp);
    client_close(&youim);
}

/* The browser's process hangs, say: its kernel acknowledges all the same. */
static void two_pings_without_an_answer_are_the_end(void **state) {
    struct fixture *f = *state;
    f->settings.ping_interval_ms = 100;
    fixture_start(f);
    struct client *client = websocket_open(f);
    for (int i = 0; i < EDGE_UNANSWERED_PINGS; i++) {
        struct frame ping = frame_next(client);
        assert_int_equal(ping.opcode, 9);
        free(ping.bytes);
    }
    close_expect(client, 1001, "pings were not answered");
    UNTIL(f, f->closed == 1);
    client_close(&client);
}

/* A mark's ping and one that asks for a sign of life are the same. */
static void a_late_pong_answers_the_mark_too(void **state) {
    struct fixture *f = *state;
    f->settings.ping_interval_ms = 500;
    fixture_start(f);
    struct client *client = websocket_open(f);
    assert_true(edge_mark(f->connection));
    struct frame mark = frame_next(client), ping = frame_next(client);
    assert_int_equal(mark.opcode, 9);
    assert_int_equal(ping.opcode, 9);
    assert_true(slice_equal(mark.payload, ping.payload));
    frame_send(client, 10, true, ping.payload);
    UNTIL(f, f->reached == 1);
    assert_true(edge_mark(f->connection));
    free(mark.bytes);
    free(ping.bytes);
    client_close(&client);
}

/* On a slow link the pings stand behind much that is on its way. Whoever takes it is there. */
static void who_takes_what_was_sent_is_there(void **state) {
    struct fixture *f = *state;
    enum { LENGTH = 60000, TEXTS = 80 };
    static char text[LENGTH];
    memset(text, 'x', LENGTH);
    f->settings.ping_interval_ms = 400;
    f->settings.send_queue_bytes = 1 << 23;
    fixture_start(f);
    struct client *client = websocket_open(f);
    const int room = 1 << 16;
    assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    for (int i = 0; i < TEXTS; i++)
        assert_int_equal(edge_send(f->connection, slice_make(text, LENGTH)), 0);
    size_t taken = 0;
    for (int64_t next_ms = loop_now_ms(); taken < TEXTS * LENGTH; fixture_turn(f)) {
        if (loop_now_ms() < next_ms)
            continue;
        ssize_t got = recv(client->fd, text, sizeof text, 0);
        if (got == 0)
            fail_msg("it was closed after %zu bytes", taken);
        taken += got > 0 ? (size_t)got : 0;
        next_ms = loop_now_ms() + 50;
    }
    assert_int_equal(f->closed, 0);
    client_close(&client);
}

/* No FIN, no answer to anything; found out whether there is something for them or not. */
static void who_vanished_is_found_out_by_the_kernel(void **state) {
    struct fixture *f = *state;
    f->settings.vanished_timeout_ms = 2000;
    fixture_start(f);
    struct client *clients[] = {client_open(f, EDGE_TCP), client_open(f, EDGE_YOUIM),
                                websocket_open(f), client_open(f, EDGE_TCP)};
    UNTIL(f, edge_count(f->edge) == 4);
    for (size_t i = 0; i < 4; i++)
        vanish(clients[i]);
    assert_int_equal(edge_send(f->connection, slice_text("{}")), 0);
    struct client *healthy = client_open(f, EDGE_TCP);
    UNTIL(f, f->closed == 4);
    client_say(healthy, "{}");
    client_expect(healthy, "{}\n");
    client_close(&healthy);
    for (size_t i = 0; i < 4; i++)
        client_close(&clients[i]);
}

int main(void) {
#define PLAIN(test_) cmocka_unit_test_setup_teardown(test_, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        PLAIN(healthy_clients_that_say_nothing_stay),
        PLAIN(two_pings_without_an_answer_are_the_end),
        PLAIN(a_late_pong_answers_the_mark_too),
        PLAIN(who_takes_what_was_sent_is_there),
        PLAIN(who_vanished_is_found_out_by_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
