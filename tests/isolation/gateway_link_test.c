/*
 * The gateway alone: sessions, deliveries and groups that come, go and forget, and what that means
 * for the clients that are here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/gateway_fixture.h"

#define ALICE ((uint64_t)1001)
#define CAROL ((uint64_t)1004)

static void hears_from_bob(struct stage *stage, struct talker *talker, const char *text) {
    stage_hears(stage, talker, "{'msg':'%s','msgType':6,'fromUserId':'bob'}", text);
}

/* The gateway binds exactly these clients again, in one request, which is answered. */
static void expect_bound_again(struct stage *stage, struct talker *const *talkers, size_t count) {
    struct session_bind body;
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &body);
    assert_true(body.again);
    assert_int_equal(body.accounts.count, count);
    assert_int_equal(body.connections.count, count);
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < count && body.connections.items[at] != talkers[i]->connection)
            at++;
        assert_true(at < count);
        assert_int_equal(body.accounts.items[at], talkers[i]->account);
    }
    assert_null(played_waiting(stage->played[DELIVERY])); /* first bound, then read */
    played_answer(&asked, NULL);
}

/* A live client's next page brings what it has missed, and the one behind it nothing. */
static void expect_missed(struct stage *stage, struct talker *alice) {
    struct delivery_pull body;
    struct entry missed = stage_text(11, STAGE_PAIR_CID, ALICE, "missed");
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    assert_int_equal(body.account, ALICE);
    assert_true(body.resumed);
    stage_answer_pull(&pull, &missed, 1);
    stage_expect_pull(stage, ALICE, NULL, 0);
    hears_from_bob(stage, alice, "missed");
}

/* --- session ------------------------------------------------------------------------------- */

static void a_link_that_changes_is_bound_again(void **state) {
    struct stage *stage = *state;
    struct talker *talkers[] = {stage_live(stage, ALICE, "alice"),
                                stage_live(stage, CAROL, "carol"),
                                stage_live(stage, ALICE, "alice")};
    played_set_link(stage->played[SESSION], 77);
    expect_bound_again(stage, talkers, 3);
    for (int i = 0; i < 3; i++) {
        struct delivery_pull body;
        struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
        stage_answer_pull(&pull, NULL, 0);
    }
    for (int i = 0; i < 3; i++)
        stage_wait_talker_live(stage, talkers[i]); /* the new link counts its pushes from 1 */
    stage_quiet(stage);
}

static void a_bulk_that_is_refused_is_bound_in_the_end(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct session_bind body;
    played_set_link(stage->played[SESSION], 77);
    for (int i = 0; i < 3; i++) {
        struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &body);
        played_refuse(&asked, ERR_OVERLOADED);
    }
    expect_bound_again(stage, &alice, 1);
    expect_missed(stage, alice);
    stage_wait_talker_live(stage, alice);
}

/* Session takes all but one. The others are live as after any loss; that one is told to go. */
static void who_does_not_fit_in_a_bulk_is_found(void **state) {
    enum { CLIENTS = 5, REFUSED = 2 };
    struct stage *stage = *state;
    struct talker *talkers[CLIENTS];
    struct session_bind body;
    struct session_unbind unbind;
    struct delivery_pull pull;
    bool bound[CLIENTS] = {false};
    for (uint64_t i = 0; i < CLIENTS; i++)
        talkers[i] = stage_live(stage, ALICE + i, test_text("client-%u", (unsigned)i));
    played_set_link(stage->played[SESSION], 77);
    for (size_t left = CLIENTS; left > 0;) {
        struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &body);
        bool fits = true;
        for (size_t i = 0; i < body.accounts.count; i++)
            fits = fits && body.accounts.items[i] != ALICE + REFUSED;
        left -= fits ? body.accounts.count : body.accounts.count == 1;
        for (size_t i = 0; fits && i < body.accounts.count; i++)
            bound[body.accounts.items[i] - ALICE] = true;
        if (fits)
            played_answer(&asked, NULL);
        else
            played_refuse(&asked, ERR_TOO_MANY);
    }
    stage_sees_close(stage, talkers[REFUSED], 0);
    /* Session may have it all the same, as far as the gateway knows. */
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &body);
    assert_int_equal(body.accounts.items[0], ALICE + REFUSED);
    played_refuse(&asked, ERR_TOO_MANY);
    asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    assert_int_equal(unbind.accounts.items[0], ALICE + REFUSED);
    played_answer(&asked, NULL);
    for (size_t i = 0; i + 1 < CLIENTS; i++) {
        asked = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &pull);
        stage_answer_pull(&asked, NULL, 0);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(bound[i], i != REFUSED);
    stage_quiet(stage);
}

/* The connection to session breaks, which session itself has not noticed: its link is the same. */
static void a_cut_is_a_loss_even_under_the_same_link(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_live(stage, ALICE, "alice");
    uint64_t link = played_link(stage->played[SESSION]);
    uint64_t instance = played_instance(stage->played[SESSION]);
    uint64_t lost = played_next_seq(stage->played[SESSION]);
    played_destroy(&stage->played[SESSION]);
    stage_play(stage, SESSION);
    played_set_link(stage->played[SESSION], link);
    played_set_instance(stage->played[SESSION], instance);
    played_set_pushed(stage->played[SESSION], lost);
    expect_bound_again(stage, &alice, 1);
    expect_missed(stage, alice);
    stage_wait_talker_live(stage, alice);
}

static void who_leaves_meanwhile_is_unbound_after_a_cut(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct talker *carol = stage_live(stage, CAROL, "carol");
    uint64_t connection = carol->connection;
    struct session_unbind unbind;
    played_set_link(stage->played[SESSION], 77);
    expect_bound_again(stage, (struct talker *const[]){alice, carol}, 2);
    stage_hang_up(stage, &carol);
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    assert_int_equal(unbind.accounts.count, 1);
    assert_int_equal(unbind.accounts.items[0], CAROL);
    assert_int_equal(unbind.connections.items[0], connection);
    played_answer(&asked, NULL);
}

static void without_session_nobody_logs_in(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct talker *carol = stage_talker(stage, true);
    struct auth_login login;
    played_destroy(&stage->played[SESSION]);
    STAGE_UNTIL(stage, service_process_wait_text(
                           stage->gateway,
                           test_text("peers=session address=tcp://127.0.0.1:%u state=down",
                                     (unsigned)stage->ports[SESSION]),
                           0));
    talker_say(carol, "{'code':6,'time':1,'data':{'account':1004,'password':'secret'}}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
    played_answer(&asked, &(struct auth_login_reply){.account = CAROL,
                                                     .id = slice_text("1004"),
                                                     .token = slice_text("t")});
    stage_hears(stage, carol, "{'code':7,'time':#,'data':{'state':2}}");
    stage_play(stage, SESSION);
    expect_bound_again(stage, &alice, 1);
    expect_missed(stage, alice);
    stage_wait_talker_live(stage, alice);
    stage_log_in(stage, carol, CAROL, NULL);
}

/* An answer that comes when the link has changed says nothing of the new one. */
static void a_login_across_a_change_of_the_link_is_bound_again(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_talker(stage, false);
    struct auth_login login;
    struct session_bind bind;
    talker_say(alice, "{'msgType':1,'msgBody':{'loginUserId':'alice'}}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
    played_answer(&asked, &(struct auth_login_reply){.account = ALICE,
                                                     .id = slice_text("alice"),
                                                     .token = slice_text("t")});
    asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
    alice->account = ALICE;
    alice->connection = bind.connections.items[0];
    played_set_link(stage->played[SESSION], 77);
    stage_let_time_pass(stage);
    played_answer(&asked, NULL);
    stage_hears(stage, alice, "{'msgType':2,'resultCode':'success','token':'t'}");
    struct delivery_pull body;
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    expect_bound_again(stage, &alice, 1);
    stage_answer_pull(&pull, NULL, 0);
    stage_expect_pull(stage, ALICE, NULL, 0); /* since it was bound behind the first */
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

static void a_second_session_takes_over_some_accounts(void **state) {
    enum { CLIENTS = 20 };
    struct stage *stage = *state;
    struct session_bind body;
    bool moved[CLIENTS] = {false};
    for (uint64_t i = 0; i < CLIENTS; i++)
        stage_live(stage, 3000 + i, test_text("client-%u", (unsigned)i));
    stage_play(stage, SESSION_2);
    struct asked *asked = stage_expect(stage, SESSION_2, &message_SESSION_BIND, &body);
    size_t count = body.accounts.count;
    assert_true(count > 0 && count < CLIENTS);
    for (size_t i = 0; i < count; i++) {
        size_t client = body.accounts.items[i] - 3000;
        assert_true(client < CLIENTS && !moved[client]);
        moved[client] = true;
        assert_int_equal(body.connections.items[i], stage->talkers[client]->connection);
    }
    played_answer(&asked, NULL);
    for (size_t i = 0; i < count; i++) {
        struct delivery_pull pull;
        asked = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &pull);
        assert_true(moved[pull.account - 3000]);
        stage_answer_pull(&asked, NULL, 0);
    }
    struct session_unbind unbind;
    asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    assert_true(unbind.moved && unbind.accounts.count == count);
    played_answer(&asked, NULL);
    stage_quiet(stage);
    for (size_t i = 0; i < CLIENTS; i++)
        if (!moved[i])
            stage_wait_talker_live(stage, stage->talkers[i]);
    /* When it goes, the first has them all again. */
    played_destroy(&stage->played[SESSION_2]);
    asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &body);
    assert_int_equal(body.accounts.count, count);
    played_answer(&asked, NULL);
}

/* --- those that write to the log ----------------------------------------------------------- */

static int set_up_two_deliveries(void **state) {
    stage_set_up_empty(state);
    stage_play(*state, DELIVERY_2);
    stage_start(*state, NULL);
    stage_wait_ready(*state);
    stage_wait_live(*state, DELIVERY);
    stage_wait_live(*state, DELIVERY_2);
    return 0;
}

/* Takes a pull that is there, or none. */
static struct asked *take_pull(struct stage *stage, struct delivery_pull *body_r) {
    struct asked *asked = NULL;
    for (enum role role = DELIVERY; asked == NULL && role < ROLE_COUNT; role++)
        if (stage->played[role] != NULL)
            asked = played_take(stage->played[role], &message_DELIVERY_PULL, body_r);
    return asked;
}

/* Takes a pull from whichever instance was asked. */
static struct asked *expect_pull_of_any(struct stage *stage, struct delivery_pull *body_r) {
    struct asked *asked = NULL;
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (asked == NULL && loop_now_ms() < deadline_ms) {
        stage_turn(stage);
        asked = take_pull(stage, body_r);
    }
    assert_non_null(asked);
    return asked;
}

/* Some time after a loss everybody reads again what the database was still committing; of a page
 * that is under way then, no more is asked than one behind it. Answers all up to there. */
static void let_them_read_again(struct stage *stage) {
    static const char log[] = "what that instance was committing can be read by now";
    struct delivery_pull body;
    bool over = false;
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    for (size_t answered = 1; !over || answered > 0;) {
        assert_true(loop_now_ms() < deadline_ms);
        over = strstr(service_process_output(stage->gateway), log) != NULL;
        stage_let_time_pass(stage);
        struct asked *pull;
        for (answered = 0; (pull = take_pull(stage, &body)) != NULL; answered++)
            stage_answer_pull(&pull, NULL, 0);
    }
}

static void a_delivery_that_is_lost_may_not_have_routed(void **state) {
    struct stage *stage = *state;
    struct delivery_pull body;
    struct talker *alice = stage_talker(stage, false);
    stage_log_in(stage, alice, ALICE, "alice");
    struct asked *pull = expect_pull_of_any(stage, &body);
    stage_answer_pull(&pull, NULL, 0);
    stage_wait_talker_live(stage, alice);
    played_destroy(&stage->played[DELIVERY_2]);
    expect_missed(stage, alice);
    let_them_read_again(stage);
    stage_wait_talker_live(stage, alice);
}

static void so_may_a_group(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_live(stage, ALICE, "alice");
    played_destroy(&stage->played[GROUP]);
    expect_missed(stage, alice);
    /* What the database was still committing can be read a little later. */
    struct entry late = stage_text(12, 11, ALICE, "committed late");
    stage_expect_pull(stage, ALICE, &late, 1);
    hears_from_bob(stage, alice, "committed late");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_play(stage, GROUP);
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage); /* one that comes is no loss */
}

/* The page was asked of the instance that went. */
static void a_page_is_asked_of_another_instance(void **state) {
    struct stage *stage = *state;
    struct delivery_pull body;
    struct talker *alice = stage_talker(stage, false);
    stage_log_in(stage, alice, ALICE, "alice");
    STAGE_UNTIL(stage, played_waiting(stage->played[DELIVERY]) != NULL ||
                           played_waiting(stage->played[DELIVERY_2]) != NULL);
    enum role asked = played_waiting(stage->played[DELIVERY]) != NULL ? DELIVERY : DELIVERY_2;
    played_destroy(&stage->played[asked]);
    struct asked *pull = expect_pull_of_any(stage, &body);
    assert_false(body.resumed);
    stage_answer_pull(&pull, NULL, 0);
    let_them_read_again(stage);
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

int main(void) {
#define TEST(name_) cmocka_unit_test_setup_teardown(name_, stage_set_up, stage_tear_down)
#define TEST_OF_TWO(name_)                                                                         \
    cmocka_unit_test_setup_teardown(name_, set_up_two_deliveries, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_link_that_changes_is_bound_again),
        TEST(a_bulk_that_is_refused_is_bound_in_the_end),
        TEST(who_does_not_fit_in_a_bulk_is_found),
        TEST(a_cut_is_a_loss_even_under_the_same_link),
        TEST(who_leaves_meanwhile_is_unbound_after_a_cut),
        TEST(without_session_nobody_logs_in),
        TEST(a_login_across_a_change_of_the_link_is_bound_again),
        TEST(a_second_session_takes_over_some_accounts),
        TEST_OF_TWO(a_delivery_that_is_lost_may_not_have_routed),
        TEST(so_may_a_group),
        TEST_OF_TWO(a_page_is_asked_of_another_instance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
