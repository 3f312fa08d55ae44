/*
 * parley-delivery alone: delivery.pull for a client that wants the newest of each conversation
 * alone.
 */
#include "proto/conversation.h"
#include "tests/support/delivery_puller.h"

/* Where the conversation stands in the reply. */
static size_t place_of(const struct puller *puller, uint64_t conversation) {
    const struct delivery_pull_reply *reply = &puller->reply;
    assert_int_equal(reply->skipped.count, reply->conversations.count);
    for (size_t i = 0; i < reply->conversations.count; i++)
        if (reply->conversations.items[i] == conversation)
            return i;
    fail_msg("the conversation is not in the reply");
    return 0;
}

static void expect_cut(const struct puller *puller, uint64_t conversation, uint64_t position,
                       uint64_t skipped) {
    size_t at = place_of(puller, conversation);
    assert_int_equal(puller->reply.positions.items[at], position);
    assert_int_equal(puller->reply.skipped.items[at], skipped);
}

/* As a gateway does it. */
static void take_positions(struct puller *puller) {
    for (size_t i = 0; i < puller->reply.conversations.count; i++)
        puller_knows(puller, puller->reply.conversations.items[i],
                     puller->reply.positions.items[i]);
    take_page(puller);
    puller->resumed = true;
}

/* The last left-out entry stands in front of them: with it the gateway reports how many are left
 * out. */
DELIVERY_TEST(test_the_newest_of_each) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             eve = new_account(f->database, "");
    uint64_t many = new_pair(f, ada, bob), few = new_pair(f, ada, eve);
    for (uint64_t cid = 1; cid <= 10; cid++)
        store(f, many, 10 * cid, bob, "text");
    for (uint64_t cid = 1; cid <= 3; cid++)
        store(f, few, 10 * cid + 1, eve, "text");
    struct puller *puller = puller_of(ada, false);
    puller->newest = 3;
    assert_int_equal(pull(f, puller), 7);
    expect_cut(puller, many, 69, 7);
    expect_cut(puller, few, 0, 0);
    static const uint64_t cids[] = {11, 21, 31, 70, 80, 90, 100};
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(puller->entries[i].cid, cids[i]);
    take_positions(puller);
    assert_int_equal(pull(f, puller), 0);
    /* As many as there are: nothing is left out. */
    puller = puller_of(ada, false);
    puller->newest = 10;
    assert_int_equal(pull(f, puller), 13);
    expect_cut(puller, many, 0, 0);
}

/* Entries that were read before do not count, nor do texts of an absence. */
DELIVERY_TEST(test_unreadable_entries_are_not_counted) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t group = conversation_of_group(new_group_of(f, "", (uint64_t[]){ada, bob}, 2));
    for (uint64_t cid = 1; cid <= 20; cid++)
        store(f, group, cid, bob, "text");
    sql_run(f->database,
            "UPDATE `cursor` SET received = 4 WHERE account = %" PRIu64
            " AND conversation = %" PRIu64 "; INSERT INTO absence VALUES (%" PRIu64 ", %" PRIu64
            ", 8, 14), (%" PRIu64 ", %" PRIu64 ", 16, 18)",
            ada, group, ada, group, ada, group);
    struct puller *puller = puller_of(ada, false); /* may read 5 to 8, 15, 16, 19, 20 */
    puller->newest = 5;
    assert_int_equal(pull(f, puller), 6);
    expect_cut(puller, group, 6, 3);
    static const uint64_t cids[] = {7, 8, 15, 16, 19, 20};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(puller->entries[i].cid, cids[i]);
}

DELIVERY_TEST(test_no_more_than_that_is_counted) {
    enum { FIRST = 1000000, ROWS = 1500, NEWEST = 500 };
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             pair = new_pair(f, ada, bob);
    for (unsigned most = 0; most < 2; most++) {
        unsigned from = FIRST + most * ROWS;
        sql_run(
            f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT %" PRIu64
            ", seq, 1, 0, %" PRIu64 ", 'text' FROM seq_%u_to_%u",
            pair, bob, from, from + ROWS - 1);
        struct puller *puller = puller_of(ada, false);
        puller->newest = NEWEST + 2 * most;
        assert_true(pull(f, puller) > 0);
        uint64_t left_out = (most + 1) * ROWS - puller->newest;
        expect_cut(puller, pair, FIRST + left_out - 2, 999);
        assert_int_equal(puller->entries[0].cid, FIRST + left_out - 1);
    }
}

/* Conversations whose positions are not given are read whole. */
DELIVERY_TEST(test_more_conversations_than_are_reported) {
    enum { CONVERSATIONS = 4097, EACH = 3, FIRST_PAIR = 500000 };
    uint64_t ada = new_account(f->database, "");
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) SELECT %u + seq, 0, %" PRIu64
            ", 900000000 + seq, 1 FROM seq_1_to_%u; INSERT INTO `cursor` (account, conversation)"
            " SELECT %" PRIu64
            ", %u + seq FROM seq_1_to_%u; INSERT INTO message (conversation, cid,"
            " time_ms, type, sender, body) SELECT %u + (seq - 1) %% %u + 1, 3000000 + seq, 1, 0, "
            "900000000,"
            " 'text' FROM seq_1_to_%u",
            FIRST_PAIR, ada, CONVERSATIONS, ada, FIRST_PAIR, CONVERSATIONS, FIRST_PAIR,
            CONVERSATIONS, CONVERSATIONS * EACH);
    struct puller *puller = puller_of(ada, false);
    puller->newest = 1;
    assert_true(pull(f, puller) > 0);
    assert_true(puller->reply.partial);
    assert_int_equal(puller->reply.conversations.count, CONVERSATIONS - 1);
    for (size_t i = 0; i < puller->reply.conversations.count; i++)
        assert_int_equal(puller->reply.skipped.items[i], EACH - 1);
    /* That one's first is the oldest of all. */
    assert_int_equal(puller->entries[0].conversation, FIRST_PAIR + CONVERSATIONS);
    assert_int_equal(puller->entries[0].cid, 3000000 + CONVERSATIONS);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
