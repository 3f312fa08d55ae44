/*
 * parley-delivery alone: delivery.history.
 */
#include "proto/conversation.h"
#include "tests/support/delivery_puller.h"

struct piece {
    struct delivery_history_reply reply;
    uint64_t cids[LIST_MAX];
};

static enum err try_read(struct delivery_fixture *f, struct delivery_history ask,
                         struct piece *piece) {
    *piece = (struct piece){.reply = {.more = false}};
    enum err err = test_caller_ask(f->caller, &message_DELIVERY_HISTORY, &ask, &piece->reply);
    if (err == ERR_OK)
        cids_of(&piece->reply.entries, piece->cids);
    return err;
}

static void expect(struct delivery_fixture *f, struct delivery_history ask, bool more,
                   const uint64_t *cids, size_t count) {
    struct piece piece;
    assert_err(try_read(f, ask, &piece), ERR_OK);
    assert_int_equal(piece.reply.entries.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(piece.cids[i], cids[i]);
    assert_int_equal(piece.reply.more, more);
}
#define expect_piece(f_, ask_, more_, ...)                                                         \
    expect(f_, ask_, more_, (uint64_t[]){__VA_ARGS__},                                             \
           sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
#define expect_nothing(f_, ask_) expect(f_, ask_, false, NULL, 0)

static void refused(struct delivery_fixture *f, struct delivery_history ask, enum err expected) {
    struct piece piece;
    assert_err(try_read(f, ask, &piece), expected);
}

#define ASK(...) ((struct delivery_history){__VA_ARGS__})

/* --- where it is read ---------------------------------------------------------------------- */

DELIVERY_TEST(test_the_place) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t pair = new_pair(f, ada, bob);
    for (uint64_t cid = 10; cid <= 70; cid += 10)
        store(f, pair, cid, cid % 20 == 0 ? ada : bob, "x");
    expect_piece(f, ASK(.account = ada, .user = bob), false, 10, 20, 30, 40, 50, 60, 70);
    expect_piece(f, ASK(.account = bob, .user = ada, .limit = 3), true, 50, 60, 70);
    expect_piece(f, ASK(.account = ada, .user = bob, .limit = 7), false, 10, 20, 30, 40, 50, 60,
                 70);
    expect_piece(f, ASK(.account = ada, .user = bob, .before = 50, .limit = 3), true, 20, 30, 40);
    expect_piece(f, ASK(.account = ada, .user = bob, .before = 20, .limit = 3), false, 10);
    expect_nothing(f, ASK(.account = ada, .user = bob, .before = 10));
    expect_nothing(f, ASK(.account = ada, .user = bob, .before = 1));
    expect_piece(f, ASK(.account = ada, .user = bob, .after = 15, .limit = 3), true, 20, 30, 40);
    expect_piece(f, ASK(.account = ada, .user = bob, .after = 50), false, 60, 70);
    expect_nothing(f, ASK(.account = ada, .user = bob, .after = 70));
    expect_nothing(f, ASK(.account = ada, .user = bob, .after = UINT64_MAX));
    expect_piece(f, ASK(.account = ada, .user = bob, .before = UINT64_MAX, .limit = 1), true, 70);
}

DELIVERY_TEST(test_around) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t pair = new_pair(f, ada, bob);
    for (uint64_t cid = 110; cid <= 170; cid += 10)
        store(f, pair, cid, ada, "x");
    expect_piece(f, ASK(.account = ada, .user = bob, .around = 140, .limit = 4), true, 120, 130,
                 140, 150);
    expect_piece(f, ASK(.account = ada, .user = bob, .around = 140, .limit = 1), true, 140);
    expect_piece(f, ASK(.account = ada, .user = bob, .around = 145, .limit = 2), true, 140, 150);
    expect_piece(f, ASK(.account = ada, .user = bob, .around = 110, .limit = 4), true, 110, 120);
    expect_piece(f, ASK(.account = ada, .user = bob, .around = 1000, .limit = 4), true, 160, 170);
    expect_piece(f, ASK(.account = ada, .user = bob, .around = 140, .limit = 8), false, 110, 120,
                 130, 140, 150, 160, 170);
}

DELIVERY_TEST(test_all_kinds) {
    uint64_t ada = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", &ada, 1);
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (%" PRIu64
            ", 2, %" PRIu64 ", 0, 1), (%" PRIu64 ", 3, 0, 0, 1)",
            conversation_of_account(ada), ada, CONVERSATION_OF_ALL);
    set_cursor(f, ada, conversation_of_account(ada), 0, 0, "NULL");
    store(f, conversation_of_account(ada), 201, 0, "own");
    store(f, conversation_of_group(group), 202, ada, "in the group");
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
            " VALUES (%" PRIu64 ", 203, 9000000000000, 14, 0, 'everybody''s')",
            CONVERSATION_OF_ALL);
    expect_piece(f, ASK(.account = ada, .user = ada), false, 201);
    expect_piece(f, ASK(.account = ada, .group = group), false, 202);
    expect_piece(f, ASK(.account = ada), false, 203);
}

/* --- readable texts ------------------------------------------------------------------------ */

DELIVERY_TEST(test_from_joining_to_leaving) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, bob}, 2);
    uint64_t conversation = conversation_of_group(group);
    for (uint64_t cid = 301; cid <= 309; cid++)
        store(f, conversation, cid, ada, "x");
    set_cursor(f, bob, conversation, 302, 0, "307");
    expect_piece(f, ASK(.account = bob, .group = group), false, 303, 304, 305, 306, 307);
    expect_piece(f, ASK(.account = bob, .group = group, .before = 305), false, 303, 304);
    expect_piece(f, ASK(.account = bob, .group = group, .after = 305), false, 306, 307);
    expect_piece(f, ASK(.account = bob, .group = group, .around = 302, .limit = 4), true, 303, 304);
    expect_piece(f, ASK(.account = bob, .group = group, .around = 309, .limit = 4), true, 306, 307);
    sql_run(f->database,
            "INSERT INTO absence (account, conversation, after, upto) VALUES (%" PRIu64 ", %" PRIu64
            ", 303, 305)",
            bob, conversation);
    expect_piece(f, ASK(.account = bob, .group = group), false, 303, 306, 307);
    expect_piece(f, ASK(.account = bob, .group = group, .limit = 2), true, 306, 307);
    expect_piece(f, ASK(.account = bob, .group = group, .before = 305), false, 303);
    expect_piece(f, ASK(.account = bob, .group = group, .after = 303), false, 306, 307);
    expect_piece(f, ASK(.account = bob, .group = group, .around = 304), false, 303, 306, 307);
    expect_piece(f, ASK(.account = bob, .group = group, .around = 305, .limit = 2), true, 303, 306);
}

/* A member that has left, and everybody once the group is dissolved, can read the same as before.
 */
DELIVERY_TEST(test_a_conversation_that_was_left) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, bob}, 2);
    uint64_t first = say(f, ada, 0, group, "first");
    leave(f, group, bob);
    uint64_t second = say(f, ada, 0, group, "second");
    skip_routed(f, 2);
    sql_run(f->database, "UPDATE conversation SET dissolved = TRUE WHERE id = %" PRIu64,
            conversation_of_group(group));
    expect_piece(f, ASK(.account = ada, .group = group), false, first, second);
    expect_piece(f, ASK(.account = bob, .group = group), false, first);
}

DELIVERY_TEST(test_strangers) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cleo = new_account(f->database, ""), group = new_group_of(f, "", &ada, 1);
    new_pair(f, ada, bob);
    expect_nothing(f, ASK(.account = cleo, .user = ada));
    expect_nothing(f, ASK(.account = cleo, .user = cleo));
    refused(f, ASK(.account = ada, .user = 999), ERR_NO_ACCOUNT);
    refused(f, ASK(.account = cleo, .group = group), ERR_NOT_MEMBER);
    refused(f, ASK(.account = cleo, .group = 999), ERR_NO_GROUP);
    refused(f, ASK(.account = cleo, .group = UINT64_MAX), ERR_NO_GROUP);
    refused(f, ASK(.account = cleo, .user = UINT64_MAX), ERR_NO_ACCOUNT);
}

/* --- limits -------------------------------------------------------------------------------- */

DELIVERY_TEST(test_malformed) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    new_pair(f, ada, bob);
    refused(f, ASK(.account = 0, .user = bob), ERR_BAD_REQUEST);
    refused(f, ASK(.account = ada, .user = bob, .group = 1), ERR_BAD_REQUEST);
    refused(f, ASK(.account = ada, .user = bob, .before = 1, .after = 1), ERR_BAD_REQUEST);
    refused(f, ASK(.account = ada, .user = bob, .after = 1, .around = 1), ERR_BAD_REQUEST);
    refused(f, ASK(.account = ada, .user = bob, .limit = LIST_MAX + 1), ERR_BAD_REQUEST);
}

DELIVERY_TEST(test_most_entries) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    new_pair(f, ada, bob);
    store_many(f, ada, LIST_MAX + 1, 5);
    struct piece piece;
    assert_err(try_read(f, ASK(.account = ada, .user = bob, .limit = LIST_MAX), &piece), ERR_OK);
    assert_int_equal(piece.reply.entries.count, LIST_MAX);
    assert_true(piece.reply.more);
    assert_err(try_read(f, ASK(.account = ada, .user = bob), &piece), ERR_OK);
    assert_int_equal(piece.reply.entries.count, 50);
}

/* Of texts that are too long together those stay that are next to the place; one at least. */
DELIVERY_TEST(test_most_bytes) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t pair = new_pair(f, ada, bob);
    for (uint64_t cid = 401; cid <= 410; cid++)
        sql_run(f->database,
                "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
                " VALUES (%" PRIu64 ", %" PRIu64 ", 1, 0, %" PRIu64 ", REPEAT('x', 65000))",
                pair, cid, ada);
    expect_piece(f, ASK(.account = ada, .user = bob), true, 407, 408, 409, 410);
    expect_piece(f, ASK(.account = ada, .user = bob, .before = 404), false, 401, 402, 403);
    expect_piece(f, ASK(.account = ada, .user = bob, .after = 401), true, 402, 403, 404, 405);
    expect_piece(f, ASK(.account = ada, .user = bob, .around = 405), true, 403, 404, 405, 406);
}

DELIVERY_TEST(test_many_absences) {
    uint64_t ada = new_account(f->database, ""), group = new_group_of(f, "", &ada, 1);
    uint64_t conversation = conversation_of_group(group);
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT %" PRIu64
            ", 500000 + seq, 1, 0, 1, 'x' FROM seq_1_to_1200;"
            "INSERT INTO absence (account, conversation, after, upto) SELECT %" PRIu64 ", %" PRIu64
            ", 500000 + 2 * seq - 1, 500000 + 2 * seq FROM seq_1_to_600",
            conversation, ada, conversation);
    /* All that is left of the oldest of them is gone, as it is with retention. */
    sql_run(f->database,
            "DELETE FROM message WHERE conversation = %" PRIu64
            " AND cid BETWEEN 500000 AND 500800",
            conversation);
    expect_piece(f, ASK(.account = ada, .group = group, .limit = 2), true, 501197, 501199);
    expect_piece(f, ASK(.account = ada, .group = group, .after = 400000, .limit = 2), true, 500801,
                 500803);
    expect_piece(f, ASK(.account = ada, .group = group, .before = 500804, .limit = 5), false,
                 500801, 500803);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
