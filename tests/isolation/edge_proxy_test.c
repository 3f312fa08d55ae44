/*
 * The edge behind a proxy: the line in front of a client's bytes, on all three ports.
 */
#include "tests/support/edge_fixture.h"
#include "tests/support/edge_frames.h"

#include "services/gateway/edge/remote.h"

#define LINE "PROXY TCP4 192.0.2.7 198.51.100.1 56324 5999\r\n"
#define FIFTY "12345678901234567890123456789012345678901234567890"
/* The specification allows 107 bytes. */
static const char too_long[] = "PROXY UNKNOWN " FIFTY FIFTY "\r\n";

static int proxied_setup(void **state) {
    edge_fixture_setup(state);
    struct edge_fixture *f = *state;
    f->settings.proxy_protocol = true;
    edge_fixture_start(f);
    return 0;
}

/* --- the line --- */

static void expect_line(const char *line, const char *host, unsigned port) {
    struct edge_remote remote;
    if (!edge_remote_parse(slice_text(line), &remote))
        fail_msg("not taken: %s", line);
    assert_string_equal(remote.host, host);
    assert_int_equal(remote.port, port);
}

TEST(lines_that_are_taken) {
    expect_line(LINE, "192.0.2.7", 56324);
    expect_line("PROXY TCP6 2001:DB8::7 ::1 1 65535\r\n", "2001:db8::7", 1);
    expect_line("PROXY TCP6 ::ffff:255.255.255.255 ::1 0 1\r\n", "::ffff:255.255.255.255", 0);
    expect_line("PROXY UNKNOWN\r\n", "", 0);
    expect_line("PROXY UNKNOWN ffff:: whatever may stand here\r\n", "", 0);
}

TEST(lines_that_are_not_taken) {
    static const char *const lines[] = {
        "",
        "\r\n",
        "GET / HTTP/1.1\r\n",
        "{\"a\":1}\r\n",
        "PROXY\r\n",
        "PROXY \r\n",
        "proxy TCP4 192.0.2.7 192.0.2.1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 -1 2\r\n",
        "PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n",
        "PROXY TCP4 192.0.2.777 192.0.2.1 1 2\r\n",
        "PROXY TCP4 2001:db8::7 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n",
        "PROXY TCP6 2001:db8:0000:0000:0000:0000:0000:00000000000000000007 ::1 1 2\r\n",
        "PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n",
        too_long,
    };
    struct edge_remote remote;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (edge_remote_parse(slice_text(lines[i]), &remote))
            fail_msg("taken: %s", lines[i]);
    assert_false(edge_remote_parse(slice_make("PROXY UNKNOWN \0\r\n", 17), &remote));
}

/* --- connections --- */

static void expect_known(struct edge_fixture *f) {
    assert_string_equal(edge_host(f->connection), "192.0.2.7");
    assert_string_equal(edge_address(f->connection), "192.0.2.7:56324");
}

/* The bytes behind the line are the client's, wherever the segments are cut. */
EDGE_TEST_WITH(the_line_is_taken_off_however_it_is_cut, proxied_setup) {
    static const char text[] = LINE "{\"a\":1}";
    for (size_t cut = 1; cut < sizeof text; cut++) {
        struct edge_client *client = edge_client_open(f, EDGE_TCP);
        edge_client_write(client, text, cut);
        edge_fixture_turns(f, 3);
        edge_client_write(client, text + cut, sizeof text - 1 - cut);
        edge_client_expect(client, "{\"a\":1}\n");
        expect_known(f);
        edge_client_leave(&client);
    }
}

/* An IPv4 client whose address is written as IPv6 has its IPv4 address. */
EDGE_TEST_WITH(a_mapped_address_is_written_as_ipv4, proxied_setup) {
    struct edge_client *client = edge_client_exchange(
        f, "PROXY TCP6 ::ffff:192.0.2.7 ::1 56324 443\r\n{\"a\":1}", "{\"a\":1}\n");
    expect_known(f);
    edge_client_leave(&client);
}

EDGE_TEST_WITH(every_port_takes_it, proxied_setup) {
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(client, LINE WEBSOCKET_HANDSHAKE(""));
    char *head = http_take_head(client);
    assert_non_null(strstr(head, "HTTP/1.1 101 "));
    free(head);
    websocket_send_text(client, "{}");
    websocket_expect_text(client, "{}");
    expect_known(f);
    edge_client_leave(&client);

    client = edge_client_open(f, EDGE_YOUIM);
    edge_client_write_text(client, LINE);
    edge_client_write(client, "\x05\0\0\0\0", 5);
    edge_client_write(client, "\x05\0\0\0\0", 5);
    UNTIL(f, edge_client_has(client, 10));
    expect_known(f);
    edge_client_leave(&client);

    client = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(client, LINE "GET /healthz HTTP/1.0\r\n\r\n");
    head = http_take_head(client);
    assert_non_null(strstr(head, " 200 "));
    free(head);
    edge_client_close(&client);
}

EDGE_TEST_WITH(an_unknown_client_has_the_proxys_address, proxied_setup) {
    struct edge_client *client = edge_client_exchange(f, "PROXY UNKNOWN\r\n{}", "{}\n");
    assert_string_equal(edge_host(f->connection), "127.0.0.1");
    edge_client_close(&client);
}

EDGE_TEST_WITH(a_socket_without_a_line_is_cut, proxied_setup) {
    for (int transport = EDGE_WEBSOCKET; transport < EDGE_TRANSPORT_COUNT; transport++) {
        struct edge_client *garbage = edge_client_open(f, (enum edge_transport)transport);
        struct edge_client *endless = edge_client_open(f, (enum edge_transport)transport);
        struct edge_client *silent = edge_client_open(f, (enum edge_transport)transport);
        edge_client_write_text(garbage, "{\"never\":1}\r\n{\"never\":1}\n");
        for (int i = 0; i < 12; i++)
            edge_client_write_text(endless, "123456789 ");
        UNTIL(f, edge_client_has_ended(garbage));
        UNTIL(f, edge_client_has_ended(endless));
        UNTIL(f, edge_client_has_ended(silent)); /* after 5 s */
        edge_client_close(&garbage);
        edge_client_close(&endless);
        edge_client_close(&silent);
    }
    assert_string_equal(edge_fixture_events(f), "");
}

/* Silent sockets keep others out, but no more than there may be, and not for long. */
EDGE_TEST_UNSTARTED(silent_sockets_are_bounded) {
    enum { SPARE = EDGE_SPARE_SOCKETS, OPENED = SPARE + 20 };
    f->settings.proxy_protocol = true;
    f->settings.max_connections = 2;
    edge_fixture_start(f);
    struct edge_client *clients[OPENED];
    size_t ended = 0;
    for (size_t i = 0; i < OPENED; i++)
        clients[i] = edge_client_open(f, i % 2 == 0 ? EDGE_WEBSOCKET : EDGE_TCP);
    UNTIL(f, f->refused == OPENED - (SPARE + 2));
    for (size_t i = 0; i < OPENED; i++)
        ended += edge_client_has_ended(clients[i]);
    assert_int_equal(ended, OPENED - (SPARE + 2));
    assert_int_equal(f->refused, ended);
    for (size_t i = 0; i < OPENED; i++)
        UNTIL(f, edge_client_has_ended(clients[i]));
    struct edge_client *client = edge_client_exchange(f, LINE "{}", "{}\n");
    edge_client_close(&client);
    for (size_t i = 0; i < OPENED; i++)
        edge_client_close(&clients[i]);
}

EDGE_TEST_WITH(stopping_cuts_sockets_whose_line_is_awaited, proxied_setup) {
    struct edge_client *half = edge_client_open(f, EDGE_TCP),
                       *gone = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(half, "PROXY TCP4 ");
    edge_fixture_turns(f, 10);
    edge_client_close(&gone);
    edge_close_all(f->edge);
    UNTIL(f, edge_client_has_ended(half));
    edge_client_close(&half);
}

int main(void) { return test_run_all(NULL, NULL); }
