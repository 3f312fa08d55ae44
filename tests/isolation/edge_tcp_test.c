/*
 * The edge's TCP side, and rules of both transports: limits, pausing, the queue, closing.
 */
#include "tests/support/edge_fixture.h"
#include "tests/support/edge_frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "services/gateway/edge/queue.h"
#include "tests/support/capture.h"

/* --- objects and faults --- */

EDGE_TEST(objects_are_echoed_however_they_come) {
    struct edge_client *client = edge_client_exchange(f, "{\"a\":1}{\"b\":2}\r\n  {\"c\":\"}\"}",
                                                      "{\"a\":1}\n{\"b\":2}\n{\"c\":\"}\"}\n");
    static const char text[] = "{\"slow\":[1,2,3]}{\"next\":{}}";
    for (size_t i = 0; i < sizeof text - 1; i++) {
        edge_client_write(client, text + i, 1);
        edge_fixture_turn(f);
    }
    edge_client_expect(client, "{\"slow\":[1,2,3]}\n{\"next\":{}}\n");
    assert_int_equal(edge_transport(f->connection), EDGE_TCP);
    assert_int_equal(edge_total_queued_bytes(f->edge), 0);
    edge_client_close(&client);
    UNTIL(f, f->closed == 1);
}

/* Objects that are queued in one turn of the loop arrive in one piece. */
EDGE_TEST(texts_of_one_turn_are_one_send) {
    struct edge_client *client = edge_client_open_whole(f, EDGE_TCP);
    for (int i = 0; i < 20; i++)
        assert_int_equal(edge_send(f->connection, slice_text("{\"a\":1}")), 0);
    assert_int_equal(edge_queued_bytes(f->connection), 160);
    assert_int_equal(edge_total_queued_bytes(f->edge), 160);
    char bytes[1000];
    ssize_t got = -1;
    UNTIL(f, (got = recv(client->fd, bytes, sizeof bytes, 0)) >= 0);
    assert_int_equal(got, 160);
    assert_int_equal(bytes[159], '\n');
    edge_client_close(&client);
}

EDGE_TEST(garbage_is_reported_once_and_skipped) {
    struct edge_client *client =
        edge_client_exchange(f, "what is this\n{\"a\":1}", "{\"error\":1}\n{\"a\":1}\n");
    assert_string_equal(edge_fixture_events(f), "open;fault the input is not a JSON object;"
                                                "object {\"a\":1};");
    edge_client_close(&client);
}

EDGE_TEST(ten_faults_in_a_row_close) {
    struct edge_client *client = edge_client_open(f, EDGE_TCP);
    for (int i = 0; i < 9; i++)
        edge_client_write_text(client, "{\"a\":\"\xff\"}");
    edge_client_write_text(client, "{\"good\":1}");
    for (int i = 0; i < 10; i++)
        edge_client_write_text(client, i % 2 == 0 ? "{\"bad\":1}" : "x\n");
    edge_client_write_text(client, "{\"never\":1}");
    UNTIL(f, edge_client_has_ended(client));
    assert_int_equal(client->in.length, 19 * strlen("{\"error\":1}\n"));
    assert_null(strstr(edge_fixture_events(f), "never"));
    edge_client_close(&client);
    UNTIL(f, f->closed == 1);
}

/* The answer arrives although the client goes on writing: no reset takes it away. */
EDGE_TEST(an_over_long_object_is_answered_and_closes) {
    struct edge_client *client = edge_client_open(f, EDGE_TCP);
    char *text = malloc(1 << 20);
    assert_non_null(text);
    memset(text, 'x', 1 << 20);
    memcpy(text, "{\"a\":\"", 6);
    edge_client_write(client, text, 1 << 20);
    free(text);
    edge_client_expect(client, "{\"error\":1}\n");
    UNTIL(f, edge_client_has_ended(client));
    assert_string_equal(edge_fixture_events(f),
                        "open;fault the object is longer than 65536 bytes;");
    edge_client_close(&client);
    UNTIL(f, f->closed == 1);
}

EDGE_TEST(a_mark_is_reached_when_the_kernel_has_it) {
    struct edge_client *client = edge_client_open_whole(f, EDGE_TCP);
    f->within = true;
    for (size_t round = 1; round <= 2; round++) {
        assert_int_equal(edge_send(f->connection, slice_text("{\"a\":1}")), 0);
        assert_true(edge_mark(f->connection));
        assert_false(edge_mark(f->connection));
        f->within = false;
        UNTIL(f, f->reached == round);
        f->within = true;
    }
    f->within = false;
    edge_client_expect(client, "{\"a\":1}\n{\"a\":1}\n");
    edge_client_close(&client);
}

/* While a client takes nothing, its input neither makes the loop spin nor is read. */
static void expect_rest(struct edge_fixture *f, struct edge_client *client) {
    size_t objects = f->objects;
    edge_client_send(client, "{\"good\":1}");
    assert_true(edge_fixture_turn_for(f, 100) < 200); /* the tick makes 50 */
    assert_int_equal(f->objects, objects);
}

/* Beyond the bytes that all may queue together, a client that has something queued already gets a
 * share only. */
EDGE_TEST(all_queues_together_are_bounded) {
    enum { LENGTH = 1000 };
    char text[LENGTH];
    memset(text, 'x', sizeof text);
    struct edge_client *first_client = edge_client_open_whole(f, EDGE_TCP);
    struct edge_connection *first = f->connection;
    f->settings.send_queues_bytes = 200000;
    while (edge_send(first, slice_make(text, LENGTH)) == 0)
        continue;
    assert_in_range(edge_queued_bytes(first), 200000 - 2 * LENGTH, 200000);
    f->connection = NULL;
    struct edge_client *second_client = edge_client_open_whole(f, EDGE_TCP);
    f->settings.send_queues_bytes = 0; /* whatever the kernel took of the first meanwhile */
    while (edge_send(f->connection, slice_make(text, LENGTH)) == 0)
        continue;
    assert_in_range(edge_queued_bytes(f->connection), EDGE_SHARE_BYTES - 2 * LENGTH,
                    EDGE_SHARE_BYTES);
    edge_client_close(&first_client);
    edge_client_close(&second_client);
    UNTIL(f, edge_count(f->edge) == 0);
    assert_int_equal(edge_total_queued_bytes(f->edge), 0);
}

/* A text that is longer than the share is taken by an empty queue. */
EDGE_TEST(a_long_text_alone_is_taken) {
    size_t length = 2 * EDGE_SHARE_BYTES;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, 'x', length);
    struct edge_client *client = edge_client_open_whole(f, EDGE_TCP);
    f->settings.send_queues_bytes = 0;
    assert_int_equal(edge_send(f->connection, slice_make(text, length)), 0);
    assert_int_equal(edge_send(f->connection, slice_make(text, 10)), -1);
    free(text);
    edge_client_leave(&client);
}

EDGE_TEST(a_full_queue_refuses_and_loses_nothing) {
    enum { LENGTH = 1000 };
    char text[LENGTH];
    memset(text, 'x', sizeof text);
    memcpy(text, "{\"n\":\"0000000000", 16);
    memcpy(text + LENGTH - 2, "\"}", 2);
    for (int transport = EDGE_WEBSOCKET; transport <= EDGE_TCP; transport++) {
        struct edge_client *client = edge_client_open_whole(f, (enum edge_transport)transport);
        size_t accepted = edge_fixture_fill(f, text, LENGTH, 6);
        assert_true(edge_mark(f->connection));
        expect_rest(f, client);
        assert_true(accepted > f->settings.send_queue_bytes / (LENGTH + 4));
        for (size_t i = 0; i < accepted; i++) {
            char number[24];
            snprintf(number, sizeof number, "%010zu", i);
            memcpy(text + 6, number, 10);
            UNTIL(f, edge_client_has(client, LENGTH + (transport == EDGE_TCP ? 1 : 4)));
            if (transport == EDGE_TCP) {
                assert_memory_equal(client->in.data, text, LENGTH);
                assert_int_equal(client->in.data[LENGTH], '\n');
                buffer_drop(&client->in, LENGTH + 1);
            } else {
                struct websocket_frame frame = websocket_next(client);
                assert_int_equal(frame.payload.length, LENGTH);
                assert_memory_equal(frame.bytes, text, LENGTH);
                free(frame.bytes);
            }
        }
        if (transport == EDGE_WEBSOCKET) {
            websocket_answer_ping(client);
        }
        UNTIL(f, f->reached == (size_t)transport + 1 && f->objects == f->reached);
        assert_int_equal(edge_total_queued_bytes(f->edge), 0);
        edge_client_leave(&client);
    }
}

/* --- pausing --- */

EDGE_TEST(a_paused_connection_keeps_order) {
    f->quiet = true;
    for (int transport = EDGE_WEBSOCKET; transport <= EDGE_TCP; transport++) {
        struct edge_client *client = edge_client_open_whole(f, (enum edge_transport)transport);
        buffer_clear(&f->events);
        f->objects = 0;
        char text[64];
        for (int i = 0; i < 40; i++) {
            snprintf(text, sizeof text, i % 10 == 5 ? "{\"pause\":%d}" : "{\"n\":%d}", i);
            edge_client_send(client, text);
        }
        for (size_t pauses = 0; pauses < 4; pauses++) {
            UNTIL(f, f->objects == 6 + 10 * pauses);
            edge_fixture_turns(f, 20);
            assert_int_equal(f->objects, 6 + 10 * pauses);
            f->within = true;
            edge_resume(f->connection);
            if (pauses == 1) { /* once more changes nothing */
                edge_pause(f->connection);
                edge_resume(f->connection);
            }
            f->within = false;
        }
        UNTIL(f, f->objects == 40);
        const char *at = edge_fixture_events(f);
        for (int i = 0; i < 40; i++) {
            snprintf(text, sizeof text, ":%d}", i);
            at = strstr(at, text);
            assert_non_null(at);
        }
        edge_client_leave(&client);
    }
}

/* A client that writes to a paused connection is held up by its own kernel, not by our memory. */
EDGE_TEST(a_paused_connection_is_not_read) {
    f->quiet = true;
    for (int transport = EDGE_WEBSOCKET; transport <= EDGE_TCP; transport++) {
        struct edge_client *client = edge_client_open_whole(f, (enum edge_transport)transport);
        edge_client_send(client, "{\"pause\":1}");
        UNTIL(f, f->objects != 0);
        f->objects = 0;
        struct buffer one = buffer_make(4096);
        char text[1000];
        memset(text, ' ', sizeof text);
        memcpy(text, "{\"n\":1}", 7);
        edge_client_add(client, &one, slice_make(text, sizeof text));
        size_t at = 0, sent_objects = 0;
        for (int full_turns = 0; full_turns < 100;) {
            ssize_t sent = send(client->fd, one.data + at, one.length - at, MSG_NOSIGNAL);
            if (sent < 0) {
                full_turns++;
                edge_fixture_turn(f);
                continue;
            }
            full_turns = 0;
            at = (at + (size_t)sent) % one.length;
            sent_objects += at == 0;
            assert_true(sent_objects < 64000);
        }
        assert_int_equal(f->objects, 0);
        edge_resume(f->connection);
        edge_client_write(client, one.data + at, at == 0 ? 0 : one.length - at);
        sent_objects += at != 0;
        UNTIL(f, f->objects == sent_objects);
        f->objects = 0;
        buffer_free(&one);
        edge_client_leave(&client);
    }
}

/* --- the end --- */

EDGE_TEST(tcp_closing_sends_queued_objects_first) {
    struct edge_client *client =
        edge_client_exchange(f, "{\"first\":1}{\"close\":1}{\"never\":1}", "{\"first\":1}\n");
    UNTIL(f, edge_client_has_ended(client));
    assert_int_equal(client->in.length, 0);
    assert_null(strstr(edge_fixture_events(f), "never"));
    assert_int_equal(edge_send(f->connection, slice_text("{}")), -1);
    edge_client_close(&client);
    UNTIL(f, f->closed == 1);
}

EDGE_TEST(a_client_that_does_not_close_is_cut) {
    struct edge_client *tcp = edge_client_open(f, EDGE_TCP), *websocket = websocket_open(f);
    edge_client_write_text(tcp, "{\"close\":1}");
    websocket_send_text(websocket, "{\"close\":1}");
    UNTIL(f, f->closed == 2); /* within 6 s, though neither answers */
    edge_client_close(&tcp);
    edge_client_close(&websocket);
}

EDGE_TEST(closing_all_flushes_and_returns) {
    struct edge_client *clients[8];
    for (int i = 0; i < 8; i++) {
        f->connection = NULL;
        clients[i] = i % 2 == 0 ? websocket_open(f) : edge_client_open(f, EDGE_TCP);
        UNTIL(f, f->connection != NULL);
        assert_int_equal(edge_send(f->connection, slice_text("{\"last\":1}")), 0);
    }
    int64_t start = loop_now_ms();
    edge_close_all(f->edge);
    assert_true(loop_now_ms() - start < EDGE_CLOSE_MS); /* though no client closes */
    assert_int_equal(f->closed, 8);
    assert_int_equal(edge_count(f->edge), 0);
    assert_int_equal(edge_total_queued_bytes(f->edge), 0);
    for (int i = 0; i < 8; i++) {
        if (i % 2 == 0) {
            websocket_expect_text(clients[i], "{\"last\":1}");
            struct websocket_frame frame = websocket_next(clients[i]);
            assert_int_equal(frame.opcode, 8);
            assert_memory_equal(frame.bytes, "\x03\xe9", 2);
            free(frame.bytes);
        } else {
            edge_client_expect(clients[i], "{\"last\":1}\n");
        }
        UNTIL(f, edge_client_has_ended(clients[i]));
        edge_client_close(&clients[i]);
    }
    /* Nobody listens any more. */
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(edge_port(f->edge, EDGE_TCP, false)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), -1);
    close(fd);
}

EDGE_TEST(destroying_closes_open_connections) {
    struct edge_client *tcp = edge_client_open(f, EDGE_TCP), *websocket = websocket_open(f);
    struct edge_client *http = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(tcp, "{\"a\":1}{\"half");
    edge_client_expect(tcp, "{\"a\":1}\n");
    websocket_send(websocket, 1, false, slice_text("{\"half"));
    edge_client_write_text(http, "GET /");
    edge_fixture_turns(f, 10);
    assert_int_equal(edge_send(f->connection, slice_text("{}")), 0);
    edge_fixture_stop(f);
    assert_int_equal(f->closed, 2);
    edge_client_close(&tcp);
    edge_client_close(&websocket);
    edge_client_close(&http);
}

/* --- limits --- */

/* No edge is made with these settings, and one line of the log says what is wrong. */
static void expect_refused(struct edge_fixture *f, const struct edge_settings *settings, int port) {
    char expected[64];
    snprintf(expected, sizeof expected, "event=start_failed");
    if (port != 0)
        snprintf(expected, sizeof expected, "127.0.0.1:%d for %s: Address already in use", port,
                 settings->http_port != 0 ? "http_port" : "tcp_port");
    struct capture capture;
    capture_begin(&capture, STDERR_FILENO);
    struct edge *edge = edge_new(f->ev, settings, &edge_fixture_handlers, f);
    char *text = capture_end(&capture);
    assert_null(edge);
    assert_non_null(strstr(text, "level=error"));
    assert_non_null(strstr(text, expected));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    free(text);
}

EDGE_TEST(a_taken_port_is_refused) {
    struct edge_settings settings = f->settings;
    settings.http_port = edge_port(f->edge, EDGE_WEBSOCKET, false);
    expect_refused(f, &settings, settings.http_port);
    settings.http_port = 0;
    settings.tcp_port = edge_port(f->edge, EDGE_TCP, false);
    expect_refused(f, &settings, settings.tcp_port);
    settings.http_port = settings.tcp_port = settings.youim_port = EDGE_NO_PORT;
    expect_refused(f, &settings, 0);
    settings.tcp_port = 0;
    settings.bind_address = "192.0.2.1"; /* nobody's */
    expect_refused(f, &settings, 0);
    settings.bind_address = "nowhere";
    expect_refused(f, &settings, 0);
    /* That has harmed nobody. */
    struct edge_client *client = edge_client_exchange(f, "{}", "{}\n");
    edge_client_close(&client);
}

EDGE_TEST_UNSTARTED(too_many_connections_are_refused) {
    f->settings.max_connections = 2;
    edge_fixture_start(f);
    struct edge_client *first = websocket_open(f), *second = edge_client_open(f, EDGE_TCP);
    UNTIL(f, edge_count(f->edge) == 2);
    struct edge_client *third = websocket_open(f);
    websocket_expect_close(third, 1013, "the server is full");
    assert_int_equal(f->refused, 1);
    edge_client_close(&third);
    third = edge_client_open(f, EDGE_TCP);
    UNTIL(f, edge_client_has_ended(third));
    assert_int_equal(f->refused, 2);
    edge_client_close(&third);
    edge_client_close(&second);
    UNTIL(f, f->closed == 1);
    third = websocket_open(f);
    websocket_send_text(third, "{}");
    websocket_expect_text(third, "{}");
    edge_client_close(&third);
    edge_client_close(&first);
    assert_int_equal(f->closed, 1);
    UNTIL(f, f->closed == 3);
}

/* Out of descriptors, the edge waits until there are some; it neither spins nor gives up. */
EDGE_TEST_UNSTARTED(a_lack_of_descriptors_passes) {
    f->settings.ping_interval_ms = 2000; /* it looks every 500 ms */
    edge_fixture_start(f);
    struct edge_client *client = edge_client_open(f, EDGE_TCP);
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)client->fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    ev_timer_stop(f->ev, &f->tick);
    ev_now_update(f->ev);
    assert_true(edge_fixture_turn_for(f, 1200) < 100);
    assert_null(f->connection);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    ev_timer_start(f->ev, &f->tick);
    edge_client_write_text(client, "{}");
    edge_client_expect(client, "{}\n");
    edge_client_close(&client);
}

int main(void) { return test_run_all(NULL, NULL); }
