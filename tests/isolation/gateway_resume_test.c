/*
 * The gateway alone: a login that goes on under its token (317), on a new connection.
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
    stage_hears(stage, talker, "{'msgType':2,'resultCode':'success','token':'%s'}", talker->token);
}

static void expect_unbind(struct stage *stage, uint64_t connection) {
    struct session_unbind unbind;
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    assert_int_equal(unbind.connections.count, 1);
    assert_int_equal(unbind.connections.items[0], connection);
    played_answer(&asked, NULL);
}

static void it_is_a_login_that_opts_in(void **state) {
    struct stage *stage = *state;
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
        stage_hears(stage, talker,
                    "{'msg':'missed','msgType':6,'fromUserId':'bob','cid':11,'time_ms':#}");
        stage_wait_talker_live(stage, talker);
        stage_say(talker, "alice", "@500", "with that token", "r2");
        struct delivery_send send;
        struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
        stage_answer_send(&asked, 21);
        stage_hears(stage, talker, "{'msgType':300,'ref':'r2','ok':true,'cid':21,'time_ms':#}");
    }
}

static void ourchat_resumes_with_its_own_answer(void **state) {
    struct stage *stage = *state;
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

static void what_auth_refuses_is_told(void **state) {
    struct stage *stage = *state;
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
    stage_hears(stage, youim,
                "{'msg':'msgType 301 is not known','msgType':101,'fromUserId':'SYSTEM'}");
    talker_say(youim, "{'msgType':317,'msgBody':{'token':'t'}}");
    stage_hears(stage, youim,
                "{'msgType':2,'resultCode':'fail','token':'already logged in on this connection'}");
    stage_quiet(stage);
}

/* --- the connection before ---------------------------------------------------------------------
 */

static void the_connection_before_is_closed_behind_the_bind(void **state) {
    struct stage *stage = *state;
    for (int websocket = 0; websocket < 2; websocket++) {
        struct talker *before = stage_talker(stage, websocket), *after = stage_talker(stage, true);
        struct talker *other = stage_talker(stage, false);
        stage_log_in_ext(stage, before, ALICE, "alice");
        stage_expect_pull(stage, ALICE, NULL, 0);
        stage_wait_talker_live(stage, before);
        stage_log_in_ext(stage, other, ALICE, "alice"); /* another login's token */
        stage_expect_pull(stage, ALICE, NULL, 0);
        stage_wait_talker_live(stage, other);
        struct asked *bind = begin(stage, after, before->token, "");
        stage_quiet(stage);
        assert_false(before->ended); /* should the bind fail, it is as it was */
        played_answer(&bind, NULL);
        hears_login(stage, after);
        stage_sees_close(stage, before, websocket ? 1008 : 0);
        expect_unbind(stage, before->connection);
        stage_expect_pull(stage, ALICE, NULL, 0);
        stage_wait_talker_live(stage, after);
        stage_hears_nothing(stage, other);
        stage_hang_up(stage, &before);
        stage_hang_up(stage, &after);
        stage_hang_up(stage, &other);
        struct session_unbind unbind;
        for (size_t left = 2; left > 0; left -= unbind.connections.count) {
            struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
            assert_in_range(unbind.connections.count, 1, left);
            played_answer(&asked, NULL);
        }
    }
}

/* An account with as many connections as it may have, one of which is the one that is resumed. */
static void the_connection_before_gives_way_at_the_limit(void **state) {
    struct stage *stage = *state;
    struct talker *before = stage_live(stage, ALICE, "alice"), *after = stage_talker(stage, false);
    struct session_bind body;
    struct asked *bind = begin(stage, after, before->token, "");
    played_refuse(&bind, ERR_TOO_MANY);
    expect_unbind(stage, before->connection); /* heard before the next bind */
    bind = stage_expect(stage, SESSION, &message_SESSION_BIND, &body);
    assert_int_equal(body.connections.items[0], after->connection);
    assert_int_equal(after->text_count, 0);
    played_answer(&bind, NULL);
    hears_login(stage, after);
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, after);
    stage_sees_close(stage, before, 0);
}

static void where_there_is_none_the_limit_holds(void **state) {
    struct stage *stage = *state;
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

/* What it had not confirmed comes again, and what it confirmed is stored before that is read. */
static void a_superseded_connection_is_told_nothing_more(void **state) {
    struct stage *stage = *state;
    struct talker *before = stage_talker(stage, true), *after = stage_talker(stage, true);
    struct delivery_pull pull;
    stage_log_in_confirming(stage, before, ALICE, "alice");
    struct asked *page = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &pull);
    struct asked *bind = begin(stage, after, before->token, "");
    played_answer(&bind, NULL);
    hears_login(stage, after);
    stage_sees_close(stage, before, 1008);
    struct entry missed = stage_text(11, 10, ALICE, "missed");
    stage_answer_pull(&page, &missed, 1); /* was on its way to the one before */
    stage_expect_pull(stage, ALICE, &missed, 1);
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_hears(stage, after,
                "{'msg':'missed','msgType':6,'fromUserId':'bob','cid':11,'time_ms':#}");
    stage_wait_talker_live(stage, after);
}

static void after_a_logout_there_is_nothing_to_close(void **state) {
    struct stage *stage = *state;
    struct talker *before = stage_live(stage, ALICE, "alice"), *after = stage_talker(stage, false);
    struct auth_logout logout;
    const char *token = before->token;
    talker_say(before, "{'msgType':9,'msgBody':{'logoutUserId':'alice','token':'%s'}}", token);
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGOUT, &logout);
    expect_unbind(stage, before->connection);
    struct asked *bind = begin(stage, after, token, ""); /* quicker than the log-out */
    played_answer(&bind, NULL);
    hears_login(stage, after);
    stage_expect_pull(stage, ALICE, NULL, 0);
    played_answer(&asked, NULL);
    stage_hears(stage, before, "{'msgType':10}");
    stage_hears_nothing(stage, before);
}

int main(void) {
#define TEST(name_) cmocka_unit_test_setup_teardown(name_, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_is_a_login_that_opts_in),
        TEST(ourchat_resumes_with_its_own_answer),
        TEST(what_auth_refuses_is_told),
        TEST(the_connection_before_is_closed_behind_the_bind),
        TEST(the_connection_before_gives_way_at_the_limit),
        TEST(where_there_is_none_the_limit_holds),
        TEST(a_superseded_connection_is_told_nothing_more),
        TEST(after_a_logout_there_is_nothing_to_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
