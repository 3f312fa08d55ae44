/*
 * Calls to a service: answers, refusals, garbage and limits. Its life is service_life_test.c.
 */
#include <czmq.h>

#include "tests/support/service_fixture.h"
#include "tests/support/test_keys.h"

struct fixture {
    struct service_process *service;
    uint16_t port;
    struct test_caller *caller;
};

static int set_up_with(void **state, const char *option) {
    static struct fixture fixture;
    fixture = (struct fixture){.port = test_free_port()};
    *state = &fixture;
    fixture.service = start_service(fixture.port, option);
    fixture.caller = test_caller_new("caller", fixture.port);
    return 0;
}

static int set_up(void **state) { return set_up_with(state, NULL); }
static int set_up_pool(void **state) { return set_up_with(state, "--with-database"); }
static int set_up_debug(void **state) { return set_up_with(state, "--log-level=debug"); }

/* Whatever a test did to it, the service must stop in order (and without leaks). */
static int tear_down(void **state) {
    struct fixture *f = *state;
    test_caller_destroy(&f->caller);
    int status = f->service == NULL ? 0 : service_process_stop(&f->service);
    return status;
}

#define SERVICE_TEST(name_, set_up_) TEST_WITH(name_, struct fixture *f, set_up_, tear_down)

static void expect_alive(struct test_caller *caller) {
    struct test_echo echo;
    assert_err(test_caller_ask(caller, &message_TEST_ECHO,
                               &(struct test_echo){.text = slice_text("alive")}, &echo),
               ERR_OK);
    assert_slice_text(echo.text, "alive");
}

/* --- answers --------------------------------------------------------------------------------- */

SERVICE_TEST(a_call_on_the_loop_is_answered, set_up) {
    uint64_t numbers[] = {1, UINT64_MAX};
    struct test_echo echo, ask = {.text = slice_text("hi"), .number = 7, .numbers = {numbers, 2}};
    for (int i = 0; i < 1000; i++) {
        assert_err(test_caller_ask(f->caller, &message_TEST_ECHO, &ask, &echo), ERR_OK);
        assert_slice_text(echo.text, "hi");
        assert_int_equal(echo.number, 7);
        assert_int_equal(echo.numbers.count, 2);
        assert_memory_equal(echo.numbers.items, numbers, sizeof numbers);
    }
    assert_int_equal(test_caller_metric(f->caller, "requests_total{message=\"test.echo\"}"), 1000);
    assert_int_equal(test_caller_metric(f->caller, "request_errors_total{message=\"test.echo\"}"),
                     0);
}

SERVICE_TEST(a_call_on_the_pool_is_answered, set_up_pool) {
    struct test_caller *callers[8];
    struct number number;
    for (size_t i = 0; i < 8; i++) {
        callers[i] = test_caller_new(test_text("pool-%zu", i), f->port);
        test_caller_start(callers[i], &message_TEST_ADD, &(struct number){i * 10});
    }
    for (size_t i = 0; i < 8; i++) {
        assert_err(test_caller_finish(callers[i], &message_TEST_ADD, &number), ERR_OK);
        assert_int_equal(number.number, i * 10 + 1);
        test_caller_destroy(&callers[i]);
    }
    struct test_fail failure = {.error = slice_text("taken")};
    assert_err(test_caller_ask(f->caller, &message_TEST_POOL_FAIL, &failure, NULL), ERR_TAKEN);
    assert_string_equal(test_caller_text(f->caller), err_text(ERR_TAKEN));
    assert_int_equal(
        test_caller_metric(f->caller, "request_errors_total{message=\"test.pool_fail\"}"), 1);
}

SERVICE_TEST(errors_travel_with_their_text, set_up) {
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
        struct test_fail failure = {.error = slice_text(err_word((enum err)err))};
        assert_err(test_caller_ask(f->caller, &message_TEST_FAIL, &failure, NULL), (enum err)err);
        assert_string_equal(test_caller_text(f->caller), err_text((enum err)err));
        failure.text = slice_text("a text of its own");
        assert_err(test_caller_ask(f->caller, &message_TEST_FAIL, &failure, NULL), (enum err)err);
        assert_string_equal(test_caller_text(f->caller), "a text of its own");
    }
    assert_int_equal(test_caller_metric(f->caller, "requests_refused_total"), 0);
}

SERVICE_TEST(events_precede_the_answer, set_up) {
    struct number number;
    struct test_caller *other = test_caller_new("other", f->port);
    assert_err(test_caller_ask(f->caller, &message_TEST_EVENTS, &(struct number){100}, &number),
               ERR_OK);
    assert_int_equal(test_caller_events(f->caller), 100);
    for (uint64_t i = 1; i <= 100; i++) {
        test_caller_event(f->caller, &message_TEST_TICK, &number);
        assert_int_equal(number.number, i);
    }
    expect_alive(other);
    assert_int_equal(test_caller_events(other), 0);
    test_caller_destroy(&other);
}

SERVICE_TEST(a_slow_call_is_logged, set_up) {
    expect_alive(f->caller);
    assert_err(test_caller_ask(f->caller, &message_TEST_HOLD,
                               &(struct number){SERVICE_SLOW_MS + 50}, NULL),
               ERR_OK);
    static const char line[] = "event=slow_call message=test.hold took_ms=";
    assert_true(service_process_wait_text(f->service, line, TEST_DEADLINE_MS));
    const char *took = strstr(service_process_output(f->service), line) + strlen(line);
    assert_in_range(strtoul(took, NULL, 10), SERVICE_SLOW_MS, TEST_DEADLINE_MS);
    assert_null(strstr(service_process_output(f->service), "message=test.echo"));
}

SERVICE_TEST(ping_and_status_are_answered, set_up) {
    struct service_pong pong;
    struct service_status status;
    struct service_ping ping = {.instance = 5};
    assert_err(test_caller_ask(f->caller, &message_SERVICE_PING, &ping, &pong), ERR_OK);
    assert_true(pong.ready);
    assert_int_not_equal(pong.instance, 0);
    assert_int_equal(pong.link, strlen("caller")); /* the definition's `ping` filled it */
    assert_int_equal(pong.pushed, 'c');
    uint64_t instance = pong.instance;
    assert_err(test_caller_ask(f->caller, &message_SERVICE_STATUS, &ping, &status), ERR_OK);
    assert_slice_text(status.service, "test");
    assert_slice_text(status.version, PARLEY_VERSION);
    assert_true(status.instance == instance);
    assert_true(status.ready);
    assert_true(status.uptime_ms < 100000);
    assert_int_equal(status.calls, 1); /* this one */
    assert_int_equal(test_caller_metric(f->caller, "requests_total{message=\"service.ping\"}"), 1);
}

/* --- refusals -------------------------------------------------------------------------------- */

SERVICE_TEST(an_unknown_message_is_answered_and_logged, set_up_debug) {
    static const char *const names[] = {"test.nothing", "", "test.ech", "test.echoo", "a b\n\""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_err(test_caller_ask_bytes(f->caller, names[i], slice_make("\x80", 1)),
                   ERR_UNKNOWN_MESSAGE);
        assert_string_equal(test_caller_text(f->caller), err_text(ERR_UNKNOWN_MESSAGE));
    }
    const char *output = service_process_output(f->service);
    assert_non_null(strstr(output, "event=unknown_message name=\"test.nothing\"\n"));
    assert_non_null(strstr(output, "event=unknown_message name=\"a b\\n\\\"\"\n"));
    assert_int_equal(test_caller_metric(f->caller, "requests_refused_total"), 5);
}

SERVICE_TEST(a_body_that_does_not_fit_is_refused_by_field, set_up) {
    static const struct {
        struct slice body;
        const char *text;
    } cases[] = {
        {{"\x80", 1}, "text: missing or malformed"},
        {{"\x81\xa4text\x01", 7}, "text: missing or malformed"},
        {{"\x81\xa4text\xb1"
          "12345678901234567",
          24},
         "text: missing or malformed"},
        {{"\x82\xa4text\xa1x\xa6number\xa1x", 17}, "number: missing or malformed"},
        {{"\x82\xa4text\xa1x\xa7numbers\x94\1\2\3\4", 21}, "numbers: missing or malformed"},
        {{"\x90", 1}, "not a map: missing or malformed"},
        {{"", 0}, "cut short, or too deep: missing or malformed"},
        {{"\x81\xa4text", 6}, "cut short, or too deep: missing or malformed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_err(test_caller_ask_bytes(f->caller, "test.echo", cases[i].body), ERR_BAD_REQUEST);
        assert_string_equal(test_caller_text(f->caller), cases[i].text);
    }
    assert_err(test_caller_ask_bytes(f->caller, "test.echo",
                                     slice_make("\x82\xa4text\xa1x\xa5later\x90", 15)),
               ERR_OK);
}

static uint64_t calls_in_progress(struct test_caller *caller) {
    struct service_status status;
    assert_err(test_caller_ask(caller, &message_SERVICE_STATUS, &(struct service_ping){0}, &status),
               ERR_OK);
    return status.calls - 1; /* without this one */
}

SERVICE_TEST(too_many_calls_are_refused, set_up) {
    struct test_caller *other = test_caller_new("other", f->port);
    for (size_t i = 0; i <= SERVICE_MAX_CALLS; i++)
        test_caller_start(f->caller, &message_TEST_HOLD, &(struct number){NEVER_MS});
    assert_err(test_caller_finish(f->caller, &message_TEST_HOLD, NULL), ERR_OVERLOADED);
    assert_err(test_caller_ask(other, &message_TEST_ECHO,
                               &(struct test_echo){.text = slice_text("x")}, NULL),
               ERR_OVERLOADED);
    /* How it is can be asked all the same. */
    assert_int_equal(calls_in_progress(other), SERVICE_MAX_CALLS);
    kill(service_process_pid(f->service), SIGUSR1);
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (calls_in_progress(other) > 0)
        assert_true(loop_now_ms() < deadline_ms);
    expect_alive(other);
    test_caller_destroy(&other);
}

SERVICE_TEST(a_too_large_answer_is_an_internal_error, set_up_pool) {
    struct large large;
    uint64_t limit = ENVELOPE_MAX_BYTES;
    static const struct message_desc *const messages[] = {&message_TEST_LARGE,
                                                          &message_TEST_POOL_LARGE};
    for (size_t i = 0; i < 2; i++) {
        struct number size = {limit - 100};
        assert_err(test_caller_ask(f->caller, messages[i], &size, &large), ERR_OK);
        assert_int_equal(large.bytes.length, size.number);
        size.number = limit;
        assert_err(test_caller_ask(f->caller, messages[i], &size, &large), ERR_INTERNAL);
        expect_alive(f->caller);
    }
}

/* --- garbage --------------------------------------------------------------------------------- */

SERVICE_TEST(frames_that_are_no_request_are_dropped_and_counted, set_up) {
    static const unsigned char fillers[] = {0x00, 0x93, 0xc1, 0xff};
    unsigned char bytes[201];
    uint64_t sent = 0;
    for (size_t k = 0; k < sizeof fillers; k++) {
        memset(bytes, fillers[k], sizeof bytes);
        for (size_t length = 0; length < sizeof bytes; length++, sent++)
            test_caller_send(f->caller, slice_make((const char *)bytes, length));
    }
    /* A request, cut at every byte of its header, and the other kinds. */
    static const char request[] = "\x93\x01\x07\xa9test.echo\x81\xa4text\xa1x";
    for (size_t length = 0; length < 13; length++, sent++)
        test_caller_send(f->caller, slice_make(request, length));
    static const char other_kinds[] = {ENVELOPE_EVENT, ENVELOPE_REPLY, ENVELOPE_ERROR, 4};
    for (size_t i = 0; i < sizeof other_kinds; i++, sent++) {
        char other[sizeof request];
        memcpy(other, request, sizeof request);
        other[1] = other_kinds[i];
        test_caller_send(f->caller, slice_make(other, sizeof other - 1));
    }
    expect_alive(f->caller);
    assert_int_equal(test_caller_metric(f->caller, "requests_refused_total"), sent);
}

static void send_parts(zsock_t *socket, const struct slice *parts, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert_int_equal(zmq_send(zsock_resolve(socket), parts[i].data, parts[i].length,
                                  i + 1 < count ? ZMQ_SNDMORE : 0),
                         parts[i].length);
}

SERVICE_TEST(messages_of_several_parts_are_dropped, set_up) {
    const struct slice request = {"\x93\x01\x07\xa9test.echo\x81\xa4text\xa1x", 21};
    const struct slice parts[] = {request, request, {"", 0}, {"x", 1}, request, {"", 0}, request};
    zsock_t *socket = zsock_new(ZMQ_DEALER);
    zsock_set_linger(socket, 0);
    zsock_set_rcvtimeo(socket, TEST_DEADLINE_MS);
    test_keys_call(zsock_resolve(socket), "test");
    assert_int_equal(zsock_connect(socket, "tcp://127.0.0.1:%u", (unsigned)f->port), 0);
    for (size_t count = 2; count <= 7; count++)
        send_parts(socket, parts, count);
    send_parts(socket, parts + 2, 2); /* as a REQ socket sends: an empty part first */
    send_parts(socket, parts, 1);
    zframe_t *answer = zframe_recv(socket); /* to the last; the others have none */
    assert_non_null(answer);
    assert_false(zframe_more(answer));
    assert_memory_equal(zframe_data(answer), "\x93\x02\x07\xa9test.echo", 13);
    zframe_destroy(&answer);
    zsock_destroy(&socket);
    assert_int_equal(test_caller_metric(f->caller, "requests_refused_total"), 7);
    assert_int_equal(test_caller_metric(f->caller, "requests_total{message=\"test.echo\"}"), 1);
}

SERVICE_TEST(a_caller_with_too_long_a_name_is_ignored, set_up) {
    char name[SERVICE_CALLER_BYTES + 2];
    memset(name, 'n', sizeof name);
    name[SERVICE_CALLER_BYTES + 1] = '\0';
    struct test_caller *longer = test_caller_new(name, f->port);
    struct test_caller *longest = test_caller_new(name + 1, f->port);
    test_caller_start(longer, &message_TEST_ECHO, &(struct test_echo){.text = slice_text("x")});
    expect_alive(longest);
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (test_caller_metric(f->caller, "requests_refused_total") != 1)
        assert_true(loop_now_ms() < deadline_ms);
    test_caller_destroy(&longer);
    test_caller_destroy(&longest);
}

SERVICE_TEST(a_message_has_its_largest_size, set_up) {
    char *bytes = calloc(1, ENVELOPE_MAX_BYTES + 1);
    assert_non_null(bytes);
    /* Exactly as much as there may be: {"text": ...}, too long for the field, not for the frame. */
    size_t header = 13, length = ENVELOPE_MAX_BYTES - header;
    memcpy(bytes, "\x81\xa4text\xdb", 7);
    for (size_t i = 0; i < 4; i++)
        bytes[7 + i] = (char)((length - 11) >> 8 * (3 - i));
    assert_err(test_caller_ask_bytes(f->caller, "test.echo", slice_make(bytes, length)),
               ERR_BAD_REQUEST);
    assert_string_equal(test_caller_text(f->caller), "text: missing or malformed");
    /* A byte more costs the caller its connection, and nobody else anything. */
    struct test_caller *greedy = test_caller_new("greedy", f->port);
    expect_alive(greedy);
    test_caller_send(greedy, slice_make(bytes, ENVELOPE_MAX_BYTES + 1));
    expect_alive(f->caller);
    test_caller_destroy(&greedy);
    free(bytes);
}

int main(int argc, char **argv) { return run_or_be_child(argc, argv); }
