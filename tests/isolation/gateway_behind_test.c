/*
 * The gateway alone: after a client's first page only those conversations are read that are behind,
 * as a page names them or a push shows.
 */
#include "proto/conversation.h"
#include "services/gateway/feed_behind.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define NOTHING ((struct delivery_pull_reply){.partial = false})

static struct asked *expect_pull(struct stage *stage, struct delivery_pull *body_r) {
    return stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, body_r);
}

/* A pull that reads this conversation alone, behind that position. */
static struct asked *expect_pull_of_one(struct stage *stage, uint64_t conversation,
                                        uint64_t position) {
    static struct delivery_pull body;
    struct asked *pull = expect_pull(stage, &body);
    assert_int_equal(body.account, ALICE);
    assert_true(body.listed);
    assert_int_equal(body.fresh.count, 0);
    assert_int_equal(body.conversations.count, 1);
    assert_int_equal(body.conversations.items[0], conversation);
    assert_int_equal(body.positions.count, 1);
    assert_int_equal(body.positions.items[0], position);
    return pull;
}

/* The first page, which looks at all conversations. */
static struct asked *log_in(struct stage *stage, struct talker **alice_r) {
    struct delivery_pull body;
    *alice_r = stage_talker(stage, false);
    stage_log_in(stage, *alice_r, ALICE, "alice");
    struct asked *pull = expect_pull(stage, &body);
    assert_false(body.listed);
    return pull;
}

/* One page is enough for that. */
static struct talker *log_in_live(struct stage *stage, struct delivery_pull_reply reply) {
    struct talker *alice;
    struct asked *pull = log_in(stage, &alice);
    stage_answer_page(&pull, NULL, 0, reply);
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
    return alice;
}

static struct entry strange_text(uint64_t conversation, uint64_t cid, uint64_t prev,
                                 const char *text) {
    struct entry entry = stage_text(cid, prev, ALICE, text);
    entry.conversation = conversation;
    return entry;
}

/* --- conversations that a page names ------------------------------------------------------- */

STAGED(named_conversations_are_read_alone) {
    struct talker *alice;
    uint64_t group = conversation_of_group(STAGE_GROUP);
    struct asked *pull = log_in(stage, &alice);
    struct entry first = stage_text(11, 10, ALICE, "in the pair");
    stage_answer_page(&pull, &first, 1, (struct delivery_pull_reply){.behind = {&group, 1}});
    stage_hears_bob(stage, alice, "in the pair");
    for (uint64_t cid = STAGE_GROUP_CID; cid < STAGE_GROUP_CID + 2; cid++) {
        struct entry entry = stage_group_text(cid + 1, cid, "to all");
        pull = expect_pull_of_one(stage, group, cid);
        struct delivery_pull_reply reply = {.behind = {&group, cid == STAGE_GROUP_CID ? 1 : 0}};
        stage_answer_page(&pull, &entry, 1, reply);
        stage_hears(stage, alice,
                    "{'msg':'to all','msgType':8,'fromUserId':'bob','toGroup':'500'}");
    }
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

STAGED(a_page_that_fails_leaves_it_behind) {
    static const enum err errors[] = {ERR_UNAVAILABLE, ERR_INTERNAL, ERR_OVERLOADED};
    struct talker *alice;
    uint64_t pair = STAGE_PAIR;
    struct asked *pull = log_in(stage, &alice);
    stage_answer_page(&pull, NULL, 0, (struct delivery_pull_reply){.behind = {&pair, 1}});
    for (size_t i = 0; i < 3; i++) {
        pull = expect_pull_of_one(stage, STAGE_PAIR, STAGE_PAIR_CID);
        played_refuse(&pull, errors[i]);
    }
    pull = expect_pull_of_one(stage, STAGE_PAIR, STAGE_PAIR_CID);
    struct entry entry = stage_text(11, 10, ALICE, "at last");
    stage_answer_page(&pull, &entry, 1, NOTHING);
    stage_hears_bob(stage, alice, "at last");
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

/* --- news by a push ------------------------------------------------------------------------ */

STAGED(a_gap_is_read_in_its_conversation_alone) {
    struct talker *alice = log_in_live(stage, NOTHING);
    struct entry entries[] = {stage_text(11, 10, ALICE, "missed"),
                              stage_text(12, 11, ALICE, "behind it")};
    stage_push_to(stage, &entries[1], alice);
    struct asked *pull = expect_pull_of_one(stage, STAGE_PAIR, STAGE_PAIR_CID);
    stage_answer_page(&pull, entries, 2, NOTHING);
    stage_hears_bob(stage, alice, "missed");
    stage_hears_bob(stage, alice, "behind it");
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

/* The page on its way may have been read before. */
STAGED(a_push_while_it_is_read_has_it_read_again) {
    struct talker *alice = log_in_live(stage, NOTHING);
    struct entry first = stage_text(12, 11, ALICE, "first"),
                 fleeting = stage_text(0, 0, ALICE, "x");
    struct entry second = stage_text(13, 12, ALICE, "second");
    stage_push_to(stage, &first, alice);
    struct asked *pull = expect_pull_of_one(stage, STAGE_PAIR, STAGE_PAIR_CID);
    stage_push_to(stage, &second, alice);
    stage_push_to(stage, &fleeting, alice);
    stage_hears_bob(stage, alice, "x"); /* so the one before was read */
    stage_answer_page(&pull, &first, 1, NOTHING);
    stage_hears_bob(stage, alice, "first");
    pull = expect_pull_of_one(stage, STAGE_PAIR, 12);
    stage_answer_page(&pull, &second, 1, NOTHING);
    stage_hears_bob(stage, alice, "second");
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

/* A new conversation of an account whose conversations are all known is read from its beginning. */
STAGED(one_that_began_without_the_account_is_read_alone) {
    struct talker *alice = log_in_live(stage, NOTHING);
    struct entry entry = strange_text(8, 31, 30, "you are a member now");
    stage_push_to(stage, &entry, alice);
    struct asked *pull = expect_pull_of_one(stage, 8, 0);
    stage_answer_page(&pull, &entry, 1, NOTHING);
    stage_hears_bob(stage, alice, "you are a member now");
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

/* --- of an account with many settled conversations, which the first page does not name -------- */

/* Delivery knows where it was settled; one of the release before does not, and its page is of no
 * use. */
STAGED(one_that_was_settled_is_read_from_there) {
    static const struct delivery_pull_reply brief = {.brief = true};
    struct talker *alice = log_in_live(stage, brief);
    struct entry entries[] = {strange_text(8, 21, 0, "long ago"),
                              strange_text(8, 31, 21, "something new")};
    stage_push_to(stage, &entries[1], alice);
    struct asked *pull = expect_pull_of_one(stage, 8, 0);
    stage_answer_page(&pull, entries, 2, NOTHING);
    pull = expect_pull_of_one(stage, 8, 0);
    stage_answer_page(&pull, &entries[1], 1, brief);
    stage_hears_bob(stage, alice, "something new");
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

/* --- of an account in more conversations than are known ------------------------------------ */

static const struct delivery_pull_reply partial = {.partial = true};

/* Behind the account's cursor, which the page has; from there on pushes go straight out. */
STAGED(one_that_is_not_known_is_read_from_its_cursor) {
    struct talker *alice = log_in_live(stage, partial);
    struct delivery_pull body;
    uint64_t conversation = 8, position = 30;
    for (uint64_t cid = 31; cid <= 32; cid++) {
        struct entry entry = strange_text(conversation, cid, cid - 1, "hello");
        stage_push_to(stage, &entry, alice);
        if (cid == 31) {
            struct asked *pull = expect_pull(stage, &body);
            assert_true(body.listed);
            assert_false(body.resumed);
            assert_int_equal(body.conversations.count, 0);
            assert_int_equal(body.fresh.count, 1);
            assert_int_equal(body.fresh.items[0], conversation);
            stage_answer_page(&pull, &entry, 1,
                              (struct delivery_pull_reply){.conversations = {&conversation, 1},
                                                           .positions = {&position, 1}});
        }
        stage_hears_bob(stage, alice, "hello");
    }
    stage_quiet(stage);
}

/* Another connection of the account has it already: only the position is new. */
STAGED(a_page_of_nothing_says_where_it_stands) {
    struct talker *alice = log_in_live(stage, partial);
    struct delivery_pull body;
    uint64_t conversation = 8, position = 31;
    struct entry entry = strange_text(conversation, 31, 30, "received"),
                 next = strange_text(conversation, 32, 31, "new");
    stage_push_to(stage, &entry, alice);
    struct asked *pull = expect_pull(stage, &body);
    stage_answer_page(&pull, NULL, 0,
                      (struct delivery_pull_reply){.conversations = {&conversation, 1},
                                                   .positions = {&position, 1}});
    stage_wait_talker_live(stage, alice);
    stage_push_to(stage, &next, alice);
    stage_hears_bob(stage, alice, "new");
    stage_quiet(stage);
}

/* Pushes in so many of them that one page looks at all conversations, and one that fails again. */
STAGED(too_many_that_are_not_known_are_read_with_all) {
    struct talker *alice = log_in_live(stage, partial);
    struct delivery_pull body;
    struct entry fleeting = stage_text(0, 0, ALICE, "x");
    struct entry entry = strange_text(1000, 31, 30, "hello");
    stage_push_to(stage, &entry, alice);
    struct asked *pull = expect_pull(stage, &body);
    for (uint64_t i = 0; i < FEED_MAX_FRESH; i++) {
        entry = strange_text(1001 + i, 31, 30, "hello");
        stage_push_to(stage, &entry, alice);
    }
    stage_push_to(stage, &fleeting, alice);
    stage_hears_bob(stage, alice, "x");
    played_refuse(&pull, ERR_UNAVAILABLE);
    pull = expect_pull(stage, &body);
    assert_false(body.listed);
    assert_false(body.resumed);
    played_refuse(&pull, ERR_UNAVAILABLE);
    pull = expect_pull(stage, &body);
    assert_false(body.listed);
    stage_answer_page(&pull, NULL, 0, partial);
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

int main(void) { return test_run_all(NULL, NULL); }
