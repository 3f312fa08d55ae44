/* The edge and silent clients: healthy ones stay, and those that are gone are found out. */
#include "tests/support/edge_fixture.h"
#include "tests/support/edge_frames.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "services/gateway/edge/websocket.h"

/* By default this many intervals are ten minutes. */
#define INTERVALS 20

/* The WebSocket's stack answers pings, as every browser's does; the others can't send anything. */
EDGE_TEST_UNSTARTED(healthy_clients_that_say_nothing_stay) {
    f->settings.ping_interval_ms = 150;
    edge_fixture_start(f);
    struct edge_client *websocket = websocket_open(f);
    struct edge_connection *to_websocket = f->connection;
    struct edge_client *tcp = edge_client_open(f, EDGE_TCP);
    UNTIL(f, edge_count(f->edge) == 2);
    struct edge_client *youim = edge_client_open(f, EDGE_YOUIM);
    UNTIL(f, edge_count(f->edge) == 3);
    for (int i = 0; i < INTERVALS; i++) {
        websocket_answer_ping(websocket);
    }
    assert_int_equal(f->reached, 0); /* no mark was set */
    assert_false(edge_client_has_ended(tcp) || edge_client_has_ended(youim));
    assert_in_range(edge_silent_ms(f->connection), INTERVALS * 100, 600000);
    assert_int_equal(edge_send(to_websocket, slice_text("{\"a\":1}")), 0);
    assert_int_equal(edge_send(f->connection, slice_text("{\"msgType\":6}")), 0);
    bool pinged = true;
    while (pinged) {
        struct websocket_frame frame = websocket_next(websocket);
        pinged = frame.opcode == 9;
        if (pinged)
            websocket_send(websocket, 10, true, frame.payload);
        free(frame.bytes);
    }
    UNTIL(f, edge_client_has(youim, 7));
    edge_client_write_text(tcp, "{}");
    edge_client_expect(tcp, "{}\n");
    edge_client_close(&websocket);
    edge_client_close(&tcp);
    edge_client_close(&youim);
}

/* The browser's process hangs, say: its kernel acknowledges all the same. */
EDGE_TEST_UNSTARTED(two_pings_without_an_answer_are_the_end) {
    f->settings.ping_interval_ms = 100;
    edge_fixture_start(f);
    struct edge_client *client = websocket_open(f);
    for (int i = 0; i < EDGE_UNANSWERED_PINGS; i++) {
        struct websocket_frame ping = websocket_expect_ping(client);
        free(ping.bytes);
    }
    websocket_expect_close(client, 1001, "pings were not answered");
    UNTIL(f, f->closed == 1);
    edge_client_close(&client);
}

/* A mark's ping and one that asks for a sign of life are the same. */
EDGE_TEST_UNSTARTED(a_late_pong_answers_the_mark_too) {
    f->settings.ping_interval_ms = 500;
    edge_fixture_start(f);
    struct edge_client *client = websocket_open(f);
    assert_true(edge_mark(f->connection));
    struct websocket_frame mark = websocket_expect_ping(client);
    struct websocket_frame ping = websocket_expect_ping(client);
    assert_true(slice_equal(mark.payload, ping.payload));
    websocket_send(client, 10, true, ping.payload);
    UNTIL(f, f->reached == 1);
    assert_true(edge_mark(f->connection));
    free(mark.bytes);
    free(ping.bytes);
    edge_client_close(&client);
}

/* On a slow link the pings stand behind much that is on its way. A client that takes it is there.
 */
EDGE_TEST_UNSTARTED(a_client_that_reads_on_stays) {
    enum { LENGTH = 60000, TEXTS = 80 };
    static char text[LENGTH];
    memset(text, 'x', LENGTH);
    f->settings.ping_interval_ms = 400;
    f->settings.send_queue_bytes = 1 << 23;
    edge_fixture_start(f);
    struct edge_client *client = websocket_open(f);
    const int room = 1 << 16;
    assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    for (int i = 0; i < TEXTS; i++)
        assert_int_equal(edge_send(f->connection, slice_make(text, LENGTH)), 0);
    size_t taken = 0;
    for (int64_t next_ms = loop_now_ms(); taken < TEXTS * LENGTH; edge_fixture_turn(f)) {
        if (loop_now_ms() < next_ms)
            continue;
        ssize_t got = recv(client->fd, text, sizeof text, 0);
        if (got == 0)
            fail_msg("it was closed after %zu bytes", taken);
        taken += got > 0 ? (size_t)got : 0;
        next_ms = loop_now_ms() + 50;
    }
    assert_int_equal(f->closed, 0);
    edge_client_close(&client);
}

/* No FIN, no answer to anything; found out whether there is something for them or not. */
EDGE_TEST_UNSTARTED(the_kernel_finds_vanished_clients) {
    f->settings.vanished_timeout_ms = 2000;
    edge_fixture_start(f);
    struct edge_client *clients[] = {edge_client_open(f, EDGE_TCP), edge_client_open(f, EDGE_YOUIM),
                                     websocket_open(f), edge_client_open(f, EDGE_TCP)};
    UNTIL(f, edge_count(f->edge) == 4);
    for (size_t i = 0; i < 4; i++)
        edge_client_drop_all(clients[i], true);
    assert_int_equal(edge_send(f->connection, slice_text("{}")), 0);
    struct edge_client *healthy = edge_client_open(f, EDGE_TCP);
    UNTIL(f, f->closed == 4);
    edge_client_write_text(healthy, "{}");
    edge_client_expect(healthy, "{}\n");
    edge_client_close(&healthy);
    for (size_t i = 0; i < 4; i++)
        edge_client_close(&clients[i]);
}

/* How often the loop turns within a second in which nothing is due but the end of that second. */
static unsigned turns_of_a_second(struct edge_fixture *f) {
    ev_timer_stop(f->ev, &f->tick);
    ev_now_update(f->ev);
    ev_timer_set(&f->tick, 1, 0);
    ev_timer_start(f->ev, &f->tick);
    unsigned turns = ev_iteration(f->ev);
    while (ev_is_active(&f->tick))
        edge_fixture_turn(f);
    return ev_iteration(f->ev) - turns;
}

/* No ping is due, no mark outstanding, no handshake under way: nothing wakes the process. */
EDGE_TEST(an_idle_edge_rests) {
    enum { COUNT = 30 };
    struct edge_client *clients[COUNT];
    for (int i = 0; i < COUNT; i++)
        clients[i] = edge_client_open_whole(f, (enum edge_transport)(i % EDGE_TRANSPORT_COUNT));
    edge_pause(f->connection);
    int64_t end_ms = loop_now_ms() + EDGE_DEADLINE_MS;
    unsigned turns;
    while ((turns = turns_of_a_second(f)) > 1)
        if (loop_now_ms() >= end_ms)
            fail_msg("the loop still turns %u times a second", turns);
    assert_int_equal(edge_count(f->edge), COUNT);
    for (int i = 0; i < COUNT; i++)
        edge_client_close(&clients[i]);
    ev_timer_set(&f->tick, 0.002, 0.002);
    ev_timer_start(f->ev, &f->tick);
    UNTIL(f, f->closed == COUNT - 1); /* the paused one's close is not read */
}

int main(void) { return test_run_all(NULL, NULL); }
