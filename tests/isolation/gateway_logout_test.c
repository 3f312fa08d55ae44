/*
 * The gateway alone: logging out, logging in again on the same connection, and requests that are
 * sent without waiting for each other.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define ALICIA ((uint64_t)1003)

static void say_logout(struct talker *talker, const char *id) {
    talker_say(talker, "{'msgType':9,'msgBody':{'logoutUserId':'%s','token':'%s'}}", id,
               talker->token);
}

/* The gateway asks auth to end the log-in; the client gets an answer. */
static void finish_logout(struct stage *stage, struct talker *talker) {
    struct auth_logout body;
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGOUT, &body);
    assert_int_equal(body.account, talker->account);
    assert_slice_text(body.token, talker->token);
    assert_int_equal(talker->text_count, 0);
    played_answer(&asked, NULL);
    stage_hears(stage, talker, "{'msgType':10}");
}

static void expect_unbind(struct stage *stage, const struct talker *talker) {
    stage_expect_unbind(stage, SESSION, talker->account, talker->connection);
}

/* --- logging out --------------------------------------------------------------------------- */

STAGED(a_logout_waits_for_the_texts_before) {
    struct talker *talker = stage_live(stage, ALICE, "alice");
    struct delivery_send send;
    stage_say(talker, "alice", "2002", "my last words", NULL);
    say_logout(talker, "alice");
    struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
    stage_quiet(stage);
    stage_answer_send(&asked, 12);
    finish_logout(stage, talker);
    expect_unbind(stage, talker);
    struct entry entry = stage_text(12, 11, ALICE, "session did not know yet");
    stage_push_to(stage, &entry, talker);
    stage_log_in(stage, talker, ALICIA, "alicia");
    stage_goes_live(stage, talker);
    stage_quiet(stage);
}

/* Entries written before count for the account that left, also when the client reads them later. */
STAGED(entries_read_after_a_logout_count) {
    struct talker *talker = stage_live_as(stage, BY_WEBSOCKET, ALICE, "alice");
    talker->pongless = true;
    struct entry entry = stage_text(11, STAGE_PAIR_CID, ALICE, "read this");
    stage_push_to(stage, &entry, talker);
    stage_hears_bob(stage, talker, "read this");
    STAGE_UNTIL(stage, talker->pings == 1);
    entry = stage_text(12, 11, ALICE, "and this");
    stage_push_to(stage, &entry, talker);
    stage_hears_bob(stage, talker, "and this");
    say_logout(talker, "alice");
    finish_logout(stage, talker);
    expect_unbind(stage, talker);
    stage_log_in(stage, talker, ALICIA, "alicia");
    stage_expect_pull(stage, ALICIA, NULL, 0);
    stage_quiet(stage);
    assert_int_equal(stage->move_count, 0);

    talker_send_pong(talker);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    STAGE_UNTIL(stage, talker->pings == 2);
    talker_send_pong(talker);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 12);
    stage_quiet(stage);
    assert_int_equal(stage->move_count, 0);
}

/* The next log-in reads behind the entries that reached the client, which are reported first. */
STAGED(a_login_reads_behind_stored_cursors) {
    struct talker *talker = stage_live_as(stage, BY_WEBSOCKET, ALICE, "alice");
    struct delivery_advance advance;
    stage->keeps_moves = true;
    struct entry entry = stage_text(11, STAGE_PAIR_CID, ALICE, "read this");
    stage_push_to(stage, &entry, talker);
    stage_hears_bob(stage, talker, "read this");
    say_logout(talker, "alice");
    finish_logout(stage, talker);
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &advance);
    assert_int_equal(advance.accounts.items[0], ALICE);
    assert_int_equal(advance.cids.items[0], 11);
    expect_unbind(stage, talker);
    stage_log_in(stage, talker, ALICE, "alice");
    stage_let_time_pass(stage);
    bool early = played_count(stage->played[DELIVERY], &message_DELIVERY_PULL) > 0;
    played_answer(&asked, NULL);
    stage_expect_pull(stage, ALICE, NULL, 0);
    assert_false(early);
}

/* A client is logged in until its log-out is done; then it leaves nothing behind for the next. */
STAGED(a_push_during_a_logout_precedes_its_answer) {
    struct talker *talker = stage_live(stage, ALICE, "alice");
    struct auth_logout body;
    struct delivery_pull pull;
    say_logout(talker, "alice");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGOUT, &body);
    struct entry entry = stage_text(11, STAGE_PAIR_CID, ALICE, "just in time");
    stage_push_to(stage, &entry, talker);
    stage_hears_bob(stage, talker, "just in time");
    played_answer(&asked, NULL);
    stage_hears(stage, talker, "{'msgType':10}");
    entry = stage_text(12, 11, ALICE, "too late");
    stage_push_to(stage, &entry, talker);
    expect_unbind(stage, talker);
    stage_log_in(stage, talker, ALICIA, "alicia");
    asked = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &pull);
    assert_int_equal(pull.account, ALICIA);
    assert_false(pull.resumed);
    assert_int_equal(pull.conversations.count, 0);
}

/* Refuses once. */
static void refuse_logout(struct stage *stage, enum err err) {
    struct auth_logout body;
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGOUT, &body);
    played_refuse(&asked, err);
}

STAGED(a_logout_is_repeated_until_it_is_done) {
    struct talker *talker = stage_live(stage, ALICE, "alice");
    say_logout(talker, "alice");
    refuse_logout(stage, ERR_UNAVAILABLE);
    refuse_logout(stage, ERR_TIMEOUT);
    finish_logout(stage, talker);
    say_logout(talker, "alice");
    stage_hears_system(stage, talker, "log in first");
    expect_unbind(stage, talker);
    stage_log_in(stage, talker, ALICE, "alice");
}

static int set_up_impatient(void **state) {
    return stage_set_up_with(state, (const char *[]){"--send-timeout-ms=1000", NULL});
}

/* A client whose token may still be valid gets a refusal, and is still logged in: it may try again.
 */
STAGED_WITH(a_logout_that_is_not_done_is_none, set_up_impatient) {
    struct talker *talker = stage_live_as(stage, WITH_EXT, ALICE, "alice");
    const enum err errors[] = {ERR_INTERNAL, ERR_OVERLOADED};
    for (size_t i = 0; i < 2; i++) {
        say_logout(talker, "alice");
        refuse_logout(stage, errors[i]);
        stage_hears_system(stage, talker, "~");
    }
    talker_say(talker, "{'msgType':9,'ref':'r','msgBody':{'logoutUserId':'alice','token':'%s'}}",
               talker->token);
    played_destroy(&stage->played[AUTH]);
    stage_hears(stage, talker, "{'msgType':300,'ref':'r','ok':false,'error':'~','text':'~'}");
    stage_play(stage, AUTH);
    stage_wait_live(stage, AUTH);
    say_logout(talker, "alice");
    finish_logout(stage, talker);
    expect_unbind(stage, talker);
}

/* --- leaving without a word ---------------------------------------------------------------- */

/* The end of a WebSocket waits neither for a page nor for the answer to a ping. */
STAGED(a_client_that_closes_awaits_no_page) {
    char text[20000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int pinged = 0; pinged < 2; pinged++) {
        struct talker *talker = stage_talker(stage, true);
        struct delivery_pull body;
        talker->pongless = true;
        stage_log_in(stage, talker, ALICE, "alice");
        struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
        if (pinged) { /* the next page waits until this much has reached the client */
            struct entry entry = stage_text(11, STAGE_PAIR_CID, ALICE, text);
            stage_answer_pull(&pull, &entry, 1);
            STAGE_UNTIL(stage, talker->pings > 0);
        }
        talker_send_frame(talker, 8, "\x03\xe8", 2);
        expect_unbind(stage, talker);
        if (!pinged)
            stage_answer_pull(&pull, NULL, 0);
        stage_hang_up(stage, &talker);
    }
}

/* --- and in again -------------------------------------------------------------------------- */

/* A page that was asked for before is not for the log-in after it. */
STAGED(a_page_of_the_login_before_is_dropped) {
    struct talker *talker = stage_talker(stage, false);
    struct delivery_pull body;
    uint64_t next[] = {ALICE, ALICIA};
    for (size_t i = 0; i < 2; i++) {
        stage_log_in(stage, talker, ALICE, "alice");
        struct entry entry = stage_text(11, STAGE_PAIR_CID, ALICE, "of the log-in before");
        struct asked *old = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
        say_logout(talker, "alice");
        finish_logout(stage, talker);
        expect_unbind(stage, talker);
        stage_log_in(stage, talker, next[i], next[i] == ALICE ? "alice" : "alicia");
        stage_answer_pull(&old, &entry, 1);
        struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
        assert_int_equal(body.account, next[i]);
        assert_false(body.resumed);
        assert_int_equal(body.conversations.count, 0);
        entry = stage_text(12, STAGE_PAIR_CID, ALICE, "of this log-in");
        stage_answer_pull(&pull, &entry, 1);
        stage_hears_bob(stage, talker, "of this log-in");
        stage_expect_pull(stage, next[i], NULL, 0);
        stage_wait_talker_live(stage, talker);
        say_logout(talker, next[i] == ALICE ? "alice" : "alicia");
        finish_logout(stage, talker);
        expect_unbind(stage, talker);
        stage->move_count = 0;
    }
}

/* Session knows each login by a number of its own, so no order of hearing of them matters. */
STAGED(a_login_has_a_number_of_its_own) {
    struct talker *talker = stage_live(stage, ALICE, "alice");
    struct auth_login login;
    struct session_bind bind;
    struct session_unbind unbind;
    struct asked *asked;
    for (int i = 0; i < 5; i++) {
        say_logout(talker, "alice");
        finish_logout(stage, talker);
        talker_say(talker, "{'msgType':1,'msgBody':{'loginUserId':'alice'}}");
        asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
        played_answer(&asked, &(struct auth_login_reply){.account = ALICE,
                                                         .id = slice_text("alice"),
                                                         .token = slice_text(talker->token)});
        struct asked *bound = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
        assert_true(bind.connections.items[0] > talker->connection);
        talker->connection = bind.connections.items[0];
        while ((asked = played_take(stage->played[SESSION], &message_SESSION_UNBIND, &unbind)))
            played_answer(&asked, NULL); /* that of the log-in before */
        played_answer(&bound, NULL);
        stage_hears(stage, talker, "{'msgType':2,'resultCode':'success','token':'%s'}",
                    talker->token);
        stage_expect_pull(stage, ALICE, NULL, 0);
        stage_quiet(stage);
    }
}

/* An instance that lags may push to the account that has logged out. */
STAGED(a_push_for_the_login_before_finds_nobody) {
    struct talker *talker = stage_live(stage, ALICE, "alice");
    uint64_t before = talker->connection;
    say_logout(talker, "alice");
    finish_logout(stage, talker);
    expect_unbind(stage, talker);
    stage_log_in(stage, talker, ALICIA, "alicia");
    stage_goes_live(stage, talker);
    uint64_t now = talker->connection;
    struct entry stored = stage_text(31, 0, ALICE, "for alice alone");
    struct entry fleeting = stage_text(0, 0, ALICE, "this too");
    stored.conversation = 8;
    talker->connection = before;
    stage_push_to(stage, &stored, talker);
    stage_push_to(stage, &fleeting, talker);
    talker->connection = now;
    stage_quiet(stage);
    stage_hears_nothing(stage, talker);
}

/* --- without waiting ----------------------------------------------------------------------- */

STAGED(requests_in_one_write_are_done_in_order) {
    struct talker *talker = stage_talker(stage, false);
    struct auth_register registration;
    struct auth_login login;
    struct session_bind bind;
    struct group_create group;
    struct group_resolve resolve;
    struct delivery_send send;
    talker_say(talker, "{'msgType':113,'msgBody':{'userId':'alice'}}"
                       "{'msgType':1,'msgBody':{'loginUserId':'alice'}}"
                       "{'msgType':114,'msgBody':{'ownerId':'alice','token':'t','groupId':'g'}}"
                       "{'msgType':7,'msgBody':{'fromUserId':'alice','token':'t','toGroup':'g',"
                       "'msg':'hello all'}}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_REGISTER, &registration);
    stage_quiet(stage);
    played_answer(&asked,
                  &(struct auth_register_reply){.account = ALICE, .id = slice_text("alice")});
    asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
    stage_quiet(stage);
    played_answer(&asked, &(struct auth_login_reply){.account = ALICE,
                                                     .id = slice_text("alice"),
                                                     .token = slice_text("t")});
    asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
    stage_quiet(stage);
    played_answer(&asked, NULL);
    stage_hears(stage, talker, "{'msgType':2,'resultCode':'success','token':'t'}");
    asked = stage_expect(stage, GROUP, &message_GROUP_CREATE, &group);
    assert_int_equal(group.account, ALICE);
    assert_slice_text(group.id, "g");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_quiet(stage);
    played_answer(&asked, &(struct group_create_reply){.group = STAGE_GROUP,
                                                       .id = slice_text("g"),
                                                       .name = slice_text("g")});
    asked = stage_expect(stage, GROUP, &message_GROUP_RESOLVE, &resolve);
    stage_quiet(stage);
    uint64_t number = STAGE_GROUP;
    played_answer(&asked, &(struct group_resolve_reply){.groups = {&number, 1}});
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_int_equal(send.account, ALICE);
    assert_slice_text(send.account_id, "alice");
    assert_int_equal(send.to_group, STAGE_GROUP);
    assert_int_equal(send.to_account, 0);
    stage_answer_send(&asked, 21);
    stage_hears_nothing(stage, talker);
    stage_quiet(stage);
}

STAGED(requests_behind_a_logout_wait) {
    struct talker *talker = stage_live_as(stage, BY_WEBSOCKET, ALICE, "alice");
    stage_say(talker, "alice", "2002", "first", NULL);
    say_logout(talker, "alice");
    stage_say(talker, "alice", "2002", "too late", NULL);
    talker_say(talker, "{'msgType':113,'msgBody':{'userId':'alicia'}}");
    struct delivery_send send;
    struct auth_register registration;
    struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
    assert_int_equal(send.texts.count, 1);
    stage_quiet(stage);
    stage_answer_send(&asked, 12);
    finish_logout(stage, talker);
    expect_unbind(stage, talker);
    stage_hears_system(stage, talker, "~");
    asked = stage_expect(stage, AUTH, &message_AUTH_REGISTER, &registration);
    assert_slice_text(registration.id, "alicia");
    stage_quiet(stage);
}

STAGED(creating_a_group_waits_for_the_texts_before) {
    struct talker *talker = stage_enter(stage, BY_WEBSOCKET, ALICE, NULL);
    struct delivery_send send;
    struct group_create create;
    for (int to = 7; to < 9; to++)
        talker_say(talker,
                   "{'code':0,'time':1,'data':{'sender':{'ocid':1001,'private_id':%d},"
                   "'msg':'hi'}}",
                   to);
    talker_say(talker, "{'code':8,'time':1,'data':{'ocid':1001,'group_name':'Us'}}");
    struct asked *one = stage_expect_send(stage, DELIVERY, &send);
    struct asked *two = stage_expect_send(stage, DELIVERY, &send);
    stage_quiet(stage);
    stage_answer_send(&two, 12);
    stage_quiet(stage);
    stage_answer_send(&one, 13);
    struct asked *asked = stage_expect(stage, GROUP, &message_GROUP_CREATE, &create);
    assert_slice_text(create.id, "");
    assert_slice_text(create.name, "Us");
    played_answer(&asked, &(struct group_create_reply){.group = STAGE_GROUP,
                                                       .id = slice_text("500"),
                                                       .name = slice_text("Us")});
    stage_hears(stage, talker,
                "{'code':10,'time':#,'data':{'group_id':500,'group_name':'Us','ocid':1001}}");
}

int main(void) { return test_run_all(NULL, NULL); }
