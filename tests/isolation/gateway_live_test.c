/*
 * The gateway alone: clients report entries as read (302) and that they are typing (313); these
 * reports, and those of arrived entries, are pushed without being stored.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/conversation.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define BOB ((uint64_t)2002)

static struct talker *alice_with(struct stage *stage, unsigned how) {
    return stage_live_as(stage, how, ALICE, "alice");
}

/* Sends a 302 through YouIM and takes the request to delivery. */
static struct asked *expect_read(struct stage *stage, struct talker *talker, const char *peer,
                                 uint64_t cid, struct delivery_read *body_r) {
    char text[256];
    snprintf(text, sizeof text,
             "{'msgType':302,'ref':'r','msgBody':{'peer':{%s},'cid':%" PRIu64 "}}", peer, cid);
    talker_say(talker, text);
    return stage_expect(stage, DELIVERY, &message_DELIVERY_READ, body_r);
}

static struct entry read_by(uint64_t from, uint64_t to, uint64_t login) {
    return (struct entry){.conversation = STAGE_PAIR,
                          .time_ms = 1,
                          .type = ENTRY_READ,
                          .from = from,
                          .from_id = slice_text(from == ALICE ? "alice" : "bob"),
                          .to = to,
                          .to_id = slice_text(to == ALICE ? "alice" : "bob"),
                          .target = 12,
                          .login = login};
}

STAGED(reads_are_checked_by_delivery) {
    struct talker *alice = alice_with(stage, WITH_EXT);
    static const struct {
        const char *peer;
        uint64_t user, group;
    } cases[] = {{"'user':'2002'", BOB, 0},
                 {"'group':'500'", 0, STAGE_GROUP},
                 {"'user':'1001'", ALICE, 0},
                 {"'user':'SYSTEM'", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct delivery_read body;
        struct asked *asked = expect_read(stage, alice, cases[i].peer, 50, &body);
        assert_int_equal(body.account, ALICE);
        assert_int_equal(body.user, cases[i].user);
        assert_int_equal(body.group, cases[i].group);
        assert_int_equal(body.cid, 50);
        assert_int_not_equal(body.login, 0);
        if (i == 0) {
            played_answer(&asked, &(struct delivery_received_reply){.conversation = STAGE_PAIR});
            stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
        } else {
            played_refuse(&asked, ERR_NO_MESSAGE);
            stage_hears(stage, alice,
                        "{'msgType':300,'ref':'r','ok':false,'error':'no_message','text':'~'}");
        }
    }
    stage_no_moves(stage);
}

/* The next report of cursors: one move, with or without texts of others, and the cid read up to. */
static void expect_report(struct stage *stage, uint64_t cid, bool from_others, uint64_t seen) {
    struct delivery_advance body;
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
    assert_int_equal(body.cids.count, 1);
    assert_int_equal(body.cids.items[0], cid);
    assert_int_equal(body.from_others.count, 1);
    assert_int_equal(body.from_others.items[0] != 0, from_others);
    assert_int_equal(body.seen.count, 1);
    assert_int_equal(body.seen.items[0], seen);
    assert_int_equal(body.logins.count, 1);
    assert_int_equal(body.logins.items[0] != 0, seen != 0);
    played_answer(&asked, NULL);
}

/* A report on entries that the gateway has written itself needs no check: it is sent with the other
 * moves, and is answered when it is stored. */
STAGED(shown_entries_are_read_in_bulk) {
    struct talker *alice = alice_with(stage, CONFIRMING | BY_WEBSOCKET);
    for (uint64_t cid = 11; cid <= 13; cid++) {
        struct entry entry = stage_text(cid, cid - 1, ALICE, "hello");
        stage_push_to(stage, &entry, alice);
        stage_hears_bob_ext(stage, alice, "hello", cid);
    }
    stage->keeps_moves = true;
    talker_say(alice, "{'msgType':302,'ref':'r','msgBody':{'peer':{'user':2002},'cid':11}}");
    expect_report(stage, 11, true, 11);
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
    talker_say(alice, "{'msgType':302,'msgBody':{'peer':{'user':2002},'cid':12}}");
    talker_say(alice, "{'msgType':302,'ref':'r','msgBody':{'peer':{'user':2002},'cid':13}}");
    uint64_t seen = 11;
    while (seen < 13) { /* both at once, if they are read at once */
        struct delivery_advance body;
        struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
        for (size_t i = 0; i < body.seen.count; i++)
            assert_int_equal(body.seen.items[i], ++seen);
        assert_int_equal(alice->text_count, 0);
        played_answer(&asked, NULL);
    }
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
    stage_quiet(stage);
}

/* A read entry has arrived: reading confirms it. */
STAGED(read_entries_are_confirmed) {
    struct talker *alice = alice_with(stage, CONFIRMING | BY_WEBSOCKET);
    struct entry entry = stage_text(11, 10, ALICE, "hello");
    stage_push_to(stage, &entry, alice);
    stage_hears_bob_ext(stage, alice, "hello", 11);
    entry = stage_text(12, 11, ALICE, "");
    entry.type = ENTRY_RECALLED_TEXT; /* which is not shown */
    stage_push_to(stage, &entry, alice);
    stage_no_moves(stage);
    stage->keeps_moves = true;
    talker_say(alice, "{'msgType':302,'msgBody':{'peer':{'user':2002},'cid':11}}");
    expect_report(stage, 12, true, 11);
    stage_quiet(stage);
}

STAGED(others_see_reads) {
    struct talker *alice = alice_with(stage, WITH_EXT), *second = alice_with(stage, WITH_EXT),
                  *plain = alice_with(stage, 0);
    struct talker *bob = stage_live_as(stage, WITH_EXT, BOB, NULL);
    struct talker *all[] = {alice, second, plain, bob};
    struct delivery_read body;
    struct asked *asked = expect_read(stage, alice, "'user':2002", 12, &body);
    uint64_t login = body.login;
    played_answer(&asked, &(struct delivery_received_reply){.conversation = STAGE_PAIR});
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
    struct entry entry = read_by(ALICE, BOB, login);
    stage_push(stage, &entry, all, 4);
    stage_hears(stage, second, "{'msgType':302,'peer':{'user':'bob'},'cid':12,'time_ms':1}");
    stage_hears(stage, bob,
                "{'code':302,'time':0,'data':{'peer':{'user':1001},'cid':12,'user':1001,"
                "'time_ms':1}}");
    entry = read_by(BOB, ALICE, login + 1);
    stage_push(stage, &entry, all, 3);
    stage_hears(stage, alice,
                "{'msgType':302,'peer':{'user':'bob'},'cid':12,'user':'bob','time_ms':1}");
    stage_hears(stage, second,
                "{'msgType':302,'peer':{'user':'bob'},'cid':12,'user':'bob','time_ms':1}");
    stage_hears_nothing(stage, alice);
    stage_hears_nothing(stage, plain);
}

STAGED(typing_is_shown) {
    struct talker *alice = alice_with(stage, WITH_EXT);
    for (unsigned group = 0; group < 2; group++) {
        struct delivery_typing body;
        talker_say(alice, group ? "{'msgType':313,'ref':'r','msgBody':{'peer':{'group':500}}}"
                                : "{'msgType':313,'ref':'r','msgBody':{'peer':{'user':2002}}}");
        struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_TYPING, &body);
        assert_int_equal(body.account, ALICE);
        assert_int_equal(body.user, group ? 0 : BOB);
        assert_int_equal(body.group, group ? STAGE_GROUP : 0);
        if (group)
            played_refuse(&asked, ERR_NOT_MEMBER);
        else
            played_answer(&asked, NULL);
        stage_hears(stage, alice,
                    group ? "{'msgType':300,'ref':'r','ok':false,'error':'not_member','text':"
                            "'you are not a member of group 500'}"
                          : "{'msgType':300,'ref':'r','ok':true}");
    }
    struct entry entry = {.time_ms = 1,
                          .type = ENTRY_TYPING,
                          .from = BOB,
                          .from_id = slice_text("bob"),
                          .to = ALICE,
                          .to_id = slice_text("alice")};
    stage_push_to(stage, &entry, alice);
    stage_hears(stage, alice, "{'msgType':313,'peer':{'user':'bob'},'user':'bob','time_ms':1}");
}

static int set_up_two(void **state) { return stage_set_up_two(state, DELIVERY, DELIVERY_2); }

/* The one instance that keeps the account's pauses, whoever is typed to. */
STAGED_WITH(typing_goes_to_one_instance, set_up_two) {
    struct talker *alice = stage_talker(stage, false);
    struct delivery_pull page;
    stage_log_in_ext(stage, alice, ALICE, "alice");
    enum role chosen = stage_which_is_asked(stage, DELIVERY, DELIVERY_2);
    struct asked *pull = stage_expect(stage, chosen, &message_DELIVERY_PULL, &page);
    stage_answer_pull(&pull, NULL, 0);
    stage_wait_talker_live(stage, alice);
    for (unsigned i = 0; i < 6; i++) {
        struct delivery_typing body;
        char text[128];
        snprintf(text, sizeof text, "{'msgType':313,'msgBody':{'peer':{'user':%u}}}", 3000 + i);
        talker_say(alice, text);
        enum role role = stage_which_is_asked(stage, DELIVERY, DELIVERY_2);
        chosen = i == 0 ? role : chosen;
        assert_int_equal(role, chosen);
        struct asked *asked = stage_expect(stage, role, &message_DELIVERY_TYPING, &body);
        played_answer(&asked, NULL);
    }
    stage_quiet(stage);
}

/* --- arrivals -------------------------------------------------------------------------------- */

STAGED(it_says_whether_others_wrote) {
    struct talker *alice = alice_with(stage, BY_WEBSOCKET);
    stage->keeps_moves = true;
    struct entry entry = stage_text(11, 10, ALICE, "hello");
    stage_push_to(stage, &entry, alice);
    stage_hears_bob(stage, alice, "hello");
    expect_report(stage, 11, true, 0);
    entry = stage_text(12, 11, BOB, "mine");
    entry.from = ALICE;
    stage_push_to(stage, &entry, alice);
    expect_report(stage, 12, false, 0);
    stage_quiet(stage);
}

STAGED(confirmed_entries_have_arrived) {
    struct talker *alice = alice_with(stage, BY_WEBSOCKET | CONFIRMING);
    stage->keeps_moves = true;
    struct entry entry = stage_text(11, 10, ALICE, "hello");
    stage_push_to(stage, &entry, alice);
    stage_hears_bob_ext(stage, alice, "hello", 11);
    stage_say_received(alice, "'user':2002", 11, NULL);
    expect_report(stage, 11, true, 0);
    stage_quiet(stage);
}

STAGED(clients_with_ext_see_arrivals) {
    struct talker *plain = alice_with(stage, 0), *alice = alice_with(stage, WITH_EXT);
    struct talker *all[] = {plain, alice};
    struct entry entry = {.conversation = STAGE_PAIR,
                          .time_ms = 1,
                          .type = ENTRY_RECEIVED,
                          .from = BOB,
                          .to = ALICE,
                          .target = 12};
    stage_push(stage, &entry, all, 2);
    stage_hears(stage, alice,
                "{'msgType':301,'peer':{'user':'2002'},'cid':12,'user':'2002','time_ms':1}");
    stage_hears_nothing(stage, plain);
}

int main(void) { return test_run_all(NULL, NULL); }
