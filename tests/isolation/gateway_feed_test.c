/*
 * The gateway alone: entries that are pushed, and everything that sends a client back to reading
 * the log. Links to session and instances that appear and go: gateway_link_test.c.
 */
#include <stdlib.h>
#include <string.h>

#include "services/gateway/positions.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define CAROL ((uint64_t)1004)
#define BOB ((uint64_t)2002)

/* A pull of that account that goes on behind this position in the pair conversation; answers it
 * with that entry, if any, and the one after it with none. */
static void expect_catching_up(struct stage *stage, uint64_t account, uint64_t position,
                               const struct entry *entry) {
    struct delivery_pull body;
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    assert_int_equal(body.account, account);
    assert_true(body.resumed);
    for (size_t i = 0; i < body.conversations.count; i++)
        if (body.conversations.items[i] == STAGE_PAIR)
            assert_int_equal(body.positions.items[i], position);
    stage_answer_pull(&pull, entry, entry == NULL ? 0 : 1);
    if (entry != NULL)
        stage_expect_pull(stage, account, NULL, 0);
}

/* --- pushes -------------------------------------------------------------------------------- */

STAGED(entries_in_order_go_straight_out) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    for (uint64_t i = 0; i < 5; i++) {
        struct entry entry = stage_text(11 + i, 10 + i, ALICE, test_text("%u", (unsigned)i));
        stage_push_to(stage, &entry, alice);
    }
    for (unsigned i = 0; i < 5; i++)
        stage_hears_bob(stage, alice, test_text("%u", i));
    struct entry entry = stage_group_text(21, STAGE_GROUP_CID, "to all");
    entry.to_id = slice_text("us");
    stage_push_to(stage, &entry, alice);
    stage_hears(stage, alice, "{'msg':'to all','msgType':8,'fromUserId':'bob','toGroup':'us'}");
    stage_quiet(stage);
}

STAGED(everyone_sees_it_once_and_in_their_own_way) {
    struct talker *to[6];
    for (size_t i = 0; i < 6; i++) {
        to[i] = stage_talker(stage, i % 2 == 0);
        if (i == 2)
            stage_log_in_ext(stage, to[i], ALICE, "alice");
        else if (i < 4)
            stage_log_in(stage, to[i], ALICE, i == 1 ? NULL : "alice");
        else
            stage_log_in(stage, to[i], BOB, i == 4 ? NULL : "bob");
        stage_expect_pull(stage, to[i]->account, NULL, 0);
        if (i != 2)
            stage_wait_talker_live(stage, to[i]);
    }
    stage_wait_talker_live(stage, to[2]);
    struct entry entry = stage_text(11, 10, ALICE, "hello");
    stage_push(stage, &entry, to, 6);
    static const char ourchat[] = "{'code':0,'time':1700000000,'data':{'cid':11,'sender':{"
                                  "'ocid':2002,'private_id':1001},'msg':'hello'}}";
    stage_hears_bob(stage, to[0], "hello");
    stage_hears(stage, to[1], ourchat);
    stage_hears(stage, to[2],
                "{'msg':'hello','msgType':6,'fromUserId':'bob','cid':11,'time_ms':1700000000123}");
    stage_hears_bob(stage, to[3], "hello");
    stage_hears(stage, to[4], ourchat); /* the sender's receipt, */
    stage_hears_nothing(stage, to[5]);  /* which YouIM has none of */
    stage_quiet(stage);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(to[i]->text_count, 0);
}

STAGED(entries_sent_already_are_dropped) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct entry old = stage_text(9, 8, ALICE, "old"), at = stage_text(10, 9, ALICE, "also old");
    struct entry entry = stage_text(11, 10, ALICE, "new"), next = stage_text(12, 11, ALICE, "next");
    stage_push_to(stage, &old, alice);
    stage_push_to(stage, &at, alice);
    stage_push_to(stage, &entry, alice);
    stage_push_to(stage, &entry, alice);
    stage_push_to(stage, &old, alice);
    stage_push_to(stage, &next, alice);
    stage_hears_bob(stage, alice, "new");
    stage_hears_bob(stage, alice, "next");
    stage_quiet(stage);
    assert_int_equal(alice->text_count, 0);
}

STAGED(unstored_entries_pass_by) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct entry fleeting = stage_text(0, 0, ALICE, "fleeting");
    struct entry entry = stage_text(11, 10, ALICE, "stored");
    fleeting.conversation = 12345;
    stage_push_to(stage, &fleeting, alice);
    stage_push_to(stage, &fleeting, alice);
    stage_push_to(stage, &entry, alice);
    stage_hears_bob(stage, alice, "fleeting");
    stage_hears_bob(stage, alice, "fleeting");
    stage_hears_bob(stage, alice, "stored");
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    stage_quiet(stage);
    assert_int_equal(stage->move_count, 0);
}

/* Whatever it was, it may be in the log. */
STAGED(a_bad_entry_is_looked_up) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    uint64_t connections[] = {alice->connection, 999, alice->connection + 1000};
    struct push_item items[] = {{{connections, 3}, slice_text("no msgpack")},
                                {{connections, 3}, slice_text("\x80")},
                                {{connections, 3}, slice_make("\x81\xa3", 2)}};
    struct gateway_push push = {.seq = played_next_seq(stage->played[SESSION]),
                                .items = {items, 3}};
    played_send(stage->played[SESSION], &message_GATEWAY_PUSH, &push);
    struct entry entry = stage_text(11, 10, ALICE, "good");
    stage_expect_pull(stage, ALICE, &entry, 1);
    stage_hears_bob(stage, alice, "good");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, alice);
    entry = stage_text(12, 11, ALICE, "to somebody else's account as well");
    stage_push(stage, &entry, (struct talker *const[]){alice}, 1);
    stage_hears_bob(stage, alice, "to somebody else's account as well");
    stage_quiet(stage);
}

/* Later entries are not written before it, and no position moves past it. */
STAGED(a_bad_entry_in_a_page_is_read_again) {
    struct talker *alice = stage_talker(stage, false);
    struct delivery_pull body;
    stage_log_in(stage, alice, ALICE, "alice");
    struct entry second = stage_text(12, 11, ALICE, "second");
    struct buffer packed = buffer_make(4096);
    record_pack(&entry_desc, &second, &packed);
    struct slice items[] = {slice_text("no msgpack"), slice_make(packed.data, packed.length)};
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    played_answer(&pull, &(struct delivery_pull_reply){.entries = {items, 2}});
    struct entry page[] = {stage_text(11, 10, ALICE, "first"), second};
    stage_expect_pull(stage, ALICE, page, 2);
    stage_hears_bob(stage, alice, "first");
    stage_hears_bob(stage, alice, "second");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, alice);
    buffer_free(&packed);
}

/* --- new conversations --------------------------------------------------------------------- */

STAGED(a_conversation_that_begins_goes_straight_out) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct entry entry = stage_text(30, 0, ALICE, "first");
    entry.conversation = 8;
    stage_push_to(stage, &entry, alice);
    stage_hears_bob(stage, alice, "first");
    entry = stage_text(31, 30, ALICE, "second");
    entry.conversation = 8;
    stage_push_to(stage, &entry, alice);
    stage_hears_bob(stage, alice, "second");
    stage_quiet(stage);
}

STAGED(one_that_began_without_the_account_is_read) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct entry entry = stage_text(31, 30, ALICE, "you are a member now");
    entry.conversation = 8;
    stage_push_to(stage, &entry, alice);
    expect_catching_up(stage, ALICE, 10, &entry);
    stage_hears_bob(stage, alice, "you are a member now");
    stage_wait_talker_live(stage, alice);
    entry = stage_text(32, 31, ALICE, "and hear what is said");
    entry.conversation = 8;
    stage_push_to(stage, &entry, alice);
    stage_hears_bob(stage, alice, "and hear what is said");
    stage_quiet(stage);
}

/* When delivery could not list all of the account's conversations, one that is not known may have
 * been there before. */
STAGED(of_a_partial_list_nothing_is_concluded) {
    struct talker *alice = stage_talker(stage, false);
    struct delivery_pull body;
    uint64_t conversation = STAGE_PAIR, position = 10;
    for (int i = 0; i < 2; i++) {
        if (i == 0)
            stage_log_in(stage, alice, ALICE, "alice");
        struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
        assert_false(body.resumed);
        played_answer(&pull, &(struct delivery_pull_reply){.conversations = {&conversation, 1},
                                                           .positions = {&position, 1},
                                                           .partial = true});
        if (i == 0) {
            stage_wait_talker_live(stage, alice);
            struct entry entry = stage_text(30, 0, ALICE, "first");
            entry.conversation = 8;
            stage_push_to(stage, &entry, alice);
        }
    }
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

static bool lists(const struct delivery_pull *body, uint64_t conversation) {
    for (size_t i = 0; i < body->conversations.count; i++)
        if (body->conversations.items[i] == conversation)
            return true;
    return false;
}

/* While something is on its way to the client no position gives way. */
static void wait_taken(struct stage *stage, uint64_t cid) {
    STAGE_UNTIL(stage, stage->move_count > 0 && stage->moves[stage->move_count - 1].cid == cid);
}

/* More conversations than a connection keeps positions in: one that is settled gives way. */
STAGED(beyond_the_positions_another_gives_way) {
    struct talker *alice = stage_talker(stage, false);
    struct delivery_pull body;
    struct buffer packed = buffer_make(4096);
    stage_log_in(stage, alice, ALICE, "alice");
    struct entry entry = stage_text(11, 10, ALICE, "in one of the others");
    record_pack(&entry_desc, &entry, &packed);
    struct slice item = slice_make(packed.data, packed.length);
    uint64_t given_way = 0;
    for (int i = 0; i < 2; i++) {
        struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
        assert_false(body.resumed);
        assert_false(body.listed);
        assert_int_equal(body.conversations.count, i == 0 ? 0 : POSITIONS_MAX);
        assert_true(i == 0 || lists(&body, STAGE_PAIR));
        for (uint64_t j = 0; i == 1 && j < POSITIONS_MAX; j++)
            given_way = lists(&body, STAGE_FULL_FIRST + j) ? given_way : STAGE_FULL_FIRST + j;
        struct delivery_pull_reply page = stage_full_page(&item, i == 0 ? 1 : 0, true);
        played_answer(&pull, &page);
    }
    stage_hears_bob(stage, alice, "in one of the others");
    stage_wait_talker_live(stage, alice);
    wait_taken(stage, 11);
    /* The conversation's next entries are read behind the account's cursor. */
    entry = stage_text(30, 0, ALICE, "in the one that gave way");
    entry.conversation = given_way;
    stage_push_to(stage, &entry, alice);
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    assert_false(lists(&body, given_way));
    stage_answer_pull(&pull, &entry, 1);
    stage_hears_bob(stage, alice, "in the one that gave way");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
    buffer_free(&packed);
}

/* The same when it arrives by a push. */
STAGED(a_push_beyond_the_positions_is_written_once) {
    struct talker *alice = stage_talker(stage, false);
    struct delivery_pull body;
    stage_log_in(stage, alice, ALICE, "alice");
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    struct delivery_pull_reply page = stage_full_page(NULL, 0, false);
    played_answer(&asked, &page);
    stage_wait_talker_live(stage, alice);
    struct entry first = stage_text(11, 0, ALICE, "in a new one");
    struct entry second = stage_text(12, 11, ALICE, "there as well");
    stage_push_to(stage, &first, alice);
    stage_push_to(stage, &second, alice);
    stage_hears_bob(stage, alice, "in a new one");
    stage_hears_bob(stage, alice, "there as well");
    wait_taken(stage, 12);
    /* From now on not all are known. */
    struct entry third = stage_text(13, 0, ALICE, "in another new one");
    third.conversation = STAGE_PAIR + 1;
    stage_push_to(stage, &third, alice);
    stage_expect_pull(stage, ALICE, &third, 1);
    stage_hears_bob(stage, alice, "in another new one");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, alice);
}

/* --- gaps ---------------------------------------------------------------------------------- */

STAGED(a_gap_in_a_conversation_is_read) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct talker *carol = stage_live(stage, CAROL, "carol");
    struct entry missed = stage_text(11, 10, ALICE, "missed");
    struct entry entry = stage_text(12, 11, ALICE, "behind it");
    stage_push_to(stage, &entry, alice);
    struct delivery_pull body;
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    stage_answer_pull(&pull, (struct entry[]){missed, entry}, 2);
    stage_hears_bob(stage, alice, "missed");
    stage_hears_bob(stage, alice, "behind it");
    expect_catching_up(stage, ALICE, 12, NULL);
    stage_wait_talker_live(stage, alice);
    stage_hears_nothing(stage, carol);
    stage_quiet(stage);
}

STAGED(a_gap_in_the_pushes_concerns_everyone) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct talker *carol = stage_live(stage, CAROL, "carol");
    struct entry fleeting = stage_text(0, 0, CAROL, "lost");
    played_next_seq(stage->played[SESSION]); /* one that never arrives */
    stage_push_to(stage, &fleeting, carol);
    struct entry missed = stage_text(11, 10, ALICE, "missed");
    for (int i = 0; i < 2; i++) {
        struct delivery_pull body;
        struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
        assert_true(body.resumed);
        stage_answer_pull(&pull, &missed, body.account == ALICE ? 1 : 0);
    }
    expect_catching_up(stage, ALICE, 11, NULL);
    stage_hears_bob(stage, alice, "missed");
    stage_wait_talker_live(stage, alice);
    stage_wait_talker_live(stage, carol);
    stage_quiet(stage);
}

STAGED(a_push_that_only_the_ping_tells_of_is_missed) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct entry missed = stage_text(11, 10, ALICE, "missed");
    stage_let_time_pass(stage); /* pings that report arrived entries are no news */
    assert_null(played_waiting(stage->played[DELIVERY]));
    played_next_seq(stage->played[SESSION]);
    expect_catching_up(stage, ALICE, 10, &missed);
    stage_hears_bob(stage, alice, "missed");
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

STAGED(entries_that_session_missed_are_read) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct entry missed = stage_text(11, 10, ALICE, "missed");
    struct gateway_dirty dirty = {.seq = played_next_seq(stage->played[SESSION]),
                                  .reason = slice_text("a test")};
    played_send(stage->played[SESSION], &message_GATEWAY_DIRTY, &dirty);
    expect_catching_up(stage, ALICE, 10, &missed);
    stage_hears_bob(stage, alice, "missed");
    stage_wait_talker_live(stage, alice); /* its number counted with the pushes */
    stage_quiet(stage);
}

/* A login whose first page is asked for. */
static struct asked *log_in_to_page(struct stage *stage, bool websocket, struct talker **alice_r) {
    struct delivery_pull body;
    *alice_r = stage_talker(stage, websocket);
    stage_log_in(stage, *alice_r, ALICE, "alice");
    return stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
}

/* The gateway has taken all pushes up to now. */
static void wait_pushes_taken(struct stage *stage, struct talker *carol) {
    struct entry fleeting = stage_text(0, 0, CAROL, "fleeting");
    stage_push_to(stage, &fleeting, carol);
    stage_hears_bob(stage, carol, "fleeting");
}

/* --- while catching up --------------------------------------------------------------------- */

STAGED(a_push_while_catching_up_asks_for_one_more_page) {
    struct talker *alice, *carol = stage_live(stage, CAROL, "carol");
    struct asked *pull = log_in_to_page(stage, true, &alice);
    struct entry entry = stage_text(11, 10, ALICE, "meanwhile");
    stage_push_to(stage, &entry, alice);
    wait_pushes_taken(stage, carol);
    stage_answer_pull(&pull, NULL, 0);
    expect_catching_up(stage, ALICE, 10, &entry);
    stage_hears_bob(stage, alice, "meanwhile");
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
    assert_int_equal(alice->text_count, 0);
}

/* Another connection of the account has it, and confirmed it, before this one's first page was
 * read. That page's entries of other conversations are not written before it. */
STAGED(a_push_that_the_first_page_passes_is_read) {
    struct talker *alice, *carol = stage_live(stage, CAROL, "carol");
    struct asked *pull = log_in_to_page(stage, false, &alice);
    struct entry first = stage_text(STAGE_PAIR_CID - 1, STAGE_PAIR_CID - 2, ALICE, "first");
    struct entry second = stage_text(STAGE_PAIR_CID, STAGE_PAIR_CID - 1, ALICE, "second");
    stage_push_to(stage, &first, alice);
    stage_push_to(stage, &second, alice);
    wait_pushes_taken(stage, carol);
    struct entry later = stage_group_text(STAGE_GROUP_CID + 1, STAGE_GROUP_CID, "later");
    later.to_id = slice_text("us");
    stage_answer_pull(&pull, &later, 1);
    struct delivery_pull body;
    pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    assert_true(body.resumed);
    assert_int_equal(body.conversations.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(body.positions.items[i], body.conversations.items[i] == STAGE_PAIR
                                                      ? STAGE_PAIR_CID - 2
                                                      : STAGE_GROUP_CID);
    stage_answer_pull(&pull, (struct entry[]){first, second, later}, 3);
    stage_hears_bob(stage, alice, "first");
    stage_hears_bob(stage, alice, "second");
    stage_hears(stage, alice, "{'msg':'later','msgType':8,'fromUserId':'bob','toGroup':'us'}");
    expect_catching_up(stage, ALICE, STAGE_PAIR_CID, NULL);
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

/* Its sender sent it again: it had reached the account before the login. */
STAGED(a_repeat_before_the_first_page_is_not_read) {
    struct talker *alice, *carol = stage_live(stage, CAROL, "carol");
    struct asked *pull = log_in_to_page(stage, false, &alice);
    struct entry entry = stage_text(STAGE_PAIR_CID, STAGE_PAIR_CID - 1, ALICE, "again");
    entry.repeat = true;
    stage_push_to(stage, &entry, alice);
    wait_pushes_taken(stage, carol);
    stage_answer_pull(&pull, NULL, 0);
    expect_catching_up(stage, ALICE, STAGE_PAIR_CID, NULL);
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

/* One that is not stored: no page will bring it, and it is no reason to read again. */
STAGED(a_fleeting_push_while_catching_up_is_written) {
    struct talker *alice;
    struct asked *pull = log_in_to_page(stage, true, &alice);
    struct entry fleeting = stage_text(0, 0, ALICE, "fleeting");
    stage_push_to(stage, &fleeting, alice);
    stage_hears_bob(stage, alice, "fleeting");
    stage_answer_pull(&pull, NULL, 0);
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
    assert_int_equal(alice->text_count, 0);
}

STAGED(a_page_that_fails_is_asked_for_again) {
    struct talker *alice = stage_talker(stage, false);
    static const enum err errors[] = {ERR_UNAVAILABLE, ERR_INTERNAL, ERR_OVERLOADED};
    struct delivery_pull body;
    stage_log_in(stage, alice, ALICE, "alice");
    for (size_t i = 0; i < 3; i++) {
        struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
        assert_false(body.resumed);
        played_refuse(&pull, errors[i]);
    }
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
}

/* Entries that a page repeats, or gets wrong, are passed over. */
STAGED(a_page_is_compared_with_sent_entries) {
    struct talker *alice = stage_talker(stage, false);
    struct delivery_pull body;
    struct buffer packed = buffer_make(4096);
    stage_log_in(stage, alice, ALICE, "alice");
    struct entry entry = stage_text(11, 10, ALICE, "once");
    stage_expect_pull(stage, ALICE, (struct entry[]){entry, entry}, 2);
    stage_hears_bob(stage, alice, "once");
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    entry = stage_text(12, 11, ALICE, "good");
    record_pack(&entry_desc, &entry, &packed);
    struct slice item = slice_make(packed.data, packed.length);
    uint64_t positions[] = {1, 2, 3};
    played_answer(&pull, &(struct delivery_pull_reply){.entries = {&item, 1},
                                                       .conversations = {positions, 1},
                                                       .positions = {positions, 3}});
    stage_hears_bob(stage, alice, "good");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_wait_talker_live(stage, alice);
    stage_quiet(stage);
    buffer_free(&packed);
}

int main(void) { return test_run_all(NULL, NULL); }
