/*
 * The gateway alone: a login that goes on under its token (317), on a new connection.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)

/* Says it and has auth answer; session's bind is the test's to answer. */
static struct asked *begin(struct stage *stage, struct talker *talker, const char *token,
                           const char *more) {
    struct auth_resume resume;
    struct session_bind bind;
    talker_say(talker, "{'msgType':317,'msgBody':{'token':'%s'}%s}", token, more);
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_RESUME, &resume);
    assert_slice_text(resume.token, token);
    assert_slice_text(resume.address, "127.0.0.1");
    assert_int_equal(played_count(stage->played[SESSION], &message_SESSION_BIND), 0);
    played_answer(&asked, &(struct auth_login_reply){.account = ALICE,
                                                     .id = slice_text("alice"),
                                                     .token = slice_text(token)});
    talker->token = token;
    talker->account = ALICE;
    asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
    assert_int_equal(bind.accounts.items[0], ALICE);
    talker->connection = bind.connections.items[0];
    return asked;
}

static void hears_login(struct stage *stage, struct talker *talker) {
    stage_hears(stage, talker, "{'msgType':2,'resultCode':'success','token':'%s','user':'alice'}",
                talker->token);
}

static void expect_unbind(struct stage *stage, uint64_t connection) {
    stage_expect_unbind(stage, SESSION, ALICE, connection);
}

STAGED(it_is_a_login_that_opts_in) {
    for (int websocket = 0; websocket < 2; websocket++) {
        struct talker *talker = stage_talker(stage, websocket);
        struct asked *bind = begin(stage, talker, websocket ? "t1" : "t0", ",'ref':'r'");
        assert_int_equal(talker->text_count, 0);
        assert_int_equal(played_count(stage->played[DELIVERY], &message_DELIVERY_PULL), 0);
        played_answer(&bind, NULL);
        hears_login(stage, talker);
        stage_hears(stage, talker, "{'msgType':300,'ref':'r','ok':true}");
        struct entry missed = stage_text(11, 10, ALICE, "missed");
        stage_expect_pull(stage, ALICE, &missed, 1);
        stage_expect_pull(stage, ALICE, NULL, 0);
        stage_hears_bob_ext(stage, talker, "missed", 11);
        stage_wait_talker_live(stage, talker);
        stage_say(talker, "alice", "@500", "with that token", "r2");
        struct delivery_send send;
        struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
        stage_answer_send(&asked, 21);
        stage_hears(stage, talker, "{'msgType':300,'ref':'r2','ok':true,'cid':21,'time_ms':#}");
    }
}

STAGED(ourchat_resumes_with_its_own_answer) {
    struct talker *talker = stage_talker(stage, true);
    struct auth_resume resume;
    struct session_bind bind;
    talker_say(talker, "{'code':317,'ref':'r','data':{'token':'t','confirm':true}}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_RESUME, &resume);
    played_answer(&asked, &(struct auth_login_reply){.account = ALICE,
                                                     .id = slice_text("alice"),
                                                     .token = slice_text("t")});
    asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
    played_answer(&asked, NULL);
    stage_hears(stage, talker, "{'code':7,'time':#,'data':{'state':0,'ocid':1001,'token':'t'}}");
    stage_hears(stage, talker, "{'code':300,'time':#,'data':{'ref':'r','ok':true}}");
    struct entry missed = stage_text(11, 10, ALICE, "missed");
    stage_expect_pull(stage, ALICE, &missed, 1);
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_hears(stage, talker,
                "{'code':0,'time':#,'data':{'cid':11,'sender':{'ocid':2002,'private_id':1001},"
                "'msg':'missed','time_ms':#}}");
    stage_quiet(stage); /* it confirms: no pong moves a cursor */
    assert_int_equal(stage->move_count, 0);
}

STAGED(a_refusal_of_auth_reaches_the_client) {
    struct talker *ourchat = stage_talker(stage, false), *youim = stage_talker(stage, true);
    struct auth_resume body;
    static const struct {
        enum err err;
        const char *word;
        int state;
    } cases[] = {{ERR_BAD_TOKEN, "bad_token", 1},
                 {ERR_DISABLED, "disabled", 1},
                 {ERR_THROTTLED, "throttled", 2},
                 {ERR_OVERLOADED, "overloaded", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        talker_say(ourchat, "{'code':317,'data':{'token':'t'},'ref':'r'}");
        struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_RESUME, &body);
        played_refuse(&asked, cases[i].err);
        stage_hears(stage, ourchat, "{'code':7,'time':#,'data':{'state':%d}}", cases[i].state);
        stage_hears(stage, ourchat,
                    "{'code':300,'time':#,'data':{'ref':'r','ok':false,'error':'%s','text':'~'}}",
                    cases[i].word);
        talker_say(youim, "{'msgType':317,'msgBody':{'token':'t'}}");
        asked = stage_expect(stage, AUTH, &message_AUTH_RESUME, &body);
        played_refuse(&asked, cases[i].err);
        stage_hears(stage, youim, "{'msgType':2,'resultCode':'fail','token':'~'}");
    }
    stage_quiet(stage);
    stage_log_in(stage, youim, ALICE, "alice"); /* nothing of it stays, ext neither */
    stage_expect_pull(stage, ALICE, NULL, 0);
    talker_say(youim, "{'msgType':301,'msgBody':{'peer':{'user':5},'cid':1}}");
    stage_hears_system(stage, youim, "msgType 301 is not known");
    talker_say(youim, "{'msgType':317,'msgBody':{'token':'t'}}");
    stage_hears(stage, youim,
                "{'msgType':2,'resultCode':'fail','token':'this connection is already logged in'}");
    stage_quiet(stage);
}

/* --- the connection before ----------------------------------------------------------------- */

/* Session has this one end, since its account is connected elsewhere. */
static void end(struct stage *stage, uint64_t connection, enum kick_cause cause) {
    struct gateway_kick kick = {.connections = {&connection, 1}, .cause = cause};
    played_send(stage->played[SESSION], &message_GATEWAY_KICK, &kick);
}

static void expect_end(struct stage *stage, struct talker *talker, const char *reason) {
    stage_hears_system(stage, talker, reason);
    stage_sees_close(stage, talker, talker->websocket ? 1008 : 0);
    expect_unbind(stage, talker->connection);
}

#define RESUMED "resumed on another connection"

/* By the number of the login session knows which connection that is, at whatever gateway. */
STAGED(a_login_has_one_number_wherever_it_goes_on) {
    static const char *const tokens[] = {"t", "u", "t"};
    uint64_t logins[3];
    for (size_t i = 0; i < 3; i++) {
        struct talker *talker = stage_talker(stage, i % 2);
        struct session_bind bind;
        struct auth_resume resume;
        talker_say(talker, "{'msgType':317,'msgBody':{'token':'%s'}}", tokens[i]);
        struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_RESUME, &resume);
        played_answer(&asked, &(struct auth_login_reply){.account = ALICE,
                                                         .id = slice_text("alice"),
                                                         .token = slice_text(tokens[i])});
        asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
        assert_int_equal(bind.logins.count, 1);
        assert_true(bind.resumed && !bind.waited);
        logins[i] = bind.logins.items[0];
        played_answer(&asked, NULL);
        stage_expect_pull(stage, ALICE, NULL, 0);
    }
    assert_int_equal(logins[0], logins[2]);
    assert_int_not_equal(logins[0], logins[1]);
    assert_int_not_equal(logins[0], 0);
}

STAGED(the_connection_before_gets_the_reason_and_ends) {
    for (int websocket = 0; websocket < 2; websocket++) {
        struct talker *before = stage_talker(stage, websocket), *after = stage_talker(stage, true);
        stage_log_in_ext(stage, before, ALICE, "alice");
        stage_goes_live(stage, before);
        struct asked *bind = begin(stage, after, before->token, "");
        stage_quiet(stage);
        assert_false(before->ended); /* should the bind fail, it is as it was */
        end(stage, before->connection, KICK_RESUMED);
        played_answer(&bind, NULL);
        hears_login(stage, after);
        expect_end(stage, before, RESUMED);
        stage_expect_pull(stage, ALICE, NULL, 0);
        stage_wait_talker_live(stage, after);
        stage_hang_up(stage, &before);
        uint64_t connection = after->connection;
        stage_hang_up(stage, &after);
        expect_unbind(stage, connection);
    }
}

STAGED(a_connection_that_gives_way_gets_the_reason) {
    struct talker *quiet = stage_live(stage, ALICE, "alice"), *other = stage_talker(stage, true);
    stage_log_in_ext(stage, other, ALICE, "alice");
    stage_goes_live(stage, other);
    uint64_t asked_of[] = {quiet->connection, 999999, other->connection};
    struct gateway_heard ask = {.connections = {asked_of, 3}};
    struct session_heard heard;
    played_send(stage->played[SESSION], &message_GATEWAY_HEARD, &ask);
    for (size_t i = 0; i < 3; i += 2) { /* nothing of the one that is gone */
        struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_HEARD, &heard);
        assert_int_equal(heard.accounts.items[0], ALICE);
        assert_int_equal(heard.connections.items[0], asked_of[i]);
        assert_in_range(heard.silent_ms.items[0], 0, TEST_DEADLINE_MS);
        played_answer(&asked, NULL);
    }
    end(stage, quiet->connection, KICK_CROWDED);
    expect_end(stage, quiet, "another connection of the account has taken its place");
    stage_hears_nothing(stage, other);
}

/* Session refuses all the same where its directory is full. */
STAGED(without_any_room_the_client_gets_the_reason) {
    struct talker *other = stage_live(stage, ALICE, "alice"), *talker = stage_talker(stage, false);
    struct session_unbind unbind;
    struct asked *bind = begin(stage, talker, "of another gateway", ",'ref':'r'");
    played_refuse(&bind, ERR_TOO_MANY);
    stage_hears(stage, talker,
                "{'msgType':2,'resultCode':'fail','token':"
                "'the account has as many connections as it may have'}");
    stage_hears(stage, talker,
                "{'msgType':300,'ref':'r','ok':false,'error':'too_many','text':'~'}");
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    played_answer(&asked, NULL);
    stage_hears_nothing(stage, other);
}

/* --- one that is resumed over and over ----------------------------------------------------- */

STAGED(it_waits_as_long_as_auth_says_and_nobody_else_does) {
    struct talker *talker = stage_talker(stage, true);
    struct session_bind body;
    struct asked *bind = begin(stage, talker, "t", "");
    uint64_t first = talker->connection;
    int64_t answered_ms = loop_now_ms();
    played_answer(&bind, &(struct session_bind_reply){.wait_ms = 5000});
    struct talker *other = stage_live(stage, ALICE + 1, "anna");
    bind = stage_expect(stage, SESSION, &message_SESSION_BIND, &body);
    assert_true(loop_now_ms() >= answered_ms + 4950);
    assert_true(body.waited && body.resumed);
    assert_int_equal(body.accounts.items[0], ALICE);
    assert_int_not_equal(body.connections.items[0], first); /* that was never bound */
    talker->connection = body.connections.items[0];
    assert_int_equal(talker->text_count, 0);
    played_answer(&bind, NULL);
    hears_login(stage, talker);
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, talker);
    stage_hears_nothing(stage, other);
}

STAGED(a_client_that_goes_while_it_waits_is_forgotten) {
    struct talker *talker = stage_talker(stage, false);
    struct asked *bind = begin(stage, talker, "t", "");
    int64_t end_ms = loop_now_ms() + 2500;
    played_answer(&bind, &(struct session_bind_reply){.wait_ms = 2000});
    stage_let_time_pass(stage);
    stage_hang_up(stage, &talker);
    STAGE_UNTIL(stage, loop_now_ms() >= end_ms);
    stage_quiet(stage); /* neither bound nor unbound */
}

STAGED(it_waits_no_longer_than_a_request_is_tried) {
    struct talker *talker = stage_talker(stage, false);
    struct asked *bind = begin(stage, talker, "t", ",'ref':'r'");
    played_answer(&bind, &(struct session_bind_reply){.wait_ms = 3600000});
    stage_hears(stage, talker, "{'msgType':2,'resultCode':'fail','token':'~'}");
    stage_hears(stage, talker,
                "{'msgType':300,'ref':'r','ok':false,'error':'throttled','text':'~'}");
    stage_quiet(stage);
    stage_log_in(stage, talker, ALICE, "alice"); /* it may try something else */
    stage_expect_pull(stage, ALICE, NULL, 0);
}

/* Unconfirmed entries are sent again; the confirmed cursor is stored before they are read. */
STAGED(a_superseded_connection_is_sent_nothing_more) {
    struct talker *before = stage_talker(stage, true), *after = stage_talker(stage, true);
    struct delivery_pull pull;
    stage_log_in_confirming(stage, before, ALICE, "alice");
    struct asked *page = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &pull);
    struct asked *bind = begin(stage, after, before->token, "");
    end(stage, before->connection, KICK_RESUMED);
    played_answer(&bind, NULL);
    hears_login(stage, after);
    expect_end(stage, before, RESUMED);
    struct entry missed = stage_text(11, 10, ALICE, "missed");
    stage_answer_pull(&page, &missed, 1); /* was on its way to the one before */
    stage_expect_pull(stage, ALICE, &missed, 1);
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_hears_bob_ext(stage, after, "missed", 11);
    stage_wait_talker_live(stage, after);
}

/* It gives way while its log-out waits for auth, which answers nobody then. */
STAGED(a_logout_may_be_overtaken) {
    struct talker *before = stage_live(stage, ALICE, "alice"), *after = stage_talker(stage, false);
    struct auth_logout logout;
    const char *token = before->token;
    talker_say(before, "{'msgType':9,'msgBody':{'logoutUserId':'alice','token':'%s'}}", token);
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGOUT, &logout);
    struct asked *bind = begin(stage, after, token, "");
    end(stage, before->connection, KICK_RESUMED);
    played_answer(&bind, NULL);
    hears_login(stage, after);
    expect_end(stage, before, RESUMED);
    stage_expect_pull(stage, ALICE, NULL, 0);
    played_answer(&asked, NULL);
    stage_wait_talker_live(stage, after);
    stage_hears_nothing(stage, after);
}

/* --- one that is ended while it is under way ------------------------------------------------- */

/* Session has ended it lately: auth is asked once more, now that session knows of it. */
static struct asked *expect_confirmation(struct stage *stage, struct talker *talker) {
    struct auth_resume resume;
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_RESUME, &resume);
    assert_slice_text(resume.token, talker->token);
    assert_int_equal(talker->text_count, 0);
    return asked;
}

STAGED(a_login_that_was_ended_meanwhile_is_refused) {
    for (int websocket = 0; websocket < 2; websocket++) {
        struct talker *talker = stage_talker(stage, websocket);
        struct asked *bind = begin(stage, talker, "t", ",'ref':'r'");
        played_answer(&bind, &(struct session_bind_reply){.confirm = true});
        struct asked *asked = expect_confirmation(stage, talker);
        played_refuse(&asked, ERR_BAD_TOKEN);
        expect_unbind(stage, talker->connection);
        stage_hears(
            stage, talker,
            "{'msgType':2,'resultCode':'fail','token':'this login was ended at this moment'}");
        stage_hears(stage, talker,
                    "{'msgType':300,'ref':'r','ok':false,'error':'bad_token','text':'~'}");
        stage_quiet(stage);
        stage_log_in(stage, talker, ALICE, "alice"); /* it may log in anew */
        stage_expect_pull(stage, ALICE, NULL, 0);
    }
}

STAGED(a_login_that_is_still_good_goes_on) {
    struct talker *talker = stage_talker(stage, false);
    struct asked *bind = begin(stage, talker, "t", "");
    played_answer(&bind, &(struct session_bind_reply){.confirm = true});
    struct asked *asked = expect_confirmation(stage, talker);
    played_answer(&asked, &(struct auth_login_reply){.account = ALICE,
                                                     .id = slice_text("alice"),
                                                     .token = slice_text("t")});
    hears_login(stage, talker);
    stage_expect_pull(stage, ALICE, NULL, 0);
}

/* Auth accepts it right before it ends there, and session ends it while the answer is on its way.
 */
STAGED(a_login_is_ended_while_it_is_confirmed) {
    struct talker *talker = stage_talker(stage, false);
    struct asked *bind = begin(stage, talker, "t", "");
    played_answer(&bind, &(struct session_bind_reply){.confirm = true});
    struct asked *asked = expect_confirmation(stage, talker);
    end(stage, talker->connection, KICK_ENDED);
    expect_end(stage, talker, "this login was ended from another device");
    played_answer(&asked, &(struct auth_login_reply){.account = ALICE,
                                                     .id = slice_text("alice"),
                                                     .token = slice_text("t")});
    stage_quiet(stage);
}

int main(void) { return test_run_all(NULL, NULL); }
