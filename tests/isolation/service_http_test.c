/*
 * The pages that every service serves over HTTP: their text, and clients that misbehave.
 */
#include "tests/support/service_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/http_admin.h"

#define ANSWER_BYTES ((size_t)1 << 20)

static struct service_process *service;
static struct test_caller *caller;
static uint16_t http_port;
static char answer[ANSWER_BYTES + 1];

static int tear_down(void **state) {
    (void)state;
    test_caller_destroy(&caller);
    service_process_kill(&service);
    return 0;
}

#define SERVICE_HTTP_TEST(name_) TEST_WITH(name_, NO_FIXTURE, NULL, tear_down)

/* With its pages; not yet ready. */
static void run_with_pages(const char *option, const char *another) {
    uint16_t port = test_free_port();
    http_port = test_free_port();
    service = run_service((const char *[]){test_text("--test-port=%u", (unsigned)port),
                                           test_text("--test-metrics-port=%u", (unsigned)http_port),
                                           option, option == NULL ? NULL : another, NULL});
    caller = test_caller_new("caller", port);
}

static void start(const char *option) {
    run_with_pages(option, NULL);
    service_process_wait_ready(service);
}

/* --- a client -------------------------------------------------------------------------------- */

static int open_client(void) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(http_port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    /* The port may not be bound yet. */
    while (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        assert_int_equal(errno, ECONNREFUSED);
        assert_true(loop_now_ms() < deadline_ms);
        assert_true(service_process_is_running(service));
    }
    return fd;
}

static void say(int fd, const char *text) {
    /* A client that is cut off in the middle of its request is as good as one that was answered. */
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Reads to the end of the connection, which must be closed. Returns how many bytes were read. */
static size_t read_all(int fd) {
    size_t length = 0;
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, TEST_DEADLINE_MS) != 1)
            fail_msg("the connection stays open");
        ssize_t n = recv(fd, answer + length, ANSWER_BYTES - length, 0);
        if (n <= 0)
            break;
        length += (size_t)n;
        assert_true(length < ANSWER_BYTES);
    }
    answer[length] = '\0';
    close(fd);
    return length;
}

/* The status, with all of the answer in `answer`; 0: none arrived. */
static unsigned ask(const char *request) {
    int fd = open_client();
    say(fd, request);
    (void)read_all(fd);
    const char *status = strchr(answer, ' ');
    return strncmp(answer, "HTTP/1.", 7) == 0 && status != NULL
               ? (unsigned)strtoul(status, NULL, 10)
               : 0;
}

static unsigned get(const char *path) {
    return ask(test_text("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path));
}

static const char *body(void) {
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

/* --- pages ----------------------------------------------------------------------------------- */

SERVICE_HTTP_TEST(they_say_how_it_is) {
    start(NULL);
    assert_int_equal(get("/healthz"), 200);
    assert_string_equal(body(), "ok\n");
    assert_non_null(strstr(answer, "connection: close"));
    assert_int_equal(get("/readyz"), 200);
    assert_string_equal(body(), "ready\n");
    assert_int_equal(get("/metrics"), 200);
    assert_non_null(strstr(answer, "text/plain; version=0.0.4"));
    assert_non_null(strstr(body(), "\nparley_ready 1\n"));
    assert_non_null(strstr(body(), "parley_queue_depth{queue=\"calls\"} 0\n"));
    assert_non_null(strstr(body(), "parley_queue_limit{queue=\"calls\"} 65536\n"));
    assert_int_equal(get("/metrics?x=1"), 200);
    assert_int_equal(get("/"), 404);
    assert_int_equal(get("/metrics/more"), 404);
    assert_int_equal(ask("GET /healthz HTTP/1.0\r\n\r\n"), 200);
    assert_int_equal(service_process_stop(&service), 0);
}

SERVICE_HTTP_TEST(calls_and_refusals_are_counted) {
    start(NULL);
    assert_err(test_caller_ask(caller, &message_TEST_ECHO,
                               &(struct test_echo){.text = slice_text("x")}, NULL),
               ERR_OK);
    assert_err(test_caller_ask(caller, &message_TEST_FAIL,
                               &(struct test_fail){.error = slice_text("not_member")}, NULL),
               ERR_NOT_MEMBER);
    assert_int_equal(get("/metrics"), 200);
    assert_non_null(strstr(body(), "parley_call_seconds_count{message=\"test.echo\"} 1\n"));
    assert_non_null(
        strstr(body(), "parley_call_seconds_bucket{message=\"test.echo\",le=\"+Inf\"} 1"));
    assert_non_null(strstr(body(), "parley_refused_total{error=\"not_member\"} 1\n"));
    assert_non_null(strstr(body(), "parley_refused_total{error=\"overloaded\"} 0\n"));
}

SERVICE_HTTP_TEST(a_head_has_no_body) {
    start(NULL);
    assert_int_equal(ask("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    assert_string_equal(body(), "");
    assert_non_null(strstr(answer, "content-length: 3"));
}

SERVICE_HTTP_TEST(other_methods_are_refused) {
    start(NULL);
    assert_int_equal(ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), 405);
    assert_non_null(strstr(answer, "allow: GET, HEAD"));
    assert_int_equal(ask("DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), 405);
}

/* --- readiness ------------------------------------------------------------------------------- */

SERVICE_HTTP_TEST(an_unready_service_names_the_reason) {
    run_with_pages("--never-ready", NULL);
    assert_int_equal(get("/readyz"), 503);
    assert_string_equal(body(), "no called service answers\n");
    assert_int_equal(get("/healthz"), 200);
    struct service_status status;
    assert_err(test_caller_ask(caller, &message_SERVICE_STATUS, &(struct service_ping){0}, &status),
               ERR_OK);
    assert_false(status.ready);
    assert_true(slice_equal(status.lacks, slice_text("no called service answers")));
}

SERVICE_HTTP_TEST(one_that_stops_is_not_ready) {
    start("--slow-stop");
    kill(service_process_pid(service), SIGTERM);
    assert_true(service_process_wait_text(service, "event=stopping", TEST_DEADLINE_MS));
    assert_int_equal(get("/readyz"), 503);
    assert_string_equal(body(), "this instance is stopping\n");
    assert_int_equal(get("/healthz"), 200);
    kill(service_process_pid(service), SIGUSR1);
    assert_int_equal(service_process_wait_exit(service), 0);
}

/* --- misbehaving clients --------------------------------------------------------------------- */

/* Each is answered with a fault or cut; afterwards the service is as before. */
SERVICE_HTTP_TEST(nonsense_does_no_harm) {
    static const char to_websocket[] =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    static const char to_http_2[] =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    static const char *const requests[] = {
        "\r\n\r\n\r\n\r\n",
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /%00%ff%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT example.org:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        to_websocket,
        to_http_2,
        "POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "\x16\x03\x01\x02\x01\x01\xfc\x03\x03",
    };
    start(NULL);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        unsigned status = ask(requests[i]);
        if (status == 200)
            fail_msg("answered: %s", requests[i]);
    }
    assert_int_equal(get("/healthz"), 200);
    assert_int_equal(service_process_stop(&service), 0);
}

SERVICE_HTTP_TEST(headers_without_an_end_are_cut) {
    start(NULL);
    int fd = open_client();
    say(fd, "GET /metrics HTTP/1.1\r\nX: ");
    char more[1024];
    memset(more, 'x', sizeof more - 1);
    more[sizeof more - 1] = '\0';
    for (size_t sent = 0; sent < (size_t)4 * HTTP_ADMIN_HEADER_BYTES; sent += sizeof more)
        say(fd, more);
    (void)read_all(fd);
    assert_null(strstr(answer, "200 OK"));
    assert_int_equal(get("/healthz"), 200);
}

/* Also behind a half of a request. */
SERVICE_HTTP_TEST(whoever_is_slow_is_cut) {
    start(NULL);
    int64_t began_ms = loop_now_ms();
    int silent = open_client(), slow = open_client();
    say(slow, "GET /metrics HT");
    assert_int_equal(get("/healthz"), 200);
    (void)read_all(silent);
    (void)read_all(slow);
    assert_true(loop_now_ms() - began_ms >= HTTP_ADMIN_MS / 2);
    assert_int_equal(get("/healthz"), 200);
}

SERVICE_HTTP_TEST(many_at_once_are_turned_away) {
    int clients[HTTP_ADMIN_MAX_CLIENTS];
    start(NULL);
    for (size_t i = 0; i < HTTP_ADMIN_MAX_CLIENTS; i++)
        clients[i] = open_client();
    /* All are let in, in this order, before the next is turned away. */
    assert_int_equal(get("/healthz"), 0);
    for (size_t i = 0; i < HTTP_ADMIN_MAX_CLIENTS; i++)
        close(clients[i]);
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (get("/healthz") != 200)
        assert_true(loop_now_ms() < deadline_ms);
    struct service_status status;
    assert_err(test_caller_ask(caller, &message_SERVICE_STATUS, &(struct service_ping){0}, &status),
               ERR_OK);
}

/* Clients that go in the middle of anything. */
SERVICE_HTTP_TEST(they_may_go_at_any_moment) {
    start(NULL);
    for (int i = 0; i < 200; i++) {
        int fd = open_client();
        if (i % 4 > 0)
            say(fd, i % 4 == 1 ? "GET /met" : "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        if (i % 4 == 3) /* a reset */
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                       sizeof(struct linger));
        close(fd);
    }
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (get("/healthz") != 200)
        assert_true(loop_now_ms() < deadline_ms);
    assert_int_equal(service_process_stop(&service), 0);
}

/* --- the port -------------------------------------------------------------------------------- */

SERVICE_HTTP_TEST(a_port_that_is_taken_is_one_line) {
    start(NULL);
    struct service_process *second = run_service((const char *[]){
        test_text("--test-port=%u", (unsigned)test_free_port()),
        test_text("--test-metrics-port=%u", (unsigned)http_port), "--listen-wait-ms=200", NULL});
    assert_int_equal(service_process_wait_exit(second), 1);
    const char *output = service_process_output(second);
    const char *line = strstr(output, "level=error");
    assert_non_null(line);
    assert_null(strstr(line + 1, "level=error"));
    assert_non_null(strstr(line, test_text("cannot listen on 127.0.0.1:%u for test_metrics_port: "
                                           "Address already in use (tried for 200 ms); stop what",
                                           http_port)));
    service_process_kill(&second);
    assert_int_equal(get("/healthz"), 200);
}

SERVICE_HTTP_TEST(port_0_is_none) {
    service = start_service(test_free_port(), "--test-metrics-port=0");
    assert_null(strstr(service_process_output(service), "level=error"));
    assert_int_equal(service_process_stop(&service), 0);
}

int main(int argc, char **argv) { return run_or_be_child(argc, argv); }
