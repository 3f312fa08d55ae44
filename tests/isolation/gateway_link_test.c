/*
 * The gateway alone: sessions, deliveries and groups that appear, go and forget, and the effect
 * on connected clients.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/conversation.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define CAROL ((uint64_t)1004)

/* The gateway binds exactly these clients again, in one request, which is answered. */
static void expect_bound_again(struct stage *stage, struct talker *const *talkers, size_t count) {
    struct session_sync body;
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_SYNC, &body);
    assert_true(body.first && !body.last);
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

/* A live client's next page has the entries that it has missed; the page behind it is empty. */
static void expect_missed(struct stage *stage, struct talker *alice) {
    struct delivery_pull body;
    struct entry missed = stage_text(11, STAGE_PAIR_CID, ALICE, "missed");
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    assert_int_equal(body.account, ALICE);
    assert_true(body.resumed);
    stage_answer_pull(&pull, &missed, 1);
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_hears_bob(stage, alice, "missed");
}

/* --- session ------------------------------------------------------------------------------- */

STAGED(a_link_that_changes_is_bound_again) {
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

STAGED(a_bulk_that_is_refused_is_bound_in_the_end) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct session_sync body;
    played_set_link(stage->played[SESSION], 77);
    for (int i = 0; i < 3; i++) {
        struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_SYNC, &body);
        played_refuse(&asked, ERR_OVERLOADED);
    }
    expect_bound_again(stage, &alice, 1);
    expect_missed(stage, alice);
    stage_wait_talker_live(stage, alice);
}

/* Session takes all but one. The others are live as after any loss; that one is closed. */
STAGED(a_client_beyond_a_bulk_is_closed) {
    enum { CLIENTS = 5, REFUSED = 2 };
    struct talker *talkers[CLIENTS];
    struct session_sync body;
    struct session_unbind unbind;
    struct delivery_pull pull;
    for (uint64_t i = 0; i < CLIENTS; i++)
        talkers[i] = stage_live(stage, ALICE + i, test_text("client-%u", (unsigned)i));
    uint64_t refused = talkers[REFUSED]->connection;
    played_set_link(stage->played[SESSION], 77);
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_SYNC, &body);
    assert_int_equal(body.accounts.count, CLIENTS);
    struct gateway_kick kick = {.connections = {&refused, 1}, .cause = KICK_FULL};
    played_send(stage->played[SESSION], &message_GATEWAY_KICK, &kick);
    stage_sees_close(stage, talkers[REFUSED], 0);
    stage_hang_up(stage, &talkers[REFUSED]);
    stage_hears_nothing(stage, talkers[0]); /* the gateway has seen that, too */
    played_answer(&asked, NULL);
    /* Session may have it all the same, as far as the gateway knows. */
    asked = stage_expect(stage, SESSION, &message_SESSION_SYNC, &body);
    assert_int_equal(body.accounts.items[CLIENTS - 1], ALICE + REFUSED);
    played_answer(&asked, NULL);
    asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    assert_int_equal(unbind.accounts.items[0], ALICE + REFUSED);
    played_answer(&asked, NULL);
    for (size_t i = 0; i + 1 < CLIENTS; i++) {
        asked = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &pull);
        assert_int_not_equal(pull.account, ALICE + REFUSED);
        stage_answer_pull(&asked, NULL, 0);
    }
    stage_quiet(stage);
}

/* The connection to session breaks, which session itself has not noticed: its link is the same. */
STAGED(a_cut_is_a_loss_even_under_the_same_link) {
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

STAGED(a_client_that_leaves_meanwhile_is_unbound_after_a_cut) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct talker *carol = stage_live(stage, CAROL, "carol");
    uint64_t connection = carol->connection;
    played_set_link(stage->played[SESSION], 77);
    expect_bound_again(stage, (struct talker *const[]){alice, carol}, 2);
    stage_hang_up(stage, &carol);
    stage_expect_unbind(stage, SESSION, CAROL, connection);
}

STAGED(without_session_nobody_logs_in) {
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

/* An answer that arrives when the link has changed says nothing of the new one. */
STAGED(a_login_across_a_change_of_the_link_is_bound_again) {
    struct talker *alice = stage_talker(stage, false);
    struct session_bind bind;
    stage_begin_login(stage, alice, ALICE, "alice", "t");
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
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

STAGED(a_second_session_takes_over_some_accounts) {
    enum { CLIENTS = 20 };
    struct session_sync body;
    bool moved[CLIENTS] = {false};
    for (uint64_t i = 0; i < CLIENTS; i++)
        stage_live(stage, 3000 + i, test_text("client-%u", (unsigned)i));
    stage_play(stage, SESSION_2);
    struct asked *asked = stage_expect(stage, SESSION_2, &message_SESSION_SYNC, &body);
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
    /* The first learns which it keeps. */
    asked = stage_expect(stage, SESSION, &message_SESSION_SYNC, &body);
    assert_int_equal(body.accounts.count, CLIENTS - count);
    played_answer(&asked, NULL);
    stage_quiet(stage);
    for (size_t i = 0; i < CLIENTS; i++)
        if (!moved[i])
            stage_wait_talker_live(stage, stage->talkers[i]);
    /* When it goes, the first has them all again. */
    played_destroy(&stage->played[SESSION_2]);
    asked = stage_expect(stage, SESSION, &message_SESSION_SYNC, &body);
    assert_int_equal(body.accounts.count, CLIENTS);
    played_answer(&asked, NULL);
}

/* --- those that write to the log ----------------------------------------------------------- */

static int set_up_two_deliveries(void **state) {
    return stage_set_up_two(state, DELIVERY, DELIVERY_2);
}

/* Waits for a request to whichever delivery is asked. */
static struct asked *expect_of_any(struct stage *stage, const struct message_desc *message,
                                   void *body_r) {
    struct asked *asked = NULL;
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (asked == NULL && loop_now_ms() < deadline_ms) {
        stage_turn(stage);
        for (enum role role = DELIVERY; asked == NULL && role < ROLE_COUNT; role++)
            if (stage->played[role] != NULL)
                asked = played_take(stage->played[role], message, body_r);
    }
    assert_non_null(asked);
    return asked;
}

/* Answers a pull; nothing is behind after that. */
static void answer_with_all(struct asked **pull, const struct entry *entry) {
    stage_answer_page(pull, entry, entry == NULL ? 0 : 1,
                      (struct delivery_pull_reply){.partial = false});
}

/* A live client, whose conversations the gateway knows all; one page is enough. */
static struct talker *known_live(struct stage *stage, uint64_t account, const char *id) {
    struct delivery_pull body;
    struct talker *talker = stage_talker(stage, false);
    stage_log_in(stage, talker, account, id);
    struct asked *pull = expect_of_any(stage, &message_DELIVERY_PULL, &body);
    answer_with_all(&pull, NULL);
    stage_wait_talker_live(stage, talker);
    return talker;
}

/* The gateway compares so many clients, all in the two conversations, with the log. */
static struct asked *expect_comparison(struct stage *stage, size_t clients, uint64_t pair_cid) {
    static struct delivery_check body;
    struct asked *check = expect_of_any(stage, &message_DELIVERY_CHECK, &body);
    assert_int_equal(body.accounts.count, clients);
    assert_int_equal(body.counts.count, clients);
    for (size_t i = 0; i < clients; i++)
        assert_int_equal(body.counts.items[i], 2);
    assert_int_equal(body.conversations.count, 3); /* of all clients together */
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(body.cids.items[i], body.conversations.items[i] == STAGE_PAIR ? pair_cid
                                             : body.conversations.items[i] == CONVERSATION_OF_ALL
                                                 ? 0
                                                 : STAGE_GROUP_CID);
    return check;
}

static void answer_check(struct asked **check, uint64_t conversation, uint64_t head) {
    played_answer(check, &(struct delivery_check_reply){
                             .conversations = {&conversation, conversation == 0 ? 0 : 1},
                             .heads = {&head, conversation == 0 ? 0 : 1}});
}

/* Nobody reads again for nothing, however many there are: one question is all. */
STAGED_WITH(after_a_loss_all_are_compared_in_one_request, set_up_two_deliveries) {
    enum { CLIENTS = 40 };
    for (uint64_t i = 0; i < CLIENTS; i++)
        known_live(stage, 3000 + i, test_text("client-%u", (unsigned)i));
    played_destroy(&stage->played[DELIVERY_2]);
    struct asked *check = expect_comparison(stage, CLIENTS, STAGE_PAIR_CID);
    answer_check(&check, 0, 0);
    stage_quiet(stage);
    assert_int_equal(played_count(stage->played[DELIVERY], &message_DELIVERY_PULL), 0);
}

/* Only the client that has not got it, and only that conversation. */
STAGED_WITH(a_delivery_that_is_lost_may_not_have_routed, set_up_two_deliveries) {
    struct delivery_pull body;
    struct talker *alice = known_live(stage, ALICE, "alice");
    struct talker *carol = known_live(stage, CAROL, "carol");
    struct entry missed = stage_text(11, STAGE_PAIR_CID, ALICE, "missed");
    stage_push_to(stage, &missed, carol);
    stage_hears_bob(stage, carol, "missed");
    played_destroy(&stage->played[DELIVERY_2]);
    struct asked *check = expect_comparison(stage, 2, STAGE_PAIR_CID);
    answer_check(&check, STAGE_PAIR, 11);
    struct asked *pull = expect_of_any(stage, &message_DELIVERY_PULL, &body);
    assert_int_equal(body.account, ALICE);
    assert_true(body.listed);
    assert_int_equal(body.conversations.count, 1);
    assert_int_equal(body.conversations.items[0], STAGE_PAIR);
    assert_int_equal(body.positions.items[0], STAGE_PAIR_CID);
    answer_with_all(&pull, &missed);
    stage_hears_bob(stage, alice, "missed");
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

/* The account may have entered a conversation whose notice was lost. */
STAGED(so_may_a_group) {
    struct delivery_pull body;
    uint64_t account = ALICE;
    struct talker *alice = known_live(stage, ALICE, "alice");
    known_live(stage, CAROL, "carol");
    played_destroy(&stage->played[GROUP]);
    struct asked *check = expect_comparison(stage, 2, STAGE_PAIR_CID);
    played_answer(&check, &(struct delivery_check_reply){.accounts = {&account, 1}});
    struct asked *pull = expect_of_any(stage, &message_DELIVERY_PULL, &body);
    assert_int_equal(body.account, ALICE);
    assert_true(body.resumed);
    assert_false(body.listed);
    struct entry missed = stage_text(31, 30, ALICE, "you are a member now");
    missed.conversation = 8;
    answer_with_all(&pull, &missed);
    stage_hears_bob(stage, alice, "you are a member now");
    stage_play(stage, GROUP);
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage); /* a new instance is no loss */
}

/* Messages to all are for accounts that have entered no conversation for them. */
STAGED(a_message_to_all_may_be_missed) {
    struct delivery_pull body;
    struct talker *alice = known_live(stage, ALICE, "alice");
    played_destroy(&stage->played[GROUP]);
    struct asked *check = expect_comparison(stage, 1, STAGE_PAIR_CID);
    answer_check(&check, CONVERSATION_OF_ALL, 31);
    struct asked *pull = expect_of_any(stage, &message_DELIVERY_PULL, &body);
    assert_true(body.listed);
    assert_int_equal(body.conversations.count, 1);
    assert_int_equal(body.conversations.items[0], CONVERSATION_OF_ALL);
    assert_int_equal(body.positions.items[0], 0);
    struct entry missed = {.conversation = CONVERSATION_OF_ALL,
                           .cid = 31,
                           .type = ENTRY_SYSTEM,
                           .text = slice_text("to all")};
    answer_with_all(&pull, &missed);
    stage_hears(stage, alice, "{'msg':'to all','msgType':100,'fromUserId':'SYSTEM'}");
    stage_wait_talker_live(stage, alice);
}

STAGED_WITH(a_comparison_that_fails_is_repeated, set_up_two_deliveries) {
    static const enum err errors[] = {ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_INTERNAL};
    known_live(stage, ALICE, "alice");
    played_destroy(&stage->played[DELIVERY_2]);
    for (size_t i = 0; i < 3; i++) {
        struct asked *check = expect_comparison(stage, 1, STAGE_PAIR_CID);
        played_refuse(&check, errors[i]);
    }
    struct asked *check = expect_comparison(stage, 1, STAGE_PAIR_CID);
    answer_check(&check, 0, 0);
    stage_quiet(stage);
}

/* One that is lost while the others are compared may have committed after they were. */
STAGED_WITH(a_loss_meanwhile_is_another_round, set_up_two_deliveries) {
    known_live(stage, ALICE, "alice");
    played_destroy(&stage->played[DELIVERY_2]);
    struct asked *check = expect_comparison(stage, 1, STAGE_PAIR_CID);
    played_destroy(&stage->played[GROUP]);
    stage_let_time_pass(stage);
    answer_check(&check, 0, 0);
    check = expect_comparison(stage, 1, STAGE_PAIR_CID);
    answer_check(&check, 0, 0);
    stage_quiet(stage);
}

/* Then all of them read everything again. */
STAGED_WITH(a_delivery_of_the_release_before_knows_no_comparison, set_up_two_deliveries) {
    struct talker *clients[] = {known_live(stage, ALICE, "alice"),
                                known_live(stage, CAROL, "carol")};
    played_destroy(&stage->played[DELIVERY_2]);
    struct asked *check = expect_comparison(stage, 2, STAGE_PAIR_CID);
    played_refuse(&check, ERR_UNKNOWN_MESSAGE);
    for (size_t i = 0; i < 2; i++) {
        struct delivery_pull body;
        struct asked *pull = expect_of_any(stage, &message_DELIVERY_PULL, &body);
        assert_true(body.resumed);
        assert_false(body.listed);
        assert_int_equal(body.conversations.count, 2);
        stage_answer_pull(&pull, NULL, 0);
    }
    for (size_t i = 0; i < 2; i++)
        stage_wait_talker_live(stage, clients[i]);
    stage_quiet(stage);
}

/* The page was asked of the instance that went. */
STAGED_WITH(a_page_is_asked_of_another_instance, set_up_two_deliveries) {
    struct delivery_pull body;
    struct talker *alice = stage_talker(stage, false);
    stage_log_in(stage, alice, ALICE, "alice");
    enum role asked = stage_which_is_asked(stage, DELIVERY, DELIVERY_2);
    played_destroy(&stage->played[asked]);
    struct asked *pull = expect_of_any(stage, &message_DELIVERY_PULL, &body);
    assert_false(body.resumed);
    answer_with_all(&pull, NULL);
    struct asked *check = expect_comparison(stage, 1, STAGE_PAIR_CID);
    answer_check(&check, 0, 0);
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

int main(void) { return test_run_all(NULL, NULL); }
