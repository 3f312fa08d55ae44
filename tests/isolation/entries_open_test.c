/*
 * services/entries: people's own conversations, that of all, cursors that end, and transactions of
 * many conversations and rows.
 */
#include "proto/conversation.h"
#include "tests/support/entries_fixture.h"

static uint64_t count_selves(struct entries_fixture *f, uint64_t account) {
    return sql_number(f->database,
                      "SELECT COUNT(*) FROM conversation k JOIN `cursor` c ON c.conversation = k.id"
                      " WHERE k.id = %" PRIu64 " AND k.kind = 2 AND k.lo = %" PRIu64
                      " AND k.hi = 0 AND k.created_ms > 1 AND c.account = %" PRIu64
                      " AND c.since = 0 AND c.received = 0 AND c.until IS NULL",
                      conversation_of_account(account), account, account);
}

static uint64_t count_rows(struct entries_fixture *f) {
    return sql_number(f->database, "SELECT (SELECT COUNT(*) FROM conversation) +"
                                   " (SELECT COUNT(*) FROM `cursor`)");
}

/* --- own conversations --------------------------------------------------------------------- */

ENTRIES_TEST(test_selves_are_made_once) {
    uint64_t a = new_account(f->database, ""), b = new_account(f->database, ""),
             c = new_account(f->database, "");
    const uint64_t first[] = {b, a, b}, second[] = {c, a, 987654, 0, UINT64_MAX};
    uint64_t rows = count_rows(f);
    assert_err(conversations_open_selves(f->a.db, first, 3), ERR_OK);
    assert_int_equal(count_selves(f, a), 1);
    assert_int_equal(count_selves(f, b), 1);
    assert_int_equal(count_rows(f), rows + 4);
    /* One that stands somewhere stays there. */
    uint64_t cid = write_one(&f->a, conversation_of_account(a), "").cid;
    sql_run(f->database, "UPDATE `cursor` SET received = %" PRIu64 " WHERE account = %" PRIu64, cid,
            a);
    assert_err(conversations_open_selves(f->b.db, second, 5), ERR_OK);
    assert_int_equal(count_rows(f), rows + 6);
    assert_int_equal(count_selves(f, c), 1);
    assert_int_equal(
        sql_number(f->database, "SELECT received FROM `cursor` WHERE account = %" PRIu64, a), cid);
    assert_err(conversations_open_selves(f->b.db, NULL, 0), ERR_OK);
    assert_int_equal(count_rows(f), rows + 6);
    assert_false(db_in_transaction(f->b.db));
}

/* As after a connection that was lost half way. */
ENTRIES_TEST(test_a_missing_cursor_is_added) {
    uint64_t account = new_account(f->database, "");
    assert_err(conversations_open_selves(f->a.db, &account, 1), ERR_OK);
    sql_run(f->database, "DELETE FROM `cursor` WHERE account = %" PRIu64, account);
    assert_err(conversations_open_selves(f->a.db, &account, 1), ERR_OK);
    assert_int_equal(count_selves(f, account), 1);
}

/* An existing conversation is not waited for, whoever has it locked. */
ENTRIES_TEST(test_a_locked_self_is_not_waited_for) {
    uint64_t a = new_account(f->database, ""), b = new_account(f->database, ""), both[] = {a, b};
    assert_err(conversations_open_selves(f->a.db, &a, 1), ERR_OK);
    lock_one(&f->b, conversation_of_account(a));
    assert_err(conversations_open_selves(f->a.db, both, 2), ERR_OK);
    db_rollback(f->b.db);
    assert_int_equal(count_selves(f, b), 1);
}

struct opening {
    struct db *db;
    const uint64_t *accounts;
    size_t count;
    enum err err;
};

static void *open_selves(void *argument) {
    struct opening *opening = argument;
    opening->err = opening->accounts == NULL
                       ? conversations_open_broadcast(opening->db)
                       : conversations_open_selves(opening->db, opening->accounts, opening->count);
    return NULL;
}

static void open_at_once(struct entries_fixture *f, const uint64_t *accounts, size_t count) {
    struct opening a = {f->a.db, accounts, count, ERR_INTERNAL}, b = a;
    b.db = f->b.db;
    run_both(open_selves, &a, &b);
    assert_err(a.err, ERR_OK);
    assert_err(b.err, ERR_OK);
}

ENTRIES_TEST(test_many_selves_at_once) {
    enum { MANY = 200 };
    uint64_t accounts[MANY];
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < MANY; i++)
            accounts[i] = new_account(f->database, "");
        open_at_once(f, accounts, MANY);
        for (size_t i = 0; i < MANY; i++)
            assert_int_equal(count_selves(f, accounts[i]), 1);
    }
}

/* Another instance makes the same one, and is slow about it: waited for, then left as it is. */
ENTRIES_TEST(test_a_race_for_a_self_is_lost) {
    static const struct db_statement insert = {
        "insert", "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (?, 2, ?, 0, 7)"};
    uint64_t account = new_account(f->database, ""), connection = connection_of(&f->a);
    struct opening opening = {f->a.db, &account, 1, ERR_INTERNAL};
    pthread_t thread;
    assert_err(db_begin(f->b.db), ERR_OK);
    assert_err(db_query(f->b.db, &insert,
                        DB_ARGS(db_u64(conversation_of_account(account)), db_u64(account)), NULL),
               ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, open_selves, &opening), 0);
    wait_for_statement(f, connection, "INSERT IGNORE INTO conversation%");
    assert_err(db_commit(f->b.db), ERR_OK);
    pthread_join(thread, NULL);
    assert_err(opening.err, ERR_OK);
    assert_int_equal(count_selves(f, account), 1);
    assert_int_equal(
        conversation_number(f->database, "created_ms", conversation_of_account(account)), 7);
}

/* --- the conversation of all --------------------------------------------------------------- */

ENTRIES_TEST(test_the_conversation_of_all_is_made_once) {
    for (unsigned round = 0; round < 5; round++) {
        sql_run(f->database, "DELETE FROM conversation WHERE kind = 3");
        open_at_once(f, NULL, 0);
        assert_err(conversations_open_broadcast(f->a.db), ERR_OK);
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM conversation WHERE kind = 3 AND lo = 0"
                                    " AND hi = 0 AND id = %" PRIu64,
                                    CONVERSATION_OF_ALL),
                         1);
    }
    const struct entry_head *head = lock_one(&f->b, CONVERSATION_OF_ALL);
    assert_non_null(head);
    /* Also while it is locked. */
    assert_err(conversations_open_broadcast(f->a.db), ERR_OK);
    db_rollback(f->b.db);
}

/* --- cursors that end ---------------------------------------------------------------------- */

static uint64_t until_of(struct entries_fixture *f, uint64_t conversation, uint64_t account) {
    return cursor_number(f->database, "until", account, conversation);
}

ENTRIES_TEST(test_cursors_are_closed) {
    enum { MEMBERS = 3000 };
    static uint64_t accounts[MEMBERS];
    uint64_t group = new_group_of_three(f, 701, "701"), other = new_group_of_three(f, 702, "702");
    sql_run(f->database,
            "INSERT INTO `cursor` (account, conversation) SELECT seq, %" PRIu64
            " FROM seq_20001_to_%u; INSERT INTO `cursor` (account, conversation)"
            " SELECT seq, %" PRIu64 " FROM seq_20001_to_%u",
            group, 20000 + MEMBERS + 1, other, 20000 + MEMBERS + 1);
    for (size_t i = 0; i < MEMBERS; i++)
        accounts[i] = 20001 + i;
    lock_one(&f->a, group);
    assert_err(conversations_close_cursors(f->a.db, group, accounts, MEMBERS, 77), ERR_OK);
    assert_int_equal(until_of(f, group, 20001), 0); /* not committed */
    db_rollback(f->a.db);
    assert_int_equal(until_of(f, group, 20001), 0);
    lock_one(&f->a, group);
    assert_err(conversations_close_cursors(f->a.db, group, accounts, MEMBERS, 77), ERR_OK);
    assert_err(conversations_close_cursors(f->a.db, group, NULL, 0, 78), ERR_OK);
    assert_err(conversations_close_cursors(f->a.db, group, accounts, 1, 79), ERR_OK);
    assert_err(db_commit(f->a.db), ERR_OK);
    assert_int_equal(until_of(f, group, 20001), 79);
    assert_int_equal(until_of(f, group, 20000 + MEMBERS + 1), 0);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64
                                " AND until = 77",
                                group),
                     MEMBERS - 1);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64
                                " AND until IS NOT NULL",
                                other),
                     0);
    /* Opened again, it ends no more. */
    assert_err(conversations_open_cursor(f->a.db, group, 20001, 80), ERR_OK);
    assert_int_equal(until_of(f, group, 20001), 0);
}

/* As one text: since, received, until, and each absence. */
static void assert_stands(struct entries_fixture *f, uint64_t conversation, uint64_t account,
                          const char *wanted) {
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` c WHERE conversation = %" PRIu64
                                " AND account = %" PRIu64 " AND CONCAT_WS(' ', since, received,"
                                " COALESCE(until, '-'), (SELECT GROUP_CONCAT(after, '-', upto"
                                " ORDER BY after SEPARATOR ' ') FROM absence x WHERE"
                                " x.account = c.account AND x.conversation = c.conversation))"
                                " = '%s'",
                                conversation, account, wanted),
                     1);
}

/* A reader that returns is where it was; the entries between are its absence. */
ENTRIES_TEST(test_cursors_are_opened_again) {
    const uint64_t account = 25001, other = 25002;
    uint64_t group = new_group_of_three(f, 703, "703");
    assert_err(conversations_open_cursor(f->a.db, group, account, 5), ERR_OK);
    assert_err(conversations_open_cursor(f->a.db, group, other, 7), ERR_OK);
    assert_stands(f, group, account, "5 5 -");
    sql_run(f->database, "UPDATE `cursor` SET received = 10 WHERE account = %" PRIu64, account);
    assert_err(conversations_close_cursors(f->a.db, group, &account, 1, 13), ERR_OK);
    lock_one(&f->a, group);
    assert_err(conversations_open_cursor(f->a.db, group, account, 20), ERR_OK);
    db_rollback(f->a.db);
    assert_stands(f, group, account, "5 10 13");
    assert_err(conversations_open_cursor(f->a.db, group, account, 20), ERR_OK);
    assert_stands(f, group, account, "5 10 - 13-20");
    assert_err(conversations_close_cursors(f->a.db, group, &account, 1, 30), ERR_OK);
    assert_err(conversations_open_cursor(f->a.db, group, account, 40), ERR_OK);
    assert_stands(f, group, account, "5 10 - 13-20 30-40");
    /* No text was stored in between. */
    assert_err(conversations_close_cursors(f->a.db, group, &account, 1, 50), ERR_OK);
    assert_err(conversations_open_cursor(f->a.db, group, account, 50), ERR_OK);
    assert_stands(f, group, account, "5 10 - 13-20 30-40");
    assert_stands(f, group, other, "7 7 -");
}

/* Its cursor is looked at again, from where it had everything. */
ENTRIES_TEST(test_one_that_returns_is_not_settled) {
    uint64_t group = new_group_of_three(f, 704, "704"), account = 25003;
    assert_err(conversations_open_cursor(f->a.db, group, account, 5), ERR_OK);
    assert_err(conversations_close_cursors(f->a.db, group, &account, 1, 9), ERR_OK);
    sql_run(f->database,
            "UPDATE `cursor` SET is_settled = TRUE, settled = 9 WHERE conversation = %" PRIu64,
            group);
    assert_err(conversations_open_cursor(f->a.db, group, account, 12), ERR_OK);
    assert_int_equal(sql_number(f->database,
                                "SELECT settled FROM `cursor` WHERE NOT is_settled AND"
                                " account = %" PRIu64 " AND conversation = %" PRIu64,
                                account, group),
                     9);
}

/* --- many conversations and rows ----------------------------------------------------------- */

ENTRIES_TEST(test_as_many_heads_as_there_may_be) {
    static uint64_t ids[ENTRIES_MAX_HEADS];
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms)"
            " SELECT (2 << 60) | seq, 2, seq, 0, 1 FROM seq_30001_to_%u",
            30000 + ENTRIES_MAX_HEADS);
    for (size_t i = 0; i < ENTRIES_MAX_HEADS; i++)
        ids[i] = conversation_of_account(30000 + ENTRIES_MAX_HEADS - i);
    for (unsigned round = 0; round < 2; round++) {
        assert_err(lock_many(&f->a, ids, ENTRIES_MAX_HEADS), ERR_OK);
        assert_int_equal(f->a.heads.count, ENTRIES_MAX_HEADS);
        for (size_t i = 0; i < ENTRIES_MAX_HEADS; i++) {
            assert_int_equal(f->a.heads.items[i].lo, 30001 + i);
            assert_int_equal(f->a.heads.items[i].last_cid != 0, round == 1 && i < ENTRIES_MAX_ROWS);
        }
        struct entry_row rows[ENTRIES_MAX_ROWS];
        for (size_t i = 0; i < ENTRIES_MAX_ROWS; i++)
            rows[i] = (struct entry_row){.head = &f->a.heads.items[i], .text = slice_text("x")};
        assert_err(entries_append(f->a.db, &f->a.heads, rows, ENTRIES_MAX_ROWS, true), ERR_OK);
        head_cache_keep(f->a.cache, &f->a.heads);
    }
}

ENTRIES_TEST(test_several_blocks_in_one_transaction) {
    enum { BLOCKS = 4 };
    static struct entry_row rows[BLOCKS * ENTRIES_MAX_ROWS];
    uint64_t x = open_new_pair(f), y = open_new_pair(f), ids[] = {x, y}, last = 0;
    assert_err(lock_many(&f->a, ids, 2), ERR_OK);
    for (size_t i = 0; i < BLOCKS * ENTRIES_MAX_ROWS; i++)
        rows[i] = (struct entry_row){.head = entries_find_head(&f->a.heads, i % 2 == 0 ? x : y),
                                     .text = slice_text("x")};
    for (size_t block = 0; block < BLOCKS; block++) {
        if (block > 0)
            assert_err(entries_next_block(f->a.db, &f->a.heads), ERR_OK);
        assert_err(entries_append(f->a.db, &f->a.heads, rows + block * ENTRIES_MAX_ROWS,
                                  ENTRIES_MAX_ROWS, block == BLOCKS - 1),
                   ERR_OK);
        assert_int_equal(stored_in(f->database, x),
                         block == BLOCKS - 1 ? BLOCKS * ENTRIES_MAX_ROWS / 2 : 0);
        assert_int_equal(db_in_transaction(f->a.db), block < BLOCKS - 1);
    }
    for (size_t i = 0; i < BLOCKS * ENTRIES_MAX_ROWS; i++) {
        assert_true(rows[i].cid > last);
        last = rows[i].cid;
        assert_int_equal(rows[i].prev, i < 2 ? 0 : rows[i - 2].cid);
    }
    /* Another writer appends behind all of it. */
    assert_true(write_one(&f->b, x, "").cid > last);
    assert_int_equal(f->b.row.prev, rows[BLOCKS * ENTRIES_MAX_ROWS - 2].cid);
}

ENTRIES_TEST(test_no_block_without_a_connection) {
    uint64_t pair = open_new_pair(f), connection = connection_of(&f->a);
    lock_one(&f->a, pair);
    assert_err(append_one(&f->a, pair, "", "text", false), ERR_OK);
    sql_run(f->database, "KILL %" PRIu64, connection);
    assert_err(entries_next_block(f->a.db, &f->a.heads), ERR_UNAVAILABLE);
    assert_false(db_in_transaction(f->a.db));
    assert_int_equal(stored_in(f->database, pair), 0);
    head_cache_clear(f->a.cache);
    assert_int_equal(write_one(&f->a, pair, "").prev, 0);
}

int main(void) { return test_run_all(entries_group_set_up, entries_group_tear_down); }
