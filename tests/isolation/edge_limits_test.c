/*
 * The edge at its limits of what strangers may hold: connections and sockets of one address, and
 * input that has not arrived in whole, over all connections that are not trusted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/edge/addresses.h"
#include "services/gateway/edge/remote.h"
#include "tests/support/edge_frames.h"

#define OBJECT_BYTES 50000
#define HELD_BYTES 65536 /* what a buffer takes for it */
#define ROOM 4           /* so many of them fit */

static const char fault[] = "fault too much input waits on connections without a login;";

static struct edge_client *open(struct edge_fixture *f, enum edge_transport transport) {
    return transport == EDGE_WEBSOCKET ? websocket_open(f) : edge_client_open_whole(f, transport);
}

/* All of an object of that length but its last byte, and waits until that is read. */
static void write_most(struct edge_fixture *f, struct edge_client *client, size_t length) {
    struct buffer out = buffer_make(1 << 20);
    char *object = malloc(length);
    uint64_t before = edge_untrusted_input_bytes(f->edge);
    assert_non_null(object);
    memset(object, 'x', length);
    memcpy(object, "{\"a\":\"", 6);
    memcpy(object + length - 2, "\"}", 2);
    edge_client_add(client, &out, slice_make(object, length));
    edge_client_write(client, out.data, out.length - 1);
    UNTIL(f, edge_untrusted_input_bytes(f->edge) >= before + length ||
                 strstr(edge_fixture_events(f), fault) != NULL);
    free(object);
    buffer_free(&out);
}

static size_t faults(struct edge_fixture *f) {
    size_t count = 0;
    for (const char *at = edge_fixture_events(f); (at = strstr(at, fault)) != NULL; at++)
        count++;
    return count;
}

static void start(struct edge_fixture *f) {
    f->settings.untrusted_input_bytes = ROOM * HELD_BYTES + 1024;
    f->quiet = true;
    edge_fixture_start(f);
}

EDGE_TEST_UNSTARTED(beyond_the_memory_for_strangers_those_that_hold_most_go) {
    start(f);
    for (enum edge_transport transport = 0; transport < EDGE_TRANSPORT_COUNT; transport++) {
        struct edge_client *clients[ROOM + 2];
        buffer_clear(&f->events);
        f->closed = 0;
        clients[0] = open(f, transport);
        write_most(f, clients[0], 500); /* has little, and stays */
        for (size_t i = 1; i <= ROOM; i++) {
            clients[i] = open(f, transport);
            write_most(f, clients[i], OBJECT_BYTES);
        }
        assert_int_equal(faults(f), 0);
        assert_int_equal(f->limited[EDGE_LIMIT_INPUT], transport);
        clients[ROOM + 1] = open(f, transport);
        write_most(f, clients[ROOM + 1], OBJECT_BYTES);
        UNTIL(f, faults(f) == 1);
        assert_int_equal(f->limited[EDGE_LIMIT_INPUT], transport + 1);
        if (transport == EDGE_WEBSOCKET)
            websocket_expect_close(clients[1], 1013,
                                   "too much input waits on connections without a login");
        else
            UNTIL(f, edge_client_has_ended(clients[1]));
        edge_client_close(&clients[1]);
        UNTIL(f, f->closed == 1);
        assert_true(edge_untrusted_input_bytes(f->edge) <= f->settings.untrusted_input_bytes);
        for (size_t i = 0; i <= ROOM + 1; i++) {
            if (i == 1)
                continue;
            assert_false(edge_client_has_ended(clients[i]));
            edge_client_close(&clients[i]);
        }
        UNTIL(f, f->closed == ROOM + 2);
        assert_int_equal(edge_untrusted_input_bytes(f->edge), 0);
    }
}

EDGE_TEST_UNSTARTED(input_of_trusted_connections_does_not_count) {
    start(f);
    for (enum edge_transport transport = 0; transport < EDGE_TRANSPORT_COUNT; transport++) {
        struct edge_client *client = open(f, transport);
        write_most(f, client, OBJECT_BYTES);
        edge_trust(f->connection, true);
        assert_int_equal(edge_untrusted_input_bytes(f->edge), 0);
        edge_client_leave(&client);
    }
    assert_int_equal(f->limited[EDGE_LIMIT_INPUT], 0);
}

/* What waits behind a pause counts, and is free again when it is handed over. */
EDGE_TEST_UNSTARTED(input_that_waits_counts) {
    start(f);
    struct edge_client *client = open(f, EDGE_TCP);
    edge_client_write_text(client, "{\"pause\":1}{\"a\":1}{\"b\":");
    UNTIL(f, edge_untrusted_input_bytes(f->edge) > 0);
    edge_resume(f->connection);
    edge_client_write_text(client, "2}");
    UNTIL(f, f->objects == 3);
    assert_int_equal(edge_untrusted_input_bytes(f->edge), 0);
    edge_client_leave(&client);
}

/* --- connections of an address ------------------------------------------------------------- */

#define REASON "there are too many connections from your address"

static void start_with_two(struct edge_fixture *f) {
    f->settings.connections_per_address = 2;
    f->quiet = true;
    edge_fixture_start(f);
}

EDGE_TEST_UNSTARTED(further_connections_of_an_address_are_refused_with_a_reason) {
    start_with_two(f);
    struct edge_client *websocket = websocket_open(f), *tcp = open(f, EDGE_TCP);
    struct edge_client *refused = edge_client_open(f, EDGE_TCP);
    edge_client_expect(refused, "{\"msgType\":101,\"msg\":\"" REASON "\"}\n");
    UNTIL(f, edge_client_has_ended(refused));
    edge_client_close(&refused);

    refused = edge_client_open(f, EDGE_YOUIM);
    youim_expect(refused, 101, "{\"msg\":\"" REASON "\"}");
    UNTIL(f, edge_client_has_ended(refused));
    edge_client_close(&refused);

    refused = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(refused, WEBSOCKET_HANDSHAKE(""));
    free(http_take_head(refused));
    websocket_expect_close(refused, 1013, REASON);
    edge_client_close(&refused);
    assert_int_equal(f->limited[EDGE_LIMIT_ADDRESS], 3);
    assert_int_equal(f->refused, 0);
    assert_int_equal(edge_count(f->edge), 2);

    struct edge_client *http = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(http, "GET /healthz HTTP/1.0\r\n\r\n");
    char *head = http_take_head(http);
    assert_non_null(strstr(head, " 200 "));
    free(head);
    edge_client_close(&http);

    edge_client_close(&tcp);
    UNTIL(f, f->closed == 1);
    tcp = open(f, EDGE_YOUIM);
    edge_client_close(&tcp);
    edge_client_close(&websocket);
    UNTIL(f, f->closed == 3);
}

EDGE_TEST_UNSTARTED(sockets_that_only_shake_hands_have_a_limit_too) {
    enum { MOST = 2 + EDGE_ADDRESS_SPARE_SOCKETS };
    struct edge_client *silent[MOST];
    start_with_two(f);
    for (size_t i = 0; i < MOST; i++)
        silent[i] = edge_client_open(f, EDGE_WEBSOCKET);
    struct edge_client *refused = edge_client_open(f, EDGE_WEBSOCKET);
    UNTIL(f, edge_client_has_ended(refused));
    edge_client_close(&refused);
    assert_int_equal(f->limited[EDGE_LIMIT_ADDRESS], 1);
    edge_client_write_text(silent[0], WEBSOCKET_HANDSHAKE(""));
    UNTIL(f, f->connection != NULL); /* none of them is a connection yet */
    for (size_t i = 1; i < MOST; i++)
        edge_client_close(&silent[i]);
    edge_client_leave(&silent[0]);
    struct edge_client *one = websocket_open(f), *other = websocket_open(f);
    edge_client_close(&one);
    edge_client_close(&other);
}

/* A client behind a proxy; empty: the proxy says that it doesn't know it. */
static struct edge_client *open_behind_proxy(struct edge_fixture *f, const char *address) {
    struct edge_client *client = edge_client_open(f, EDGE_TCP);
    char line[EDGE_PROXY_LINE_BYTES + 1];
    if (address[0] == '\0')
        strcpy(line, "PROXY UNKNOWN\r\n");
    else
        snprintf(line, sizeof line, "PROXY TCP%d %s %s 5 6\r\n",
                 strchr(address, ':') != NULL ? 6 : 4, address, address);
    edge_client_write_text(client, line);
    return client;
}

EDGE_TEST_UNSTARTED(behind_a_proxy_the_clients_address_counts) {
    static const char *const taken[] = {"192.0.2.7", "192.0.2.7",      "192.0.2.8", "2001:db8::1",
                                        "",          "2001:db8::2",    "",          "",
                                        "192.0.2.8", "2001:db8:0:1::1"};
    static const char *const refused[] = {"192.0.2.7", "::ffff:192.0.2.8", "2001:db8::3"};
    enum { TAKEN = sizeof taken / sizeof taken[0] };
    struct edge_client *clients[TAKEN];
    f->settings.proxy_protocol = true;
    start_with_two(f);
    for (size_t i = 0; i < TAKEN; i++) {
        clients[i] = open_behind_proxy(f, taken[i]);
        UNTIL(f, edge_count(f->edge) == i + 1);
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct edge_client *client = open_behind_proxy(f, refused[i]);
        edge_client_expect(client, "{\"msgType\":101,\"msg\":\"" REASON "\"}\n");
        edge_client_close(&client);
    }
    assert_int_equal(f->limited[EDGE_LIMIT_ADDRESS], 3);
    for (size_t i = 0; i < TAKEN; i++)
        edge_client_close(&clients[i]);
    UNTIL(f, f->closed == TAKEN);
}

int main(void) { return test_run_all(NULL, NULL); }
