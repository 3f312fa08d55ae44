/* parley-delivery alone: instances whose clocks differ. */
#include "tests/support/delivery_fixture.h"
#include "tests/support/wrong_clock.h"

#define ROUNDS 3

static struct service_process *start_with_clock(const struct delivery_fixture *f,
                                                const char *const *clock, uint16_t port) {
    const char *const arguments[] = {
        test_text("--delivery-port=%u", (unsigned)port),
        test_text("--session-peers=tcp://127.0.0.1:%u", (unsigned)f->session_port), NULL};
    struct service_process *delivery = service_process_start("parley-delivery", clock, arguments);
    service_process_wait_ready(delivery);
    return delivery;
}

/* Whether its log has the time that it takes for now. */
static void assert_clock_is_wrong(struct service_process *delivery) {
    char right[sizeof "ts=2026-11-28T10"];
    time_t now = time(NULL);
    struct tm tm;
    strftime(right, sizeof right, "ts=%Y-%m-%dT%H", gmtime_r(&now, &tm));
    if (strstr(service_process_output(delivery), right) != NULL)
        fail_msg("libfaketime is not in effect: %s", service_process_output(delivery));
}

/* Several instances store texts in one conversation, in turn. */
DELIVERY_TEST(test_time_never_falls) {
    const char *const *const clocks[] = {WRONG_CLOCK("+30d"), WRONG_CLOCK("-30d"),
                                         WRONG_CLOCK("+2h")};
    enum { INSTANCES = sizeof clocks / sizeof clocks[0] };
    struct service_process *instances[INSTANCES];
    struct test_caller *callers[INSTANCES];
    struct letter letter;
    struct delivery_send_reply reply;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""), last_cid = 0;
    uint64_t last_ms = (uint64_t)loop_wall_ms(), first_ms = last_ms;
    for (size_t i = 0; i < INSTANCES; i++) {
        uint16_t port = test_free_port();
        instances[i] = start_with_clock(f, clocks[i], port);
        assert_clock_is_wrong(instances[i]);
        callers[i] = test_caller_new(test_text("caller-%zu", i), port);
    }
    for (size_t i = 0; i < ROUNDS * (INSTANCES + 1); i++) {
        size_t which = i % (INSTANCES + 1);
        letter_one(f, &letter, ada, bob, 0, "text");
        assert_err(ask_send(which < INSTANCES ? callers[which] : f->caller, &letter, &reply),
                   ERR_OK);
        assert_true(reply.cids.items[0] > last_cid);
        assert_true(reply.times_ms.items[0] >= last_ms);
        assert_int_equal(next_routed(f).entry.time_ms, reply.times_ms.items[0]);
        last_cid = reply.cids.items[0];
        last_ms = reply.times_ms.items[0];
    }
    /* It is the database's time. */
    assert_in_range(last_ms, first_ms, loop_wall_ms());
    for (size_t i = 0; i < INSTANCES; i++) {
        test_caller_destroy(&callers[i]);
        assert_int_equal(service_process_stop(&instances[i]), 0);
    }
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
