/*
 * parley-delivery alone: delivery.pull, which entries a page has and from where on.
 */
#include "proto/conversation.h"
#include "services/delivery/delivery_sql.h"
#include "tests/support/delivery_puller.h"

/* --- the entries of a page ----------------------------------------------------------------- */

DELIVERY_TEST(test_nothing) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    const uint64_t accounts[] = {ada, 0, 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof accounts / sizeof accounts[0]; i++) {
        struct puller *puller = puller_of(accounts[i], i % 2 == 0);
        assert_int_equal(pull(f, puller), 0);
        assert_int_equal(puller->reply.conversations.count, 0);
        assert_false(puller->reply.partial);
    }
    uint64_t pair = new_pair(f, ada, bob);
    struct puller *puller = puller_of(ada, false);
    assert_int_equal(pull(f, puller), 0);
    assert_int_equal(puller->reply.conversations.count, 1);
    assert_int_equal(puller->reply.conversations.items[0], pair);
    assert_int_equal(puller->reply.positions.items[0], 0);
}

DELIVERY_TEST(test_entries_as_they_are) {
    uint64_t ada = new_account(f->database, "ada"), bob = new_account(f->database, "");
    uint64_t group = new_group_of(f, "räume", (uint64_t[]){ada, bob}, 2),
             pair = new_pair(f, bob, ada);
    uint64_t decimal = new_group_of(f, "", (uint64_t[]){ada, bob}, 2);
    store(f, pair, 1, ada, "from ada");
    store(f, pair, 2, bob, "from bob");
    store(f, conversation_of_group(group), 3, ada, "to the rooms");
    store(f, conversation_of_group(decimal), 4, bob, "to the number");
    store(f, pair, 5, 12345, "from nobody");
    struct puller *puller = puller_of(bob, false);
    const struct entry *entries = puller->entries;
    assert_int_equal(pull(f, puller), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(entries[i].cid, i + 1);
        assert_int_equal(entries[i].prev, 0);
        assert_int_equal(entries[i].time_ms, i + 5001);
        assert_int_equal(entries[i].type, ENTRY_TEXT);
        assert_int_equal(entries[i].subject, 0);
        assert_int_equal(entries[i].subject_id.length, 0);
    }
    assert_int_equal(entries[0].conversation, pair);
    assert_int_equal(entries[0].from, ada);
    assert_slice_text(entries[0].from_id, "ada");
    assert_int_equal(entries[0].to, bob);
    assert_slice_text(entries[0].text, "from ada");
    assert_int_equal(entries[1].from, bob);
    assert_int_equal(entries[1].from_id.length, 0);
    assert_int_equal(entries[1].to, ada);
    assert_int_equal(entries[2].conversation, conversation_of_group(group));
    assert_slice_text(entries[2].from_id, "ada");
    assert_int_equal(entries[2].to, group);
    assert_slice_text(entries[2].to_id, "räume");
    assert_slice_text(entries[2].text, "to the rooms");
    assert_int_equal(entries[3].to, decimal);
    assert_int_equal(entries[3].to_id.length, 0);
    assert_int_equal(entries[4].from, 12345);
    assert_int_equal(entries[4].from_id.length, 0);
}

DELIVERY_TEST(test_notices) {
    uint64_t ada = new_account(f->database, "ada the third"), bob = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, bob}, 2);
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, subject, accepted,"
            " body) VALUES (%" PRIu64 ", 1, 1, 1, 0, %" PRIu64 ", 1, 'its name'), (%" PRIu64
            ", 2, 1, 1, %" PRIu64 ", %" PRIu64 ", 0, 'its name')",
            conversation_of_group(group), ada, conversation_of_group(group), ada, bob);
    struct puller *puller = puller_of(bob, false);
    const struct entry *entries = puller->entries;
    assert_int_equal(pull(f, puller), 2);
    assert_int_equal(entries[0].type, ENTRY_JOINED);
    assert_int_equal(entries[0].from, 0);
    assert_int_equal(entries[0].from_id.length, 0);
    assert_int_equal(entries[0].subject, ada);
    assert_slice_text(entries[0].subject_id, "ada the third");
    assert_true(entries[0].accepted);
    assert_slice_text(entries[0].text, "its name");
    assert_int_equal(entries[1].from, ada);
    assert_slice_text(entries[1].from_id, "ada the third");
    assert_int_equal(entries[1].subject, bob);
    assert_int_equal(entries[1].subject_id.length, 0);
    assert_false(entries[1].accepted);
}

/* Notices of one's own: `to` is the group that they are about. */
DELIVERY_TEST(test_notices_of_ones_own) {
    uint64_t ada = new_account(f->database, "ada the fourth"), bob = new_account(f->database, "");
    uint64_t own = (uint64_t)CONVERSATION_SELF << CONVERSATION_KIND_SHIFT | bob;
    uint64_t named = new_group_of(f, "of a name", NULL, 0), decimal = new_group_of(f, "", NULL, 0);
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (%" PRIu64
            ", 2, %" PRIu64 ", 0, 1); INSERT INTO `cursor` (account, conversation) VALUES (%" PRIu64
            ", %" PRIu64 "); INSERT INTO message (conversation, cid, time_ms, type, sender,"
            " subject, about, accepted, body) VALUES (%" PRIu64 ", 1, 1, 2, %" PRIu64 ", %" PRIu64
            ", %" PRIu64 ", 1, 'of a name'), (%" PRIu64 ", 2, 1, 2, 0, %" PRIu64 ", %" PRIu64
            ", 0, ''), (%" PRIu64 ", 3, 1, 2, 0, %" PRIu64 ", NULL, 0, '')",
            own, bob, bob, own, own, ada, bob, named, own, ada, decimal, own, ada);
    struct puller *puller = puller_of(bob, true);
    const struct entry *entries = puller->entries;
    assert_int_equal(pull(f, puller), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(entries[i].conversation, own);
    assert_int_equal(entries[0].to, named);
    assert_slice_text(entries[0].to_id, "of a name");
    assert_slice_text(entries[0].from_id, "ada the fourth");
    assert_int_equal(entries[0].subject, bob);
    assert_int_equal(entries[1].to, decimal);
    assert_int_equal(entries[1].to_id.length, 0);
    assert_slice_text(entries[1].subject_id, "ada the fourth");
    assert_int_equal(entries[2].to, 0);
    assert_int_equal(entries[2].to_id.length, 0);
}

DELIVERY_TEST(test_an_entry_written_now_is_the_next) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    struct puller *puller = puller_of(bob, false);
    uint64_t first = say(f, ada, bob, 0, "first"), second = say(f, bob, ada, 0, "second");
    expect_pulled(f, puller, first, second);
    take_page(puller);
    assert_int_equal(pull(f, puller), 0);
    uint64_t third = say(f, ada, bob, 0, "third");
    expect_pulled(f, puller, third);
    assert_slice_text(puller->entries[0].text, "third");
    skip_routed(f, 3);
}

/* --- where the reading starts and ends ----------------------------------------------------- */

DELIVERY_TEST(test_where_the_reading_starts) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             pair = new_pair(f, ada, bob);
    for (uint64_t cid = 10; cid <= 60; cid += 10)
        store(f, pair, cid, ada, "text");
    set_cursor(f, bob, pair, 20, 40, "NULL");
    struct puller *puller = puller_of(bob, false);
    expect_pulled(f, puller, 50, 60); /* from the cursor */
    assert_int_equal(puller->reply.positions.items[0], 40);
    puller = puller_of(bob, true); /* new since then: from where it joined */
    expect_pulled(f, puller, 30, 40, 50, 60);
    assert_int_equal(puller->reply.conversations.count, 0);
    assert_int_equal(puller->reply.positions.count, 0);
    for (unsigned resumed = 0; resumed < 2; resumed++) {
        puller = puller_of(bob, resumed == 1);
        puller_knows(puller, pair, 50); /* the connection's position wins */
        expect_pulled(f, puller, 60);
        puller->positions[0] = 30; /* also over the cursor */
        expect_pulled(f, puller, 40, 50, 60);
        assert_int_equal(puller->reply.positions.count, resumed == 1 ? 0 : 1);
        puller->positions[0] = 25; /* between entries */
        expect_pulled(f, puller, 30, 40, 50, 60);
        puller->positions[0] = 0; /* never entries from before it joined */
        expect_pulled(f, puller, 30, 40, 50, 60);
        puller->positions[0] = RECORD_NUMBER_MOST;
        assert_int_equal(pull(f, puller), 0);
    }
}

DELIVERY_TEST(test_a_former_member_reads_up_to_its_leaving) {
    uint64_t ada = new_account(f->database, ""), group = new_group_of(f, "", &ada, 1);
    uint64_t conversation = conversation_of_group(group);
    for (uint64_t cid = 1; cid <= 6; cid++)
        store(f, conversation, cid, 1, "text");
    set_cursor(f, ada, conversation, 2, 2, "4");
    for (unsigned resumed = 0; resumed < 2; resumed++) {
        struct puller *puller = puller_of(ada, resumed == 1);
        expect_pulled(f, puller, 3, 4);
        take_page(puller);
        assert_int_equal(pull(f, puller), 0);
        puller->positions[0] = 6; /* beyond it, from another time there */
        assert_int_equal(pull(f, puller), 0);
    }
    set_cursor(f, ada, conversation, 0, 0, "0");
    assert_int_equal(pull(f, puller_of(ada, true)), 0);
    set_cursor(f, ada, conversation, 0, 0, "9");
    assert_int_equal(pull(f, puller_of(ada, true)), 6);
}

/* The account's position is asked for at each page: earlier entries are not looked at. */
DELIVERY_TEST(test_history_costs_nothing) {
    enum { HISTORY = 20000, READS = 200 };
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             pair = new_pair(f, ada, bob);
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT %" PRIu64
            ", 80000000 + seq, 1, 0, %" PRIu64 ", 'x' FROM seq_1_to_%d",
            pair, ada, HISTORY);
    struct db *db = db_new(test_database_settings(f->database), NULL);
    assert_non_null(db);
    assert_err(db_connect(db), ERR_OK);
    const struct db_value account = db_u64(ada);
    struct db_rows *rows;
    uint64_t before = rows_read(db);
    assert_err(db_query(db, &delivery_sql_cursors,
                        DB_ARGS(account, account, db_u64(1), db_u64(CONVERSATION_OF_ALL), account,
                                account),
                        &rows),
               ERR_OK);
    assert_true(db_rows_next(rows));
    assert_int_equal(db_rows_u64(rows, CURSOR_LAST), 80000000 + HISTORY);
    db_rows_destroy(&rows);
    assert_err(db_query(db, &delivery_sql_place,
                        DB_ARGS(account, db_u64(CONVERSATION_PAIR), db_u64(ada), db_u64(bob)),
                        &rows),
               ERR_OK);
    assert_true(db_rows_next(rows));
    assert_int_equal(db_rows_u64(rows, PLACE_LAST), 80000000 + HISTORY);
    db_rows_destroy(&rows);
    assert_in_range(rows_read(db) - before, 0, READS);
    db_destroy(&db);
}

/* Texts of the account's absence, as the log stores it when the account returns. */
static void add_absence(struct delivery_fixture *f, uint64_t account, uint64_t conversation,
                        uint64_t after, uint64_t upto) {
    sql_run(f->database,
            "INSERT INTO absence VALUES (%" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ")",
            account, conversation, after, upto);
}

DELIVERY_TEST(test_a_member_that_returned_reads_around_absences) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, bob}, 2);
    uint64_t conversation = conversation_of_group(group);
    for (uint64_t cid = 1; cid <= 12; cid++)
        store(f, conversation, cid, 1, "text");
    set_cursor(f, ada, conversation, 1, 2, "NULL");
    add_absence(f, ada, conversation, 4, 6);
    add_absence(f, ada, conversation, 8, 11);
    for (unsigned resumed = 0; resumed < 2; resumed++) {
        struct puller *puller = puller_of(ada, resumed == 1);
        puller_knows(puller, conversation, 2);
        expect_pulled(f, puller, 3, 4, 7, 8, 12);
        take_page(puller);
        assert_int_equal(pull(f, puller), 0);
        /* A connection that has stopped anywhere reads on from there. */
        const struct {
            uint64_t position, first, count;
        } at[] = {{3, 4, 4},  {4, 7, 3},  {5, 7, 3},   {6, 7, 3},  {7, 8, 2},
                  {8, 12, 1}, {9, 12, 1}, {11, 12, 1}, {12, 0, 0}, {RECORD_NUMBER_MOST, 0, 0}};
        for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
            puller->positions[0] = at[i].position;
            assert_int_equal(pull(f, puller), at[i].count);
            assert_true(at[i].count == 0 || puller->entries[0].cid == at[i].first);
        }
    }
    expect_pulled(f, puller_of(ada, true), 2, 3, 4, 7, 8, 12); /* from where it first joined */
    /* It leaves again, and has the end of that still to read. */
    set_cursor(f, ada, conversation, 1, 8, "12");
    store(f, conversation, 13, 1, "text");
    expect_pulled(f, puller_of(ada, false), 12);
    set_cursor(f, ada, conversation, 1, 2, "8"); /* as a deeper past would be */
    expect_pulled(f, puller_of(ada, false), 3, 4, 7, 8);
    /* They are that account's alone. */
    assert_int_equal(pull(f, puller_of(bob, false)), 13);
}

/* There is nothing else to be read: left-out entries end the page, and the catching up. */
DELIVERY_TEST(test_a_page_of_what_is_left_out) {
    uint64_t ada = new_account(f->database, ""), group = new_group_of(f, "", &ada, 1);
    uint64_t conversation = conversation_of_group(group);
    store_many(f, ada, 3 * PAGE_ENTRIES, 5);
    uint64_t last = sql_number(
        f->database, "SELECT MAX(cid) FROM message WHERE conversation = %" PRIu64, conversation);
    add_absence(f, ada, conversation, 0, last);
    assert_int_equal(pull(f, puller_of(ada, false)), 0);
    assert_int_equal(pull(f, puller_of(ada, true)), 0);
    store(f, conversation, last + 1, 1, "back");
    expect_pulled(f, puller_of(ada, false), last + 1);
}

/* A group that the account was in by turns, more often than a page has parts, and somebody else:
 * all of it in the order of cid. */
DELIVERY_TEST(test_a_backlog_with_absences) {
    enum { TURNS = 300, TURN = 8 };
    uint64_t ada = new_account(f->database, ""), group = new_group_of(f, "", &ada, 1);
    uint64_t conversation = conversation_of_group(group);
    uint64_t calm = new_pair(f, ada, new_account(f->database, ""));
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT %" PRIu64
            ", 2 * seq, 1, 0, 1, 'group' FROM seq_1_to_%d UNION ALL SELECT %" PRIu64
            ", 200 * seq + 1, 1, 0, 1, 'calm' FROM seq_1_to_%d;"
            "INSERT INTO absence SELECT %" PRIu64 ", %" PRIu64
            ", 2 * (seq * %d + 5), 2 * (seq * %d + %d) FROM seq_0_to_%d",
            conversation, TURNS * TURN, calm, TURNS * TURN / 100, ada, conversation, TURN, TURN,
            TURN, TURNS - 1);
    store(f, conversation, 2 * TURNS * TURN + 2, 1, "back");
    for (unsigned resumed = 0; resumed < 2; resumed++) {
        struct puller *puller = puller_of(ada, resumed == 1);
        uint64_t last = 0;
        size_t total = 0, count;
        for (; (count = pull(f, puller)) > 0; total += count) {
            assert_true(puller->entries[0].cid > last);
            last = puller->entries[count - 1].cid;
            for (size_t i = 0; i < count; i++) {
                const struct entry *entry = &puller->entries[i];
                assert_true(entry->conversation == calm || entry->cid > 2 * TURNS * TURN ||
                            (entry->cid / 2 - 1) % TURN < 5);
            }
            take_page(puller);
        }
        assert_int_equal(total, TURNS * 5 + 1 + TURNS * TURN / 100);
    }
}

DELIVERY_TEST(test_conversations_of_others) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             eve = new_account(f->database, "");
    uint64_t pair = new_pair(f, ada, bob), hers = new_pair(f, ada, eve);
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, bob}, 2);
    store(f, pair, 1, ada, "for bob");
    store(f, conversation_of_group(group), 2, ada, "for the group");
    store(f, hers, 3, ada, "for eve");
    struct puller *puller = puller_of(eve, true);
    puller_knows(puller, conversation_of_group(group), 0);
    puller_knows(puller, pair, 0);
    puller_knows(puller, 0, 0);
    puller_knows(puller, UINT64_MAX, 0);
    puller_knows(puller, pair, 0);
    expect_pulled(f, puller, 3);
    puller->resumed = false;
    expect_pulled(f, puller, 3);
    assert_int_equal(puller->reply.conversations.count, 1);
    assert_int_equal(puller->reply.conversations.items[0], hers);
}

DELIVERY_TEST(test_malformed) {
    struct puller *puller = puller_of(new_account(f->database, ""), true);
    while (puller->count < MAX_CONVERSATIONS)
        puller_knows(puller, puller->count, 0);
    const size_t counts[][2] = {{1, 0}, {0, 1}, {3, 2}, {4096, 4095}, {4097, 4097}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct delivery_pull ask = {.account = puller->account,
                                    .conversations = {puller->conversations, counts[i][0]},
                                    .positions = {puller->positions, counts[i][1]}};
        assert_err(test_caller_ask(f->caller, &message_DELIVERY_PULL, &ask, NULL), ERR_BAD_REQUEST);
    }
    puller->count = MAX_CONVERSATIONS - 1;
    assert_int_equal(pull(f, puller), 0);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
