/*
 * The session service alone: connections that gateways bind and unbind, the limits, and the state
 * of a link when a gateway is silent or connects again.
 */
#include <stdio.h>
#include <string.h>

#include "common/loop.h"
#include "proto/ids.h"
#include "services/session/directory.h"
#include "services/session/gateway_instances.h"
#include "tests/support/session_fixture.h"
#include "tests/support/test_list.h"

static int set_up_small(void **state) {
    return session_set_up_with(state, (const char *const[]){"--max-bindings=10", NULL});
}

static int set_up_impatient(void **state) {
    return session_set_up_with(state, (const char *const[]){"--gateway-timeout-ms=5000", NULL});
}

/* --- binding ------------------------------------------------------------------------------- */

SESSION_TEST(binding_again_changes_nothing, session_set_up) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    bind_one(gateway, 1001, 7);
    bind_one(gateway, 1001, 7);
    assert_int_equal(test_caller_metric(gateway, "bindings"), 1);
    route_one(gateway, 1001, "once");
    expect_push(gateway, 1, 7, "once");
    expect_nothing(gateway);
}

SESSION_TEST(a_connection_has_one_account, session_set_up) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    bind_one(gateway, 1001, 7);
    bind_one(gateway, 1002, 7);
    unbind_one(gateway, 1001, 7); /* late, and no longer theirs */
    route_one(gateway, 1001, "not for 7");
    route_one(gateway, 1002, "for 7");
    expect_push(gateway, 1, 7, "for 7");
    assert_int_equal(test_caller_metric(gateway, "bindings"), 1);
}

SESSION_TEST(an_unbound_connection_gets_nothing, session_set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    bind_one(one, 1001, 7);
    bind_one(two, 1001, 7);
    unbind_one(one, 1001, 7);
    unbind_one(one, 1001, 7);
    unbind_one(caller(fixture, "gateway-3"), 1001, 7); /* an unknown gateway */
    route_one(two, 1001, "hello");
    expect_push(two, 1, 7, "hello");
    expect_nothing(one);
    assert_int_equal(test_caller_metric(one, "bindings"), 1);
    assert_int_equal(test_caller_metric(one, "gateways"), 2);
}

SESSION_TEST(a_bind_that_makes_no_sense_changes_nothing, session_set_up) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
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

SESSION_TEST(a_full_directory_refuses, set_up_small) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
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
SESSION_TEST(a_full_directory_ends_further_connections, set_up_small) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
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

SESSION_TEST(gateways_have_a_limit, session_set_up) {
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

SESSION_TEST(a_ping_tells_link_and_pushed, session_set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
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

SESSION_TEST(pushes_and_losses_are_counted_without_gaps, session_set_up) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    struct test_caller *delivery = caller(fixture, "delivery-1");
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

SESSION_TEST(a_loss_reaches_every_gateway, session_set_up) {
    struct test_caller *gateways[3], *delivery = caller(fixture, "delivery-1");
    ping(delivery);
    for (unsigned i = 0; i < 3; i++) {
        gateways[i] = caller(fixture, test_text("gateway-%u", i));
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

SESSION_TEST(a_gateway_that_connects_again_keeps_its_link, session_set_up) {
    struct test_caller *before = caller(fixture, "gateway-1");
    struct test_caller *delivery = caller(fixture, "delivery-1");
    bind_one(before, 1001, 7);
    uint64_t link = ping(before).link;
    /* The old one is still connected: the name goes over to the new one. */
    struct test_caller *after = caller(fixture, "gateway-1");
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

SESSION_TEST(a_silent_gateway_is_forgotten, set_up_impatient) {
    struct test_caller *silent = caller(fixture, "gateway-1"),
                       *awake = caller(fixture, "gateway-2");
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

int main(void) { return test_run_all(NULL, NULL); }
