/* Session and an account's connections: which of them give way to a new one. */
#include "common/loop.h"
#include "services/session/room.h"
#include "tests/support/session_fixture.h"

#define LOGIN ((uint64_t)77)
#define OTHER_LOGIN ((uint64_t)78)

/* Gateways tell in time, however slow this machine is. */
static int set_up(void **state) {
    return session_set_up_with(state, (const char *const[]){"--connections-per-account=3",
                                                            "--heard-timeout-ms=60000", NULL});
}

#define HEARD_MS 3000

static int set_up_impatient(void **state) {
    return session_set_up_with(state,
                               (const char *const[]){"--connections-per-account=3",
                                                     test_text("--heard-timeout-ms=%d", HEARD_MS),
                                                     "--gateway-timeout-ms=60000", NULL});
}

/* How long it has to wait; 0: it is bound. */
static uint64_t bind_login(struct test_caller *gateway, uint64_t connection, uint64_t login,
                           bool resumed, bool waited) {
    uint64_t account = 1001;
    struct session_bind bind = {.accounts = list(&account, 1),
                                .connections = list(&connection, 1),
                                .logins = list(&login, 1),
                                .resumed = resumed,
                                .waited = waited};
    struct session_bind_reply reply;
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_BIND, &bind, &reply), ERR_OK);
    return reply.wait_ms;
}

static void expect_asked(struct test_caller *gateway, uint64_t connection) {
    struct gateway_heard heard;
    test_caller_event(gateway, &message_GATEWAY_HEARD, &heard);
    assert_int_equal(heard.connections.count, 1);
    assert_int_equal(heard.connections.items[0], connection);
}

static void tell(struct test_caller *gateway, uint64_t connection, uint64_t silent_ms) {
    uint64_t account = 1001;
    struct session_heard heard = {.accounts = list(&account, 1),
                                  .connections = list(&connection, 1),
                                  .silent_ms = list(&silent_ms, 1)};
    struct done done;
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_HEARD, &heard, &done), ERR_OK);
}

static void expect_end(struct test_caller *gateway, uint64_t connection, enum kick_cause cause) {
    struct gateway_kick kick;
    test_caller_event(gateway, &message_GATEWAY_KICK, &kick);
    assert_int_equal(kick.connections.count, 1);
    assert_int_equal(kick.connections.items[0], connection);
    assert_int_equal(kick.cause, cause);
}

static uint64_t count_listed(struct test_caller *who) {
    struct session_list_reply reply = list_sessions(who, 1000, 1);
    return reply.accounts.count == 0 ? 0 : reply.connections.items[0];
}

static void let_pass(struct test_caller *gateway, uint64_t ms) {
    int64_t end_ms = loop_now_ms() + (int64_t)ms;
    while (loop_now_ms() < end_ms)
        (void)ping(gateway);
}

/* --- more connections than there may be ---------------------------------------------------- */

SESSION_TEST(the_least_recently_active_gives_way, set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    bind_one(one, 1001, 1);
    bind_one(two, 1001, 2);
    bind_one(two, 1001, 3);
    bind_one(one, 1001, 3); /* another one, of that gateway */
    expect_asked(two, 3);
    expect_asked(two, 2);
    expect_asked(one, 1);
    tell(two, 2, 90000);
    tell(one, 1, 70000);
    expect_nothing(one);
    expect_nothing(two); /* until all is known */
    tell(two, 3, 0);
    expect_end(two, 2, KICK_CROWDED);
    expect_nothing(one);
    assert_int_equal(count_listed(one), 4); /* until it has ended */
    unbind_one(two, 1001, 2);
    assert_int_equal(count_listed(one), 3);
    bind_one(one, 1001, 3); /* again */
    bind_one(one, 1002, 4);
    expect_nothing(one);
    expect_nothing(two);
}

/* A connection that is ending does not count, and is not asked to end again. */
SESSION_TEST(each_further_one_ends_another, set_up) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    for (uint64_t i = 1; i <= 3; i++)
        bind_one(gateway, 1001, i);
    for (uint64_t i = 4; i <= 9; i++) {
        bind_one(gateway, 1001, i);
        for (uint64_t j = i - 1; j >= i - 3; j--)
            expect_asked(gateway, j);
        for (uint64_t j = i - 3; j < i; j++)
            tell(gateway, j, 1000 * (100 - j));
        expect_end(gateway, i - 3, KICK_CROWDED);
    }
    expect_nothing(gateway);
}

/* However long the others were silent for: not at all. */
SESSION_TEST(a_connected_account_stays, set_up) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    for (uint64_t i = 1; i <= 5; i++)
        bind_one(gateway, 1001, i);
    for (uint64_t i = 3; i >= 1; i--)
        expect_asked(gateway, i);
    for (uint64_t i = 1; i <= 3; i++)
        tell(gateway, i, 3 - i);
    for (uint64_t i = 1; i <= 2; i++) { /* two arrived before there was an answer */
        struct gateway_kick kick;
        test_caller_event(gateway, &message_GATEWAY_KICK, &kick);
        assert_in_range(kick.connections.items[0], 1, 3);
    }
    expect_nothing(gateway);
}

/* A gateway that is stuck keeps nobody out, nor in. */
SESSION_TEST(an_unreported_account_is_judged_by_known_connections, set_up_impatient) {
    struct test_caller *stuck = caller(fixture, "gateway-1"), *well = caller(fixture, "gateway-2");
    for (uint64_t i = 1; i <= 3; i++)
        bind_one(stuck, 1001, i);
    let_pass(well, HEARD_MS + 1); /* they are new no more */
    bind_one(well, 1001, 4);
    for (uint64_t i = 3; i >= 1; i--)
        expect_asked(stuck, i);
    tell(stuck, 1, 0);
    struct gateway_kick kick;
    test_caller_event(stuck, &message_GATEWAY_KICK, &kick);
    assert_in_range(kick.connections.items[0], 2, 3);
    expect_nothing(well);
}

SESSION_TEST(beyond_so_many_accounts_nobody_is_asked, set_up_impatient) {
    enum { ACCOUNTS = ROOM_ASKINGS + 1 };
    struct test_caller *gateway = caller(fixture, "gateway-1");
    static uint64_t accounts[ACCOUNTS], connections[ACCOUNTS];
    struct session_bind_reply reply;
    struct session_bind bind = {.accounts = list(accounts, ACCOUNTS),
                                .connections = list(connections, ACCOUNTS)};
    for (uint64_t round = 1; round <= 4; round++) {
        for (uint64_t i = 0; i < ACCOUNTS; i++) {
            accounts[i] = 2000 + i;
            connections[i] = round * 10000 + i;
        }
        assert_int_equal(test_caller_ask(gateway, &message_SESSION_BIND, &bind, &reply), ERR_OK);
    }
    for (size_t i = 0; i < 3 * (size_t)ROOM_ASKINGS; i++) {
        struct gateway_heard heard;
        test_caller_event(gateway, &message_GATEWAY_HEARD, &heard);
    }
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct gateway_kick kick;
        test_caller_event(gateway, &message_GATEWAY_KICK, &kick);
        assert_int_equal(kick.cause, KICK_CROWDED);
        assert_true(kick.connections.items[0] < 40000);
        if (i == 0) /* before the others' time was over */
            assert_int_equal(kick.connections.items[0] % 10000, ACCOUNTS - 1);
    }
    expect_nothing(gateway);
}

/* --- a login is on one connection ---------------------------------------------------------- */

SESSION_TEST(resumed_elsewhere_the_former_connection_ends, set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    assert_int_equal(bind_login(one, 1, LOGIN, false, false), 0);
    assert_int_equal(bind_login(one, 2, OTHER_LOGIN, false, false), 0);
    bind_one(one, 1001, 3); /* of a gateway that does not tell yet */
    assert_int_equal(bind_login(two, 1, LOGIN, true, false), 0);
    expect_end(one, 1, KICK_RESUMED);
    expect_nothing(one); /* it takes the place of the one before */
    expect_nothing(two);
    route_one(one, 1001, "hello");
    unbind_one(one, 1001, 1);
    assert_int_equal(count_listed(one), 3);
}

/* The kick was lost with a link; the gateway reports its connections again. */
SESSION_TEST(a_client_that_missed_it_is_sent_it_again, set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    uint64_t account = 1001, connection = 1, login = LOGIN;
    struct session_bind again = {.accounts = list(&account, 1),
                                 .connections = list(&connection, 1),
                                 .logins = list(&login, 1),
                                 .again = true};
    struct session_bind_reply reply;
    bind_login(one, 1, LOGIN, false, false);
    bind_login(two, 1, LOGIN, true, false);
    expect_end(one, 1, KICK_RESUMED);
    assert_int_equal(test_caller_ask(one, &message_SESSION_BIND, &again, &reply), ERR_OK);
    expect_end(one, 1, KICK_RESUMED);
    unbind_one(one, 1001, 1); /* session had given the gateway up, say */
    assert_int_equal(test_caller_ask(one, &message_SESSION_BIND, &again, &reply), ERR_OK);
    expect_end(one, 1, KICK_RESUMED);
    assert_int_equal(test_caller_ask(two, &message_SESSION_BIND, &again, &reply), ERR_OK);
    expect_nothing(two);
}

/* Two that throw each other out: 500 ms, a second, two, and so on. A turn in which this machine
 * stood still for so long that it was no haste does not count. */
SESSION_TEST(resuming_in_turns_gets_slow, set_up) {
    struct test_caller *gateways[] = {caller(fixture, "gateway-1"), caller(fixture, "gateway-2")};
    uint64_t connection = 0, wait_ms = ROOM_WAIT_FIRST_MS;
    int64_t resumed_ms = loop_now_ms(); /* not after it was resumed last */
    bind_login(gateways[0], connection, LOGIN, false, false);
    while (wait_ms <= 4 * (uint64_t)ROOM_WAIT_FIRST_MS) {
        struct test_caller *from = gateways[connection % 2], *to = gateways[(connection + 1) % 2];
        int64_t asked_ms = loop_now_ms();
        uint64_t allowed_ms = bind_login(to, connection + 1, LOGIN, true, false),
                 left_ms = allowed_ms;
        assert_true(allowed_ms == 0 || allowed_ms == wait_ms);
        wait_ms = allowed_ms == 0 ? ROOM_WAIT_FIRST_MS : 2 * wait_ms;
        for (; left_ms > 0; left_ms = bind_login(to, connection + 1, LOGIN, true, true)) {
            assert_in_range(left_ms, 1, allowed_ms);
            assert_int_equal(bind_login(to, 100, OTHER_LOGIN, true, false), 0); /* another one */
            unbind_one(to, 1001, 100);
            expect_nothing(from); /* nor is anybody ended for it */
            let_pass(to, left_ms / 2);
            asked_ms = loop_now_ms();
        }
        /* Session's stamps are odd: it may count a millisecond more. */
        assert_true(loop_now_ms() + 1 >= resumed_ms + (int64_t)allowed_ms);
        resumed_ms = asked_ms;
        expect_end(from, connection, KICK_RESUMED);
        unbind_one(from, 1001, connection++);
    }
    let_pass(gateways[0], ROOM_SOON_MS); /* nothing changes any more */
    assert_int_equal(bind_login(gateways[connection % 2], 50, LOGIN, true, false), 0);
}

int main(void) { return test_run_all(NULL, NULL); }
