/*
 * The edge at the end of a connection: requests received before are handed over, answers are
 * written to a client that reads on, and all connections end.
 */
#include "tests/support/edge_fixture.h"
#include "tests/support/edge_frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* With more unread in the kernel than one read takes: it is paused from the first object on. */
static struct edge_client *say_much(struct edge_fixture *f, enum edge_transport transport,
                                    int count) {
    char object[128];
    struct edge_client *client = edge_client_open_whole(f, transport);
    edge_pause(f->connection);
    edge_fixture_turn(f);
    f->objects = 0;
    for (int i = 0; i < count; i++) {
        snprintf(object, sizeof object, "{\"n\":%d,\"filler\":\"%064d\"}", i, i);
        edge_client_send(client, object);
    }
    return client;
}

EDGE_TEST(unread_objects_at_a_close_are_handed_over) {
    enum { COUNT = 500 };
    f->quiet = f->lingers = true;
    for (int transport = EDGE_WEBSOCKET; transport < EDGE_TRANSPORT_COUNT; transport++) {
        struct edge_client *client = say_much(f, (enum edge_transport)transport, COUNT);
        if (transport == EDGE_WEBSOCKET)
            websocket_send(client, 8, true, slice_make("\x03\xe8", 2));
        edge_fixture_turns(f, 20);
        edge_client_close(&client);
        edge_fixture_turns(f, 20);
        assert_int_equal(f->objects, 0);
        f->ends = 0;
        edge_resume(f->connection);
        UNTIL(f, f->ends > 0);
        assert_int_equal(f->objects, COUNT);
        edge_close(f->connection, 0, NULL);
        UNTIL(f, f->connection == NULL);
    }
}

EDGE_TEST(a_client_that_closed_its_half_is_answered) {
    f->lingers = true;
    for (int transport = EDGE_TCP; transport <= EDGE_YOUIM; transport++) {
        struct edge_client *client = edge_client_open_whole(f, (enum edge_transport)transport);
        edge_client_send(client, "{\"first\":1}");
        edge_client_send(client, "{\"second\":1}");
        assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
        f->ends = 0;
        UNTIL(f, f->ends == 1);
        assert_true(edge_fixture_turn_for(f, 100) < 200); /* the tick makes 50 */
        assert_true(edge_can_write(f->connection));
        static const char late[] = "{\"msgType\":6,\"late\":1}";
        assert_int_equal(edge_send(f->connection, slice_text(late)), 0);
        size_t reached = f->reached;
        assert_true(edge_mark(f->connection));
        UNTIL(f, (edge_client_read(client), f->reached == reached + 1));
        edge_close(f->connection, 0, NULL);
        UNTIL(f, edge_client_has_ended(client));
        assert_non_null(memmem(client->in.data, client->in.length, "first", 5));
        assert_non_null(memmem(client->in.data, client->in.length, "second", 6));
        assert_non_null(memmem(client->in.data, client->in.length, "late", 4));
        assert_int_equal(f->ends, 1);
        UNTIL(f, f->connection == NULL);
        edge_client_close(&client);
    }
}

/* It looks like the other until it is written to. Then on_end is called again, and the owner
 * closes. */
EDGE_TEST(a_client_that_closed_both_halves_is_found_out) {
    f->lingers = true;
    struct edge_client *client = edge_client_open_whole(f, EDGE_TCP);
    edge_client_close(&client);
    UNTIL(f, f->ends == 1);
    while (f->ends == 1) {
        f->within = true;
        (void)!edge_send(f->connection, slice_text("{}"));
        f->within = false;
        edge_fixture_turn(f);
    }
    assert_false(edge_can_write(f->connection));
    assert_int_equal(edge_send(f->connection, slice_text("{}")), -1);
    edge_close(f->connection, 0, NULL);
    UNTIL(f, f->closed == 1);
    assert_int_equal(edge_total_queued_bytes(f->edge), 0);
}

EDGE_TEST(an_end_that_takes_too_long_is_cut) {
    f->lingers = true;
    f->settings.end_timeout_ms = 100;
    struct edge_client *client = edge_client_open_whole(f, EDGE_TCP);
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
    UNTIL(f, edge_client_has_ended(client));
    UNTIL(f, f->closed == 1);
    edge_client_close(&client);
}

static void resume_all(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)revents;
    for (int i = 0; i < EDGE_TRANSPORT_COUNT; i++)
        edge_resume(((struct edge_connection **)watcher->data)[i]);
}

/* All that was read and waits for the owner is handed over before the edge closes. */
EDGE_TEST(closing_all_hands_over_waiting_objects) {
    struct edge_connection *connections[EDGE_TRANSPORT_COUNT];
    struct edge_client *clients[EDGE_TRANSPORT_COUNT];
    ev_timer resume;
    for (int i = 0; i < EDGE_TRANSPORT_COUNT; i++) {
        clients[i] = edge_client_open_whole(f, (enum edge_transport)i);
        connections[i] = f->connection;
        f->objects = 0;
        f->pauses = true;
        struct buffer both = buffer_make(4096); /* so that one read takes both */
        edge_client_add(clients[i], &both, slice_text("{\"n\":1}"));
        edge_client_add(clients[i], &both, slice_text("{\"last\":1}"));
        edge_client_write(clients[i], both.data, both.length);
        buffer_free(&both);
        UNTIL(f, f->objects == 1);
        edge_fixture_turns(f, 20);
    }
    f->pauses = false;
    f->objects = 0;
    ev_timer_init(&resume, resume_all, 0.05, 0);
    resume.data = connections;
    ev_timer_start(f->ev, &resume);
    edge_close_all(f->edge);
    assert_int_equal(edge_count(f->edge), 0);
    assert_int_equal(f->objects, EDGE_TRANSPORT_COUNT);
    for (int i = 0; i < EDGE_TRANSPORT_COUNT; i++) {
        UNTIL(f, edge_client_has_ended(clients[i]));
        assert_non_null(memmem(clients[i]->in.data, clients[i]->in.length, "last", 4));
        edge_client_close(&clients[i]);
    }
}

int main(void) { return test_run_all(NULL, NULL); }
