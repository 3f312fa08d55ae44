/*
 * parley-delivery alone: delivery.advance.
 */
#include "tests/support/delivery_fixture.h"

#define MOVES 8192
/* Cursors are of accounts from here on, all in one conversation. */
#define FIRST_READER 100
#define CONVERSATION 77

struct moves {
    uint64_t accounts[MOVES + 1], conversations[MOVES + 1], cids[MOVES + 1];
    size_t count;
};

static struct delivery_advance ask_of(struct moves *moves) {
    return (struct delivery_advance){.accounts = {moves->accounts, moves->count},
                                     .conversations = {moves->conversations, moves->count},
                                     .cids = {moves->cids, moves->count}};
}

static enum err advance(struct test_caller *caller, struct moves *moves) {
    struct delivery_advance ask = ask_of(moves);
    return test_caller_ask(caller, &message_DELIVERY_ADVANCE, &ask, NULL);
}

static void move(struct moves *moves, uint64_t account, uint64_t conversation, uint64_t cid) {
    assert_true(moves->count <= MOVES);
    moves->accounts[moves->count] = account;
    moves->conversations[moves->count] = conversation;
    moves->cids[moves->count++] = cid;
}

static struct moves *no_moves(void) {
    static struct moves moves;
    moves.count = 0;
    return &moves;
}

/* Cursors of this many readers, all at 10, without any others. */
static void make_cursors(struct delivery_fixture *f, unsigned count) {
    sql_run(f->database,
            "DELETE FROM `cursor`; INSERT INTO `cursor` (account, conversation, since, received,"
            " until) SELECT seq + %d - 1, %d, 5, 10, 1000 FROM seq_1_to_%u",
            FIRST_READER, CONVERSATION, count);
}

static uint64_t received(struct delivery_fixture *f, uint64_t account, uint64_t conversation) {
    return received_by(f->database, account, conversation);
}

DELIVERY_TEST(test_forward_only) {
    make_cursors(f, 2);
    const uint64_t cids[] = {11, 11, 10, 5000, 12, 0, 5001},
                   after[] = {11, 11, 11, 5000, 5000, 5000, 5001};
    for (size_t i = 0; i < sizeof cids / sizeof cids[0]; i++) {
        struct moves *moves = no_moves();
        move(moves, FIRST_READER, CONVERSATION, cids[i]);
        assert_err(advance(f->caller, moves), ERR_OK);
        assert_int_equal(received(f, FIRST_READER, CONVERSATION), after[i]);
    }
    assert_int_equal(received(f, FIRST_READER + 1, CONVERSATION), 10);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` WHERE since = 5 AND seen = 0"
                                " AND until = 1000"),
                     2);
}

DELIVERY_TEST(test_cursors_that_are_not_there) {
    make_cursors(f, 2);
    struct moves *moves = no_moves();
    assert_err(advance(f->caller, moves), ERR_OK);
    move(moves, FIRST_READER, CONVERSATION + 1, 20);
    move(moves, FIRST_READER + 2, CONVERSATION, 20);
    move(moves, 0, 0, 20);
    move(moves, UINT64_MAX, UINT64_MAX, RECORD_NUMBER_MOST);
    move(moves, FIRST_READER + 1, CONVERSATION, 20);
    assert_err(advance(f->caller, moves), ERR_OK);
    assert_int_equal(sql_number(f->database, "SELECT COUNT(*) FROM `cursor`"), 2);
    assert_int_equal(received(f, FIRST_READER, CONVERSATION), 10);
    assert_int_equal(received(f, FIRST_READER + 1, CONVERSATION), 20);
}

DELIVERY_TEST(test_one_cursor_twice_in_a_request) {
    for (unsigned rising = 0; rising < 2; rising++) {
        make_cursors(f, 2);
        struct moves *moves = no_moves();
        move(moves, FIRST_READER, CONVERSATION, rising ? 20 : 40);
        move(moves, FIRST_READER + 1, CONVERSATION, 15);
        move(moves, FIRST_READER, CONVERSATION, 30);
        move(moves, FIRST_READER, CONVERSATION, rising ? 40 : 20);
        assert_err(advance(f->caller, moves), ERR_OK);
        assert_int_equal(received(f, FIRST_READER, CONVERSATION), 40);
        assert_int_equal(received(f, FIRST_READER + 1, CONVERSATION), 15);
    }
}

DELIVERY_TEST(test_lists_that_do_not_fit) {
    make_cursors(f, 2);
    struct moves *moves = no_moves();
    for (size_t i = 0; i <= MOVES; i++)
        move(moves, FIRST_READER, CONVERSATION, 20);
    const size_t counts[][3] = {{1, 0, 0}, {0, 1, 1}, {2, 1, 1},
                                {1, 2, 1}, {1, 1, 2}, {MOVES + 1, MOVES + 1, MOVES + 1}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct delivery_advance ask = ask_of(moves);
        ask.accounts.count = counts[i][0];
        ask.conversations.count = counts[i][1];
        ask.cids.count = counts[i][2];
        assert_err(test_caller_ask(f->caller, &message_DELIVERY_ADVANCE, &ask, NULL),
                   ERR_BAD_REQUEST);
    }
    assert_int_equal(received(f, FIRST_READER, CONVERSATION), 10);
}

DELIVERY_TEST(test_many_at_once) {
    const size_t counts[] = {1, 511, 512, 513, 4096, MOVES};
    make_cursors(f, MOVES);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct moves *moves = no_moves();
        uint64_t to = 20 + i;
        for (size_t n = 0; n < counts[i]; n++) /* scattered, none left out */
            move(moves, FIRST_READER + n * 7 % counts[i], CONVERSATION, to);
        assert_err(advance(f->caller, moves), ERR_OK);
        assert_int_equal(
            sql_number(f->database, "SELECT COUNT(*) FROM `cursor` WHERE received = %" PRIu64, to),
            counts[i] % 7 == 0 ? counts[i] / 7 : counts[i]);
    }
}

/* Rows are locked in one order, so none is turned away. */
DELIVERY_TEST(test_the_same_ones_at_once) {
    enum { CALLERS = 4, COUNT = 2000 };
    struct test_caller *callers[CALLERS];
    make_cursors(f, COUNT);
    for (size_t i = 0; i < CALLERS; i++)
        callers[i] = test_caller_new(test_text("caller-%zu", i), f->port);
    for (uint64_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < CALLERS; i++) {
            struct moves *moves = no_moves();
            for (size_t n = 0; n < COUNT; n++)
                move(moves, FIRST_READER + (i % 2 == 0 ? n : COUNT - 1 - n), CONVERSATION,
                     20 + round * CALLERS + i);
            struct delivery_advance ask = ask_of(moves);
            test_caller_start(callers[i], &message_DELIVERY_ADVANCE, &ask);
        }
        for (size_t i = 0; i < CALLERS; i++)
            assert_err(test_caller_finish(callers[i], &message_DELIVERY_ADVANCE, NULL), ERR_OK);
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM `cursor` WHERE received = %" PRIu64,
                                    20 + round * CALLERS + CALLERS - 1),
                         COUNT);
    }
    for (size_t i = 0; i < CALLERS; i++)
        test_caller_destroy(&callers[i]);
}

/* An account that joins or leaves elsewhere locks its own cursor, for which nobody else waits. */
DELIVERY_TEST(test_other_cursors_may_be_locked) {
    static const struct db_statement add_cursor = {
        "add_cursor", "INSERT INTO `cursor` (account, conversation) VALUES (?, ?)"};
    static const struct db_statement lock_cursor = {
        "lock_cursor", "UPDATE `cursor` SET until = NULL WHERE account = ? AND conversation = ?"};
    make_cursors(f, 3);
    struct db *holder = db_new(test_database_settings(f->database), NULL);
    assert_non_null(holder);
    assert_err(db_begin(holder), ERR_OK);
    assert_err(db_query(holder, &add_cursor, DB_ARGS(db_u64(1), db_u64(1)), NULL), ERR_OK);
    assert_err(
        db_query(holder, &lock_cursor, DB_ARGS(db_u64(FIRST_READER), db_u64(CONVERSATION)), NULL),
        ERR_OK);
    struct moves *moves = no_moves();
    move(moves, FIRST_READER + 1, CONVERSATION, 20);
    move(moves, FIRST_READER + 2, CONVERSATION, 20);
    assert_err(advance(f->caller, moves), ERR_OK);
    assert_int_equal(received(f, FIRST_READER + 1, CONVERSATION), 20);
    assert_int_equal(received(f, FIRST_READER + 2, CONVERSATION), 20);
    let_go(&holder);
}

DELIVERY_TEST(test_arrived_entries_are_not_read_again) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    say(f, ada, bob, 0, "first");
    uint64_t second = say(f, ada, bob, 0, "second"), third = say(f, ada, bob, 0, "third");
    uint64_t conversation = next_routed(f).entry.conversation;
    skip_routed(f, 2);
    struct moves *moves = no_moves();
    move(moves, bob, conversation, second);
    assert_err(advance(f->caller, moves), ERR_OK);
    for (unsigned i = 0; i < 2; i++) {
        struct delivery_pull ask = {.account = i == 0 ? bob : ada};
        struct delivery_pull_reply page;
        assert_err(test_caller_ask(f->caller, &message_DELIVERY_PULL, &ask, &page), ERR_OK);
        assert_int_equal(page.entries.count, i == 0 ? 1 : 3);
        assert_int_equal(page.positions.items[0], i == 0 ? second : 0);
    }
    assert_true(third > second);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
