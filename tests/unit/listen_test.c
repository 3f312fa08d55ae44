/*
 * Listening ports: which addresses, whose port it is at the moment, and a lack of descriptors.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/listen.h"
#include "common/log.h"
#include "common/loop.h"
#include "tests/support/capture.h"
#include "tests/support/test_list.h"

#define DEADLINE_MS 60000
#define MANY 10

struct fixture {
    struct ev_loop *ev;
    ev_timer tick;
    struct listener *listener;
    size_t accepted, failed;
};

static void on_tick(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev, (void)timer, (void)revents;
}

static void on_accepted(void *argument, int fd) {
    ((struct fixture *)argument)->accepted++;
    close(fd);
}

static void on_failed(void *argument) { ((struct fixture *)argument)->failed++; }

static const struct listener_events events = {.accepted = on_accepted, .failed = on_failed};

static int set_up(void **state) {
    static struct fixture fixture;
    fixture = (struct fixture){.ev = ev_loop_new(EVFLAG_AUTO)};
    assert_non_null(fixture.ev);
    ev_timer_init(&fixture.tick, on_tick, 0.005, 0.005);
    ev_timer_start(fixture.ev, &fixture.tick);
    log_open("test", LOG_LEVEL_WARN);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    listener_destroy(&f->listener);
    ev_timer_stop(f->ev, &f->tick);
    ev_loop_destroy(f->ev);
    return 0;
}

#define LISTEN_TEST(name_) TEST_WITH(name_, struct fixture *f, set_up, tear_down)

static struct listener *open_at(struct fixture *f, const char *addresses, uint16_t port,
                                uint64_t wait_ms) {
    const struct listen_at at = {
        .option = "test_port", .addresses = addresses, .port = port, .wait_ms = wait_ms};
    listener_destroy(&f->listener);
    f->listener = listener_new(f->ev, &at, &events, f);
    return f->listener;
}

#define UNTIL(f_, condition_)                                                                      \
    do {                                                                                           \
        int64_t end_ = loop_now_ms() + DEADLINE_MS;                                                \
        while (!(condition_)) {                                                                    \
            if (loop_now_ms() >= end_)                                                             \
                fail_msg("waited in vain for %s", #condition_);                                    \
            ev_run((f_)->ev, EVRUN_ONCE);                                                          \
        }                                                                                          \
    } while (0)

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static socklen_t loopback(int family, uint16_t port, union address *address_r) {
    *address_r = (union address){0};
    if (family == AF_INET6) {
        address_r->in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        address_r->in6.sin6_addr = in6addr_loopback;
        return sizeof address_r->in6;
    }
    address_r->in = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return sizeof address_r->in;
}

/* A socket that has a port (0: the kernel chooses), as that of an outgoing connection has; -1 where
 * the machine hasn't got the family. */
static int hold(int family, uint16_t port, uint16_t *port_r) {
    union address address;
    socklen_t length = loopback(family, port, &address);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, &address.any, length) != 0) {
        close(fd);
        return -1;
    }
    assert_int_equal(getsockname(fd, &address.any, &length), 0);
    if (port_r != NULL)
        *port_r = ntohs(family == AF_INET6 ? address.in6.sin6_port : address.in.sin_port);
    return fd;
}

static bool has_ipv6(void) {
    int fd = hold(AF_INET6, 0, NULL);
    close(fd);
    return fd >= 0;
}

static bool takes(struct fixture *f, int family) {
    union address address;
    socklen_t length = loopback(family, listener_port(f->listener), &address);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t before = f->accepted;
    bool connected = fd >= 0 && connect(fd, &address.any, length) == 0;
    if (connected)
        UNTIL(f, f->accepted == before + 1);
    close(fd);
    return connected;
}

/* --- addresses ------------------------------------------------------------------------------- */

LISTEN_TEST(the_default_takes_every_family_of_the_machine) {
    assert_non_null(open_at(f, LISTEN_DEFAULT, 0, 0));
    assert_true(listener_is_open(f->listener));
    assert_true(listener_port(f->listener) != 0);
    assert_true(takes(f, AF_INET));
    assert_int_equal(takes(f, AF_INET6), has_ipv6());
}

LISTEN_TEST(each_address_is_listened_on) {
    assert_non_null(open_at(f, "127.0.0.1", 0, 0));
    assert_true(takes(f, AF_INET));
    assert_false(takes(f, AF_INET6));
    assert_non_null(open_at(f, "0.0.0.0", 0, 0));
    assert_true(takes(f, AF_INET));
    if (!has_ipv6()) {
        assert_null(open_at(f, "::1", 0, 0));
        return;
    }
    assert_non_null(open_at(f, "::1", 0, 0));
    assert_false(takes(f, AF_INET));
    assert_true(takes(f, AF_INET6));
    static const char *const both[] = {"::", "0.0.0.0,::", "::,0.0.0.0", "127.0.0.1,::1"};
    for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
        assert_non_null(open_at(f, both[i], 0, 0));
        assert_true(takes(f, AF_INET));
        assert_true(takes(f, AF_INET6));
    }
}

LISTEN_TEST(nonsense_is_refused) {
    static const char nine[] = "127.0.0.1,127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5,127.0.0.6,"
                               "127.0.0.7,127.0.0.8,127.0.0.9";
    static const char *const wrong[] = {"",
                                        ",",
                                        "localhost",
                                        "127.0.0.1,",
                                        "127.0.0.1, ::1",
                                        "[::1]",
                                        "192.0.2.1",           /* nobody's */
                                        "127.0.0.1,192.0.2.1", /* not the default */
                                        nine};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct capture capture;
        capture_begin(&capture, STDERR_FILENO);
        struct listener *listener = open_at(f, wrong[i], 0, 1000);
        char *text = capture_end(&capture);
        if (listener != NULL)
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_non_null(strstr(text, "level=error"));
        assert_non_null(strstr(text, "cannot listen on "));
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        free(text);
    }
}

LISTEN_TEST(addresses_are_printed_with_brackets) {
    (void)f;
    char out[LISTEN_TEXT_BYTES];
    assert_string_equal(listen_print(out, "tcp://", "127.0.0.1,::1", 71),
                        "tcp://127.0.0.1:71,tcp://[::1]:71");
}

/* --- whose port it is ------------------------------------------------------------------------ */

LISTEN_TEST(a_port_that_is_held_for_a_moment_is_waited_for) {
    static const int families[] = {AF_INET, AF_INET6};
    for (size_t i = 0; i < (has_ipv6() ? 2 : 1); i++) {
        uint16_t port;
        int fd = hold(families[i], 0, &port);
        assert_true(fd >= 0);
        struct capture capture;
        capture_begin(&capture, STDERR_FILENO);
        assert_non_null(open_at(f, LISTEN_DEFAULT, port, DEADLINE_MS));
        for (int64_t end = loop_now_ms() + 3 * LISTEN_RETRY_MS; loop_now_ms() < end;)
            ev_run(f->ev, EVRUN_ONCE);
        assert_false(listener_is_open(f->listener));
        assert_int_equal(listener_port(f->listener), 0);
        close(fd);
        UNTIL(f, listener_is_open(f->listener));
        char *text = capture_end(&capture);
        assert_non_null(strstr(text, "level=warn"));
        assert_non_null(strstr(text, "event=port_taken option=test_port port="));
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        free(text);
        assert_int_equal(listener_port(f->listener), port);
        assert_true(takes(f, AF_INET));
    }
    assert_int_equal(f->failed, 0);
}

LISTEN_TEST(a_port_that_stays_taken_is_given_up) {
    uint16_t port;
    int fd = hold(AF_INET, 0, &port);
    assert_int_equal(listen(fd, 1), 0);
    struct capture capture;
    capture_begin(&capture, STDERR_FILENO);
    assert_null(open_at(f, "127.0.0.1", port, 0));
    assert_non_null(open_at(f, "127.0.0.1", port, 250));
    UNTIL(f, f->failed > 0);
    char *text = capture_end(&capture), expected[200];
    snprintf(expected, sizeof expected,
             "cannot listen on 127.0.0.1:%u for test_port: Address already in use (tried for 250 "
             "ms); stop what has the port ('ss -tanp sport = :%u' shows it) or set another "
             "test_port",
             port, port);
    assert_non_null(strstr(text, expected));
    free(text);
    assert_int_equal(f->failed, 1);
    assert_false(listener_is_open(f->listener));
    close(fd);
}

/* --- descriptors ----------------------------------------------------------------------------- */

LISTEN_TEST(a_lack_of_descriptors_is_logged_once_and_passes) {
    assert_non_null(open_at(f, "127.0.0.1", 0, 0));
    union address address;
    socklen_t length = loopback(AF_INET, listener_port(f->listener), &address);
    int clients[MANY];
    struct capture capture;
    capture_begin(&capture, STDERR_FILENO);
    for (size_t i = 0; i < MANY; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(clients[i], &address.any, length), 0);
    }
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)clients[MANY - 1] + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    unsigned turns = ev_iteration(f->ev);
    ev_timer_stop(f->ev, &f->tick);
    ev_now_update(f->ev);
    for (int64_t end = loop_now_ms() + 4 * LISTEN_STARVED_MS; loop_now_ms() < end;)
        ev_run(f->ev, EVRUN_ONCE);
    assert_true(ev_iteration(f->ev) - turns < 100);
    assert_int_equal(f->accepted, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    ev_timer_start(f->ev, &f->tick);
    UNTIL(f, f->accepted == MANY);
    char *text = capture_end(&capture);
    assert_non_null(strstr(text, "event=accept_starved option=test_port"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    free(text);
    for (size_t i = 0; i < MANY; i++)
        close(clients[i]);
}

int main(void) { return test_run_all(NULL, NULL); }
