/* Session and people: presence, who is connected, disconnecting, what goes to everyone. */
#include <string.h>

#include "tests/isolation/session_fixture.h"
#include "tests/support/fake_peer.h"

static struct fake_peer *group;

/* Session's pings to group are frequent, so that it is found at once. */
static int set_up(void **state) {
    uint16_t port = test_free_port();
    group = fake_peer_new(port);
    return session_set_up_with(state, test_text("--group-peers=tcp://127.0.0.1:%u", (unsigned)port),
                               "--connections-per-account=3");
}

static int set_up_impatient(void **state) {
    uint16_t port = test_free_port();
    group = fake_peer_new(port);
    return session_set_up_with(state, test_text("--group-peers=tcp://127.0.0.1:%u", (unsigned)port),
                               "--gateway-timeout-ms=1200");
}

static int tear_down(void **state) {
    int status = session_tear_down(state);
    fake_peer_destroy(&group);
    return status;
}

static void expect_presence(uint64_t account, bool online) {
    struct group_presence presence;
    fake_peer_expect(group, &message_GROUP_PRESENCE, &presence);
    assert_int_equal(presence.accounts.count, 1);
    assert_int_equal(presence.accounts.items[0], account);
    assert_int_equal(presence.online, online);
}

/* Passes over what comes before the news of this account. */
static void skip_to(uint64_t account, bool online) {
    struct group_presence presence;
    do
        fake_peer_expect(group, &message_GROUP_PRESENCE, &presence);
    while (presence.online != online || presence.accounts.items[0] != account);
}

/* News is dropped while group is not there yet: returns when it is, and has heard all of account
 * 1's comings and goings, and 2's, that were for finding that out. */
static void await_group(struct test_caller *gateway) {
    while (fake_peer_waiting(group) == 0) {
        bind_one(gateway, 1, 1);
        unbind_one(gateway, 1, 1);
    }
    bind_one(gateway, 2, 2);
    skip_to(2, true);
    unbind_one(gateway, 2, 2);
    skip_to(2, false);
}

static void the_first_and_the_last_connection_are_news(void **state) {
    struct test_caller *one = caller(*state, "gateway-1"), *two = caller(*state, "gateway-2");
    await_group(one);
    bind_one(one, 1001, 7);
    expect_presence(1001, true);
    bind_one(two, 1001, 7);
    bind_one(one, 1001, 7);
    unbind_one(one, 1001, 7);
    unbind_one(two, 1001, 7);
    expect_presence(1001, false);
    bind_one(one, 1002, 8);
    expect_presence(1002, true);
}

static enum err bind_again(struct test_caller *gateway, uint64_t account, uint64_t connection) {
    struct session_bind bind = {
        .accounts = list(&account, 1), .connections = list(&connection, 1), .again = true};
    struct done done;
    return test_caller_ask(gateway, &message_SESSION_BIND, &bind, &done);
}

static void who_was_here_before_is_no_news(void **state) {
    struct test_caller *gateway = caller(*state, "gateway-1");
    await_group(gateway);
    assert_int_equal(bind_again(gateway, 1001, 7), ERR_OK);
    bind_one(gateway, 1002, 8);
    expect_presence(1002, true);
    unbind_one(gateway, 1001, 7);
    expect_presence(1001, false);
}

static void people_of_a_dropped_gateway_have_gone(void **state) {
    struct session_fixture *fixture = *state;
    struct test_caller *silent = caller(fixture, "silent"), *awake = caller(fixture, "awake");
    await_group(awake);
    bind_one(silent, 1001, 7);
    expect_presence(1001, true);
    while (!service_process_wait_text(fixture->session, "event=gateway_dropped", 50))
        ping(awake);
    expect_presence(1001, false);
    /* It comes back, and so do they. */
    assert_int_equal(bind_again(silent, 1001, 7), ERR_OK);
    expect_presence(1001, true);
}

static void an_account_has_so_many_connections(void **state) {
    struct test_caller *gateway = caller(*state, "gateway-1");
    for (uint64_t i = 1; i <= 3; i++)
        bind_one(gateway, 1001, i);
    assert_int_equal(try_bind(gateway, 1001, 4), ERR_TOO_MANY);
    bind_one(gateway, 1001, 3);
    assert_int_equal(bind_again(gateway, 1001, 4), ERR_OK);
    unbind_one(gateway, 1001, 1);
    unbind_one(gateway, 1001, 2);
    bind_one(gateway, 1001, 5);
}

static struct session_list_reply list_sessions(struct test_caller *who, uint64_t after,
                                               uint64_t limit) {
    struct session_list ask = {.after = after, .limit = limit};
    struct session_list_reply reply;
    assert_int_equal(test_caller_ask(who, &message_SESSION_LIST, &ask, &reply), ERR_OK);
    return reply;
}

static void the_list_goes_page_by_page(void **state) {
    struct test_caller *one = caller(*state, "gateway-1"), *two = caller(*state, "gateway-2");
    assert_int_equal(list_sessions(one, 0, 0).accounts.count, 0);
    for (uint64_t account = 10; account > 0; account--)
        bind_one(one, account, account);
    bind_one(two, 3, 3);
    struct session_list_reply reply = list_sessions(one, 0, 4);
    assert_int_equal(reply.accounts.count, 4);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(reply.accounts.items[i], i + 1);
        assert_int_equal(reply.connections.items[i], i == 2 ? 2 : 1);
    }
    reply = list_sessions(one, 4, 0);
    assert_int_equal(reply.accounts.count, 6);
    assert_int_equal(reply.accounts.items[0], 5);
    assert_int_equal(list_sessions(one, 10, 0).accounts.count, 0);
}

static void a_kick_reaches_every_connection(void **state) {
    struct test_caller *one = caller(*state, "gateway-1"), *two = caller(*state, "gateway-2");
    bind_one(one, 1001, 7);
    bind_one(two, 1001, 8);
    bind_one(two, 1002, 9);
    struct session_kick kick = {.account = 1001, .reason = slice_text("spam")};
    struct done done;
    assert_int_equal(test_caller_ask(one, &message_SESSION_KICK, &kick, &done), ERR_OK);
    struct gateway_kick told;
    test_caller_event(one, &message_GATEWAY_KICK, &told);
    assert_int_equal(told.connections.count, 1);
    assert_int_equal(told.connections.items[0], 7);
    assert_true(slice_equal(told.reason, slice_text("spam")));
    test_caller_event(two, &message_GATEWAY_KICK, &told);
    assert_int_equal(told.connections.items[0], 8);
    expect_nothing(one);
    expect_nothing(two);
    kick.account = 1003; /* not here */
    assert_int_equal(test_caller_ask(one, &message_SESSION_KICK, &kick, &done), ERR_OK);
}

static void an_item_for_everyone_reaches_every_connection(void **state) {
    struct test_caller *one = caller(*state, "gateway-1"), *two = caller(*state, "gateway-2");
    bind_one(one, 1001, 7);
    bind_one(one, 1002, 8);
    bind_one(two, 1001, 9);
    struct route_item item = {.everyone = true, .entry = slice_text("to all")};
    route_items(caller(*state, "group"), &item, 1);
    struct gateway_push push;
    test_caller_event(one, &message_GATEWAY_PUSH, &push);
    const struct push_item *pushed = push.items.items;
    assert_int_equal(push.items.count, 1);
    assert_int_equal(pushed->connections.count, 2);
    assert_int_equal(pushed->connections.items[0] + pushed->connections.items[1], 15);
    expect_push(two, 1, 9, "to all");
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_first_and_the_last_connection_are_news),
        TEST(who_was_here_before_is_no_news),
        cmocka_unit_test_setup_teardown(people_of_a_dropped_gateway_have_gone, set_up_impatient,
                                        tear_down),
        TEST(an_account_has_so_many_connections),
        TEST(the_list_goes_page_by_page),
        TEST(a_kick_reaches_every_connection),
        TEST(an_item_for_everyone_reaches_every_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
