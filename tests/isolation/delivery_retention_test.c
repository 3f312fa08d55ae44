/*
 * parley-delivery alone: entries that are older than they are kept are removed, and what is left is
 * read as if they had never been. The fixture's instance keeps everything; each test starts one
 * that does not.
 */
#include "services/delivery/retention.h"
#include "tests/support/delivery_puller.h"

#define DAY_MS ((uint64_t)86400000)
#define KEEP "30"

/* --- an instance that removes -------------------------------------------------------------- */

struct keeper {
    struct service_process *delivery;
    struct test_caller *caller;
};

static struct keeper start_keeper(struct delivery_fixture *f, const char *days) {
    uint16_t port = test_free_port();
    struct keeper keeper = {.delivery =
                                start_delivery(f, port, test_text("--retention-days=%s", days),
                                               "--log-level=debug", NULL)};
    keeper.caller = test_caller_new("keeper", port);
    return keeper;
}

static uint64_t removed_by(const struct keeper *keeper) {
    return test_caller_metric(keeper->caller, "entries_removed_total");
}

static void stop_keeper(struct keeper *keeper) {
    test_caller_destroy(&keeper->caller);
    assert_int_equal(service_process_stop(&keeper->delivery), 0);
}

/* The next instance begins a pass. */
static void set_due(struct delivery_fixture *f) {
    sql_run(f->database, "UPDATE retention SET conversation = 0, due_ms = 0");
}

static bool is_over(struct delivery_fixture *f) {
    return sql_number(f->database, "SELECT due_ms > 0 FROM retention") == 1;
}

static uint64_t count_entries(struct delivery_fixture *f) {
    return sql_number(f->database, "SELECT COUNT(*) FROM message");
}

/* Changes with each step of a pass. */
static uint64_t progress(struct delivery_fixture *f) {
    return sql_number(f->database,
                      "SELECT CRC32(CONCAT(conversation, ' ', (SELECT COUNT(*) FROM message)))"
                      " FROM retention");
}

/* However long the whole takes: each transaction is a write to the disk, and pauses follow it. */
static void wait_for_end_of_pass(struct delivery_fixture *f) {
    while (!is_over(f)) {
        uint64_t seen = progress(f);
        TEST_UNTIL(is_over(f) || progress(f) != seen, "the pass stands still");
    }
}

/* A whole pass of an instance that keeps entries for so many days; how many it removed. */
static uint64_t pass(struct delivery_fixture *f, const char *days) {
    uint64_t before = count_entries(f);
    set_due(f);
    struct keeper keeper = start_keeper(f, days);
    wait_for_end_of_pass(f);
    uint64_t removed = before - count_entries(f);
    TEST_UNTIL(removed_by(&keeper) == removed, "%" PRIu64 " were removed, not all are counted",
               removed);
    stop_keeper(&keeper);
    return removed;
}

/* Those up to `cid` were written so many days ago. */
static void age(struct delivery_fixture *f, uint64_t conversation, uint64_t cid, uint64_t days) {
    sql_run(f->database,
            "UPDATE message SET time_ms = UNIX_TIMESTAMP() * 1000 - %" PRIu64
            " WHERE conversation = %" PRIu64 " AND cid <= %" PRIu64,
            days * DAY_MS, conversation, cid);
}

/* A pair that has sent so many texts. */
static uint64_t talk(struct delivery_fixture *f, uint64_t a, uint64_t b, size_t count,
                     uint64_t *cids_r) {
    uint64_t conversation = 0;
    for (size_t i = 0; i < count; i++) {
        cids_r[i] = say(f, i % 2 == 0 ? a : b, i % 2 == 0 ? b : a, 0, "text");
        conversation = next_routed(f).entry.conversation;
    }
    return conversation;
}

/* --- removed entries ----------------------------------------------------------------------- */

DELIVERY_TEST(old_texts_go_with_their_reactions) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""), cids[5];
    uint64_t conversation = talk(f, ada, bob, 5, cids);
    age(f, conversation, cids[4], 29);
    age(f, conversation, cids[2], 31);
    for (size_t i = 0; i < 5; i++)
        sql_run(f->database,
                "INSERT INTO reaction (conversation, cid, emoji, account) VALUES (%" PRIu64
                ", %" PRIu64 ", 'x', %" PRIu64 ")",
                conversation, cids[i], ada);
    /* The files that they show, and an avatar. */
    sql_run(f->database,
            "INSERT INTO file_use SELECT conversation, cid, 77 FROM message WHERE conversation ="
            " %" PRIu64 "; INSERT INTO file_use VALUES (%" PRIu64 ", 0, 77)",
            conversation, conversation);
    assert_int_equal(pass(f, "0"), 0);
    assert_int_equal(pass(f, "32"), 0);
    assert_int_equal(pass(f, KEEP), 3);
    assert_int_equal(stored_in(f->database, conversation), 2);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM file_use WHERE conversation = %" PRIu64,
                                conversation),
                     3);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM reaction WHERE conversation = %" PRIu64,
                                conversation),
                     2);
    expect_pulled(f, puller_of(ada, true), cids[3], cids[4]);
    expect_pulled(f, puller_of(bob, false), cids[3], cids[4]);
    struct delivery_history ask = {.account = ada, .user = bob, .limit = 2};
    struct delivery_history_reply history;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_HISTORY, &ask, &history), ERR_OK);
    assert_int_equal(history.entries.count, 2);
    assert_false(history.more);
    ask.before = cids[3];
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_HISTORY, &ask, &history), ERR_OK);
    assert_int_equal(history.entries.count, 0);
    assert_false(history.more);
    /* The newest one alone, behind the last that is left out, and how many those are. */
    struct puller *puller = puller_of(bob, false);
    puller->newest = 1;
    assert_int_equal(pull(f, puller), 2);
    assert_int_equal(puller->reply.skipped.items[0], 1);
}

DELIVERY_TEST(a_group_may_keep_longer_or_less) {
    uint64_t ada = new_account(f->database, ""), groups[4], days[4] = {10, 30, 50, 0};
    for (size_t i = 0; i < 4; i++) {
        groups[i] = conversation_of_group(new_group_of(f, "", &ada, 1));
        uint64_t cid = say(f, ada, 0, conversation_low_bits(groups[i]), "text");
        skip_routed(f, 1);
        age(f, groups[i], cid, 40);
        if (i != 1) /* that one has the setting for all */
            sql_run(f->database,
                    "UPDATE conversation SET retention_days = %" PRIu64 " WHERE id = %" PRIu64,
                    days[i], groups[i]);
    }
    assert_int_equal(pass(f, "0"), 1);
    assert_int_equal(stored_in(f->database, groups[0]), 0);
    assert_int_equal(pass(f, KEEP), 1);
    assert_int_equal(stored_in(f->database, groups[1]), 0);
    assert_int_equal(stored_in(f->database, groups[2]), 1);
    assert_int_equal(stored_in(f->database, groups[3]), 1);
}

/* More than one transaction takes, and more conversations than a step looks at. */
DELIVERY_TEST(everything_old_goes_however_much_it_is) {
    enum { ROWS = 2 * RETENTION_ROWS + 1, PAIRS = RETENTION_LOOK + 2 };
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t long_one = new_pair(f, ada, bob),
             exact = new_pair(f, ada, new_account(f->database, ""));
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT %" PRIu64
            ", seq, 1, 0, 1, 'old' FROM seq_1_to_%d UNION ALL SELECT %" PRIu64
            ", 10000 + seq, 1, 0, 1, 'old' FROM seq_1_to_%d",
            long_one, ROWS, exact, RETENTION_ROWS);
    uint64_t many = new_account(f->database, "");
    make_pairs(f, many, PAIRS);
    store_many(f, many, 1, 4);
    assert_int_equal(pass(f, KEEP), ROWS + RETENTION_ROWS + PAIRS);
    assert_int_equal(stored_in(f->database, long_one), 0);
    assert_int_equal(stored_in(f->database, exact), 0);
    assert_int_equal(pull_all(f, puller_of(many, true)), 0);
    assert_int_equal(pass(f, KEEP), 0);
}

/* --- entries that are left ----------------------------------------------------------------- */

/* Both for the instance that remembers the conversation and for one that does not. */
DELIVERY_TEST(an_emptied_conversation_goes_on) {
    for (size_t other = 0; other < 2; other++) {
        uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""), cids[3];
        uint64_t conversation = talk(f, ada, bob, 3, cids);
        age(f, conversation, cids[2], 31);
        assert_int_equal(pass(f, KEEP), 3);
        assert_int_equal(stored_in(f->database, conversation), 0);
        assert_int_equal(pull(f, puller_of(ada, true)), 0);
        /* Bob had received nothing yet: that it is gone is no reason to refuse him. */
        struct delivery_received received = {.account = bob, .user = ada, .cid = cids[2]};
        struct delivery_received_reply done;
        assert_err(test_caller_ask(f->caller, &message_DELIVERY_RECEIVED, &received, &done),
                   ERR_OK);
        skip_routed(f, 1); /* ada is to know */
        received.cid = cids[2] + 1;
        assert_err(test_caller_ask(f->caller, &message_DELIVERY_RECEIVED, &received, NULL),
                   ERR_NO_MESSAGE);
        if (other == 1)
            sql_run(f->database, "UPDATE conversation SET claimant = 0 WHERE id = %" PRIu64,
                    conversation);
        uint64_t next = say(f, ada, bob, 0, "next");
        assert_true(next > cids[2]);
        assert_int_equal(next_routed(f).entry.prev, cids[2]);
        struct puller *puller = puller_of(bob, false);
        puller_knows(puller, conversation, cids[0]);
        expect_pulled(f, puller, next);
        expect_pulled(f, puller_of(bob, true), next);
    }
}

/* As after a restore, when the sequence of cids is behind the conversation's highest cid. */
DELIVERY_TEST(a_removed_cid_is_not_given_again) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t conversation = new_pair(f, ada, bob);
    sql_run(f->database,
            "UPDATE conversation SET removed_cid = 100000000, claimant = 0 WHERE id = %" PRIu64,
            conversation);
    struct delivery_send_reply reply;
    assert_err(try_send(f, ada, bob, 0, "text", &reply), ERR_UNAVAILABLE);
    assert_int_equal(stored_in(f->database, conversation), 0);
}

/* The last entry that an account may read has been removed: that must not hide the entries that are
 * there, in however many groups. */
DELIVERY_TEST(those_who_left_have_nothing_to_read) {
    enum { GROUPS = 300 };
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""), cid;
    uint64_t pair = new_pair(f, ada, bob);
    for (unsigned i = 0; i < GROUPS; i++) {
        uint64_t group = conversation_of_group(new_group_of(f, "", &ada, 1));
        for (uint64_t j = 1; j <= 3; j++)
            store(f, group, 100000 + i * 10 + j, 1, "old");
        /* It left in between, or left and joined again. */
        if (i % 2 == 0)
            set_cursor(f, ada, group, 0, 0, test_text("%u", 100000 + i * 10 + 2));
        else
            sql_run(f->database,
                    "INSERT INTO absence (account, conversation, after, upto) VALUES (%" PRIu64
                    ", %" PRIu64 ", %u, %u)",
                    ada, group, 100000 + i * 10 + 1, 100000 + i * 10 + 2);
        sql_run(f->database,
                "UPDATE message SET time_ms = UNIX_TIMESTAMP() * 1000 WHERE conversation = %" PRIu64
                " AND cid = %u",
                group, 100000 + i * 10 + 3);
    }
    assert_int_equal(pass(f, KEEP), 2 * GROUPS);
    cid = say(f, bob, ada, 0, "new");
    skip_routed(f, 1);
    for (unsigned resumed = 0; resumed < 2; resumed++) {
        struct puller *puller = puller_of(ada, resumed == 1);
        size_t total = 0, count;
        for (; (count = pull(f, puller)) > 0; total += count) {
            if (total + count == GROUPS / 2 + 1)
                assert_int_equal(puller->entries[count - 1].cid, cid);
            take_page(puller);
        }
        assert_int_equal(total, GROUPS / 2 + 1);
        assert_int_equal(puller->reply.behind.count, 0);
    }
    (void)pair;
}

/* As long as a text is kept, so is its nonce. */
DELIVERY_TEST(a_nonce_is_remembered_as_long_as_its_text) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    struct letter old, recent;
    struct delivery_send_reply reply;
    letter_one(f, &old, ada, bob, 0, "old");
    assert_err(ask_send(f->caller, &old, &reply), ERR_OK);
    uint64_t first = reply.cids.items[0], conversation = next_routed(f).entry.conversation;
    letter_one(f, &recent, ada, bob, 0, "recent");
    assert_err(ask_send(f->caller, &recent, &reply), ERR_OK);
    uint64_t second = reply.cids.items[0];
    skip_routed(f, 1);
    age(f, conversation, first, 31);
    assert_int_equal(pass(f, KEEP), 1);
    assert_err(ask_send(f->caller, &recent, &reply), ERR_OK);
    assert_int_equal(reply.cids.items[0], second);
    skip_routed(f, 1);
    assert_err(ask_send(f->caller, &old, &reply), ERR_OK);
    assert_in_range(reply.cids.items[0], second + 1, UINT64_MAX);
    skip_routed(f, 1);
}

/* --- several instances, and writers -------------------------------------------------------- */

DELIVERY_TEST(one_instance_at_a_time) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""), cids[2];
    uint64_t conversation = talk(f, ada, bob, 2, cids);
    age(f, conversation, cids[1], 31);
    struct db *other = hold(f->database, conversation);
    struct db_rows *rows;
    static const struct db_statement lock = {
        "lock", "SELECT GET_LOCK(CONCAT(DATABASE(), '.retention'), 0)"};
    assert_err(db_query(other, &lock, DB_NO_ARGS, &rows), ERR_OK);
    assert_true(db_rows_next(rows) && db_rows_u64(rows, 0) == 1);
    db_rows_destroy(&rows);
    set_due(f);
    struct keeper keeper = start_keeper(f, KEEP);
    assert_true(
        service_process_wait_text(keeper.delivery, "retention_elsewhere", TEST_DEADLINE_MS));
    assert_int_equal(stored_in(f->database, conversation), 2);
    stop_keeper(&keeper);
    let_go(&other);
    assert_int_equal(pass(f, KEEP), 2);
}

/* Two instances at once, while texts are written to the same conversations. */
DELIVERY_TEST(writers_go_on_meanwhile) {
    enum { PAIRS = 4, OLD = 3 * RETENTION_ROWS };
    uint64_t ada = new_account(f->database, ""), others[PAIRS], pairs[PAIRS], last[PAIRS];
    for (unsigned i = 0; i < PAIRS; i++) {
        others[i] = new_account(f->database, "");
        pairs[i] = new_pair(f, ada, others[i]);
        sql_run(
            f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT %" PRIu64
            ", %u + seq, 1, 0, 1, 'old' FROM seq_1_to_%d",
            pairs[i], 200000 + i * OLD, OLD);
        last[i] = 200000 + i * OLD + OLD;
    }
    set_due(f);
    struct keeper keepers[2] = {start_keeper(f, KEEP), start_keeper(f, KEEP)};
    size_t written = 0;
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (!is_over(f)) {
        size_t i = written++ % PAIRS;
        uint64_t cid = say(f, ada, others[i], 0, "new");
        assert_int_equal(next_routed(f).entry.prev, last[i]);
        last[i] = cid;
        assert_true(loop_now_ms() < deadline_ms);
    }
    TEST_UNTIL(removed_by(&keepers[0]) + removed_by(&keepers[1]) == PAIRS * OLD,
               "not all are counted, or some twice");
    for (size_t i = 0; i < PAIRS; i++)
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64
                                    " AND body = 'old'",
                                    pairs[i]),
                         0);
    for (size_t i = 0; i < 2; i++)
        stop_keeper(&keepers[i]);
    assert_int_equal(pull_all(f, puller_of(ada, true)), written);
}

/* Cids up to this one are for tests that fill the log themselves. */
static int set_up(void **state) {
    int status = delivery_set_up(state);
    struct delivery_fixture *f = *state;
    sql_run(f->database, "DO SETVAL(cid_block, 1280000)");
    return status;
}

int main(void) { return test_run_all(set_up, delivery_tear_down); }
