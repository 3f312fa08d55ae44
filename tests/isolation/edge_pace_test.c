/* A paced connection: one text at a time, each when the one before has been there for a while. */
#include "tests/support/edge_fixture.h"
#include "tests/support/edge_frames.h"

#include <stdio.h>
#include <string.h>

#define PACE_MS 60
#define TEXTS 5

static void queue(struct edge_fixture *f, int from, int until) {
    char text[32];
    for (int i = from; i < until; i++) {
        snprintf(text, sizeof text, "{\"n\":%d}", i);
        assert_int_equal(edge_send(f->connection, slice_text(text)), 0);
    }
}

/* One turn, in which a paced connection is written to once at most. Returns the bytes that have
 * arrived. */
static size_t turn(struct edge_fixture *f, struct edge_client *client) {
    size_t before = client->in.length;
    edge_fixture_turn(f);
    edge_client_read(client);
    return client->in.length - before;
}

static void expect_numbers(struct edge_fixture *f, struct edge_client *client, int from,
                           int until) {
    char text[32];
    for (int i = from; i < until; i++) {
        snprintf(text, sizeof text, "{\"n\":%d}\n", i);
        edge_client_expect(client, text);
    }
    assert_int_equal(client->in.length, 0);
    (void)f;
}

static struct edge_client *open_paced(struct edge_fixture *f) {
    struct edge_client *client = edge_client_open_whole(f, EDGE_TCP);
    assert_false(edge_is_paced(f->connection));
    edge_pace(f->connection, PACE_MS);
    assert_true(edge_is_paced(f->connection));
    return client;
}

EDGE_TEST(texts_arrive_one_by_one) {
    struct edge_client *client = open_paced(f);
    int64_t began_ms = loop_now_ms();
    queue(f, 0, TEXTS);
    assert_true(edge_mark(f->connection));
    for (size_t count = 0; count < TEXTS;) {
        size_t got = turn(f, client);
        assert_true(got == 0 || got == strlen("{\"n\":0}\n"));
        count += got > 0;
        assert_true(f->reached == 0 || count == TEXTS);
    }
    assert_true(loop_now_ms() - began_ms >= (TEXTS - 1) * PACE_MS);
    UNTIL(f, f->reached == 1);
    expect_numbers(f, client, 0, TEXTS);
    edge_client_close(&client);
}

/* A client that sends all the time is not kept waiting for silence. */
EDGE_TEST(a_client_that_goes_on_sending_gets_them_too) {
    struct edge_client *client = open_paced(f);
    f->quiet = true;
    queue(f, 0, TEXTS);
    for (size_t got = 0; got < TEXTS * strlen("{\"n\":0}\n"); got += turn(f, client))
        edge_client_write_text(client, "{}");
    expect_numbers(f, client, 0, TEXTS);
    edge_client_close(&client);
}

/* Two objects that the network held up would arrive together. */
EDGE_TEST(nothing_follows_unacknowledged_bytes) {
    struct edge_client *client = open_paced(f);
    edge_client_drop_all(client, true);
    queue(f, 0, 3);
    const size_t left = edge_queued_bytes(f->connection) - strlen("{\"n\":0}\n");
    UNTIL(f, edge_queued_bytes(f->connection) <= left);
    for (int64_t end_ms = loop_now_ms() + 5 * PACE_MS; loop_now_ms() < end_ms;)
        assert_int_equal(turn(f, client), 0);
    assert_int_equal(edge_queued_bytes(f->connection), left);
    edge_client_drop_all(client, false);
    for (size_t count = 0; count < 3;) {
        size_t got = turn(f, client);
        assert_true(got == 0 || got == strlen("{\"n\":0}\n"));
        count += got > 0;
    }
    expect_numbers(f, client, 0, 3);
    edge_client_close(&client);
}

EDGE_TEST(a_long_text_is_one) {
    struct edge_client *client = open_paced(f);
    static char text[200000];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "{\"n\":\"", 6);
    memcpy(text + sizeof text - 3, "\"}", 2);
    assert_int_equal(edge_send(f->connection, slice_text(text)), 0);
    queue(f, 0, 1);
    UNTIL(f, edge_client_has(client, sizeof text));
    assert_int_equal(client->in.length, sizeof text);
    edge_client_expect(client, text);
    edge_client_expect(client, "\n");
    expect_numbers(f, client, 0, 1);
    edge_client_close(&client);
}

EDGE_TEST(pacing_ends_when_the_owner_ends_it) {
    struct edge_client *client = open_paced(f);
    edge_pace(f->connection, 600000);
    queue(f, 0, TEXTS);
    edge_client_expect(client, "{\"n\":0}\n");
    edge_pace(f->connection, 0);
    expect_numbers(f, client, 1, TEXTS);
    edge_client_close(&client);
}

/* Objects that a client could not read must not be taken for read. */
EDGE_TEST(the_last_words_are_paced) {
    struct edge_client *client = open_paced(f);
    queue(f, 0, TEXTS);
    edge_close(f->connection, 1000, "the end");
    for (size_t count = 0; count < TEXTS;) {
        size_t got = turn(f, client);
        assert_true(got == 0 || got == strlen("{\"n\":0}\n"));
        count += got > 0;
    }
    UNTIL(f, edge_client_has_ended(client));
    expect_numbers(f, client, 0, TEXTS);
    edge_client_close(&client);
    UNTIL(f, f->closed == 1);
}

EDGE_TEST(websockets_are_not_paced) {
    struct edge_client *client = websocket_open(f);
    UNTIL(f, f->connection != NULL);
    edge_pace(f->connection, 600000);
    assert_false(edge_is_paced(f->connection));
    queue(f, 0, 2);
    websocket_expect_text(client, "{\"n\":0}");
    websocket_expect_text(client, "{\"n\":1}");
    edge_client_close(&client);
}

int main(void) { return test_run_all(NULL, NULL); }
