/*
 * Session and presence: which changes are news, which wait and which are taken back, also when
 * connections are bound at another instance. Each test has a group of its own that session reports
 * to.
 */
#include <signal.h>
#include <string.h>

#include "common/loop.h"
#include "services/session/presence.h"
#include "tests/support/fake_peer.h"
#include "tests/support/session_fixture.h"

/* Longer than any test: news that is held back stays so. */
#define FOREVER_MS 600000u
#define GRACE_MS 3000
#define HASTY_MS "100"

static struct fake_peer *group;
static uint16_t group_port;

static int set_up_with(void **state, unsigned grace_ms, const char *option) {
    group_port = test_free_port();
    return session_set_up_with(
        state,
        (const char *const[]){test_text("--group-peers=tcp://127.0.0.1:%u", (unsigned)group_port),
                              test_text("--presence-grace-ms=%u", grace_ms), option, NULL});
}

static void play_group(void) { group = fake_peer_new("group", group_port); }

static int set_up(void **state) {
    set_up_with(state, 0, NULL);
    play_group();
    return 0;
}

static int set_up_impatient(void **state) {
    set_up_with(state, 0, "--gateway-timeout-ms=5000");
    play_group();
    return 0;
}

static int set_up_hasty(void **state) {
    set_up_with(state, 0, "--request-timeout-ms=" HASTY_MS);
    play_group();
    return 0;
}

static int set_up_with_grace(void **state) {
    set_up_with(state, GRACE_MS, NULL);
    play_group();
    return 0;
}

static int set_up_holding(void **state) {
    set_up_with(state, FOREVER_MS, NULL);
    play_group();
    return 0;
}

static int set_up_slow(void **state) {
    set_up_with(state, 0, "--presence-changes=4");
    play_group();
    return 0;
}

static int set_up_without_group(void **state) { return set_up_with(state, 0, NULL); }

static int tear_down(void **state) {
    int status = session_tear_down(state);
    fake_peer_destroy(&group);
    return status;
}

#define SESSION_PRESENCE_TEST(name_, set_up_)                                                      \
    TEST_WITH(name_, struct session_fixture *fixture, set_up_, tear_down)

static void expect_presence(uint64_t account, bool online) {
    struct group_presence presence;
    fake_peer_expect(group, &message_GROUP_PRESENCE, &presence);
    assert_int_equal(presence.accounts.count, 1);
    assert_int_equal(presence.accounts.items[0], account);
    assert_int_equal(presence.online, online);
}

static uint64_t waiting(struct test_caller *who) {
    return test_caller_metric(who, "queue_depth{queue=\"presence\"}");
}

static void await_waiting(struct test_caller *who, uint64_t count) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (waiting(who) != count)
        assert_true(loop_now_ms() < deadline_ms);
}

static void sync_one(struct test_caller *gateway, uint64_t account, uint64_t connection, bool first,
                     bool last) {
    struct session_sync sync = {.accounts = list(&account, account == 0 ? 0 : 1),
                                .connections = list(&connection, account == 0 ? 0 : 1),
                                .first = first,
                                .last = last};
    struct done done;
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_SYNC, &sync, &done), ERR_OK);
}

/* A log-in while instances appear or go, and the end of a connection that may be made again. */
static void bind_waiting(struct test_caller *gateway, uint64_t account, uint64_t connection) {
    struct session_bind bind = {
        .accounts = list(&account, 1), .connections = list(&connection, 1), .moving = true};
    struct session_bind_reply done;
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_BIND, &bind, &done), ERR_OK);
}

static void unbind_waiting(struct test_caller *gateway, uint64_t account, uint64_t connection) {
    unbind_as(gateway, account, connection, (struct session_unbind){.moving = true});
}

/* Nothing was sent before this: a bystander's coming is the next news. */
static void expect_no_news(struct test_caller *gateway) {
    static uint64_t bystander = 900000;
    bystander++;
    bind_one(gateway, bystander, bystander);
    expect_presence(bystander, true);
}

/* --- changes that are news ----------------------------------------------------------------- */

SESSION_PRESENCE_TEST(the_first_and_the_last_connection_are_news, set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    bind_one(one, 1001, 7);
    expect_presence(1001, true);
    bind_one(two, 1001, 7);
    bind_one(one, 1001, 7);
    unbind_one(one, 1001, 7);
    expect_no_news(one);
    unbind_one(two, 1001, 7);
    expect_presence(1001, false);
    await_waiting(one, 0);
    bind_one(one, 1001, 7);
    expect_presence(1001, true);
}

SESSION_PRESENCE_TEST(an_account_that_was_online_before_is_no_news, set_up) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    assert_int_equal(bind_again(gateway, 1001, 7), ERR_OK);
    expect_no_news(gateway);
    unbind_one(gateway, 1001, 7);
    expect_presence(1001, false);
}

SESSION_PRESENCE_TEST(people_of_a_dropped_gateway_have_gone, set_up_impatient) {
    struct test_caller *silent = caller(fixture, "silent"), *awake = caller(fixture, "awake");
    bind_one(silent, 1001, 7);
    expect_presence(1001, true);
    bind_one(silent, 1002, 8);
    expect_presence(1002, true);
    sync_one(silent, 1001, 7, true, false); /* the other one is bound elsewhere by now */
    while (!service_process_wait_text(fixture->session, "event=gateway_dropped", 50))
        ping(awake);
    expect_presence(1001, false);
    /* It returns, and so do they. Connections that it binds later were at other instances. */
    assert_int_equal(bind_again(silent, 1001, 7), ERR_OK);
    expect_presence(1001, true);
    sync_one(silent, 1001, 7, true, true);
    assert_int_equal(bind_again(silent, 1003, 9), ERR_OK);
    expect_no_news(awake);
}

/* --- news that waits ----------------------------------------------------------------------- */

SESSION_PRESENCE_TEST(coming_and_going_at_once_is_no_news, set_up_without_group) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    for (uint64_t account = 1001; account <= 1003; account++)
        bind_one(gateway, account, account);
    unbind_one(gateway, 1001, 1001);
    unbind_one(gateway, 1003, 1003);
    bind_one(gateway, 1003, 1003);
    assert_int_equal(waiting(gateway), 2);
    play_group();
    struct group_presence presence;
    fake_peer_expect(group, &message_GROUP_PRESENCE, &presence);
    assert_true(presence.online);
    assert_int_equal(presence.accounts.count, 2);
    assert_int_equal(presence.accounts.items[0], 1002);
    assert_int_equal(presence.accounts.items[1], 1003);
    await_waiting(gateway, 0);
    assert_int_equal(test_caller_metric(gateway, "presence_dropped_total"), 0);
}

SESSION_PRESENCE_TEST(news_waits_while_group_is_away, set_up) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    bind_one(gateway, 1001, 7);
    expect_presence(1001, true);
    await_waiting(gateway, 0);
    fake_peer_destroy(&group);
    assert_true(service_process_wait_text(fixture->session, "state=down", TEST_DEADLINE_MS));
    unbind_one(gateway, 1001, 7);
    bind_one(gateway, 1002, 8);
    assert_int_equal(waiting(gateway), 2);
    play_group();
    expect_presence(1001, false);
    expect_presence(1002, true);
}

/* Whether the first attempt was received is not known. */
SESSION_PRESENCE_TEST(a_failed_report_is_sent_again, set_up) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    fake_peer_refuse(group, ERR_UNAVAILABLE, 1);
    bind_one(gateway, 1001, 7);
    expect_presence(1001, true);
    expect_presence(1001, true);
    await_waiting(gateway, 0);
    /* It may be reported several times before the account is back. */
    fake_peer_refuse(group, ERR_UNAVAILABLE, PRESENCE_ATTEMPTS);
    unbind_one(gateway, 1001, 7);
    expect_presence(1001, false);
    bind_one(gateway, 1001, 7);
    fake_peer_refuse(group, ERR_OK, 0);
    struct group_presence presence;
    do
        fake_peer_expect(group, &message_GROUP_PRESENCE, &presence);
    while (!presence.online);
    assert_int_equal(presence.accounts.items[0], 1001);
    await_waiting(gateway, 0);
    assert_int_equal(test_caller_metric(gateway, "presence_dropped_total"), 0);
}

/* Group may still be telling the older news: newer news must not overtake it. */
SESSION_PRESENCE_TEST(news_waits_for_the_answer_to_older_news, set_up_hasty) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    fake_peer_ignore(group, 1);
    bind_one(gateway, 1001, 7);
    expect_presence(1001, true);
    unbind_one(gateway, 1001, 7);
    for (int64_t end_ms = loop_now_ms() + 1000; loop_now_ms() < end_ms;)
        assert_int_equal(waiting(gateway), 1);
    assert_int_equal(fake_peer_waiting(group), 0);
    fake_peer_destroy(&group); /* nothing is sent behind a link that is lost */
    play_group();
    expect_presence(1001, false);
    await_waiting(gateway, 0);
}

SESSION_PRESENCE_TEST(news_that_always_fails_is_dropped, set_up) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    fake_peer_refuse(group, ERR_UNAVAILABLE, PRESENCE_ATTEMPTS);
    bind_one(gateway, 1001, 7);
    for (int i = 0; i < PRESENCE_ATTEMPTS; i++) {
        expect_presence(1001, true);
        ping(gateway); /* this takes longer than a gateway may be silent */
    }
    await_waiting(gateway, 0);
    assert_int_equal(test_caller_metric(gateway, "presence_dropped_total"), 1);
    expect_no_news(gateway);
}

SESSION_PRESENCE_TEST(so_many_wait_and_no_more, set_up_without_group) {
    enum { BULK = 8192 };
    struct test_caller *gateway = caller(fixture, "gateway-1");
    static uint64_t numbers[BULK];
    struct session_bind_reply done;
    for (uint64_t at = 1; at <= PRESENCE_MAX; at += BULK) {
        for (uint64_t i = 0; i < BULK; i++)
            numbers[i] = at + i;
        struct session_bind bind = {.accounts = list(numbers, BULK),
                                    .connections = list(numbers, BULK)};
        assert_int_equal(test_caller_ask(gateway, &message_SESSION_BIND, &bind, &done), ERR_OK);
    }
    bind_one(gateway, PRESENCE_MAX + 1, PRESENCE_MAX + 1);
    assert_int_equal(waiting(gateway), PRESENCE_MAX);
    assert_int_equal(test_caller_metric(gateway, "presence_dropped_total"), 1);
    unbind_one(gateway, 1, 1);
    bind_one(gateway, PRESENCE_MAX + 2, PRESENCE_MAX + 2);
    assert_int_equal(waiting(gateway), PRESENCE_MAX);
    play_group();
    for (size_t reported = 0; reported < PRESENCE_MAX;) {
        struct group_presence presence;
        fake_peer_expect(group, &message_GROUP_PRESENCE, &presence);
        /* The last one is sent alone where it is not due yet with the others. */
        assert_true(presence.online);
        assert_int_equal(presence.accounts.items[0],
                         reported + 2 <= PRESENCE_MAX ? reported + 2 : PRESENCE_MAX + 2);
        reported += presence.accounts.count;
    }
    await_waiting(gateway, 0);
}

/* --- news that is held back ---------------------------------------------------------------- */

SESSION_PRESENCE_TEST(a_departure_is_sent_after_its_grace, set_up_with_grace) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    bind_one(gateway, 1001, 7);
    expect_presence(1001, true);
    bind_one(gateway, 1002, 8);
    expect_presence(1002, true);
    int64_t before_ms = loop_now_ms();
    unbind_waiting(gateway, 1001, 7);
    unbind_one(gateway, 1002, 8); /* a log-out */
    expect_presence(1002, false);
    expect_presence(1001, false);
    assert_true(loop_now_ms() - before_ms >= GRACE_MS);
    await_waiting(gateway, 0);
}

/* Other gateways may bind the same account in a moment. */
SESSION_PRESENCE_TEST(a_coming_while_instances_change_waits, set_up_with_grace) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    int64_t before_ms = loop_now_ms();
    bind_waiting(gateway, 1001, 7);
    bind_one(gateway, 1002, 8);
    expect_presence(1002, true);
    expect_presence(1001, true);
    assert_true(loop_now_ms() - before_ms >= GRACE_MS);
}

SESSION_PRESENCE_TEST(coming_back_within_the_grace_is_no_news, set_up_holding) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    bind_one(one, 1001, 7);
    expect_presence(1001, true);
    unbind_waiting(one, 1001, 7);
    assert_int_equal(waiting(one), 1);
    bind_one(two, 1001, 7);
    await_waiting(one, 0);
    /* Its next going is another one. */
    unbind_one(two, 1001, 7);
    expect_presence(1001, false);
}

SESSION_PRESENCE_TEST(a_bind_of_an_account_that_was_online_takes_news_back, set_up_holding) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    /* A log-in, and the connection that the account had on another gateway. */
    bind_waiting(one, 1001, 7);
    assert_int_equal(waiting(one), 1);
    assert_int_equal(bind_again(two, 1001, 7), ERR_OK);
    assert_int_equal(waiting(one), 0);
    /* The end of a connection, and another one. */
    assert_int_equal(bind_again(one, 1002, 8), ERR_OK);
    unbind_waiting(one, 1002, 8);
    assert_int_equal(waiting(one), 1);
    assert_int_equal(bind_again(two, 1002, 8), ERR_OK);
    assert_int_equal(waiting(one), 0);
    /* The new connection says nothing of others. */
    bind_waiting(one, 1003, 9);
    assert_int_equal(bind_again(one, 1003, 9), ERR_OK);
    sync_one(one, 1003, 9, true, false);
    assert_int_equal(waiting(one), 1);
}

/* Gateways report connections in their grace to the next instance: nobody gets the news twice. */
SESSION_PRESENCE_TEST(the_end_reports_connected_accounts, set_up_holding) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    assert_true(service_process_wait_text(fixture->session, "state=live", TEST_DEADLINE_MS));
    bind_waiting(gateway, 1001, 7);
    assert_int_equal(bind_again(gateway, 1002, 8), ERR_OK);
    unbind_waiting(gateway, 1002, 8);
    assert_int_equal(waiting(gateway), 2);
    assert_int_equal(service_process_stop(&fixture->session), 0);
    expect_presence(1001, true);
    assert_int_equal(fake_peer_waiting(group), 0);
}

/* --- connections that are bound elsewhere -------------------------------------------------- */

SESSION_PRESENCE_TEST(a_connection_that_is_not_listed_is_pushed_to_a_while, set_up) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    struct test_caller *delivery = caller(fixture, "delivery-1");
    bind_one(gateway, 1001, 7);
    bind_one(gateway, 1002, 8);
    sync_one(gateway, 1002, 8, true, false);
    struct session_list_reply reply = list_sessions(gateway, 0, 0);
    assert_int_equal(reply.accounts.count, 1);
    assert_int_equal(reply.accounts.items[0], 1002);
    assert_int_equal(reply.connections.items[0], 1);
    route_one(delivery, 1001, "hello");
    expect_push(gateway, 1, 7, "hello");
    assert_int_equal(bind_again(gateway, 1001, 7), ERR_OK);
    assert_int_equal(list_sessions(gateway, 0, 0).accounts.items[0], 1001);
}

SESSION_PRESENCE_TEST(a_connection_that_is_not_listed_makes_no_news, set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    bind_one(one, 1001, 7);
    expect_presence(1001, true);
    sync_one(one, 0, 0, true, false);
    /* A gateway that does not know the other instance yet: the account is online all the same. */
    bind_one(two, 1001, 7);
    unbind_one(two, 1001, 7);
    sync_one(one, 0, 0, true, true);
    expect_no_news(one);
    /* Back here, it counts again. */
    assert_int_equal(bind_again(one, 1001, 7), ERR_OK);
    sync_one(one, 0, 0, true, false);
    assert_int_equal(bind_again(one, 1001, 7), ERR_OK);
    sync_one(one, 900002, 900002, true, true);
    assert_int_equal(bind_again(one, 1001, 7), ERR_OK);
    expect_no_news(one);
    unbind_one(one, 1001, 7);
    expect_presence(1001, false);
}

/* As a gateway of the release before sends it. */
SESSION_PRESENCE_TEST(a_connection_unbound_for_another_instance_goes_silently, set_up) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    for (uint64_t account = 1001; account <= 1002; account++) {
        bind_one(gateway, account, account);
        expect_presence(account, true);
    }
    unbind_as(gateway, 1001, 1001, (struct session_unbind){.elsewhere = true});
    unbind_as(gateway, 1002, 1002, (struct session_unbind){.moved = true});
    expect_no_news(gateway);
    assert_int_equal(test_caller_metric(gateway, "bindings"), 1);
}

/* As after a link was cut for a moment: accounts that left meanwhile were reported elsewhere. */
SESSION_PRESENCE_TEST(connections_unknown_to_their_gateway_are_forgotten_silently, set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    for (uint64_t account = 1001; account <= 1004; account++)
        assert_int_equal(bind_again(one, account, account), ERR_OK);
    assert_int_equal(bind_again(two, 1003, 1003), ERR_OK);
    sync_one(one, 1001, 1001, true, false);
    assert_int_equal(bind_again(one, 1005, 1005), ERR_OK); /* a login meanwhile */
    assert_int_equal(test_caller_metric(one, "bindings"), 6);
    sync_one(one, 1002, 1002, false, true);
    assert_int_equal(test_caller_metric(one, "bindings"), 4);
    static const uint64_t kept[] = {1001, 1002, 1003, 1005};
    struct session_list_reply reply = list_sessions(one, 0, 0);
    assert_int_equal(reply.accounts.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(reply.accounts.items[i], kept[i]);
    sync_one(two, 0, 0, false, true); /* of one that never began */
    assert_int_equal(test_caller_metric(one, "bindings"), 4);
    sync_one(two, 0, 0, true, true);
    assert_int_equal(test_caller_metric(one, "bindings"), 3);
    sync_one(two, 1003, 1003, true, true); /* and again, without news */
    expect_no_news(one);
    unbind_one(one, 1001, 1001);
    expect_presence(1001, false);
}

/* As a gateway does whose client left while no session was there. */
SESSION_PRESENCE_TEST(an_account_that_left_before_the_start_is_reported_gone, set_up) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    assert_int_equal(bind_again(one, 1001, 7), ERR_OK);
    unbind_one(one, 1001, 7);
    expect_presence(1001, false);
    assert_int_equal(bind_again(two, 1002, 7), ERR_OK);
    assert_int_equal(bind_again(one, 1002, 7), ERR_OK);
    unbind_one(one, 1002, 7);
    expect_no_news(one);
}

/* --- accounts that come and go too often ----------------------------------------------------- */

static uint64_t held(struct test_caller *who) {
    return test_caller_metric(who, "presence_held_total");
}

/* Comes and goes twice, which is as often as it is told. */
static void toggle(struct test_caller *gateway) {
    for (int i = 0; i < 2; i++) {
        bind_one(gateway, 1001, 7);
        expect_presence(1001, true);
        unbind_one(gateway, 1001, 7);
        expect_presence(1001, false);
    }
    await_waiting(gateway, 0);
}

SESSION_PRESENCE_TEST(an_account_that_comes_and_goes_is_held, set_up_slow) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    toggle(gateway);
    for (int i = 0; i < 100; i++) {
        bind_one(gateway, 1001, 7);
        unbind_one(gateway, 1001, 7);
    }
    assert_int_equal(held(gateway), 100);
    await_waiting(gateway, 0);
    /* Others are not: what arrives is theirs. */
    bind_one(gateway, 1002, 8);
    expect_presence(1002, true);
    await_waiting(gateway, 0);
    /* Whoever asks hears what is so. */
    bind_one(gateway, 1001, 7);
    uint64_t account = 1001;
    struct session_online_reply online;
    struct session_online ask = {.accounts = list(&account, 1)};
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_ONLINE, &ask, &online), ERR_OK);
    assert_int_equal(online.accounts.count, 1);
    unbind_one(gateway, 1001, 7);
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_ONLINE, &ask, &online), ERR_OK);
    assert_int_equal(online.accounts.count, 0);
}

/* Its accounts may be another instance's by now, which knows nothing of it. */
SESSION_PRESENCE_TEST(held_news_is_sent_when_instances_change, set_up_slow) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    toggle(gateway);
    bind_one(gateway, 1001, 7);
    sync_one(gateway, 1001, 7, true, true);
    expect_presence(1001, true);
    await_waiting(gateway, 0);
}

SESSION_PRESENCE_TEST(held_news_that_friends_have_heard_is_not_sent, set_up_slow) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    toggle(gateway);
    bind_one(gateway, 1001, 7);
    assert_int_equal(waiting(gateway), 1);
    unbind_one(gateway, 1001, 7);
    assert_int_equal(waiting(gateway), 0);
    sync_one(gateway, 0, 0, true, true);
    bind_one(gateway, 1002, 8);
    expect_presence(1002, true);
}

SESSION_PRESENCE_TEST(held_news_is_sent_at_the_end, set_up_slow) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    toggle(gateway);
    bind_one(gateway, 1001, 7);
    await_waiting(gateway, 1);
    kill(service_process_pid(fixture->session), SIGTERM);
    expect_presence(1001, true);
}

int main(void) { return test_run_all(NULL, NULL); }
