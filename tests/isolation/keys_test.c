/*
 * Who is let in: strangers, plain callers, half handshakes, keys that change while a service runs.
 */
#include <arpa/inet.h>
#include <czmq.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/keys_make.h"
#include "common/messages.h"
#include "tests/support/assertions.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_keys.h"
#include "tests/support/test_list.h"

static struct service_process *service;
static uint16_t port;
static struct test_caller *good;

/* `option` may be NULL. */
static void start_session(const char *option) {
    service = service_process_start(
        "parley-session", NULL,
        (const char *[]){test_text("--session-port=%u", (unsigned)port), option, NULL});
    service_process_wait_ready(service);
}

static void start_with(const char *option) {
    port = test_free_port();
    start_session(option);
    good = test_caller_new("good", port);
}

static int tear_down(void **state) {
    (void)state;
    test_caller_destroy(&good);
    service_process_kill(&service);
    return 0;
}

#define KEYS_TEST(name_) TEST_WITH(name_, NO_FIXTURE, NULL, tear_down)

static enum err ping(struct test_caller *caller) {
    return test_caller_ask(caller, &message_SERVICE_PING, &(struct service_ping){0},
                           &(struct service_pong){0});
}

/* A plain DEALER, before its options. */
static void *dealer(void) {
    void *socket = zmq_socket(zsys_init(), ZMQ_DEALER);
    const int no_linger = 0;
    assert_non_null(socket);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_LINGER, &no_linger, sizeof no_linger), 0);
    return socket;
}

static void send_ping(void *socket) {
    static const char bytes[] = "\x93\x01\x07\xacservice.ping\x80";
    assert_true(zmq_send(socket, bytes, sizeof bytes - 1, ZMQ_DONTWAIT) > 0);
}

static void connect_and_ping(void *socket) {
    const char *address = test_text("tcp://127.0.0.1:%u", (unsigned)port);
    assert_int_equal(zmq_connect(socket, address), 0);
    send_ping(socket);
}

static bool answers(void *socket) {
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    return zmq_poll(&item, 1, 0) == 1;
}

static void expect_answer(void *socket) {
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    char bytes[256];
    assert_int_equal(zmq_poll(&item, 1, TEST_DEADLINE_MS), 1);
    assert_true(zmq_recv(socket, bytes, sizeof bytes, 0) > 0);
}

/* It is refused, and gets nothing. */
static void expect_refused(void *socket, const char *logged) {
    start_with(NULL);
    connect_and_ping(socket);
    while (test_caller_metric(good, "callers_denied_total") < 1)
        ;
    assert_false(answers(socket));
    assert_true(service_process_wait_text(service, logged, TEST_DEADLINE_MS));
    assert_err(ping(good), ERR_OK);
    assert_int_equal(zmq_close(socket), 0);
}

/* --- strangers ------------------------------------------------------------------------------- */

/* It knows the service's public key, and has one of its own that nobody lists. */
KEYS_TEST(a_key_that_is_not_listed_is_refused) {
    char public[KEYS_TEXT_BYTES], secret[KEYS_TEXT_BYTES];
    void *socket = dealer();
    test_keys_call(socket, "session");
    assert_int_equal(zmq_curve_keypair(public, secret), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public, sizeof public), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, sizeof secret), 0);
    expect_refused(socket, "event=caller_denied reason=\"its key is not listed\"");
    assert_non_null(strstr(service_process_output(service), public));
}

KEYS_TEST(a_program_without_curve_is_refused) {
    expect_refused(dealer(), "a program without CURVE");
}

KEYS_TEST(a_password_is_no_key) {
    void *socket = dealer();
    assert_int_equal(zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, "gateway", 7), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_PLAIN_PASSWORD, "secret", 6), 0);
    expect_refused(socket, "event=caller_denied");
}

KEYS_TEST(a_caller_of_another_service_is_refused) {
    void *socket = dealer();
    test_keys_call(socket, "auth");
    expect_refused(socket, "has another key of this service");
}

/* Strangers that try again and again get a line in a while, not a line each. */
KEYS_TEST(refusals_are_logged_once_in_a_while) {
    void *socket = dealer();
    expect_refused(socket, "event=caller_denied");
    const char *first = strstr(service_process_output(service), "event=caller_denied");
    assert_non_null(first);
    assert_null(strstr(first + 1, "event=caller_denied"));
}

/* --- half handshakes ------------------------------------------------------------------------- */

#define HALVES 64

static int half_a_handshake(void) {
    static const unsigned char greeting[64] = {0xff, 0, 0, 0,   0,   0,   0,   0,  1,
                                               0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E'};
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
    return fd;
}

/* Those that say hello and no more hold max_callers at most, and nobody else out. */
KEYS_TEST(half_handshakes_are_bounded) {
    int halves[HALVES];
    start_with("--max-callers=8");
    assert_err(ping(good), ERR_OK);
    for (size_t i = 0; i < HALVES; i++)
        halves[i] = half_a_handshake();
    while (test_caller_metric(good, "callers_refused_total") < HALVES - 8 + 1)
        ;
    struct test_caller *late = test_caller_new("late", port);
    assert_err(ping(late), ERR_OK);
    assert_err(ping(good), ERR_OK);
    test_caller_destroy(&late);
    for (size_t i = 0; i < HALVES; i++)
        close(halves[i]);
}

/* --- keys that change ------------------------------------------------------------------------ */

static struct keys *load(const char *program) {
    char fault[KEYS_FAULT_BYTES];
    struct keys *keys = keys_load(test_keys_folder(), program, fault);
    if (keys == NULL)
        fail_msg("%s", fault);
    return keys;
}

static void *call_session(const char *program) {
    void *socket = dealer();
    struct keys *keys = load(program);
    assert_int_equal(keys_call(keys, socket, "session", 0), 0);
    keys_destroy(&keys);
    connect_and_ping(socket);
    return socket;
}

static void rotate(const char *program) {
    char fault[KEYS_FAULT_BYTES];
    if (keys_rotate(test_keys_folder(), program, fault) != 0)
        fail_msg("%s", fault);
}

static void retire(const char *program) {
    char fault[KEYS_FAULT_BYTES];
    if (keys_retire(test_keys_folder(), program, fault) != 0)
        fail_msg("%s", fault);
}

/* The caller's: old and new are let in side by side, without a restart; then the old one is not,
 * and the connection that has it ends. */
KEYS_TEST(a_callers_key_changes_while_the_service_runs) {
    port = test_free_port();
    start_session(NULL);
    void *old = call_session("gateway");
    expect_answer(old);
    rotate("gateway");
    void *fresh = call_session("gateway");
    expect_answer(fresh);
    send_ping(old);
    expect_answer(old);
    retire("gateway");
    assert_true(service_process_wait_text(service, "event=keys_read", TEST_DEADLINE_MS));
    while (!service_process_wait_text(service, "its key is not listed", 10)) {
        send_ping(old); /* answered until the service has read the file */
        send_ping(fresh);
        expect_answer(fresh);
    }
    send_ping(fresh);
    expect_answer(fresh);
    zmq_close(old);
    zmq_close(fresh);
}

/* The service's own: callers know both of its keys, and reach it before and after its restart. */
KEYS_TEST(a_services_key_changes_with_its_restart) {
    port = test_free_port();
    start_session(NULL);
    void *before = call_session("gateway");
    expect_answer(before);
    rotate("session");
    send_ping(before);
    expect_answer(before);
    assert_int_equal(service_process_stop(&service), 0);
    start_session(NULL);
    void *after = call_session("gateway"); /* with the newest, which stands first */
    expect_answer(after);
    zmq_close(before);
    zmq_close(after);
}

/* --- the start ------------------------------------------------------------------------------- */

static void expect_end(const char *const *options, const char *says) {
    char *output = NULL;
    assert_int_equal(service_process_run("parley-session", options, &output), 1);
    if (strstr(output, says) == NULL)
        fail_msg("it said: %s", output);
    assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1);
    free(output);
}

TEST(without_a_key_it_says_how_to_make_one) {
    expect_end((const char *[]){"--keys-folder=/nonexistent", NULL},
               "there is no key /nonexistent/session/secret: make keys with `parleyctl keys "
               "/nonexistent`");
}

TEST(a_key_that_others_may_read_is_refused) {
    char path[KEYS_PATH_BYTES];
    assert_true(keys_path(path, test_keys_folder(), "session", "secret"));
    assert_int_equal(chmod(path, 0640), 0);
    expect_end((const char *[]){NULL}, "chmod 600 it");
    assert_int_equal(chmod(path, 0600), 0);
}

/* Where it is off, everybody is let in, and the log says so if others reach the port. */
KEYS_TEST(curve_can_be_off) {
    port = test_free_port();
    service =
        service_process_start("parley-session", NULL,
                              (const char *[]){test_text("--session-port=%u", (unsigned)port),
                                               "--curve=off", "--bind-address=0.0.0.0", NULL});
    service_process_wait_ready(service);
    assert_non_null(strstr(service_process_output(service), "level=warn service=session "
                                                            "event=curve_off"));
    void *socket = dealer();
    connect_and_ping(socket);
    expect_answer(socket);
    zmq_close(socket);
}

int main(void) { return test_run_all(NULL, NULL); }
