/*
 * Connections to a service's inner port: too many, too few descriptors, half a message.
 */
#include "tests/support/service_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "common/files.h"

#define MANY 1100
#define FEW_FILES 1024

static struct service_process *service;
static uint16_t port;
static int idle[MANY];

static void start_with(const char *option) {
    port = test_free_port();
    service = start_service(port, option);
}

static int tear_down(void **state) {
    (void)state;
    service_process_kill(&service);
    return 0;
}

#define SERVICE_CALLERS_TEST(name_) TEST_WITH(name_, NO_FIXTURE, NULL, tear_down)

static int open_one(void) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void expect_answer(struct test_caller *caller) {
    struct test_echo echo;
    assert_err(test_caller_ask(caller, &message_TEST_ECHO,
                               &(struct test_echo){.text = slice_text("alive")}, &echo),
               ERR_OK);
}

static int64_t cpu_ms(void) {
    clockid_t clock;
    struct timespec used;
    assert_int_equal(clock_getcpuclockid(service_process_pid(service), &clock), 0);
    assert_int_equal(clock_gettime(clock, &used), 0);
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static void flood(size_t count) {
    for (size_t i = 0; i < count; i++)
        idle[i] = open_one();
}

static void end_flood(size_t count) {
    for (size_t i = 0; i < count; i++)
        close(idle[i]);
}

/* Connected callers stay, a new one finds room, nothing spins, and the log has a line about it. */
SERVICE_CALLERS_TEST(a_lack_of_descriptors_is_survived) {
    const struct rlimit few = {FEW_FILES, FEW_FILES};
    assert_true(files_raise_limit() > MANY + 100);
    start_with("--max-callers=65536");
    assert_int_equal(prlimit(service_process_pid(service), RLIMIT_NOFILE, &few, NULL), 0);
    struct test_caller *before = test_caller_new("before", port);
    expect_answer(before);
    assert_err(test_caller_ask(before, &message_SERVICE_PING, &(struct service_ping){0},
                               &(struct service_pong){0}),
               ERR_OK);
    flood(MANY);
    assert_true(service_process_wait_text(service, "event=callers_refused", TEST_DEADLINE_MS));
    expect_answer(before);
    struct test_caller *after = test_caller_new("after", port);
    expect_answer(after);
    int64_t used_ms = cpu_ms();
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    assert_in_range(cpu_ms() - used_ms, 0, 500);
    expect_answer(before);
    test_caller_destroy(&before);
    test_caller_destroy(&after);
    end_flood(MANY);
    assert_int_equal(service_process_stop(&service), 0);
}

/* The oldest that never pinged goes: callers ping. */
SERVICE_CALLERS_TEST(callers_are_bounded) {
    start_with("--max-callers=8");
    struct test_caller *caller = test_caller_new("caller", port);
    assert_err(test_caller_ask(caller, &message_SERVICE_PING, &(struct service_ping){0},
                               &(struct service_pong){0}),
               ERR_OK);
    flood(20);
    for (size_t i = 0; i < 20 - 7; i++) {
        struct pollfd wait = {.fd = idle[i], .events = POLLRDHUP | POLLHUP};
        assert_int_equal(poll(&wait, 1, TEST_DEADLINE_MS), 1);
    }
    expect_answer(caller);
    assert_true(test_caller_metric(caller, "callers_refused_total") >= 20 - 7);
    assert_non_null(strstr(service_process_output(service), "reason=\"too many are connected\""));
    end_flood(20);
    test_caller_destroy(&caller);
    assert_int_equal(service_process_stop(&service), 0);
}

/* Without CURVE, so that bytes from here are taken for a message. */
SERVICE_CALLERS_TEST(half_a_message_costs_the_connection) {
    start_with("--curve=off");
    static const char greeting[64] = "\xff\0\0\0\0\0\0\0\0\x7f\x03\x01NULL";
    static const char ready[] = "\x04\x29\x05READY\x0bSocket-Type\0\0\0\x06"
                                "DEALER\x08Identity\0\0\0\0";
    static const char half[] = "\x02\0\0\0\0\0\x7f\xff\xff half a message";
    int fd = open_one();
    assert_int_equal(send(fd, greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
    assert_int_equal(send(fd, ready, sizeof ready - 1, MSG_NOSIGNAL), sizeof ready - 1);
    assert_int_equal(send(fd, half, sizeof half - 1, MSG_NOSIGNAL), sizeof half - 1);
    char bytes[4096];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    ssize_t got;
    do {
        assert_int_equal(poll(&wait, 1, TEST_DEADLINE_MS), 1);
        got = recv(fd, bytes, sizeof bytes, 0);
    } while (got > 0);
    close(fd);
    assert_int_equal(service_process_stop(&service), 0);
}

int main(int argc, char **argv) { return run_or_be_child(argc, argv); }
