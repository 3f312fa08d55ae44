/*
 * The life of a service: its options, reasons not to start, and how it stops.
 */
#include "tests/support/service_fixture.h"

static struct service_process *service;
static struct test_caller *caller, *other;

static int tear_down(void **state) {
    (void)state;
    test_caller_destroy(&caller);
    test_caller_destroy(&other);
    service_process_kill(&service);
    return 0;
}

#define SERVICE_LIFE_TEST(name_) TEST_WITH(name_, NO_FIXTURE, NULL, tear_down)

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

/* Runs it to its end; its output is there until the teardown. */
static const char *output_of(const char *const *options, int status) {
    service_process_kill(&service);
    service = run_service(options);
    int found = service_process_wait_exit(service);
    if (found != status)
        fail_msg("it ended with %d:\n%s", found, service_process_output(service));
    return service_process_output(service);
}
#define OUTPUT_OF(status_, ...) output_of((const char *[]){__VA_ARGS__, NULL}, status_)

static void start(const char *option) {
    uint16_t port = test_free_port();
    service = start_service(port, option);
    caller = test_caller_new("caller", port);
    other = test_caller_new("other", port);
}

static void wait_for_calls(uint64_t count) {
    struct service_status status;
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    do {
        assert_true(loop_now_ms() < deadline_ms);
        assert_err(
            test_caller_ask(other, &message_SERVICE_STATUS, &(struct service_ping){0}, &status),
            ERR_OK);
    } while (status.calls != count + 1);
}

static void tell(int signal_number) { kill(service_process_pid(service), signal_number); }

static void wait_for_text(const char *text) {
    if (!service_process_wait_text(service, text, TEST_DEADLINE_MS))
        fail_msg("no \"%s\" in:\n%s", text, service_process_output(service));
}

/* --- starting -------------------------------------------------------------------------------- */

SERVICE_LIFE_TEST(help_and_version_are_printed) {
    const char *help = OUTPUT_OF(0, "--help");
    assert_non_null(strstr(help, "parley-test"));
    assert_non_null(strstr(help, "--test_port="));
    assert_non_null(strstr(help, "--peer_timeout_ms="));
    assert_null(strstr(help, "event="));
    assert_non_null(strstr(OUTPUT_OF(0, "--version"), PARLEY_VERSION));
}

SERVICE_LIFE_TEST(wrong_usage_is_reported_in_a_line) {
    static const char *const wrong[] = {"--nothing",       "--nothing=1",         "more",
                                        "--test-port=0",   "--log-level=loud",    "--test-port",
                                        "--heartbeat-ms=", "--config=/no/file/is"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *output = OUTPUT_OF(2, wrong[i]);
        assert_int_equal(count_of(output, "\n"), 1);
        assert_non_null(strstr(output, "parley-test"));
    }
}

/* Else every quiet link would break between two beats. */
SERVICE_LIFE_TEST(a_heartbeat_that_is_not_shorter_than_the_silence_is_refused) {
    static const char *const wrong[][2] = {
        {"--heartbeat-ms=3000", NULL}, /* the silence's default */
        {"--peer-timeout-ms=999", NULL},
        {"--heartbeat-ms=50", "--peer-timeout-ms=50"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_string_equal(OUTPUT_OF(2, wrong[i][0], wrong[i][1]),
                            "parley-test: peer_timeout_ms is not longer than heartbeat_ms\n");
    OUTPUT_OF(1, "--fail-start", "--heartbeat-ms=50", "--peer-timeout-ms=51");
}

SERVICE_LIFE_TEST(a_taken_port_is_reported_in_a_line) {
    const char *port = test_text("--test-port=%u", (unsigned)test_free_port());
    struct service_process *first = run_service((const char *[]){port, NULL});
    service_process_wait_ready(first);
    const char *output = OUTPUT_OF(1, port, "--listen-wait-ms=200");
    assert_int_equal(count_of(output, "level=error"), 1);
    assert_non_null(strstr(output, "event=start_failed"));
    assert_non_null(strstr(output, port + strlen("--test-port=")));
    assert_non_null(strstr(output, "event=test_finish"));
    assert_int_equal(service_process_stop(&first), 0);
}

SERVICE_LIFE_TEST(a_start_that_fails_is_finished) {
    const char *output = OUTPUT_OF(1, "--fail-start");
    assert_int_equal(count_of(output, "level=error"), 1);
    assert_int_equal(count_of(output, "event=test_finish"), 1);
    assert_null(strstr(output, "event=ready"));
}

/* Its socket is a link that is not there yet. */
SERVICE_LIFE_TEST(its_database_is_waited_for) {
    uint16_t port = test_free_port();
    const char *link = test_text("/tmp/parley-test-%d.sock", (int)getpid());
    const char *real = getenv("PARLEY_DB_SOCKET");
    assert_non_null(real);
    unlink(link);
    service =
        run_service((const char *[]){test_text("--test-port=%u", (unsigned)port), "--with-database",
                                     "--peer-wait-ms=1", test_text("--db-socket=%s", link), NULL});
    wait_for_text("event=waiting");
    caller = test_caller_new("caller", port);
    struct service_status status;
    assert_err(test_caller_ask(caller, &message_SERVICE_STATUS, &(struct service_ping){0}, &status),
               ERR_OK);
    assert_false(status.ready);
    assert_non_null(strstr(test_text("%.*s", (int)status.lacks.length, status.lacks.data), link));
    assert_int_equal(symlink(real, link), 0);
    service_process_wait_ready(service);
    assert_int_equal(count_of(service_process_output(service), "event=waiting"), 1);
    wait_for_text("event=database_back");
    unlink(link);
    assert_int_equal(count_of(service_process_output(service), "event=database_away"), 1);
    assert_int_equal(count_of(service_process_output(service), "event=database_back"), 1);
    assert_int_equal(service_process_stop(&service), 0);
}

SERVICE_LIFE_TEST(it_can_be_stopped_while_it_waits_for_its_database) {
    service = run_service((const char *[]){test_text("--test-port=%u", (unsigned)test_free_port()),
                                           "--with-database", "--db-user=nobody-here",
                                           "--db-password=wrong", NULL});
    wait_for_text("event=waiting");
    assert_non_null(strstr(service_process_output(service),
                           "the password (db_password) of the user 'nobody-here' (db_user) is "
                           "wrong, says MariaDB at "));
    assert_int_equal(service_process_stop(&service), 0);
}

SERVICE_LIFE_TEST(one_that_does_not_become_ready_ends) {
    const char *port = test_text("--test-port=%u", (unsigned)test_free_port());
    const char *output = OUTPUT_OF(1, port, "--never-ready", "--peer-wait-ms=100");
    assert_int_equal(count_of(output, "level=error"), 1);
    assert_non_null(strstr(output, "event=start_failed"));
    assert_null(strstr(output, "event=ready"));
}

SERVICE_LIFE_TEST(one_that_is_not_ready_yet_says_so) {
    uint16_t port = test_free_port();
    service = run_service(
        (const char *[]){test_text("--test-port=%u", (unsigned)port), "--never-ready", NULL});
    caller = test_caller_new("caller", port);
    struct service_pong pong;
    assert_err(test_caller_ask(caller, &message_SERVICE_PING, &(struct service_ping){0}, &pong),
               ERR_OK);
    assert_false(pong.ready);
    assert_int_equal(service_process_stop(&service), 0);
}

/* --- stopping -------------------------------------------------------------------------------- */

SERVICE_LIFE_TEST(both_signals_stop_it) {
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        start(NULL);
        tell(signals[i]);
        assert_int_equal(service_process_wait_exit(service), 0);
        const char *output = service_process_output(service);
        assert_non_null(strstr(output, "event=stopping"));
        assert_int_equal(count_of(output, "event=test_stop"), 1);
        assert_int_equal(count_of(output, "event=test_finish"), 1);
        assert_non_null(strstr(output, "event=stopped"));
        assert_null(strstr(output, "level=error"));
        tear_down(NULL);
    }
}

SERVICE_LIFE_TEST(calls_in_progress_are_finished_and_others_refused) {
    start(NULL);
    test_caller_start(caller, &message_TEST_HOLD, &(struct number){NEVER_MS});
    wait_for_calls(1);
    tell(SIGTERM);
    wait_for_text("event=stopping");
    struct service_pong pong;
    assert_err(test_caller_ask(other, &message_TEST_ECHO,
                               &(struct test_echo){.text = slice_text("x")}, NULL),
               ERR_UNAVAILABLE);
    assert_string_equal(test_caller_text(other), "this instance is stopping");
    assert_err(test_caller_ask(other, &message_SERVICE_PING, &(struct service_ping){0}, &pong),
               ERR_OK);
    assert_false(pong.ready);
    wait_for_calls(1);
    tell(SIGUSR1); /* answers the held requests */
    assert_err(test_caller_finish(caller, &message_TEST_HOLD, NULL), ERR_OK);
    assert_int_equal(service_process_wait_exit(service), 0);
}

SERVICE_LIFE_TEST(jobs_of_the_pool_are_finished_too) {
    start("--with-database");
    test_caller_start(caller, &message_TEST_SLEEP, &(struct number){3000});
    wait_for_calls(1);
    tell(SIGTERM);
    struct number number;
    assert_err(test_caller_finish(caller, &message_TEST_SLEEP, &number), ERR_OK);
    assert_int_equal(number.number, 3000);
    assert_int_equal(service_process_wait_exit(service), 0);
}

SERVICE_LIFE_TEST(work_started_by_stop_is_waited_for) {
    start("--slow-stop");
    tell(SIGTERM);
    wait_for_text("event=test_stop");
    struct service_pong pong;
    for (int i = 0; i < 3; i++)
        assert_err(test_caller_ask(other, &message_SERVICE_PING, &(struct service_ping){0}, &pong),
                   ERR_OK);
    tell(SIGUSR1);
    assert_int_equal(service_process_wait_exit(service), 0);
}

SERVICE_LIFE_TEST(a_call_without_an_end_holds_it_up_for_so_long) {
    start(NULL);
    test_caller_start(caller, &message_TEST_HOLD, &(struct number){NEVER_MS});
    wait_for_calls(1);
    int64_t before_ms = loop_now_ms();
    tell(SIGTERM);
    assert_int_equal(service_process_wait_exit(service), 0);
    assert_true(loop_now_ms() - before_ms >= SERVICE_STOP_MS);
}

SERVICE_LIFE_TEST(asked_twice_it_stops_at_once) {
    start("--slow-stop");
    test_caller_start(caller, &message_TEST_HOLD, &(struct number){NEVER_MS});
    wait_for_calls(1);
    tell(SIGTERM);
    wait_for_text("event=stopping");
    tell(SIGTERM);
    assert_int_equal(service_process_wait_exit(service), 0);
    assert_non_null(strstr(service_process_output(service), "reason=\"a second signal\""));
}

SERVICE_LIFE_TEST(a_fault_that_cannot_be_lived_with_ends_it) {
    start(NULL);
    assert_err(test_caller_ask(caller, &message_TEST_FATAL, &(struct number){3}, NULL), ERR_OK);
    assert_int_equal(service_process_wait_exit(service), 3);
    assert_non_null(strstr(service_process_output(service), "event=test_finish"));
}

int main(int argc, char **argv) { return run_or_be_child(argc, argv); }
