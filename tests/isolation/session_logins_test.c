/* session alone: under which logins an account is connected, and the end of one. */
#include "tests/support/session_fixture.h"

#define ANNA ((uint64_t)1001)
#define BEN ((uint64_t)1002)

static void bind_login(struct test_caller *gateway, uint64_t account, uint64_t connection,
                       uint64_t login) {
    struct session_bind bind = {.accounts = list(&account, 1),
                                .connections = list(&connection, 1),
                                .logins = list(&login, 1)};
    struct session_bind_reply reply;
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_BIND, &bind, &reply), ERR_OK);
}

static struct session_logins_reply logins_of(struct test_caller *who, uint64_t account) {
    struct session_logins_reply reply;
    assert_int_equal(
        test_caller_ask(who, &message_SESSION_LOGINS, &(struct session_logins){account}, &reply),
        ERR_OK);
    return reply;
}

static enum err end_login(struct test_caller *who, uint64_t account, uint64_t login) {
    struct done done;
    return (enum err)test_caller_ask(who, &message_SESSION_END_LOGIN,
                                     &(struct session_end_login){account, login}, &done);
}

static void expect_end(struct test_caller *gateway, uint64_t connection) {
    struct gateway_kick kick;
    test_caller_event(gateway, &message_GATEWAY_KICK, &kick);
    assert_int_equal(kick.connections.count, 1);
    assert_int_equal(kick.connections.items[0], connection);
    assert_int_equal(kick.cause, KICK_ENDED);
}

static void those_that_are_connected_are_listed(void **state) {
    struct test_caller *one = caller(*state, "gateway-1"), *two = caller(*state, "gateway-2");
    assert_int_equal(logins_of(one, ANNA).logins.count, 0);
    bind_login(one, ANNA, 1, 71);
    bind_login(two, ANNA, 1, 72);
    bind_login(two, BEN, 2, 73);
    bind_one(two, ANNA, 3); /* an old gateway does not say under which */
    struct session_logins_reply reply = logins_of(one, ANNA);
    assert_int_equal(reply.logins.count, 2);
    assert_int_equal(reply.logins.items[0] + reply.logins.items[1], 71 + 72);
    unbind_one(one, ANNA, 1);
    reply = logins_of(two, ANNA);
    assert_int_equal(reply.logins.count, 1);
    assert_int_equal(reply.logins.items[0], 72);
}

static void only_that_login_is_ended(void **state) {
    struct test_caller *one = caller(*state, "gateway-1"), *two = caller(*state, "gateway-2");
    bind_login(one, ANNA, 1, 71);
    bind_login(two, ANNA, 2, 72);
    bind_login(two, BEN, 3, 72);
    assert_int_equal(end_login(one, ANNA, 99), ERR_OK); /* it may have ended already */
    assert_int_equal(end_login(one, ANNA, 0), ERR_BAD_REQUEST);
    expect_nothing(one);
    expect_nothing(two);
    assert_int_equal(end_login(one, ANNA, 72), ERR_OK);
    expect_end(two, 2);
    expect_nothing(one);
    expect_nothing(two);
}

int main(void) {
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, session_set_up, session_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(those_that_are_connected_are_listed),
        TEST(only_that_login_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
