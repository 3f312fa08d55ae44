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

SESSION_TEST(those_that_are_connected_are_listed, session_set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    assert_int_equal(logins_of(one, ANNA).logins.count, 0);
    bind_login(one, ANNA, 1, 71);
    bind_login(two, ANNA, 1, 72);
    bind_login(two, BEN, 2, 73);
    bind_one(two, ANNA, 3); /* an old gateway does not name the log-in */
    struct session_logins_reply reply = logins_of(one, ANNA);
    assert_int_equal(reply.logins.count, 2);
    assert_int_equal(reply.logins.items[0] + reply.logins.items[1], 71 + 72);
    unbind_one(one, ANNA, 1);
    reply = logins_of(two, ANNA);
    assert_int_equal(reply.logins.count, 1);
    assert_int_equal(reply.logins.items[0], 72);
}

SESSION_TEST(only_that_login_is_ended, session_set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
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

/* --- logins that are under way when they are ended ------------------------------------------ */

static bool is_to_be_confirmed(struct test_caller *gateway, uint64_t account, uint64_t connection,
                               uint64_t login) {
    struct session_bind bind = {.accounts = list(&account, 1),
                                .connections = list(&connection, 1),
                                .logins = list(&login, 1),
                                .resumed = true};
    struct session_bind_reply reply;
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_BIND, &bind, &reply), ERR_OK);
    assert_int_equal(reply.wait_ms, 0);
    return reply.confirm;
}

SESSION_TEST(a_login_that_is_bound_after_its_end_is_confirmed, session_set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    assert_false(is_to_be_confirmed(one, ANNA, 1, 71));
    assert_int_equal(end_login(one, ANNA, 72), ERR_OK);
    assert_true(is_to_be_confirmed(two, ANNA, 2, 72));
    assert_false(is_to_be_confirmed(two, ANNA, 3, 73));
    assert_false(is_to_be_confirmed(two, BEN, 4, 72));
}

SESSION_TEST(all_logins_of_an_account_are_confirmed_after_a_kick, session_set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *ctl = caller(fixture, "parleyctl");
    struct done done;
    bind_one(one, BEN, 9); /* a gateway from here on */
    assert_int_equal(
        test_caller_ask(ctl, &message_SESSION_KICK, &(struct session_kick){.account = ANNA}, &done),
        ERR_OK);
    assert_true(is_to_be_confirmed(one, ANNA, 1, 71));
    assert_true(is_to_be_confirmed(one, ANNA, 2, 72));
    assert_false(is_to_be_confirmed(one, BEN, 3, 73));
    expect_nothing(one);
}

/* Its gateway did not know yet that this instance has the account: it lists the connection now. */
SESSION_TEST(a_connection_that_moves_here_after_its_end_is_ended, session_set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    uint64_t accounts[] = {ANNA, ANNA, BEN}, connections[] = {1, 2, 3}, logins[] = {71, 72, 71};
    struct session_sync sync = {.accounts = list(accounts, 3),
                                .connections = list(connections, 3),
                                .first = true,
                                .last = true,
                                .logins = list(logins, 3)};
    struct done done;
    assert_int_equal(end_login(two, ANNA, 71), ERR_OK);
    assert_int_equal(test_caller_ask(one, &message_SESSION_SYNC, &sync, &done), ERR_OK);
    expect_end(one, 1);
    expect_nothing(one);
}

/* Somebody asks an instance that the account has just moved away from. */
SESSION_TEST(a_connection_that_may_be_elsewhere_by_now_is_ended, session_set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    struct session_sync sync = {.first = true};
    struct done done;
    bind_login(one, ANNA, 1, 71);
    assert_int_equal(test_caller_ask(one, &message_SESSION_SYNC, &sync, &done), ERR_OK);
    assert_int_equal(end_login(two, ANNA, 71), ERR_OK);
    expect_end(one, 1);
}

int main(void) { return test_run_all(NULL, NULL); }
