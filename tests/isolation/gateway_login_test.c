/*
 * The gateway alone: which dialect a connection speaks, registering, logging in and out.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define ALICIA ((uint64_t)1003)

/* --- dialects ------------------------------------------------------------------------------ */

STAGED(the_first_object_decides_the_dialect) {
    for (int websocket = 0; websocket < 2; websocket++) {
        struct talker *talker = stage_talker(stage, websocket);
        talker_say(talker, "{'hello':1}");
        stage_hears(stage, talker, "{'error':'the object has neither code nor msgType'}");
        talker_say(talker, "[1]");
        stage_hears(stage, talker, "{'error':'the input is not a JSON object'}");
        talker_say(talker, "{'msgType':6,'code':99}");
        stage_hears_system_as(stage, talker, 0, "code 99 is not known");
        talker_say(talker, "{'msgType':99}");
        stage_hears_system_as(stage, talker, 0, "code is missing");
        stage_hang_up(stage, &talker);

        talker = stage_talker(stage, websocket);
        talker_say(talker, "{'msgType':'99'}"); /* a heartbeat has no answer */
        talker_say(talker, "{'code':6}");
        stage_hears_system(stage, talker, "msgType is missing");
    }
    stage_quiet(stage);
}

/* --- registering --------------------------------------------------------------------------- */

STAGED(registering_through_ourchat_is_answered_by_a_5) {
    struct talker *talker = stage_talker(stage, false);
    struct auth_register body;
    static const enum err errors[] = {ERR_EMAIL_TAKEN, ERR_OVERLOADED, ERR_REGISTRATION_CLOSED,
                                      ERR_REGISTRATION_TOKEN, ERR_OK};
    static const char *const answers[] = {
        "{'code':5,'time':#,'data':{'state':2}}", "{'code':5,'time':#,'data':{'state':1}}",
        "{'code':5,'time':#,'data':{'state':1}}", "{'code':5,'time':#,'data':{'state':1}}",
        "{'code':5,'time':#,'data':{'state':0,'ocId':1001}}"};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        talker_say(talker, "{'code':4,'time':1,'data':{'email':'a@b.c','password':'secret',"
                           "'name':'Alice'}}");
        struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_REGISTER, &body);
        assert_slice_text(body.email, "a@b.c");
        assert_slice_text(body.password, "secret");
        assert_slice_text(body.name, "Alice");
        assert_slice_text(body.id, "");
        if (errors[i] == ERR_OK)
            played_answer(
                &asked, &(struct auth_register_reply){.account = ALICE, .id = slice_text("1001")});
        else
            played_refuse(&asked, errors[i]);
        stage_hears(stage, talker, "%s", answers[i]);
    }
}

STAGED(registering_through_youim_is_silent_unless_it_fails) {
    struct talker *talker = stage_talker(stage, true);
    struct auth_register body;
    talker_say(talker, "{'msgType':113,'msgBody':{'userId':'alice'}}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_REGISTER, &body);
    assert_slice_text(body.id, "alice");
    played_refuse(&asked, ERR_TAKEN);
    stage_hears_system(stage, talker, "~");
    talker_say(talker, "{'msgType':113,'msgBody':{'userId':'alicia','registration_token':'t'}}");
    asked = stage_expect(stage, AUTH, &message_AUTH_REGISTER, &body);
    assert_slice_text(body.registration_token, "t");
    played_answer(&asked,
                  &(struct auth_register_reply){.account = ALICIA, .id = slice_text("alicia")});
    stage_hears_nothing(stage, talker);
}

/* --- logging in ---------------------------------------------------------------------------- */

/* stage_log_in holds the order of its steps: auth, session, the answer, the first page. */
STAGED(a_login_reads_pages_until_none_is_left) {
    for (int websocket = 0; websocket < 2; websocket++) {
        struct talker *talker = stage_talker(stage, websocket);
        struct delivery_pull body;
        stage_log_in(stage, talker, ALICE, "alice");
        struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
        assert_int_equal(body.account, ALICE);
        assert_false(body.resumed);
        assert_int_equal(body.conversations.count, 0);
        struct entry page[] = {stage_text(11, 10, ALICE, "one"), stage_text(12, 11, ALICE, "two")};
        stage_answer_pull(&pull, page, 2);
        stage_hears_bob(stage, talker, "one");
        stage_hears_bob(stage, talker, "two");

        pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
        assert_true(body.resumed);
        assert_int_equal(body.conversations.count, 2);
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(body.positions.items[i],
                             body.conversations.items[i] == STAGE_PAIR ? 12 : STAGE_GROUP_CID);
        stage_answer_pull(&pull, NULL, 0);
        stage_wait_talker_live(stage, talker);
        stage_expect_move(stage, ALICE, STAGE_PAIR, 12);
        stage_quiet(stage);
    }
}

STAGED(a_failed_login_is_answered_in_each_dialect) {
    struct talker *ourchat = stage_talker(stage, false), *youim = stage_talker(stage, true);
    struct auth_login body;
    static const struct {
        enum err err;
        int state;
    } cases[] = {{ERR_BAD_LOGIN, 1},  {ERR_PASSWORD_NEEDED, 1}, {ERR_DISABLED, 1},
                 {ERR_NO_ACCOUNT, 1}, {ERR_OVERLOADED, 2},      {ERR_INTERNAL, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        talker_say(ourchat, "{'code':6,'time':1,'data':{'account':'a@b.c','password':'no'}}");
        struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &body);
        assert_slice_text(body.login, "a@b.c");
        assert_slice_text(body.address,
                          "127.0.0.1"); /* without a port: failures are counted by it */
        assert_false(body.open);
        played_refuse(&asked, cases[i].err);
        stage_hears(stage, ourchat, "{'code':7,'time':#,'data':{'state':%d}}", cases[i].state);

        talker_say(youim, "{'msgType':1,'msgBody':{'loginUserId':'alice'}}");
        asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &body);
        assert_true(body.open);
        played_refuse(&asked, cases[i].err);
        stage_hears(stage, youim, "{'msgType':2,'resultCode':'fail','token':'~'}");
    }
    stage_quiet(stage);
    stage_log_in(stage, youim, ALICE, "alice"); /* nothing of it stays */
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_log_in(stage, ourchat, ALICIA, NULL);
}

STAGED(a_login_that_cannot_be_bound_fails) {
    struct talker *talker = stage_talker(stage, false);
    struct session_bind bind;
    stage_begin_login(stage, talker, ALICE, "alice", "t");
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
    uint64_t connection = bind.connections.items[0];
    played_refuse(&asked, ERR_TOO_MANY);
    stage_hears(stage, talker, "{'msgType':2,'resultCode':'fail','token':'~'}");
    stage_expect_unbind(stage, SESSION, ALICE, connection); /* to be sure */
    talker_say(talker, "{'msgType':5,'msgBody':{'fromUserId':'alice','token':'t',"
                       "'toUserId':'bob','msg':'hi'}}");
    stage_hears_system(stage, talker, "~");
    stage_quiet(stage);
    stage_log_in(stage, talker, ALICE, "alice");
}

/* It has its token already: its password is not hashed a second time. */
STAGED(a_login_is_bound_once_session_can) {
    struct talker *talker = stage_talker(stage, false);
    struct session_bind bind;
    stage_begin_login(stage, talker, ALICE, "alice", "t");
    struct asked *asked;
    static const enum err passing[] = {ERR_UNAVAILABLE, ERR_TIMEOUT};
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
        played_refuse(&asked, passing[i]);
    }
    asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
    assert_int_equal(bind.accounts.items[0], ALICE);
    assert_false(bind.waited);
    played_answer(&asked, NULL);
    /* A session that was lost may have ended it before: auth is asked once more. */
    struct auth_resume resume;
    asked = stage_expect(stage, AUTH, &message_AUTH_RESUME, &resume);
    assert_slice_text(resume.token, "t");
    played_answer(&asked, &(struct auth_login_reply){.account = ALICE,
                                                     .id = slice_text("alice"),
                                                     .token = slice_text("t")});
    stage_hears(stage, talker, "{'msgType':2,'resultCode':'success','token':'t'}");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_quiet(stage);
}

STAGED(requests_that_need_a_login_are_refused_before) {
    struct talker *youim = stage_talker(stage, false), *ourchat = stage_talker(stage, true);
    static const char *const requests[] = {
        "{'msgType':5,'msgBody':{'fromUserId':'alice','token':'t','toUserId':'bob','msg':'hi'}}",
        "{'msgType':7,'msgBody':{'fromUserId':'alice','token':'t','toGroup':'g','msg':'hi'}}",
        "{'msgType':9,'msgBody':{'logoutUserId':'alice','token':'t'}}",
        "{'msgType':114,'msgBody':{'ownerId':'alice','token':'t','groupId':'g'}}"};
    for (size_t i = 0; i < 4; i++) {
        talker_say(youim, "%s", requests[i]);
        stage_hears_system(stage, youim, "~");
    }
    static const char *const codes[] = {
        "{'code':0,'time':1,'data':{'sender':{'ocid':1,'private_id':2},'msg':'hi'}}",
        "{'code':8,'time':1,'data':{'ocid':1,'group_name':'g'}}"};
    for (size_t i = 0; i < 2; i++) {
        talker_say(ourchat, "%s", codes[i]);
        stage_hears_system_as(stage, ourchat, 0, "~");
    }
    stage_quiet(stage);
}

STAGED(a_second_login_is_refused_without_asking) {
    struct talker *ourchat = stage_talker(stage, false), *youim = stage_talker(stage, false);
    stage_log_in(stage, ourchat, ALICE, NULL);
    stage_expect_pull(stage, ALICE, NULL, 0);
    talker_say(ourchat, "{'code':6,'time':1,'data':{'account':1003,'password':'secret'}}");
    stage_hears(stage, ourchat, "{'code':7,'time':#,'data':{'state':2}}");
    stage_log_in(stage, youim, ALICIA, "alicia");
    stage_expect_pull(stage, ALICIA, NULL, 0);
    talker_say(youim, "{'msgType':1,'msgBody':{'loginUserId':'alice'}}");
    stage_hears(stage, youim, "{'msgType':2,'resultCode':'fail','token':'~'}");
    stage_quiet(stage);
    stage_wait_talker_live(stage, youim); /* the first log-in is untouched */
    stage_wait_talker_live(stage, ourchat);
}

/* --- acting for someone else --------------------------------------------------------------- */

STAGED(acting_for_someone_else_is_refused) {
    struct talker *youim = stage_live(stage, ALICE, "alice");
    static const char *const requests[] = {
        "{'msgType':5,'msgBody':{'fromUserId':'%s','token':'%s','toUserId':'7','msg':'hi'}}",
        "{'msgType':7,'msgBody':{'fromUserId':'%s','token':'%s','toGroup':'7','msg':'hi'}}",
        "{'msgType':9,'msgBody':{'logoutUserId':'%s','token':'%s'}}",
        "{'msgType':114,'msgBody':{'ownerId':'%s','token':'%s','groupId':'g'}}"};
    static const char *const actors[] = {"bob", "2002", "Alice", "alice2", "alic"};
    for (size_t i = 0; i < 4; i++) {
        for (size_t actor = 0; actor < 5; actor++) {
            talker_say(youim, requests[i], actors[actor], youim->token);
            stage_hears_system(stage, youim,
                               "the request names another account than the one that is logged in");
        }
        talker_say(youim, requests[i], "alice", "token-1002");
        stage_hears_system(stage, youim, "token is not this connection's");
    }
    stage_quiet(stage);
}

STAGED(ourchat_holds_the_sender_to_the_account) {
    struct talker *talker = stage_enter(stage, BY_WEBSOCKET, ALICE, NULL);
    static const char *const codes[] = {
        "{'code':0,'time':1,'data':{'sender':{'ocid':2002,'private_id':7},'msg':'hi'}}",
        "{'code':0,'time':1,'data':{'sender':{'ocid':'2002','group_id':7},'msg':'hi'}}",
        "{'code':8,'time':1,'data':{'ocid':2002,'group_name':'g'}}"};
    for (size_t i = 0; i < 3; i++) {
        talker_say(talker, "%s", codes[i]);
        stage_hears_system_as(stage, talker, 1001,
                              "the request names another account than the one that is logged in");
    }
    stage_quiet(stage);
}

/* --- a login that takes long --------------------------------------------------------------- */

static int set_up_hasty(void **state) {
    return stage_set_up_with(
        state, (const char *[]){"--request-timeout-ms=100", "--send-timeout-ms=600000", NULL});
}

/* A second asking would only stand in the queue behind the first. */
STAGED_WITH(a_request_in_work_is_not_asked_again, set_up_hasty) {
    struct talker *talker = stage_talker(stage, false);
    struct auth_login body;
    talker_say(talker, "{'msgType':'1','msgBody':{'loginUserId':'alice','password':'secret'}}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &body);
    for (int64_t until_ms = loop_now_ms() + 1000; loop_now_ms() < until_ms;)
        stage_quiet(stage);
    /* A service that has too much to do refuses at once: the client is to try again later. */
    played_refuse(&asked, ERR_OVERLOADED);
    stage_hears(stage, talker, "{'msgType':2,'resultCode':'fail','token':'~'}");
    stage_quiet(stage);
    assert_int_equal(played_cancels(stage->played[AUTH]), 0);
}

STAGED(a_client_that_hangs_up_needs_no_hash_any_more) {
    static const char *const asks[] = {
        "{'msgType':'1','msgBody':{'loginUserId':'alice','password':'secret'}}",
        "{'msgType':'113','msgBody':{'userId':'alice','password':'secret'}}"};
    for (unsigned i = 0; i < 2; i++) {
        struct talker *talker = stage_talker(stage, true);
        talker_say(talker, "%s", asks[i]);
        STAGE_UNTIL(stage, played_waiting(stage->played[AUTH]) != NULL);
        stage_hang_up(stage, &talker);
        STAGE_UNTIL(stage, played_cancels(stage->played[AUTH]) == i + 1);
        struct auth_login login;
        struct auth_register registration;
        struct asked *asked =
            i == 0 ? stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login)
                   : stage_expect(stage, AUTH, &message_AUTH_REGISTER, &registration);
        played_refuse(&asked, ERR_TIMEOUT);
    }
    stage_quiet(stage);
}

int main(void) { return test_run_all(NULL, NULL); }
