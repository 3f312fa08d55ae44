/*
 * parley-delivery alone: the other one of a pair is notified of entries that have arrived by
 * delivery.advance.
 */
#include "tests/support/delivery_fixture.h"

#define MOST 8192

struct moves {
    uint64_t accounts[MOST + 1], conversations[MOST + 1], cids[MOST + 1], from_others[MOST + 1];
    size_t count;
};

static struct moves *no_moves(void) {
    static struct moves moves;
    moves.count = 0;
    return &moves;
}

static void move(struct moves *moves, uint64_t account, uint64_t conversation, uint64_t cid,
                 bool from_others) {
    size_t at = moves->count++;
    moves->accounts[at] = account;
    moves->conversations[at] = conversation;
    moves->cids[at] = cid;
    moves->from_others[at] = from_others;
}

static enum err advance(struct delivery_fixture *f, struct moves *moves, size_t from_others) {
    struct delivery_advance ask = {.accounts = {moves->accounts, moves->count},
                                   .conversations = {moves->conversations, moves->count},
                                   .cids = {moves->cids, moves->count},
                                   .from_others = {moves->from_others, from_others}};
    return test_caller_ask(f->caller, &message_DELIVERY_ADVANCE, &ask, NULL);
}

static void advanced(struct delivery_fixture *f, uint64_t account, uint64_t conversation,
                     uint64_t cid, bool from_others) {
    struct moves *moves = no_moves();
    move(moves, account, conversation, cid, from_others);
    assert_err(advance(f, moves, 1), ERR_OK);
    assert_int_equal(received_by(f->database, account, conversation), cid);
}

/* A range with texts of one's own alone is news for nobody. */
DELIVERY_TEST(test_texts_of_the_other_one) {
    uint64_t ada = new_account(f->database, "ada receives"), bob = new_account(f->database, "");
    uint64_t first = say(f, bob, ada, 0, "first"), second = say(f, bob, ada, 0, "second");
    uint64_t conversation = next_routed(f).entry.conversation;
    skip_routed(f, 1);
    advanced(f, ada, conversation, first, true);
    struct entry entry = expect_arrived(f, conversation, ada, bob, first);
    assert_true(slice_equal(entry.from_id, slice_text("ada receives")));
    advanced(f, bob, conversation, second, false);
    advanced(f, ada, conversation, first, true); /* it is there already */
    expect_no_text_routed(f);
    advanced(f, ada, conversation, second, true);
    expect_arrived(f, conversation, ada, bob, second);
}

/* Of several moves of a cursor the farthest. */
DELIVERY_TEST(test_once_for_each_conversation) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cids[3];
    for (size_t i = 0; i < 3; i++)
        cids[i] = say(f, bob, ada, 0, "text");
    uint64_t conversation = next_routed(f).entry.conversation;
    skip_routed(f, 2);
    struct moves *moves = no_moves();
    move(moves, ada, conversation, cids[1], false);
    move(moves, ada, conversation, cids[0], true);
    move(moves, ada, conversation, cids[2], false);
    assert_err(advance(f, moves, 3), ERR_OK);
    expect_arrived(f, conversation, ada, bob, cids[2]);
    expect_no_text_routed(f);
}

/* The next that is routed: `reader` has read; to its own connections, and to `other` unless 0. */
static void read_by(struct delivery_fixture *f, uint64_t conversation, uint64_t reader,
                    uint64_t other, uint64_t to, uint64_t cid, uint64_t login) {
    const uint64_t accounts[] = {reader, other};
    struct entry entry = expect_text_routed(f, accounts, other == 0 ? 1 : 2);
    assert_int_equal(entry.type, ENTRY_READ);
    assert_int_equal(entry.conversation, conversation);
    assert_int_equal(entry.from, reader);
    assert_int_equal(entry.to, to);
    assert_int_equal(entry.target, cid);
    assert_int_equal(entry.login, login);
}

static enum err read_up_to(struct delivery_fixture *f, uint64_t account, uint64_t conversation,
                           uint64_t cid, uint64_t seen, uint64_t login) {
    struct delivery_advance ask = {.accounts = {&account, 1},
                                   .conversations = {&conversation, 1},
                                   .cids = {&cid, 1},
                                   .from_others = {(uint64_t[]){1}, 1},
                                   .seen = {&seen, 1},
                                   .logins = {&login, 1}};
    return test_caller_ask(f->caller, &message_DELIVERY_ADVANCE, &ask, NULL);
}

static uint64_t seen_by(struct delivery_fixture *f, uint64_t account, uint64_t conversation) {
    return cursor_number(f->database, "seen", account, conversation);
}

/* A report of what was read is pushed once; it says that the entries up to it have arrived, too. */
DELIVERY_TEST(test_reports_of_read_entries) {
    const uint64_t pair[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t group = new_group_of(f, "", pair, 2), in_group = conversation_of_group(group);
    uint64_t cids[3];
    for (size_t i = 0; i < 3; i++)
        cids[i] = say(f, pair[0], pair[1], 0, "text");
    uint64_t group_cid = say(f, pair[0], 0, group, "text");
    uint64_t conversation = next_routed(f).entry.conversation;
    skip_routed(f, 3);
    assert_err(read_up_to(f, pair[1], conversation, cids[0], cids[0], 5), ERR_OK);
    read_by(f, conversation, pair[1], pair[0], pair[0], cids[0], 5);
    assert_err(read_up_to(f, pair[1], conversation, cids[0], cids[0], 5), ERR_OK);
    expect_no_text_routed(f);
    assert_err(read_up_to(f, pair[1], conversation, cids[2], cids[1], 6), ERR_OK);
    read_by(f, conversation, pair[1], pair[0], pair[0], cids[1], 6);
    expect_arrived(f, conversation, pair[1], pair[0], cids[2]); /* the texts behind that one */
    assert_int_equal(seen_by(f, pair[1], conversation), cids[1]);
    assert_err(read_up_to(f, pair[1], in_group, group_cid, group_cid, 7), ERR_OK);
    read_by(f, in_group, pair[1], 0, group, group_cid, 7);
    assert_int_equal(seen_by(f, pair[1], in_group), group_cid);
    sql_run(f->database, "UPDATE conversation SET blocked = 1 WHERE id = %" PRIu64, conversation);
    assert_err(read_up_to(f, pair[1], conversation, cids[2], cids[2], 8), ERR_OK);
    read_by(f, conversation, pair[1], 0, pair[0], cids[2], 8);
    assert_int_equal(received_by(f->database, pair[1], conversation), cids[2]);
}

/* Neither in groups, nor between two of whom one takes nothing from the other, nor from a gateway
 * of the release before. */
DELIVERY_TEST(test_nobody_to_know) {
    const uint64_t pair[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t group = new_group_of(f, "", pair, 2);
    uint64_t in_group = say(f, pair[0], 0, group, "text"),
             cid = say(f, pair[0], pair[1], 0, "text");
    skip_routed(f, 1);
    uint64_t conversation = next_routed(f).entry.conversation;
    advanced(f, pair[1], conversation_of_group(group), in_group, true);
    struct moves *moves = no_moves();
    move(moves, pair[1], conversation, cid, true);
    assert_err(advance(f, moves, 0), ERR_OK);
    for (unsigned blocked = 1; blocked <= 3; blocked++) {
        sql_run(f->database, "UPDATE conversation SET blocked = %u WHERE id = %" PRIu64, blocked,
                conversation);
        advanced(f, pair[1], conversation, cid + blocked, true);
    }
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_as_many_as_there_may_be) {
    uint64_t ada = new_account(f->database, "");
    struct moves *moves = no_moves();
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) SELECT 900000 + seq, 0,"
            " %" PRIu64 ", 50000000 + seq, 1 FROM seq_1_to_%d;"
            " INSERT INTO `cursor` (account, conversation) SELECT %" PRIu64
            ", 900000 + seq FROM seq_1_to_%d",
            ada, MOST, ada, MOST);
    for (uint64_t i = 1; i <= MOST; i++)
        move(moves, ada, 900000 + i, 7, true);
    assert_err(advance(f, moves, MOST), ERR_OK);
    for (uint64_t i = 1; i <= MOST; i++)
        assert_int_equal(next_routed(f).accounts[0], 50000000 + i);
    moves->count++;
    assert_err(advance(f, moves, MOST), ERR_BAD_REQUEST);
    moves->count--;
    assert_err(advance(f, moves, MOST + 1), ERR_BAD_REQUEST);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
