/* Session and people: the connected accounts, disconnecting, entries for everyone. */
#include <string.h>

#include "tests/support/session_fixture.h"

static int set_up(void **state) {
    return session_set_up_with(state, (const char *const[]){"--connections-per-account=3", NULL});
}

SESSION_TEST(the_list_goes_page_by_page, set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
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

static struct u64_list ask_online(struct test_caller *who, uint64_t *accounts, size_t count) {
    struct session_online ask = {.accounts = {accounts, count}};
    struct session_online_reply reply;
    assert_int_equal(test_caller_ask(who, &message_SESSION_ONLINE, &ask, &reply), ERR_OK);
    return reply.accounts;
}

/* One that is away for a moment is online to its friends, so it is here. */
SESSION_TEST(online_accounts_are_known, set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    uint64_t accounts[] = {1003, 1001, 1002, 1001, 0, UINT64_MAX};
    assert_int_equal(ask_online(two, accounts, 6).count, 0);
    assert_int_equal(bind_again(one, 1001, 7), ERR_OK); /* its friends know that it is here */
    bind_one(two, 1003, 8);
    struct u64_list online = ask_online(two, accounts, 6);
    assert_int_equal(online.count, 3);
    assert_int_equal(online.items[0], 1003);
    assert_int_equal(online.items[1], 1001);
    assert_int_equal(online.items[2], 1001);
    unbind_as(one, 1001, 7, (struct session_unbind){.moving = true});
    assert_int_equal(ask_online(two, accounts + 1, 1).count, 1);
    unbind_one(two, 1003, 8);
    assert_int_equal(ask_online(two, accounts, 0).count, 0);
}

SESSION_TEST(as_many_as_there_may_be_are_looked_up, set_up) {
    static uint64_t accounts[8192];
    struct test_caller *gateway = caller(fixture, "gateway-1");
    for (size_t i = 0; i < 8192; i++)
        accounts[i] = i + 1;
    bind_one(gateway, 8192, 1);
    struct u64_list online = ask_online(gateway, accounts, 8192);
    assert_int_equal(online.count, 1);
    assert_int_equal(online.items[0], 8192);
}

SESSION_TEST(a_kick_reaches_every_connection, set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    bind_one(one, 1001, 7);
    bind_one(two, 1001, 8);
    bind_one(two, 1002, 9);
    struct session_kick kick = {.account = 1001, .reason = slice_text("spam")};
    struct done done;
    assert_int_equal(test_caller_ask(one, &message_SESSION_KICK, &kick, &done), ERR_OK);
    struct gateway_kick received;
    test_caller_event(one, &message_GATEWAY_KICK, &received);
    assert_int_equal(received.connections.count, 1);
    assert_int_equal(received.connections.items[0], 7);
    assert_true(slice_equal(received.reason, slice_text("spam")));
    test_caller_event(two, &message_GATEWAY_KICK, &received);
    assert_int_equal(received.connections.items[0], 8);
    expect_nothing(one);
    expect_nothing(two);
    kick.account = 1003; /* not here */
    assert_int_equal(test_caller_ask(one, &message_SESSION_KICK, &kick, &done), ERR_OK);
}

SESSION_TEST(an_item_for_everyone_reaches_every_connection, set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    bind_one(one, 1001, 7);
    bind_one(one, 1002, 8);
    bind_one(two, 1001, 9);
    struct route_item item = {.everyone = true, .entry = slice_text("to all")};
    route_items(caller(fixture, "group"), &item, 1);
    struct gateway_push push;
    test_caller_event(one, &message_GATEWAY_PUSH, &push);
    const struct push_item *pushed = push.items.items;
    assert_int_equal(push.items.count, 1);
    assert_int_equal(pushed->connections.count, 2);
    assert_int_equal(pushed->connections.items[0] + pushed->connections.items[1], 15);
    expect_push(two, 1, 9, "to all");
}

int main(void) { return test_run_all(NULL, NULL); }
