/*
 * The session service alone: what gateways bind and unbind, the limits, and what becomes of a link
 * when a gateway is silent or connects again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/loop.h"
#include "proto/ids.h"
#include "services/session/directory.h"
#include "services/session/gateway_instances.h"
#include "tests/support/session_fixture.h"

static int set_up_small(void **state) {
    return session_set_up_with(state, (const char *const[]){"--max-bindings=10", NULL});
}

static int set_up_impatient(void **state) {
    return session_set_up_with(state, (const char *const[]){"--gateway-timeout-ms=5000", NULL});
}

/* --- binding ------------------------------------------------------------------------------- */

static void binding_again_changes_nothing(void **state) {
    struct test_caller *gateway = caller(*state, "gateway-1");
    bind_one(gateway, 1001, 7);
    bind_one(gateway, 1001, 7);
    assert_int_equal(test_caller_metric(gateway, "bindings"), 1);
    route_one(gateway, 1001, "once");
    expect_push(gateway, 1, 7, "once");
    expect_nothing(gateway);
}

static void a_connection_has_one_account(void **state) {
    struct test_caller *gateway = caller(*state, "gateway-1");
    bind_one(gateway, 1001, 7);
    bind_one(gateway, 1002, 7);
    unbind_one(gateway, 1001, 7); /* late, and no longer theirs */
    route_one(gateway, 1001, "not for 7");
    route_one(gateway, 1002, "for 7");
    expect_push(gateway, 1, 7, "for 7");
    assert_int_equal(test_caller_metric(gateway, "bindings"), 1);
}

static void what_is_unbound_gets_nothing(void **state) {
    struct test_caller *one = caller(*state, "gateway-1"), *two = caller(*state, "gateway-2");
    bind_one(one, 1001, 7);
    bind_one(two, 1001, 7);
    unbind_one(one, 1001, 7);
    unbind_one(one, 1001, 7);
    unbind_one(caller(*state, "gateway-3"), 1001, 7); /* never heard before */
    route_one(two, 1001, "hello");
    expect_push(two, 1, 7, "hello");
    expect_nothing(one);
    assert_int_equal(test_caller_metric(one, "bindings"), 1);
    assert_int_equal(test_caller_metric(one, "gateways"), 2);
}

static void a_bind_that_makes_no_sense_changes_nothing(void **state) {
    struct test_caller *gateway = caller(*state, "gateway-1");
    static uint64_t accounts[8193], connections[8193];
    for (size_t i = 0; i < 8193; i++)
        accounts[i] = connections[i] = i + 1;
    struct session_bind bind = {.accounts = list(accounts, 3), .connections = list(connections, 2)};
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_BIND, &bind, NULL), ERR_BAD_REQUEST);
    assert_non_null(strstr(test_caller_text(gateway), "connections"));
    bind = (struct session_bind){.accounts = list(accounts, 8193),
                                 .connections = list(connections, 8193)};
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_BIND, &bind, NULL), ERR_BAD_REQUEST);
    assert_non_null(strstr(test_caller_text(gateway), "accounts"));
    accounts[1] = 0;
    bind =
        (struct session_bind){.accounts = list(accounts, 2), .connections = list(connections, 2)};
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_BIND, &bind, NULL), ERR_BAD_REQUEST);
    struct session_sync sync = {
        .accounts = list(accounts, 2), .connections = list(connections, 2), .first = true};
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_SYNC, &sync, NULL), ERR_BAD_REQUEST);
    accounts[1] = NUMBER_LIMIT;
    struct session_unbind unbind = {.accounts = list(accounts, 2),
                                    .connections = list(connections, 2)};
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_UNBIND, &unbind, NULL),
                     ERR_BAD_REQUEST);
    assert_int_equal(test_caller_metric(gateway, "bindings"), 0);
    assert_int_equal(test_caller_metric(gateway, "gateways"), 0);
}

static void a_full_directory_refuses(void **state) {
    struct test_caller *gateway = caller(*state, "gateway-1");
    uint64_t numbers[12];
    for (uint64_t i = 0; i < 12; i++)
        numbers[i] = i + 1;
    /* Those that fit are bound. */
    struct session_bind body = {.accounts = list(numbers, 12), .connections = list(numbers, 12)};
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_BIND, &body, NULL), ERR_TOO_MANY);
    assert_int_equal(test_caller_metric(gateway, "bindings"), 10);
    bind_one(gateway, 10, 10);
    assert_int_equal(try_bind(gateway, 11, 11), ERR_TOO_MANY);
    unbind_one(gateway, 3, 3);
    bind_one(gateway, 11, 11);
    route_one(gateway, 11, "hello");
    expect_push(gateway, 1, 11, "hello");
}

/* Of connections that were there before, those that do not fit end; all others are bound. */
static void a_full_directory_ends_what_does_not_fit(void **state) {
    struct test_caller *gateway = caller(*state, "gateway-1");
    uint64_t numbers[12];
    for (uint64_t i = 0; i < 12; i++)
        numbers[i] = i + 1;
    struct session_sync sync = {.accounts = list(numbers, 12),
                                .connections = list(numbers, 12),
                                .first = true,
                                .last = true};
    struct done done;
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_SYNC, &sync, &done), ERR_OK);
    assert_int_equal(test_caller_metric(gateway, "bindings"), 10);
    for (uint64_t i = 11; i <= 12; i++) {
        struct gateway_kick kick;
        test_caller_event(gateway, &message_GATEWAY_KICK, &kick);
        assert_int_equal(kick.connections.count, 1);
        assert_int_equal(kick.connections.items[0], i);
        assert_int_equal(kick.cause, KICK_FULL);
    }
    expect_nothing(gateway);
}

static void gateways_have_a_limit(void **state) {
    struct session_fixture *fixture = *state;
    for (unsigned i = 0; i < GATEWAY_INSTANCES_MAX; i++) {
        char name[32];
        snprintf(name, sizeof name, "gateway-%u", i);
        bind_one(caller(fixture, name), 1001 + i, i);
    }
    struct test_caller *one_more = caller(fixture, "one more");
    assert_int_equal(try_bind(one_more, 1, 1), ERR_TOO_MANY);
    assert_non_null(strstr(test_caller_text(one_more), "gateways"));
    assert_int_equal(test_caller_metric(one_more, "gateways"), GATEWAY_INSTANCES_MAX);
    route_one(one_more, 1001 + GATEWAY_INSTANCES_MAX - 1, "to the last");
    expect_push(fixture->callers[GATEWAY_INSTANCES_MAX - 1], 1, GATEWAY_INSTANCES_MAX - 1,
                "to the last");
}

/* --- links --------------------------------------------------------------------------------- */

static enum err dirty(struct test_caller *delivery, const char *reason) {
    struct session_dirty body = {slice_text(reason)};
    struct done done;
    return test_caller_ask(delivery, &message_SESSION_DIRTY, &body, &done);
}

static void a_ping_tells_link_and_pushed(void **state) {
    struct test_caller *one = caller(*state, "gateway-1"), *two = caller(*state, "gateway-2");
    struct service_pong first = ping(one);
    assert_true(first.ready && first.link != 0 && first.pushed == 0);
    bind_one(one, 1001, 7);
    bind_one(two, 1002, 7);
    for (uint64_t i = 1; i <= 5; i++) {
        route_one(two, 1001, "hello");
        struct service_pong pong = ping(one);
        assert_int_equal(pong.pushed, i);
        assert_true(pong.link == first.link && pong.instance == first.instance);
        expect_push(one, i, 7, "hello");
    }
    struct service_pong other = ping(two);
    assert_true(other.link != 0 && other.link != first.link && other.pushed == 0);
}

static void pushes_and_losses_are_counted_without_gaps(void **state) {
    struct test_caller *gateway = caller(*state, "gateway-1");
    struct test_caller *delivery = caller(*state, "delivery-1");
    bind_one(gateway, 1001, 7);
    for (uint64_t seq = 1; seq <= 200; seq += 2) {
        route_one(delivery, 1001, "hello");
        assert_int_equal(dirty(delivery, "queue full"), ERR_OK);
        expect_push(gateway, seq, 7, "hello");
        struct gateway_dirty event;
        test_caller_event(gateway, &message_GATEWAY_DIRTY, &event);
        assert_int_equal(event.seq, seq + 1);
        assert_true(slice_equal(event.reason, slice_text("queue full")));
    }
    assert_int_equal(ping(gateway).pushed, 200);
}

static void a_loss_reaches_every_gateway(void **state) {
    struct test_caller *gateways[3], *delivery = caller(*state, "delivery-1");
    ping(delivery);
    for (unsigned i = 0; i < 3; i++) {
        gateways[i] = caller(*state, test_text("gateway-%u", i));
        bind_one(gateways[i], 1001 + i, 7);
    }
    unbind_one(gateways[2], 1003, 7);
    assert_int_equal(dirty(delivery, ""), ERR_OK);
    for (unsigned i = 0; i < 3; i++) {
        struct gateway_dirty event;
        test_caller_event(gateways[i], &message_GATEWAY_DIRTY, &event);
        assert_int_equal(event.seq, 1);
    }
    expect_nothing(delivery);
    assert_int_equal(dirty(delivery, test_text("%065d", 0)), ERR_BAD_REQUEST);
}

static void a_gateway_that_connects_again_keeps_its_link(void **state) {
    struct test_caller *before = caller(*state, "gateway-1");
    struct test_caller *delivery = caller(*state, "delivery-1");
    bind_one(before, 1001, 7);
    uint64_t link = ping(before).link;
    /* The old one is still connected: the name goes over to the new one. */
    struct test_caller *after = caller(*state, "gateway-1");
    assert_int_equal(ping(after).link, link);
    route_one(delivery, 1001, "hello");
    expect_push(after, 1, 7, "hello");
}

/* Pings from `awake` until the service counts this many gateways. */
static void await_gateways(struct test_caller *awake, uint64_t count) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (test_caller_metric(awake, "gateways") != count) {
        assert_true(loop_now_ms() < deadline_ms);
        ping(awake);
    }
}

static void a_silent_gateway_is_forgotten(void **state) {
    struct session_fixture *fixture = *state;
    struct test_caller *silent = caller(*state, "gateway-1"), *awake = caller(*state, "gateway-2");
    bind_one(silent, 1001, 7);
    bind_one(silent, 1002, 8);
    bind_one(awake, 1001, 7);
    route_one(awake, 1001, "before");
    expect_push(silent, 1, 7, "before");
    uint64_t silent_link = ping(silent).link, awake_link = ping(awake).link;
    await_gateways(awake, 1);
    assert_true(
        service_process_wait_text(fixture->session, "event=gateway_dropped", TEST_DEADLINE_MS));
    assert_int_equal(test_caller_metric(awake, "bindings"), 1);

    route_one(awake, 1001, "meanwhile");
    struct service_pong pong = ping(silent);
    assert_true(pong.link != 0 && pong.link != silent_link && pong.pushed == 0);
    assert_int_equal(test_caller_events(silent), 0);
    bind_one(silent, 1001, 7);
    assert_int_equal(ping(silent).link, pong.link);
    route_one(awake, 1001, "after");
    expect_push(silent, 1, 7, "after");

    assert_int_equal(ping(awake).link, awake_link);
    expect_push(awake, 1, 7, "before");
    expect_push(awake, 2, 7, "meanwhile");
    expect_push(awake, 3, 7, "after");
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, session_set_up, session_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(binding_again_changes_nothing),
        TEST(a_connection_has_one_account),
        TEST(what_is_unbound_gets_nothing),
        TEST(a_bind_that_makes_no_sense_changes_nothing),
        cmocka_unit_test_setup_teardown(a_full_directory_refuses, set_up_small, session_tear_down),
        cmocka_unit_test_setup_teardown(a_full_directory_ends_what_does_not_fit, set_up_small,
                                        session_tear_down),
        TEST(gateways_have_a_limit),
        TEST(a_ping_tells_link_and_pushed),
        TEST(pushes_and_losses_are_counted_without_gaps),
        TEST(a_loss_reaches_every_gateway),
        TEST(a_gateway_that_connects_again_keeps_its_link),
        cmocka_unit_test_setup_teardown(a_silent_gateway_is_forgotten, set_up_impatient,
                                        session_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
