/*
 * The gateway alone: its requests to group for friends, groups and names, their results for
 * clients, and how notices reach them.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/conversation.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define CAROL ((uint64_t)3003)

/* Room for the body of any request to group. */
union body {
    struct group_answer_join answer;
    struct group_set_admin role;
    struct group_rename name;
    struct group_create create;
    char bytes[256];
};

/* --- one request after the other ----------------------------------------------------------- */

struct relation_request {
    const char *json; /* ' for ", ~ for the token */
    const struct message_desc *message;
    const char *body;
    enum err err; /* refused with this, it is answered with: */
    const char *sentence;
};

static void say(struct talker *talker, const char *json) {
    char text[1024] = "";
    for (size_t at = 0; *json != '\0'; json++)
        at += (size_t)snprintf(text + at, sizeof text - at, *json == '~' ? "%s" : "%.1s",
                               *json == '~' ? talker->token : json);
    talker_say(talker, "%s", text);
}

/* Where a request has a nonce, it stands last, and its bytes are not printed. */
static void assert_request(const char *printed, const char *body) {
    static const char nonce[] = " nonce=<16 bytes>}";
    size_t length = strlen(printed) - strlen(nonce);
    assert_true(strlen(printed) > strlen(nonce));
    assert_string_equal(printed + length, nonce);
    assert_string_equal(test_text("%.*s}", (int)length, printed), body);
}

/* Waits for that request to group; the caller answers it. */
static struct asked *expect(struct stage *stage, const struct message_desc *message,
                            const char *body) {
    union body found;
    assert_true(message->body->size <= sizeof found);
    struct asked *asked = stage_expect(stage, GROUP, message, &found);
    struct buffer text = buffer_make(4096);
    record_print(message->body, &found, &text);
    assert_int_equal(buffer_add(&text, "", 1), 0);
    assert_request(text.data, body);
    buffer_free(&text);
    return asked;
}

static const struct relation_request youim[] = {
    {"{'msgType':3,'msgBody':{'token':'~','fromUserId':'alice','groupId':'500'}}",
     &message_GROUP_JOIN, "group_join{group=500 account=1001}", ERR_ALREADY_MEMBER,
     "you are a member of group 500 already"},
    {"{'msgType':106,'msgBody':{'token':'~','handleAdministratorId':'alice','groupId':'500',"
     "'toUserId':'2002','confirmResult':true}}",
     &message_GROUP_ANSWER_JOIN, "group_answer_join{group=500 account=1001 asker=2002 accept=true}",
     ERR_NO_REQUEST, "there is no open request from 2002 to join group 500"},
    {"{'msgType':106,'msgBody':{'token':'~','handleAdministratorId':'alice','groupId':'500',"
     "'toUserId':'2002','confirmResult':false}}",
     &message_GROUP_ANSWER_JOIN,
     "group_answer_join{group=500 account=1001 asker=2002 accept=false}", ERR_NOT_ALLOWED,
     "only the owner and the administrators of group 500 may do that"},
    {"{'msgType':11,'msgBody':{'token':'~','fromUserId':'alice','groupId':'500'}}",
     &message_GROUP_LEAVE, "group_leave{group=500 account=1001}", ERR_OWNER_STAYS,
     "the owner cannot leave group 500, only dissolve it"},
    {"{'msgType':13,'msgBody':{'token':'~','toUserId':'2002','fromUserId':'alice'}}",
     &message_GROUP_BEFRIEND, "group_befriend{account=1001 target=2002}", ERR_NO_ACCOUNT,
     "user 2002 does not exist"},
    {"{'msgType':104,'msgBody':{'token':'~','fromUserId':'alice','toUserId':'2002',"
     "'confirmResult':true}}",
     &message_GROUP_ANSWER_FRIEND, "group_answer_friend{account=1001 asker=2002 accept=true}",
     ERR_NO_REQUEST, "there is no open request for friendship from 2002"},
    {"{'msgType':104,'msgBody':{'token':'~','fromUserId':'alice','toUserId':'2002',"
     "'confirmResult':false}}",
     &message_GROUP_ANSWER_FRIEND, "group_answer_friend{account=1001 asker=2002 accept=false}",
     ERR_NO_REQUEST, "there is no open request for friendship from 2002"},
    {"{'msgType':15,'msgBody':{'token':'~','fromUserId':'alice','toUserId':'2002'}}",
     &message_GROUP_UNFRIEND, "group_unfriend{account=1001 target=2002}", ERR_NOT_FRIENDS,
     "2002 is not your friend"},
    {"{'msgType':17,'msgBody':{'token':'~','fromAdministratorId':'alice','fromGroupId':'500',"
     "'toUSerId':'2002'}}",
     &message_GROUP_REMOVE, "group_remove{group=500 account=2002 by=1001}", ERR_NOT_ALLOWED,
     "you may not remove 2002 from group 500"},
    {"{'msgType':19,'msgBody':{'token':'~','ownerId':'alice','groupId':'500',"
     "'toUserId':'2002'}}",
     &message_GROUP_SET_ADMIN,
     "group_set_admin{group=500 account=2002 by=1001 on=true address=\"127.0.0.1\"}",
     ERR_ALREADY_ADMIN, "2002 is an administrator of group 500 already"},
    {"{'msgType':21,'msgBody':{'token':'~','ownerId':'alice','groupId':'500',"
     "'fromUserId':'2002'}}",
     &message_GROUP_SET_ADMIN,
     "group_set_admin{group=500 account=2002 by=1001 on=false address=\"127.0.0.1\"}",
     ERR_NOT_ADMIN, "2002 is not an administrator of group 500"},
    {"{'msgType':111,'msgBody':{'token':'~','groupId':'500','ownerId':'alice'}}",
     &message_GROUP_DISSOLVE, "group_dissolve{group=500 by=1001 address=\"127.0.0.1\"}",
     ERR_NO_GROUP, "group 500 does not exist"},
};

STAGED(requests_of_youim) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    for (size_t i = 0; i < sizeof youim / sizeof youim[0]; i++) {
        say(alice, youim[i].json);
        struct asked *asked = expect(stage, youim[i].message, youim[i].body);
        played_answer(&asked, NULL);
        stage_hears_nothing(stage, alice);
        say(alice, youim[i].json);
        asked = expect(stage, youim[i].message, youim[i].body);
        played_refuse(&asked, youim[i].err);
        stage_hears_system(stage, alice, youim[i].sentence);
    }
    stage_quiet(stage);
}

static const struct relation_request ourchat[] = {
    {"'code':9,'data':{'group_id':500,'ocid':3003}", &message_GROUP_JOIN,
     "group_join{group=500 account=3003}", ERR_NO_GROUP, "group 500 does not exist"},
    {"'code':9,'data':{'add_ocid':2002,'ocid':3003}", &message_GROUP_BEFRIEND,
     "group_befriend{account=3003 target=2002}", ERR_BLOCKED,
     "2002 does not take requests from you"},
    {"'code':10,'data':{'group_id':500,'ocid':2002}", &message_GROUP_ADD,
     "group_add{group=500 account=2002 by=3003}", ERR_NOT_ALLOWED,
     "only the owner and the administrators of group 500 may do that"},
    {"'code':10,'data':{'add_ocid':3003,'ocid':2002}", &message_GROUP_ANSWER_FRIEND,
     "group_answer_friend{account=3003 asker=2002 accept=true}", ERR_NO_REQUEST,
     "there is no open request for friendship from 2002"},
    {"'code':11,'data':{'group_id':500,'ocid':2002}", &message_GROUP_ANSWER_JOIN,
     "group_answer_join{group=500 account=3003 asker=2002 accept=false}", ERR_NO_REQUEST,
     "there is no open request from 2002 to join group 500"},
    {"'code':11,'data':{'ocid':2002}", &message_GROUP_ANSWER_FRIEND,
     "group_answer_friend{account=3003 asker=2002 accept=false}", ERR_NO_REQUEST,
     "there is no open request for friendship from 2002"},
    {"'code':12,'data':{'group_id':500,'ocid':2002,'name':'n'}", &message_GROUP_RENAME,
     "group_rename{group=500 by=3003 name=\"n\"}", ERR_NOT_ALLOWED,
     "only the owner and the administrators of group 500 may do that"},
    {"'code':12,'data':{'ocid':3003,'name':'n'}", &message_GROUP_RENAME_ACCOUNT,
     "group_rename_account{account=3003 name=\"n\"}", ERR_OVERLOADED,
     "the server is busy, try again"},
    {"'code':111,'data':{'group_id':500,'ocid':3003}", &message_GROUP_LEAVE,
     "group_leave{group=500 account=3003}", ERR_NOT_MEMBER, "you are not a member of group 500"},
    {"'code':115,'data':{'ocid':3003,'target_ocid':2002}", &message_GROUP_UNFRIEND,
     "group_unfriend{account=3003 target=2002}", ERR_NOT_FRIENDS, "2002 is not your friend"},
    {"'code':117,'data':{'group_id':500,'ocid':3003,'target_ocid':2002}", &message_GROUP_REMOVE,
     "group_remove{group=500 account=2002 by=3003}", ERR_NOT_MEMBER,
     "2002 is not a member of group 500"},
    {"'code':119,'data':{'group_id':500,'ocid':3003,'target_ocid':2002}", &message_GROUP_SET_ADMIN,
     "group_set_admin{group=500 account=2002 by=3003 on=true address=\"127.0.0.1\"}",
     ERR_NOT_ALLOWED, "only the owner of group 500 may do that"},
    {"'code':121,'data':{'group_id':500,'ocid':3003,'target_ocid':2002}", &message_GROUP_SET_ADMIN,
     "group_set_admin{group=500 account=2002 by=3003 on=false address=\"127.0.0.1\"}",
     ERR_NOT_ADMIN, "2002 is not an administrator of group 500"},
    {"'code':211,'data':{'group_id':500,'ocid':3003}", &message_GROUP_DISSOLVE,
     "group_dissolve{group=500 by=3003 address=\"127.0.0.1\"}", ERR_NOT_ALLOWED,
     "only the owner of group 500 may do that"},
    {"'code':325,'data':{'of':'me','name':'n','about':''}", &message_GROUP_SET_PROFILE,
     "group_set_profile{account=3003 name=\"n\" about=\"\" sets_about=true"
     " avatar=0 sets_avatar=false}",
     ERR_OVERLOADED, "the server is busy, try again"},
    {"'code':325,'data':{'of':{'group':500},'slow_s':5}", &message_GROUP_SET_GROUP_PROFILE,
     "group_set_group_profile{group=500 account=3003 name=\"\" about=\"\" sets_about=false"
     " slow_s=5 sets_slow=true avatar=0 sets_avatar=false}",
     ERR_NOT_ALLOWED, "only the owner and the administrators of group 500 may do that"},
    {"'code':325,'data':{'of':{'friend':2002},'remark':'r'}", &message_GROUP_SET_REMARK,
     "group_set_remark{account=3003 friend=2002 remark=\"r\"}", ERR_NOT_FRIENDS,
     "2002 is not your friend"},
    {"'code':325,'data':{'of':{'member':{'group':500}},'nick':'n'}", &message_GROUP_SET_NICK,
     "group_set_nick{group=500 account=3003 nick=\"n\"}", ERR_NOT_MEMBER,
     "you are not a member of group 500"},
};

STAGED(requests_of_ourchat) {
    struct talker *carol = stage_enter(stage, WITH_EXT, CAROL, NULL);
    for (size_t i = 0; i < sizeof ourchat / sizeof ourchat[0]; i++) {
        talker_say(carol, "{%s,'ref':'r%zu'}", ourchat[i].json, i);
        struct asked *asked = expect(stage, ourchat[i].message, ourchat[i].body);
        played_answer(&asked, NULL);
        stage_hears(stage, carol, "{'code':300,'time':#,'data':{'ref':'r%zu','ok':true}}", i);
        talker_say(carol, "{%s}", ourchat[i].json);
        asked = expect(stage, ourchat[i].message, ourchat[i].body);
        played_refuse(&asked, ourchat[i].err);
        stage_hears_system_as(stage, carol, 3003, ourchat[i].sentence);
    }
    talker_say(carol, "{'code':199}{'code':199,'ref':'h'}");
    stage_hears(stage, carol, "{'code':300,'time':#,'data':{'ref':'h','ok':true}}");
    stage_quiet(stage);
}

/* OurChat's 10 with a group adds accounts that asked to join and accounts that did not. */
STAGED(an_account_that_did_not_ask_is_pulled_in) {
    struct talker *carol = stage_enter(stage, 0, CAROL, NULL);
    for (int friends = 0; friends < 2; friends++) {
        talker_say(carol, "{'code':10,'data':{'group_id':500,'ocid':2002}}");
        struct asked *asked =
            expect(stage, &message_GROUP_ADD, "group_add{group=500 account=2002 by=3003}");
        if (friends)
            played_answer(&asked, NULL);
        else
            played_refuse(&asked, ERR_NOT_FRIENDS);
        if (!friends)
            stage_hears_system_as(stage, carol, 3003,
                                  "2002 has not asked to join group 500 and is "
                                  "not your friend");
    }
    stage_quiet(stage);
    assert_int_equal(carol->text_count, 0);
}

/* --- rights -------------------------------------------------------------------------------- */

static const char *const foreign_youim[] = {
    "{'msgType':3,'msgBody':{'token':'~','fromUserId':'bob','groupId':'500'}}",
    "{'msgType':106,'msgBody':{'token':'~','handleAdministratorId':'bob','groupId':'500',"
    "'toUserId':'2002','confirmResult':true}}",
    "{'msgType':11,'msgBody':{'token':'~','fromUserId':'bob','groupId':'500'}}",
    "{'msgType':13,'msgBody':{'token':'~','toUserId':'2002','fromUserId':'bob'}}",
    "{'msgType':104,'msgBody':{'token':'~','fromUserId':'bob','toUserId':'2002',"
    "'confirmResult':true}}",
    "{'msgType':15,'msgBody':{'token':'~','fromUserId':'bob','toUserId':'2002'}}",
    "{'msgType':17,'msgBody':{'token':'~','fromAdministratorId':'bob','fromGroupId':'500',"
    "'toUSerId':'2002'}}",
    "{'msgType':19,'msgBody':{'token':'~','ownerId':'bob','groupId':'500','toUserId':'2002'}}",
    "{'msgType':21,'msgBody':{'token':'~','ownerId':'bob','groupId':'500','fromUserId':'2002'}}",
    "{'msgType':111,'msgBody':{'token':'~','groupId':'500','ownerId':'bob'}}",
};

static const char *const foreign_ourchat[] = {
    "{'code':9,'data':{'group_id':500,'ocid':2002}}",
    "{'code':9,'data':{'add_ocid':3003,'ocid':2002}}",
    "{'code':10,'data':{'add_ocid':2002,'ocid':3003}}",
    "{'code':11,'data':{'add_ocid':2002,'ocid':3003}}",
    "{'code':12,'data':{'ocid':2002,'name':'n'}}",
    "{'code':111,'data':{'group_id':500,'ocid':2002}}",
    "{'code':115,'data':{'ocid':2002,'target_ocid':3003}}",
    "{'code':117,'data':{'group_id':500,'ocid':2002,'target_ocid':3003}}",
    "{'code':119,'data':{'group_id':500,'ocid':2002,'target_ocid':3003}}",
    "{'code':121,'data':{'group_id':500,'ocid':2002,'target_ocid':3003}}",
    "{'code':211,'data':{'group_id':500,'ocid':2002}}",
};

STAGED(nobody_acts_for_another) {
    struct talker *alice = stage_live(stage, ALICE, "alice"), *carol = stage_talker(stage, true);
    for (size_t i = 0; i < sizeof foreign_youim / sizeof foreign_youim[0]; i++) {
        say(alice, foreign_youim[i]);
        stage_hears_system(stage, alice,
                           "the request names another account than the one that is logged in");
    }
    alice->token = "another";
    for (size_t i = 0; i < sizeof youim / sizeof youim[0]; i++) {
        say(alice, youim[i].json);
        stage_hears_system(stage, alice, "token is not this connection~");
    }
    stage_log_in_ext(stage, carol, CAROL, NULL);
    stage_expect_pull(stage, CAROL, NULL, 0);
    for (size_t i = 0; i < sizeof foreign_ourchat / sizeof foreign_ourchat[0]; i++) {
        say(carol, foreign_ourchat[i]);
        stage_hears_system_as(stage, carol, 3003,
                              "the request names another account than the one that is logged in");
    }
    stage_quiet(stage);
}

STAGED(nobody_acts_before_logging_in) {
    struct talker *youim_client = stage_talker(stage, false);
    youim_client->token = "t";
    for (size_t i = 0; i < sizeof youim / sizeof youim[0]; i++) {
        say(youim_client, youim[i].json);
        stage_hears_system(stage, youim_client, "log in first");
    }
    struct talker *ourchat_client = stage_talker(stage, true);
    for (size_t i = 0; i < 8; i++) { /* the others are not known before opting in */
        talker_say(ourchat_client, "{%s}", ourchat[i].json);
        stage_hears_system_as(stage, ourchat_client, 0, "log in first");
    }
    stage_quiet(stage);
}

/* --- looking up ids ------------------------------------------------------------------------ */

static void answer_group(struct stage *stage, const char *id, uint64_t number) {
    struct group_resolve body;
    struct asked *asked = stage_expect(stage, GROUP, &message_GROUP_RESOLVE, &body);
    assert_int_equal(body.ids.count, 1);
    assert_slice_text(body.ids.items[0], id);
    played_answer(&asked, &(struct group_resolve_reply){.groups = {&number, 1}});
}

static struct asked *expect_person(struct stage *stage, const char *id) {
    struct auth_resolve body;
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_RESOLVE, &body);
    assert_int_equal(body.ids.count, 1);
    assert_slice_text(body.ids.items[0], id);
    return asked;
}

static void answer_person(struct stage *stage, const char *id, uint64_t number) {
    struct asked *asked = expect_person(stage, id);
    played_answer(&asked, &(struct auth_resolve_reply){.accounts = {&number, 1}});
}

#define REMOVAL                                                                                    \
    "{'msgType':17,'msgBody':{'token':'~','fromAdministratorId':'alice','fromGroupId':'ccc',"      \
    "'toUSerId':'bob'}}"

STAGED(names_are_looked_up_once) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    for (int round = 0; round < 2; round++) {
        say(alice, REMOVAL);
        if (round == 0) {
            answer_group(stage, "ccc", 500);
            answer_person(stage, "bob", 2002);
        }
        struct asked *asked =
            expect(stage, &message_GROUP_REMOVE, "group_remove{group=500 account=2002 by=1001}");
        played_refuse(&asked, ERR_NOT_ALLOWED);
        stage_hears(stage, alice,
                    "{'msg':'you may not remove bob from group ccc','msgType':101,"
                    "'fromUserId':'SYSTEM'}");
    }
    /* The id of a new group is nobody's yet. */
    say(alice, "{'msgType':114,'msgBody':{'token':'~','ownerId':'alice','groupId':'ddd'}}");
    struct asked *asked =
        expect(stage, &message_GROUP_CREATE,
               "group_create{account=1001 id=\"ddd\" name=\"\" address=\"127.0.0.1\"}");
    played_refuse(&asked, ERR_TAKEN);
    stage_hears_system(stage, alice, "the id ddd is taken");
    stage_quiet(stage);
}

STAGED(unknown_names_are_named) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    say(alice, REMOVAL);
    answer_group(stage, "ccc", 0);
    stage_hears_system(stage, alice, "group ccc does not exist");
    say(alice, REMOVAL);
    answer_group(stage, "ccc", 500);
    answer_person(stage, "bob", 0);
    stage_hears_system(stage, alice, "user bob does not exist");
    say(alice, REMOVAL);
    struct asked *asked = expect_person(stage, "bob");
    played_refuse(&asked, ERR_OVERLOADED);
    stage_hears(stage, alice,
                "{'msg':'the server is busy, try again','msgType':101,"
                "'fromUserId':'SYSTEM'}");
    stage_quiet(stage);
}

/* Whatever has to be looked up, requests take effect in the order in which they were sent. */
STAGED(a_look_up_keeps_the_order) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    say(alice, REMOVAL "{'msgType':11,'msgBody':{'token':'~','fromUserId':'alice',"
                       "'groupId':'500'}}");
    struct group_resolve body;
    struct asked *group = stage_expect(stage, GROUP, &message_GROUP_RESOLVE, &body);
    stage_quiet(stage);
    uint64_t number = 500;
    played_answer(&group, &(struct group_resolve_reply){.groups = {&number, 1}});
    struct asked *person = expect_person(stage, "bob");
    stage_quiet(stage);
    number = 2002;
    played_answer(&person, &(struct auth_resolve_reply){.accounts = {&number, 1}});
    struct asked *removal =
        expect(stage, &message_GROUP_REMOVE, "group_remove{group=500 account=2002 by=1001}");
    stage_quiet(stage);
    played_answer(&removal, NULL);
    struct asked *leaving =
        expect(stage, &message_GROUP_LEAVE, "group_leave{group=500 account=1001}");
    played_answer(&leaving, NULL);
    /* The requests of a client that closes meanwhile are still carried out. */
    say(alice, "{'msgType':13,'msgBody':{'token':'~','toUserId':'dave','fromUserId':'alice'}}");
    person = expect_person(stage, "dave");
    stage_hang_up(stage, &alice);
    played_answer(&person, &(struct auth_resolve_reply){.accounts = {&number, 1}});
    struct asked *asking =
        expect(stage, &message_GROUP_BEFRIEND, "group_befriend{account=1001 target=2002}");
    played_answer(&asking, NULL);
    struct session_unbind unbind;
    struct asked *gone = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    played_answer(&gone, NULL);
    stage_quiet(stage);
}

/* --- notices ------------------------------------------------------------------------------- */

/* Everyone gets their dialect's text of the same entry, and the one to all names each reader. */
STAGED(a_message_to_all_names_each) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct talker *readers[4] = {alice};
    for (size_t i = 1; i < 4; i++) {
        readers[i] = stage_talker(stage, i & 1);
        stage_log_in(stage, readers[i], CAROL + i, NULL);
        stage_goes_live(stage, readers[i]);
    }
    struct entry entry = {.conversation = CONVERSATION_OF_ALL,
                          .cid = 77,
                          .time_ms = 1700000000123,
                          .type = ENTRY_SYSTEM,
                          .text = slice_text("nihao")};
    stage_push(stage, &entry, readers, 4);
    stage_hears(stage, alice, "{'msg':'nihao','msgType':100,'fromUserId':'SYSTEM'}");
    for (size_t i = 1; i < 4; i++)
        stage_hears(stage, readers[i],
                    "{'code':0,'time':1700000000,'data':{'cid':77,'sender':{'ocid':0,"
                    "'private_id':%llu},'msg':'nihao'}}",
                    (unsigned long long)(CAROL + i));
}

/* An entry that a dialect has no message for moves the position on all the same. */
STAGED(entries_not_shown_count_as_seen) {
    struct talker *carol = stage_live(stage, CAROL, NULL);
    struct entry entry = stage_group_text(21, 20, "");
    entry.type = ENTRY_LEFT;
    entry.subject = 2002;
    stage_push_to(stage, &entry, carol);
    entry = stage_group_text(22, 21, "hi");
    stage_push_to(stage, &entry, carol);
    stage_hears(stage, carol,
                "{'code':0,'time':1700000000,'data':{'cid':22,'sender':{'ocid':2002,"
                "'group_id':500},'msg':'hi'}}");
    stage_expect_move(stage, CAROL, conversation_of_group(500), 22);
}

/* --- the operator -------------------------------------------------------------------------- */

static void kick(struct stage *stage, const struct talker *talker, const char *reason) {
    uint64_t connections[] = {talker->connection, 999999};
    struct gateway_kick body = {.connections = {connections, 2}, .reason = slice_text(reason)};
    played_send(stage->played[SESSION], &message_GATEWAY_KICK, &body);
}

STAGED(the_operator_closes_connections) {
    struct talker *alice = stage_live(stage, ALICE, "alice"), *carol = stage_talker(stage, true);
    stage_log_in(stage, carol, CAROL, NULL);
    stage_expect_pull(stage, CAROL, NULL, 0);
    kick(stage, carol, "go home");
    stage_hears_system_as(stage, carol, 3003, "the operator closed this connection: go home");
    stage_sees_close(stage, carol, 1008);
    kick(stage, alice, "");
    stage_hears(stage, alice,
                "{'msg':'the operator closed this connection','msgType':101,"
                "'fromUserId':'SYSTEM'}");
    stage_sees_close(stage, alice, 0);
    struct session_unbind unbind;
    for (size_t unbound = 0; unbound < 2;) {
        struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
        unbound += unbind.accounts.count;
        played_answer(&asked, NULL);
    }
    stage_quiet(stage);
}

int main(void) { return test_run_all(NULL, NULL); }
