/*
 * The gateway alone: what clients say they have received (301), and those whose cursors move by
 * that alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proto/conversation.h"
#include "services/gateway/positions.h"
#include "tests/support/gateway_fixture.h"

#define ALICE ((uint64_t)1001)
#define BOB ((uint64_t)2002)

/* A live YouIM client that confirms. */
static struct talker *confirming(struct stage *stage, bool websocket) {
    struct talker *talker = stage_talker(stage, websocket);
    stage_log_in_confirming(stage, talker, ALICE, "alice");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, talker);
    return talker;
}

/* `peer` as JSON; `ref` may be NULL. */
static void say_received(struct talker *talker, const char *peer, uint64_t cid, const char *ref) {
    talker_say(talker, "{'msgType':301,'msgBody':{'peer':{%s},'cid':%llu}%s}", peer,
               (unsigned long long)cid, ref == NULL ? "" : test_text(",'ref':'%s'", ref));
}

static void hears_text(struct stage *stage, struct talker *talker, uint64_t cid) {
    stage_hears(stage, talker,
                "{'msg':'hello','msgType':6,'fromUserId':'bob','cid':%llu,'time_ms':#}",
                (unsigned long long)cid);
}

static void push_text(struct stage *stage, struct talker *talker, uint64_t cid) {
    struct entry entry = stage_text(cid, cid - 1, ALICE, "hello");
    stage_push_to(stage, &entry, talker);
    hears_text(stage, talker, cid);
}

/* One of alice's own, which YouIM does not show her. */
static void push_own(struct stage *stage, struct talker *talker, uint64_t cid) {
    struct entry entry = stage_text(cid, cid - 1, BOB, "mine");
    entry.from = ALICE;
    entry.from_id = slice_text("alice");
    stage_push_to(stage, &entry, talker);
}

static void no_moves(struct stage *stage) {
    stage_quiet(stage);
    assert_int_equal(stage->move_count, 0);
}

/* --- who moves cursors ----------------------------------------------------------------------- */

static void only_a_301_moves_a_confirming_clients_cursors(void **state) {
    struct stage *stage = *state;
    for (int websocket = 0; websocket < 2; websocket++) {
        struct talker *alice = confirming(stage, websocket);
        push_text(stage, alice, 11);
        push_text(stage, alice, 12);
        struct entry entry = stage_group_text(21, STAGE_GROUP_CID, "to all");
        stage_push_to(stage, &entry, alice);
        stage_hears(stage, alice,
                    "{'msg':'to all','msgType':8,'fromUserId':'bob','toGroup':'500','cid':21,"
                    "'time_ms':#}");
        no_moves(stage);
        assert_int_equal(alice->pings, 0); /* nothing to learn from them */
        say_received(alice, "'user':2002", 11, NULL);
        stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
        say_received(alice, "'group':'500'", 21, NULL);
        stage_expect_move(stage, ALICE, conversation_of_group(STAGE_GROUP), 21);
        stage_hears_nothing(stage, alice);
        no_moves(stage);
        stage_hang_up(stage, &alice);
        struct session_unbind unbind;
        struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
        played_answer(&asked, NULL);
        no_moves(stage);
    }
}

static void pages_are_confirmed_too(void **state) {
    struct stage *stage = *state;
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
    no_moves(stage);
    talker_say(alice, "{'code':301,'data':{'peer':{'user':2002},'cid':11}}");
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    no_moves(stage);
}

static void without_confirm_both_move_them(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_talker(stage, true);
    stage_log_in_ext(stage, alice, ALICE, "alice");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, alice);
    push_text(stage, alice, 11);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    alice->pongless = true;
    push_text(stage, alice, 12);
    no_moves(stage);
    struct delivery_received body;
    say_received(alice, "'user':2002", 12, NULL);
    /* Where the conversation was never asked for, delivery knows it. */
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_RECEIVED, &body);
    played_answer(&asked, &(struct delivery_received_reply){.conversation = STAGE_PAIR});
    say_received(alice, "'user':2002", 12, NULL);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 12);
    no_moves(stage);
}

/* A client that says so on the way, by a registration: what was written before counts as it did. */
static void from_then_on_only_301s_count(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_talker(stage, true);
    struct auth_register body;
    stage_log_in_ext(stage, alice, ALICE, "alice");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, alice);
    push_text(stage, alice, 11);
    talker_say(alice,
               "{'msgType':113,'msgBody':{'userId':'zoe','ext':1,'confirm':true},'ref':'r'}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_REGISTER, &body);
    played_answer(&asked, &(struct auth_register_reply){.account = 1009, .id = slice_text("zoe")});
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
    push_text(stage, alice, 12);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    no_moves(stage);
    say_received(alice, "'user':2002", 12, NULL);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 12);
    no_moves(stage);
}

/* What a client never sees it cannot confirm: that goes along with what it sees. */
static void what_is_not_shown_needs_no_confirming(void **state) {
    struct stage *stage = *state;
    struct talker *alice = confirming(stage, true);
    push_own(stage, alice, 11);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    push_text(stage, alice, 12);
    push_text(stage, alice, 13);
    push_own(stage, alice, 14);
    no_moves(stage);
    say_received(alice, "'user':2002", 12, NULL);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 12);
    push_own(stage, alice, 15);
    no_moves(stage);
    say_received(alice, "'user':2002", 13, NULL);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 15);
    push_own(stage, alice, 16);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 16);
    no_moves(stage);
}

/* --- the answer ------------------------------------------------------------------------------ */

static void a_ref_is_answered_when_it_is_stored(void **state) {
    struct stage *stage = *state;
    struct talker *alice = confirming(stage, false);
    struct delivery_advance body;
    push_text(stage, alice, 11);
    push_text(stage, alice, 12);
    stage->keeps_moves = true;
    say_received(alice, "'user':'2002'", 11, NULL);
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
    say_received(alice, "'user':'2002'", 12, "r1"); /* waits behind that one */
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

static void what_cannot_be_stored_is_told(void **state) {
    struct stage *stage = *state;
    struct talker *alice = confirming(stage, true);
    struct talker *gone = confirming(stage, false);
    struct delivery_advance body;
    push_text(stage, alice, 11);
    push_text(stage, gone, 11);
    stage->keeps_moves = true;
    say_received(gone, "'user':2002", 11, "never heard");
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
    stage_hang_up(stage, &gone);
    say_received(alice, "'user':2002", 11, "r1");
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'r1','ok':false,'error':'unavailable','text':'~'}");
    played_answer(&asked, NULL);
    asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
    assert_int_equal(body.cids.items[0], 11);
    played_answer(&asked, NULL);
    stage->keeps_moves = false;
    say_received(alice, "'user':2002", 11, "r2");
    stage_hears(stage, alice, "{'msgType':300,'ref':'r2','ok':true}");
}

/* --- what the gateway does not know ---------------------------------------------------------- */

static void what_was_not_written_here_is_deliverys_to_know(void **state) {
    struct stage *stage = *state;
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
        say_received(alice, cases[i].peer, cases[i].cid, "r");
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
    say_received(alice, "'user':2002", 10, "r"); /* now it knows the conversation */
    stage_expect_move(stage, ALICE, STAGE_PAIR, 10);
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
    no_moves(stage);
}

/* A client that comes back says at once what it had received, while its first page is on its way.
 */
static void a_page_that_was_read_before_brings_nothing_of_it(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_talker(stage, true);
    struct delivery_received body;
    struct delivery_pull pull_body;
    struct entry page[] = {stage_text(11, 10, ALICE, "hello"), stage_text(12, 11, ALICE, "hello")};
    stage_log_in_confirming(stage, alice, ALICE, "alice");
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &pull_body);
    say_received(alice, "'user':2002", 11, "r");
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_RECEIVED, &body);
    played_answer(&asked, &(struct delivery_received_reply){.conversation = STAGE_PAIR});
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
    stage_answer_pull(&pull, page, 2);
    hears_text(stage, alice, 12);
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, alice);
    push_text(stage, alice, 13);
}

static void what_delivery_refuses_is_told(void **state) {
    struct stage *stage = *state;
    struct talker *alice = confirming(stage, false);
    struct delivery_received body;
    struct auth_resolve resolve;
    static const struct {
        const char *peer;
        enum err err;
        const char *word, *text;
    } cases[] = {
        {"'user':2002", ERR_NO_MESSAGE, "no_message", "there is no message with that cid yet"},
        {"'user':3003", ERR_NO_ACCOUNT, "no_account", "user 3003 does not exist"},
        {"'group':501", ERR_NOT_MEMBER, "not_member", "you are not a member of group 501"},
        {"'group':501", ERR_NO_GROUP, "no_group", "group 501 does not exist"},
        {"'user':0", ERR_OVERLOADED, "overloaded", "~"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int ref = 0; ref < 2; ref++) {
            say_received(alice, cases[i].peer, 50, ref ? "r" : NULL);
            struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_RECEIVED, &body);
            played_refuse(&asked, cases[i].err);
            if (ref)
                stage_hears(stage, alice,
                            "{'msgType':300,'ref':'r','ok':false,'error':'%s','text':'%s'}",
                            cases[i].word, cases[i].text);
            else
                stage_hears(stage, alice, "{'msg':'%s','msgType':101,'fromUserId':'SYSTEM'}",
                            cases[i].text);
        }
    }
    say_received(alice, "'user':'nobody'", 50, "r");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_RESOLVE, &resolve);
    played_answer(&asked, &(struct auth_resolve_reply){.accounts = {(uint64_t[]){0}, 1}});
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'r','ok':false,'error':'no_account',"
                "'text':'user nobody does not exist'}");
    no_moves(stage);
}

static void before_a_login_nothing_is_confirmed(void **state) {
    struct stage *stage = *state;
    struct talker *talker = stage_talker(stage, false);
    struct auth_register body;
    talker_say(talker, "{'msgType':113,'msgBody':{'userId':'alice','ext':1}}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_REGISTER, &body);
    played_answer(&asked,
                  &(struct auth_register_reply){.account = ALICE, .id = slice_text("alice")});
    say_received(talker, "'user':2002", 5, "r");
    stage_hears(stage, talker,
                "{'msgType':300,'ref':'r','ok':false,'error':'not_allowed','text':'log in first'}");
    stage_log_in_ext(stage, talker, ALICE, "alice");
    stage_expect_pull(stage, ALICE, NULL, 0);
    talker_say(talker, "{'msgType':301,'msgBody':{'peer':{'user':2002},'cid':1,'token':'other'}}");
    stage_hears(stage, talker,
                "{'msg':'token is not this connection's','msgType':101,'fromUserId':'SYSTEM'}");
    stage_quiet(stage);
}

/* --- beyond the positions -------------------------------------------------------------------- */

static struct slice pack(struct buffer *buffer, const struct entry *entry) {
    *buffer = buffer_make(4096);
    record_pack(&entry_desc, entry, buffer);
    return slice_make(buffer->data, buffer->length);
}

/*
 * Groups, one more than a connection keeps positions in, with one entry each. Of those that the
 * request lists, what is behind its position; of others, unless it wants none of them, what is
 * behind the cursor.
 */
#define GROUPS ((uint64_t)POSITIONS_MAX + 1)

static void serve_groups(struct asked **pull, const struct delivery_pull *body,
                         const uint64_t *cursors) {
    enum { PAGE = 200 };
    static uint64_t positions[GROUPS + 1], conversations[GROUPS + 1];
    struct entry entries[PAGE];
    struct slice items[PAGE];
    struct buffer buffers[PAGE];
    size_t count = 0;
    memcpy(positions, cursors, sizeof positions);
    for (uint64_t group = 1; body->listed && group <= GROUPS; group++)
        positions[group] = RECORD_NUMBER_MOST;
    for (size_t i = 0; i < body->conversations.count; i++)
        positions[conversation_low_bits(body->conversations.items[i])] = body->positions.items[i];
    for (uint64_t group = 1; group <= GROUPS; group++)
        conversations[group] = conversation_of_group(group);
    for (uint64_t group = 1; group <= GROUPS && count < PAGE; group++) {
        if (positions[group] >= 100 + group)
            continue;
        entries[count] = stage_group_text(100 + group, 0, "hi");
        entries[count].conversation = conversations[group];
        entries[count].to = group;
        items[count] = pack(&buffers[count], &entries[count]);
        count++;
    }
    struct delivery_pull_reply reply = {.entries = {items, count}};
    if (!body->resumed && !body->listed) {
        reply.conversations = (struct u64_list){conversations + 1, POSITIONS_MAX};
        reply.positions = (struct u64_list){(uint64_t *)cursors + 1, POSITIONS_MAX};
        reply.partial = true;
    }
    played_answer(pull, &reply);
    for (size_t i = 0; i < count; i++)
        buffer_free(&buffers[i]);
}

/* As serve_groups, until the client has got so many texts more; the last one's group. */
static uint64_t hear_groups(struct stage *stage, struct talker *alice, const uint64_t *cursors,
                            size_t texts) {
    struct delivery_pull body;
    uint64_t group = 0;
    for (size_t heard = 0; heard < texts;) {
        struct asked *pull;
        STAGE_UNTIL(stage, alice->text_count > 0 ||
                               played_count(stage->played[DELIVERY], &message_DELIVERY_PULL) > 0);
        while ((pull = played_take(stage->played[DELIVERY], &message_DELIVERY_PULL, &body)))
            serve_groups(&pull, &body, cursors);
        for (; alice->text_count > 0; heard++) {
            char *text = talker_take(alice);
            const char *at = strstr(text, "toGroup\":\"");
            assert_non_null(at);
            group = strtoull(at + strlen("toGroup\":\""), NULL, 10);
            free(text);
        }
        assert_true(heard <= texts);
    }
    return group;
}

static void confirm_group(struct stage *stage, struct talker *alice, uint64_t *cursors,
                          uint64_t group) {
    say_received(alice, test_text("'group':'%llu'", (unsigned long long)group), 100 + group, NULL);
    stage_expect_move(stage, ALICE, conversation_of_group(group), 100 + group);
    cursors[group] = 100 + group;
}

/* One conversation never stops another: not one that is left unconfirmed, and not one of which
 * there is no position. Only when every position waits, what has none waits for the first of them.
 */
static void beyond_the_positions_one_conversation_stops_no_other(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_talker(stage, true);
    struct delivery_pull body;
    uint64_t cursors[GROUPS + 1] = {0};
    stage_log_in_confirming(stage, alice, ALICE, "alice");
    assert_int_equal(hear_groups(stage, alice, cursors, POSITIONS_MAX), POSITIONS_MAX);
    struct asked *pull;
    stage_let_time_pass(stage);
    while ((pull = played_take(stage->played[DELIVERY], &message_DELIVERY_PULL, &body))) {
        serve_groups(&pull, &body, cursors);
        stage_let_time_pass(stage);
    }
    stage_wait_talker_live(stage, alice);
    struct entry entry = stage_group_text(9000, 101, "live");
    entry.conversation = conversation_of_group(1);
    entry.to = 1;
    stage_push_to(stage, &entry, alice);
    stage_hears(stage, alice,
                "{'msg':'live','msgType':8,'fromUserId':'bob','toGroup':'1','cid':9000,"
                "'time_ms':#}");
    no_moves(stage);
    confirm_group(stage, alice, cursors, 77);
    assert_int_equal(hear_groups(stage, alice, cursors, 1), GROUPS);
    confirm_group(stage, alice, cursors, GROUPS);
}

/* --- how much may wait to be confirmed -------------------------------------------------------- */

enum { PART = POSITIONS_MAX_UNCONFIRMED / 2, PARTS = 5 };
#define PART_OF_LOG(n_) (STAGE_PAIR_CID + (uint64_t)(n_)*PART)

/* Answers pulls of the pair conversation's log, and hears it from behind `last` on, until nothing
 * more comes; up to where. */
static uint64_t hear_log(struct stage *stage, struct talker *alice, uint64_t last) {
    static struct entry page[PART];
    struct delivery_pull body;
    struct asked *pull;
    for (bool more = true; more;) {
        stage_let_time_pass(stage);
        for (more = alice->text_count > 0; alice->text_count > 0; last++)
            hears_text(stage, alice, last + 1);
        while ((pull = played_take(stage->played[DELIVERY], &message_DELIVERY_PULL, &body))) {
            uint64_t position = STAGE_PAIR_CID, count = 0;
            for (size_t i = 0; i < body.conversations.count; i++)
                if (body.conversations.items[i] == STAGE_PAIR)
                    position = body.positions.items[i];
            for (; count < PART && position < PART_OF_LOG(PARTS); count++, position++)
                page[count] = stage_text(position + 1, position, ALICE, "hello");
            stage_answer_pull(&pull, page, count);
            more = true;
        }
    }
    return last;
}

/* A client that leaves a conversation unconfirmed is sent so much of it and no more, which is also
 * what it gets again at its next login; others go on. */
static void so_much_of_a_conversation_waits_to_be_confirmed(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_talker(stage, false);
    stage_log_in_confirming(stage, alice, ALICE, "alice");
    uint64_t last = hear_log(stage, alice, STAGE_PAIR_CID), prev = STAGE_GROUP_CID;
    for (unsigned part = 2; part < PARTS; part++) {
        assert_int_equal(last, PART_OF_LOG(part));
        stage_wait_talker_live(stage, alice);
        struct entry same = stage_text(PART_OF_LOG(PARTS) + 1, PART_OF_LOG(PARTS), ALICE, "no");
        struct entry other = stage_group_text(90000 + part, prev, "others go on");
        prev = other.cid;
        stage_push_to(stage, &same, alice);
        stage_push_to(stage, &other, alice);
        stage_hears(stage, alice,
                    "{'msg':'others go on','msgType':8,'fromUserId':'bob','toGroup':'500',"
                    "'cid':%llu,'time_ms':#}",
                    (unsigned long long)other.cid);
        no_moves(stage);
        say_received(alice, "'user':2002", last - PART - 1, NULL); /* too little */
        stage_expect_move(stage, ALICE, STAGE_PAIR, last - PART - 1);
        no_moves(stage);
        say_received(alice, "'user':2002", last - PART, NULL);
        stage_expect_move(stage, ALICE, STAGE_PAIR, last - PART);
        last = hear_log(stage, alice, last);
    }
    assert_int_equal(last, PART_OF_LOG(PARTS));
}

/* There is no room to remember that it was confirmed, so the page is read again. */
static void beyond_the_positions_nothing_confirmed_is_repeated(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_talker(stage, true);
    struct delivery_pull body;
    struct delivery_received received;
    struct buffer buffer;
    struct entry shown = stage_text(11, 10, ALICE, "hello");
    struct slice item = pack(&buffer, &shown);
    struct entry other = stage_text(9, 0, ALICE, "of one that is kept");
    other.conversation = STAGE_FULL_FIRST;
    struct buffer other_buffer;
    struct slice other_item = pack(&other_buffer, &other);
    struct delivery_pull_reply page = stage_full_page(&other_item, 1, true);
    stage_log_in_confirming(stage, alice, ALICE, "alice");
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    played_answer(&pull, &page);
    stage_hears(stage, alice,
                "{'msg':'of one that is kept','msgType':6,'fromUserId':'bob','cid':9,'time_ms':#}");
    pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    say_received(alice, "'user':2002", 11, "r");
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_RECEIVED, &received);
    played_answer(&asked, &(struct delivery_received_reply){.conversation = STAGE_PAIR});
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
    page.entries = (struct slice_list){&item, 1};
    played_answer(&pull, &page);
    pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    page.entries.count = 0;
    played_answer(&pull, &page);
    stage_wait_talker_live(stage, alice);
    stage_hears_nothing(stage, alice);
    buffer_free(&buffer);
    buffer_free(&other_buffer);
}

/* Of those that are not shown nothing waits for the client. */
static void beyond_the_positions_what_is_not_shown_is_passed(void **state) {
    struct stage *stage = *state;
    struct talker *alice = stage_talker(stage, true);
    struct delivery_pull body;
    struct buffer buffer;
    struct entry own = stage_text(11, 10, BOB, "mine");
    own.from = ALICE;
    struct slice item = pack(&buffer, &own);
    struct delivery_pull_reply page = stage_full_page(&item, 1, true);
    stage_log_in_confirming(stage, alice, ALICE, "alice");
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    played_answer(&pull, &page);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    page.entries.count = 0;
    played_answer(&pull, &page);
    stage_wait_talker_live(stage, alice);
    buffer_free(&buffer);
}

int main(void) {
#define TEST(name_) cmocka_unit_test_setup_teardown(name_, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(only_a_301_moves_a_confirming_clients_cursors),
        TEST(pages_are_confirmed_too),
        TEST(without_confirm_both_move_them),
        TEST(from_then_on_only_301s_count),
        TEST(what_is_not_shown_needs_no_confirming),
        TEST(a_ref_is_answered_when_it_is_stored),
        cmocka_unit_test_setup_teardown(what_cannot_be_stored_is_told, set_up_impatient,
                                        stage_tear_down),
        TEST(what_was_not_written_here_is_deliverys_to_know),
        TEST(a_page_that_was_read_before_brings_nothing_of_it),
        TEST(what_delivery_refuses_is_told),
        TEST(before_a_login_nothing_is_confirmed),
        TEST(beyond_the_positions_one_conversation_stops_no_other),
        TEST(so_much_of_a_conversation_waits_to_be_confirmed),
        TEST(beyond_the_positions_nothing_confirmed_is_repeated),
        TEST(beyond_the_positions_what_is_not_shown_is_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
