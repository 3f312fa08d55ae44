/*
 * The gateway alone: clients report entries as received (301), and the cursors of some move by that
 * alone.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/conversation.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define BOB ((uint64_t)2002)

/* A live YouIM client that confirms. */
static struct talker *confirming(struct stage *stage, bool websocket) {
    return stage_live_as(stage, (websocket ? BY_WEBSOCKET : 0) | CONFIRMING, ALICE, "alice");
}

static void push_text(struct stage *stage, struct talker *talker, uint64_t cid) {
    struct entry entry = stage_text(cid, cid - 1, ALICE, "hello");
    stage_push_to(stage, &entry, talker);
    stage_hears_bob_ext(stage, talker, "hello", cid);
}

/* A text that was recalled since, which is not shown. */
static void push_recalled(struct stage *stage, struct talker *talker, uint64_t cid) {
    struct entry entry = stage_text(cid, cid - 1, ALICE, "");
    entry.type = ENTRY_RECALLED_TEXT;
    stage_push_to(stage, &entry, talker);
}

/* --- clients that move cursors --------------------------------------------------------------- */

STAGED(only_a_301_moves_a_confirming_clients_cursors) {
    for (int websocket = 0; websocket < 2; websocket++) {
        struct talker *alice = confirming(stage, websocket);
        push_text(stage, alice, 11);
        push_text(stage, alice, 12);
        struct entry entry = stage_group_text(21, STAGE_GROUP_CID, "to all");
        stage_push_to(stage, &entry, alice);
        stage_hears(stage, alice,
                    "{'msg':'to all','msgType':8,'fromUserId':'bob','toGroup':'500','cid':21,"
                    "'time_ms':#}");
        stage_no_moves(stage);
        assert_int_equal(alice->pings, 0); /* nothing to learn from them */
        stage_say_received(alice, "'user':2002", 11, NULL);
        stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
        stage_say_received(alice, "'group':'500'", 21, NULL);
        stage_expect_move(stage, ALICE, conversation_of_group(STAGE_GROUP), 21);
        stage_hears_nothing(stage, alice);
        stage_no_moves(stage);
        stage_hang_up(stage, &alice);
        struct session_unbind unbind;
        struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
        played_answer(&asked, NULL);
        stage_no_moves(stage);
    }
}

STAGED(pages_are_confirmed_too) {
    struct talker *alice = stage_talker(stage, true);
    stage_log_in_confirming(stage, alice, ALICE, NULL);
    struct entry page[] = {stage_text(11, 10, ALICE, "one"), stage_text(12, 11, ALICE, "two")};
    stage_expect_pull(stage, ALICE, page, 2);
    stage_expect_pull(stage, ALICE, NULL, 0);
    for (int cid = 11; cid <= 12; cid++)
        stage_hears(stage, alice,
                    "{'code':0,'time':#,'data':{'cid':%d,'sender':{'ocid':2002,'private_id':1001},"
                    "'msg':'%s','time_ms':#}}",
                    cid, cid == 11 ? "one" : "two");
    stage_wait_talker_live(stage, alice);
    stage_no_moves(stage);
    talker_say(alice, "{'code':301,'data':{'peer':{'user':2002},'cid':11}}");
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    stage_no_moves(stage);
}

STAGED(without_confirm_both_move_them) {
    struct talker *alice = stage_live_as(stage, BY_WEBSOCKET | WITH_EXT, ALICE, "alice");
    push_text(stage, alice, 11);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    alice->pongless = true;
    push_text(stage, alice, 12);
    stage_no_moves(stage);
    struct delivery_received body;
    stage_say_received(alice, "'user':2002", 12, NULL);
    /* Where the conversation was never asked for, delivery knows it. */
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_RECEIVED, &body);
    played_answer(&asked, &(struct delivery_received_reply){.conversation = STAGE_PAIR});
    stage_say_received(alice, "'user':2002", 12, NULL);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 12);
    stage_no_moves(stage);
}

/* A client that opts in later, by a registration: entries written before count as they did. */
STAGED(from_then_on_only_301s_count) {
    struct talker *alice = stage_live_as(stage, BY_WEBSOCKET | WITH_EXT, ALICE, "alice");
    struct auth_register body;
    push_text(stage, alice, 11);
    talker_say(alice,
               "{'msgType':113,'msgBody':{'userId':'zoe','ext':1,'confirm':true},'ref':'r'}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_REGISTER, &body);
    played_answer(&asked, &(struct auth_register_reply){.account = 1009, .id = slice_text("zoe")});
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
    push_text(stage, alice, 12);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    stage_no_moves(stage);
    stage_say_received(alice, "'user':2002", 12, NULL);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 12);
    stage_no_moves(stage);
}

/* A client cannot confirm entries that it is not shown: the next shown one confirms them. */
STAGED(entries_not_shown_need_no_confirming) {
    struct talker *alice = confirming(stage, true);
    push_recalled(stage, alice, 11);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    push_text(stage, alice, 12);
    push_text(stage, alice, 13);
    push_recalled(stage, alice, 14);
    stage_no_moves(stage);
    stage_say_received(alice, "'user':2002", 12, NULL);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 12);
    push_recalled(stage, alice, 15);
    stage_no_moves(stage);
    stage_say_received(alice, "'user':2002", 13, NULL);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 15);
    push_recalled(stage, alice, 16);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 16);
    stage_no_moves(stage);
}

/* --- the answer ------------------------------------------------------------------------------ */

STAGED(a_ref_is_answered_when_it_is_stored) {
    struct talker *alice = confirming(stage, false);
    struct delivery_advance body;
    push_text(stage, alice, 11);
    push_text(stage, alice, 12);
    stage->keeps_moves = true;
    stage_say_received(alice, "'user':'2002'", 11, NULL);
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
    stage_say_received(alice, "'user':'2002'", 12, "r1"); /* waits behind that one */
    stage_quiet(stage);
    assert_int_equal(alice->text_count, 0);
    played_answer(&asked, NULL);
    for (int i = 0; i < 3; i++) { /* and as long as it fails */
        asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
        assert_int_equal(body.cids.count, 1);
        assert_int_equal(body.cids.items[0], 12);
        assert_int_equal(alice->text_count, 0);
        if (i < 2)
            played_refuse(&asked, ERR_UNAVAILABLE);
    }
    played_answer(&asked, NULL);
    stage_hears(stage, alice, "{'msgType':300,'ref':'r1','ok':true}");
    stage_quiet(stage);
}

static int set_up_impatient(void **state) {
    return stage_set_up_with(state, (const char *[]){"--send-timeout-ms=3000", NULL});
}

STAGED_WITH(a_text_that_cannot_be_stored_is_refused, set_up_impatient) {
    struct talker *alice = confirming(stage, true);
    struct talker *gone = confirming(stage, false);
    struct delivery_advance body;
    push_text(stage, alice, 11);
    push_text(stage, gone, 11);
    stage->keeps_moves = true;
    stage_say_received(gone, "'user':2002", 11, "never heard");
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
    stage_hang_up(stage, &gone);
    stage_say_received(alice, "'user':2002", 11, "r1");
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'r1','ok':false,'error':'unavailable','text':'~'}");
    played_answer(&asked, NULL);
    asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
    assert_int_equal(body.cids.items[0], 11);
    played_answer(&asked, NULL);
    stage->keeps_moves = false;
    stage_say_received(alice, "'user':2002", 11, "r2");
    stage_hears(stage, alice, "{'msgType':300,'ref':'r2','ok':true}");
}

/* --- entries that the gateway does not know -------------------------------------------------- */

STAGED(delivery_checks_entries_not_written_here) {
    struct talker *alice = confirming(stage, false);
    struct delivery_received body;
    static const struct {
        const char *peer;
        uint64_t cid, user, group, conversation;
    } cases[] = {{"'user':2002", 9, BOB, 0, STAGE_PAIR}, /* not yet known whose it is */
                 {"'user':2002", 12, BOB, 0, STAGE_PAIR},
                 {"'group':'500'", 21, 0, 500, (uint64_t)1 << 60 | 500},
                 {"'user':'1001'", 5, ALICE, 0, (uint64_t)2 << 60 | ALICE},
                 {"'user':'SYSTEM'", 6, 0, 0, CONVERSATION_OF_ALL},
                 {"'user':3003", 7, 3003, 0, 8}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stage_say_received(alice, cases[i].peer, cases[i].cid, "r");
        struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_RECEIVED, &body);
        assert_int_equal(body.account, ALICE);
        assert_int_equal(body.user, cases[i].user);
        assert_int_equal(body.group, cases[i].group);
        assert_int_equal(body.cid, cases[i].cid);
        assert_int_equal(alice->text_count, 0);
        played_answer(&asked,
                      &(struct delivery_received_reply){.conversation = cases[i].conversation});
        stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
    }
    stage_say_received(alice, "'user':2002", 10, "r"); /* now it knows the conversation */
    stage_expect_move(stage, ALICE, STAGE_PAIR, 10);
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
    stage_no_moves(stage);
}

/* A client that connects again reports at once what it had received, while its first page is on its
 * way.
 */
STAGED(a_page_that_was_read_before_brings_nothing_of_it) {
    struct talker *alice = stage_talker(stage, true);
    struct delivery_received body;
    struct delivery_pull pull_body;
    struct entry page[] = {stage_text(11, 10, ALICE, "hello"), stage_text(12, 11, ALICE, "hello")};
    stage_log_in_confirming(stage, alice, ALICE, "alice");
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &pull_body);
    stage_say_received(alice, "'user':2002", 11, "r");
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_RECEIVED, &body);
    played_answer(&asked, &(struct delivery_received_reply){.conversation = STAGE_PAIR});
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
    stage_answer_pull(&pull, page, 2);
    stage_hears_bob_ext(stage, alice, "hello", 12);
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, alice);
    push_text(stage, alice, 13);
}

STAGED(a_refusal_of_delivery_reaches_the_client) {
    struct talker *alice = confirming(stage, false);
    struct delivery_received body;
    struct auth_resolve resolve;
    static const struct {
        const char *peer;
        enum err err;
        const char *word, *text;
    } cases[] = {
        {"'user':2002", ERR_NO_MESSAGE, "no_message",
         "there is no message with that cid in the conversation with 2002"},
        {"'user':3003", ERR_NO_ACCOUNT, "no_account", "user 3003 does not exist"},
        {"'group':501", ERR_NOT_MEMBER, "not_member", "you are not a member of group 501"},
        {"'group':501", ERR_NO_GROUP, "no_group", "group 501 does not exist"},
        {"'user':0", ERR_OVERLOADED, "overloaded", "~"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int ref = 0; ref < 2; ref++) {
            stage_say_received(alice, cases[i].peer, 50, ref ? "r" : NULL);
            struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_RECEIVED, &body);
            played_refuse(&asked, cases[i].err);
            if (ref)
                stage_hears(stage, alice,
                            "{'msgType':300,'ref':'r','ok':false,'error':'%s','text':'%s'}",
                            cases[i].word, cases[i].text);
            else
                stage_hears_system(stage, alice, cases[i].text);
        }
    }
    stage_say_received(alice, "'user':'nobody'", 50, "r");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_RESOLVE, &resolve);
    played_answer(&asked, &(struct auth_resolve_reply){.accounts = {(uint64_t[]){0}, 1}});
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'r','ok':false,'error':'no_account',"
                "'text':'user nobody does not exist'}");
    stage_no_moves(stage);
}

STAGED(before_a_login_nothing_is_confirmed) {
    struct talker *talker = stage_talker(stage, false);
    struct auth_register body;
    talker_say(talker, "{'msgType':113,'msgBody':{'userId':'alice','ext':1}}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_REGISTER, &body);
    played_answer(&asked,
                  &(struct auth_register_reply){.account = ALICE, .id = slice_text("alice")});
    stage_say_received(talker, "'user':2002", 5, "r");
    stage_hears(stage, talker,
                "{'msgType':300,'ref':'r','ok':false,'error':'not_allowed','text':'log in first'}");
    stage_log_in_ext(stage, talker, ALICE, "alice");
    stage_expect_pull(stage, ALICE, NULL, 0);
    talker_say(talker, "{'msgType':301,'msgBody':{'peer':{'user':2002},'cid':1,'token':'other'}}");
    stage_hears_system(stage, talker, "token is not this connection's");
    stage_quiet(stage);
}

int main(void) { return test_run_all(NULL, NULL); }
