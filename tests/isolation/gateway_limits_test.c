/*
 * The gateway alone: limits per minute of accounts, and of registrations per address. What is
 * refused goes to no service, in either dialect.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)

static int set_up(void **state) {
    return stage_set_up_with(
        state, (const char *const[]){"--texts-per-minute=60", "--groups-per-minute=1",
                                     "--invitations-per-minute=1", "--history-per-minute=1",
                                     "--searches-per-minute=1", "--requests-per-minute=1",
                                     "--registrations-per-address=1", NULL});
}

#define LIMITED(name_) STAGED_WITH(name_, set_up)

static void hears_limit(struct stage *stage, struct talker *talker, const char *ref,
                        const char *text) {
    stage_hears(stage, talker,
                "{'msgType':300,'ref':'%s','ok':false,'error':'throttled','text':'%s; try again in "
                "# s'}",
                ref, text);
}

/* Sends it twice: a service is asked once. */
static void assert_once(struct stage *stage, struct talker *alice, enum role role,
                        const struct message_desc *message, const char *object, const char *what) {
    union {
        struct group_create create;
        struct group_befriend befriend;
        struct delivery_history history;
        struct delivery_search search;
        struct group_friends friends;
    } body;
    talker_say(alice, "{'ref':'first',%s}", object);
    struct asked *asked = stage_expect(stage, role, message, &body);
    played_refuse(&asked, ERR_INTERNAL);
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'first','ok':false,'error':'internal','text':"
                "'~'}");
    talker_say(alice, "{'ref':'second',%s}", object);
    hears_limit(stage, alice, "second",
                test_text("too many %s of this account: more than 1 a minute", what));
}

LIMITED(each_kind_of_request_ends_at_its_limit) {
    struct talker *alice = stage_live_as(stage, BY_WEBSOCKET | WITH_EXT, ALICE, "alice");
    assert_once(stage, alice, GROUP, &message_GROUP_CREATE,
                "'msgType':114,'msgBody':{'groupId':'club','groupName':'Club','ownerId':'alice','"
                "token':'token-1001'}",
                "new groups");
    assert_once(
        stage, alice, GROUP, &message_GROUP_BEFRIEND,
        "'msgType':13,'msgBody':{'fromUserId':'alice','toUserId':'2002','token':'token-1001'}",
        "requests for friendship or to join groups");
    assert_once(stage, alice, DELIVERY, &message_DELIVERY_HISTORY,
                "'msgType':303,'msgBody':{'peer':{'user':'2002'},'token':'token-1001'}",
                "requests for history");
    assert_once(stage, alice, DELIVERY, &message_DELIVERY_SEARCH,
                "'msgType':331,'msgBody':{'text':'hello','token':'token-1001'}", "searches");
    assert_once(stage, alice, GROUP, &message_GROUP_FRIENDS,
                "'msgType':307,'msgBody':{'token':'token-1001'}", "requests");
    talker_say(alice, "{'msgType':99,'ref':'alive'}");
    stage_hears(stage, alice, "{'msgType':300,'ref':'alive','ok':true}");
    stage_quiet(stage);
}

/* Says texts, all of which are taken, and answers them. */
static void say_texts(struct stage *stage, struct talker *alice, int count) {
    struct delivery_send send;
    for (int i = 0; i < count; i++) {
        stage_say(alice, "alice", "2002", "hello", NULL);
        struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
        stage_answer_send(&asked, 100 + (uint64_t)i);
    }
}

/* Whether the text is taken; delivery gets it then. */
static bool is_taken(struct stage *stage, struct talker *alice, const char *ref) {
    struct delivery_send send;
    stage_say(alice, "alice", "2002", ref, ref);
    STAGE_UNTIL(stage, alice->text_count > 0 || played_waiting(stage->played[DELIVERY]) != NULL);
    if (alice->text_count == 0) {
        struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
        stage_answer_send(&asked, 1000);
        stage_hears(stage, alice, "{'msgType':300,'ref':'%s','ok':true,'cid':1000,'time_ms':#}",
                    ref);
        return true;
    }
    hears_limit(stage, alice, ref, "too many texts of this account: more than 60 a minute");
    return false;
}

/* The burst may refill while the test runs; what counts is that it ends, and goes on later. */
LIMITED(texts_are_refused_and_taken_again_after_the_time_that_the_text_names) {
    struct talker *alice = stage_live_as(stage, BY_WEBSOCKET | WITH_EXT, ALICE, "alice");
    struct talker *other = stage_live_as(stage, WITH_EXT, ALICE, "alice");
    say_texts(stage, alice, 60);
    int64_t until_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (is_taken(stage, alice, "over"))
        assert_true(loop_now_ms() < until_ms);
    while (!is_taken(stage, other, "shared")) {
        assert_true(loop_now_ms() < until_ms);
        stage_let_time_pass(stage);
    }
    stage_quiet(stage);
}

LIMITED(other_clients_are_told_in_their_words) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    for (int i = 0; i < 2; i++)
        talker_say(alice,
                   "{'msgType':13,'msgBody':{'token':'%s','fromUserId':'alice',"
                   "'toUserId':'2002'}}",
                   alice->token);
    struct group_befriend body;
    struct asked *asked = stage_expect(stage, GROUP, &message_GROUP_BEFRIEND, &body);
    played_answer(&asked, NULL);
    stage_hears_system(stage, alice,
                       "too many requests for friendship or to join groups of this account: more "
                       "than 1 a minute; try again in # s");

    struct talker *carol = stage_live_as(stage, 0, 1004, NULL);
    for (int i = 0; i < 2; i++)
        talker_say(carol, "{'code':9,'time':1,'data':{'ocid':1004,'add_ocid':2002}}");
    asked = stage_expect(stage, GROUP, &message_GROUP_BEFRIEND, &body);
    played_answer(&asked, NULL);
    stage_hears_system_as(stage, carol, 1004,
                          "too many requests for friendship or to join groups of this account: "
                          "more than 1 a minute; try again in # s");
    stage_quiet(stage);
}

/* 1 a minute, and 5 at once; all come from one address. */
LIMITED(registrations_of_an_address_are_refused_before_any_work) {
    struct talker *youim = stage_talker(stage, true), *ourchat = stage_talker(stage, false);
    struct auth_register body;
    for (int i = 0; i < 5; i++) {
        talker_say(youim, "{'msgType':113,'msgBody':{'userId':'alice%d'}}", i);
        struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_REGISTER, &body);
        played_refuse(&asked, ERR_TAKEN); /* the try counts */
        stage_hears_system(stage, youim, "~");
    }
    talker_say(youim, "{'msgType':113,'msgBody':{'userId':'alice'}}");
    stage_hears_system(stage, youim,
                       "too many new accounts from this address: more than 1 a minute; try again "
                       "in # s");
    talker_say(ourchat, "{'code':4,'time':1,'data':{'email':'a@b.c','password':'secret',"
                        "'name':'Alice'}}");
    stage_hears(stage, ourchat, "{'code':5,'time':#,'data':{'state':1}}");
    stage_hang_up(stage, &youim);
    youim = stage_talker(stage, true);
    talker_say(youim, "{'msgType':113,'ref':'r','msgBody':{'userId':'alice','ext':1}}");
    hears_limit(stage, youim, "r", "too many new accounts from this address: more than 1 a minute");
    stage_quiet(stage);
}

int main(void) { return test_run_all(NULL, NULL); }
