/*
 * The gateway alone: its reports to instances of session while these appear and go: every account
 * that goes online or offline is news once, and no other is.
 */
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define CAROL ((uint64_t)1004)
#define CLIENTS 20
#define FIRST_CLIENT ((uint64_t)3000)

static void wait_down(struct stage *stage, enum role role) {
    const char *line = test_text("peers=session address=tcp://127.0.0.1:%u state=down",
                                 (unsigned)stage->ports[role]);
    STAGE_UNTIL(stage, service_process_wait_text(stage->gateway, line, 0));
}

/* The instance receives this one connection; its account goes if it does not return. */
static void expect_unbind(struct stage *stage, enum role role, uint64_t account,
                          uint64_t connection) {
    struct session_unbind unbind;
    struct asked *asked = stage_expect(stage, role, &message_SESSION_UNBIND, &unbind);
    assert_int_equal(unbind.accounts.count, 1);
    assert_int_equal(unbind.accounts.items[0], account);
    assert_int_equal(unbind.connections.items[0], connection);
    assert_true(unbind.moving && !unbind.elsewhere && !unbind.moved);
    played_answer(&asked, NULL);
}

/* The instance receives a list of clients that are bound there; how many, and the first one's
 * account and connection. */
static size_t expect_listing(struct stage *stage, enum role role, uint64_t *account_r,
                             uint64_t *connection_r) {
    struct session_sync body;
    struct asked *asked = stage_expect(stage, role, &message_SESSION_SYNC, &body);
    size_t count = body.accounts.count;
    assert_true(body.first && !body.last);
    *account_r = body.accounts.items[0];
    *connection_r = body.connections.items[0];
    played_answer(&asked, NULL);
    return count;
}

static void expect_one_listed(struct stage *stage, uint64_t account, uint64_t connection) {
    uint64_t listed_account, listed_connection;
    assert_int_equal(expect_listing(stage, SESSION, &listed_account, &listed_connection), 1);
    assert_int_equal(listed_account, account);
    assert_int_equal(listed_connection, connection);
}

/* The instance receives a list with a connection that it does not know, and that one's end. */
static void expect_end_of_listed(struct stage *stage, uint64_t account, uint64_t connection) {
    expect_one_listed(stage, account, connection);
    expect_unbind(stage, SESSION, account, connection);
}

static void expect_pulls(struct stage *stage, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct delivery_pull pull;
        struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &pull);
        stage_answer_pull(&asked, NULL, 0);
    }
}

/* A new session does not know the connection: it is listed with the others, then its end follows.
 */
STAGED(an_account_that_leaves_without_session_is_reported_later) {
    stage_live(stage, ALICE, "alice");
    struct talker *carol = stage_live(stage, CAROL, "carol");
    uint64_t connection = carol->connection, account, listed;
    played_destroy(&stage->played[SESSION]);
    wait_down(stage, SESSION);
    stage_hang_up(stage, &carol);
    stage_let_time_pass(stage);
    stage_play(stage, SESSION);
    assert_int_equal(expect_listing(stage, SESSION, &account, &listed), 2);
    assert_int_equal(account, ALICE);
    expect_unbind(stage, SESSION, CAROL, connection);
    expect_pulls(stage, 1);
    stage_quiet(stage);
}

static int set_up_hasty(void **state) {
    return stage_set_up_with(state, (const char *[]){"--presence-grace-ms=1", NULL});
}

/* Session refuses it, and later ends without having answered. */
STAGED_WITH(an_unanswered_report_is_sent_again, set_up_hasty) {
    struct session_unbind unbind;
    struct talker *carol = stage_live(stage, CAROL, "carol");
    uint64_t connection = carol->connection;
    stage_hang_up(stage, &carol);
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    played_refuse(&asked, ERR_OVERLOADED);
    expect_end_of_listed(stage, CAROL, connection);
    stage_quiet(stage);
    carol = stage_live(stage, CAROL, "carol");
    connection = carol->connection;
    stage_hang_up(stage, &carol);
    (void)stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    played_destroy(&stage->played[SESSION]);
    wait_down(stage, SESSION);
    stage_play(stage, SESSION);
    expect_end_of_listed(stage, CAROL, connection);
    stage_quiet(stage);
}

static void hang_up(struct stage *stage, uint64_t account) {
    struct talker *talker = stage->talkers[account - FIRST_CLIENT];
    stage_hang_up(stage, &talker);
}

static void all_log_in(struct stage *stage) {
    for (uint64_t i = 0; i < CLIENTS; i++)
        stage_live(stage, FIRST_CLIENT + i, test_text("client-%u", (unsigned)i));
}

/* Plays a second session; the account and connection of one that it takes over. */
static void take_over(struct stage *stage, uint64_t *account_r, uint64_t *connection_r) {
    uint64_t account, connection;
    stage_play(stage, SESSION_2);
    size_t count = expect_listing(stage, SESSION_2, account_r, connection_r);
    assert_true(count > 0 && count < CLIENTS);
    assert_int_equal(expect_listing(stage, SESSION, &account, &connection), CLIENTS - count);
    expect_pulls(stage, count);
}

/* The instance that had it leaves news of it to the other. */
STAGED(only_the_owner_learns_of_an_end) {
    uint64_t account, connection;
    all_log_in(stage);
    take_over(stage, &account, &connection);
    stage_quiet(stage);
    hang_up(stage, account);
    expect_unbind(stage, SESSION_2, account, connection);
    stage_quiet(stage);
}

/* Carol leaves, and then her instance of session is another one. Returns her connection's number.
 */
static uint64_t leave_before_session_restarts(struct stage *stage) {
    struct talker *carol = stage_live(stage, CAROL, "carol");
    uint64_t connection = carol->connection;
    stage_hang_up(stage, &carol);
    expect_unbind(stage, SESSION, CAROL, connection);
    stage_quiet(stage);
    played_destroy(&stage->played[SESSION]);
    wait_down(stage, SESSION);
    stage_play(stage, SESSION);
    return connection;
}

static int set_up_patient(void **state) {
    return stage_set_up_with(state, (const char *[]){"--presence-grace-ms=600000", NULL});
}

/* An instance that dies has not reported yet that the account has gone. */
STAGED_WITH(an_account_that_has_just_left_is_reported_to_the_next_instance, set_up_patient) {
    uint64_t connection = leave_before_session_restarts(stage);
    expect_end_of_listed(stage, CAROL, connection);
    stage_quiet(stage);
}

/* By then it has. */
STAGED_WITH(an_account_that_left_long_ago_is_reported_once, set_up_hasty) {
    leave_before_session_restarts(stage);
    stage_wait_live(stage, SESSION);
    stage_quiet(stage);
}

static void log_out(struct stage *stage, struct talker *carol) {
    struct auth_logout logout;
    talker_say(carol, "{'msgType':9,'msgBody':{'logoutUserId':'carol','token':'%s'}}",
               carol->token);
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGOUT, &logout);
    played_answer(&asked, NULL);
    stage_hears(stage, carol, "{'msgType':10}");
}

/* Once the gateway has been there for a moment. A log-out that an instance did not take waits: the
 * next one may not know all connections of the account yet. */
STAGED_WITH(a_logout_is_a_going_at_once, set_up_hasty) {
    struct session_unbind unbind;
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    for (;;) {
        assert_true(loop_now_ms() < deadline_ms);
        struct talker *carol = stage_live(stage, CAROL, "carol");
        uint64_t connection = carol->connection;
        log_out(stage, carol);
        struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
        stage_hang_up(stage, &carol);
        if (!unbind.moving) {
            played_refuse(&asked, ERR_OVERLOADED);
            expect_end_of_listed(stage, CAROL, connection);
            return;
        }
        played_answer(&asked, NULL);
    }
}

/* Another gateway may have to bind the account elsewhere. */
STAGED_WITH(a_logout_while_instances_change_waits, set_up_patient) {
    struct talker *carol = stage_live(stage, CAROL, "carol");
    uint64_t connection = carol->connection;
    log_out(stage, carol);
    expect_unbind(stage, SESSION, CAROL, connection);
}

/* Before it was bound again: no instance but the owner makes news of it. */
STAGED(an_account_that_leaves_while_moving_is_reported_once) {
    uint64_t account, connection;
    all_log_in(stage);
    take_over(stage, &account, &connection);
    stage_quiet(stage);
    played_destroy(&stage->played[SESSION_2]);
    struct session_sync body;
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_SYNC, &body);
    size_t listed = body.accounts.count;
    hang_up(stage, account);
    stage_let_time_pass(stage);
    played_answer(&asked, NULL);
    asked = stage_expect(stage, SESSION, &message_SESSION_SYNC, &body);
    assert_int_equal(body.accounts.count, listed);
    assert_int_equal(body.accounts.items[listed - 1], account);
    expect_unbind(stage, SESSION, account, connection);
    played_answer(&asked, NULL);
}

/* Once all must know of a change, each instance receives the list of all that is bound at it. */
STAGED(sessions_get_all_accounts_in_the_end) {
    uint64_t account, connection;
    struct session_sync sync;
    all_log_in(stage);
    int64_t began_ms = loop_now_ms();
    take_over(stage, &account, &connection);
    stage->keeps_syncs = true;
    struct asked *asked = stage_expect(stage, SESSION_2, &message_SESSION_SYNC, &sync);
    /* A caller may find the new one as late as that, and routes to the former one until then. */
    assert_in_range(loop_now_ms() - began_ms, STAGE_PEER_TIMEOUT_MS, TEST_DEADLINE_MS);
    size_t count = sync.accounts.count;
    assert_true(sync.first && sync.last);
    assert_true(count > 0 && count < CLIENTS);
    assert_int_equal(sync.accounts.items[0], account);
    assert_int_equal(sync.connections.items[0], connection);
    played_refuse(&asked, ERR_OVERLOADED);
    asked = stage_expect(stage, SESSION, &message_SESSION_SYNC, &sync);
    assert_int_equal(sync.accounts.count, CLIENTS - count);
    played_answer(&asked, NULL);
    /* A list that one of them refused is sent to all again. */
    asked = stage_expect(stage, SESSION_2, &message_SESSION_SYNC, &sync);
    assert_int_equal(sync.accounts.count, count);
    played_answer(&asked, NULL);
    asked = stage_expect(stage, SESSION, &message_SESSION_SYNC, &sync);
    played_answer(&asked, NULL);
    expect_pulls(stage, count); /* it may have forgotten them for a moment */
    stage_quiet(stage);
}

/* With nobody there as well. How often each is asked in between is a matter of time. */
STAGED(sessions_get_an_empty_report) {
    struct session_sync sync;
    stage->keeps_syncs = true;
    stage_play(stage, SESSION_2);
    for (bool last[ROLE_COUNT] = {false}; !last[SESSION] || !last[SESSION_2];) {
        enum role role = stage_which_is_asked(stage, SESSION, SESSION_2);
        struct asked *asked = stage_expect(stage, role, &message_SESSION_SYNC, &sync);
        assert_true(sync.first);
        assert_int_equal(sync.accounts.count, 0);
        last[role] = sync.last;
        played_answer(&asked, NULL);
    }
    stage->keeps_syncs = false;
    stage_quiet(stage);
}

/* A client that is being bound at that moment is among them: session has it already. */
STAGED(an_account_that_is_logging_in_is_reported_too) {
    struct session_bind bind;
    struct session_sync sync;
    struct talker *alice = stage_talker(stage, false);
    stage_begin_login(stage, alice, ALICE, "alice", "t");
    struct asked *binding = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
    stage_play(stage, SESSION_2);
    stage_wait_live(stage, SESSION_2);
    played_destroy(&stage->played[SESSION_2]);
    wait_down(stage, SESSION_2);
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_SYNC, &sync);
    do { /* twice, unless the other one had her for a moment */
        assert_int_equal(sync.accounts.count, 1);
        assert_int_equal(sync.accounts.items[0], ALICE);
        played_answer(&asked, NULL);
        stage_let_time_pass(stage);
    } while ((asked = played_take(stage->played[SESSION], &message_SESSION_SYNC, &sync)) != NULL);
    played_answer(&binding, NULL);
    stage_hears(stage, alice, "{'msgType':2,'resultCode':'success','token':'t'}");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_quiet(stage);
}

/* Other gateways may not know yet that an instance is gone: news of this log-in has to wait. */
STAGED_WITH(a_login_while_instances_change_says_so, set_up_patient) {
    struct auth_login login;
    struct session_bind bind;
    struct talker *alice = stage_talker(stage, false);
    stage_play(stage, SESSION_2);
    stage_wait_live(stage, SESSION_2);
    talker_say(alice, "{'msgType':1,'msgBody':{'loginUserId':'alice'}}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
    played_destroy(&stage->played[SESSION_2]);
    wait_down(stage, SESSION_2); /* they change from now on */
    played_answer(&asked, &(struct auth_login_reply){.account = ALICE,
                                                     .id = slice_text("alice"),
                                                     .token = slice_text("t")});
    asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
    assert_true(bind.moving && !bind.again);
    played_answer(&asked, NULL);
    stage_hears(stage, alice, "{'msgType':2,'resultCode':'success','token':'t'}");
    stage_expect_pull(stage, ALICE, NULL, 0);
}

int main(void) { return test_run_all(NULL, NULL); }
