/*
 * db.h against a real MariaDB: values, rows, prepared statements, scripts.
 */
#include "tests/support/test_db.h"
#include "tests/support/test_list.h"

static struct db_settings settings;
static struct db *db;

static int setup(void **state) {
    (void)state;
    settings = test_db_settings();
    db = test_db_new(&settings);
    test_db_do(db, "DROP TABLE IF EXISTS db_test;"
                   "CREATE TABLE db_test (number BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT,"
                   " small TINYINT UNSIGNED, letters VARCHAR(64) COLLATE utf8mb4_bin,"
                   " body MEDIUMTEXT, raw LONGBLOB) ENGINE=InnoDB CHARACTER SET utf8mb4");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    test_db_do(db, "DROP TABLE IF EXISTS db_test");
    db_destroy(&db);
    assert_null(db);
    db_destroy(&db);
    return 0;
}

#define DB_TEST(name_) TEST_WITH(name_, NO_FIXTURE, setup, teardown)

static const struct db_statement insert = {
    "insert", "INSERT INTO db_test (number, small, letters, body, raw) VALUES (?, ?, ?, ?, ?)"};
static const struct db_statement select_all = {
    "select", "SELECT number, small, letters, body, raw FROM db_test ORDER BY number"};

static void assert_slice(struct slice slice, const char *bytes, size_t length) {
    assert_int_equal(slice.length, length);
    assert_memory_equal(slice.data, bytes, length);
}

DB_TEST(test_session_settings) {
    static const struct db_statement select = {
        "session", "SELECT @@tx_isolation, @@innodb_lock_wait_timeout, @@idle_transaction_timeout,"
                   " @@character_set_client, @@character_set_connection, @@autocommit,"
                   " INSTR(@@sql_mode, 'STRICT_ALL_TABLES') > 0"};
    struct db_rows *rows;
    assert_int_equal(db_query(db, &select, DB_NO_ARGS, &rows), ERR_OK);
    assert_true(db_rows_next(rows));
    assert_slice(db_rows_slice(rows, 0), "READ-COMMITTED", 14);
    assert_int_equal(db_rows_u64(rows, 1), 5);
    assert_int_equal(db_rows_u64(rows, 2), 10);
    assert_slice(db_rows_slice(rows, 3), "utf8mb4", 7);
    assert_slice(db_rows_slice(rows, 4), "utf8mb4", 7);
    assert_int_equal(db_rows_u64(rows, 5), 1);
    assert_int_equal(db_rows_u64(rows, 6), 1);
    db_rows_destroy(&rows);
    assert_null(rows);
}

DB_TEST(test_values) {
    static const char raw[] = {'a', 0, '\'', '\\', (char)0xff, 0};
    struct slice emoji = slice_text("h\xc3\xa9llo \xf0\x9f\x98\x80 'x'");
    assert_int_equal(
        db_query(db, &insert,
                 DB_ARGS(db_null(), db_null(), db_text_or_null((struct slice){NULL, 0}),
                         db_text_or_null(slice_text("t")), db_null()),
                 NULL),
        ERR_OK);
    assert_int_equal(db_insert_id(db), 1);
    assert_int_equal(
        db_query(db, &insert,
                 DB_ARGS(db_u64(UINT64_MAX - 1), db_u64(255), db_text(emoji),
                         db_text((struct slice){NULL, 0}), db_bytes(slice_make(raw, sizeof raw))),
                 NULL),
        ERR_OK);
    assert_int_equal(db_affected(db), 1);

    struct db_rows *rows;
    assert_int_equal(db_query(db, &select_all, DB_NO_ARGS, &rows), ERR_OK);
    assert_int_equal(db_rows_count(rows), 2);
    assert_true(db_rows_next(rows));
    assert_int_equal(db_rows_u64(rows, 0), 1);
    assert_true(db_rows_null(rows, 1) && db_rows_null(rows, 2) && db_rows_null(rows, 4));
    assert_int_equal(db_rows_u64(rows, 1), 0);
    assert_int_equal(db_rows_slice(rows, 2).length, 0);
    assert_slice(db_rows_slice(rows, 3), "t", 1);
    assert_true(db_rows_next(rows));
    assert_true(db_rows_u64(rows, 0) == UINT64_MAX - 1);
    assert_int_equal(db_rows_u64(rows, 1), 255);
    assert_slice(db_rows_slice(rows, 2), emoji.data, emoji.length);
    assert_false(db_rows_null(rows, 3));
    assert_slice(db_rows_slice(rows, 3), "", 0);
    assert_slice(db_rows_slice(rows, 4), raw, sizeof raw);
    assert_false(db_rows_next(rows));
    assert_false(db_rows_next(rows));
    db_rows_destroy(&rows);
}

DB_TEST(test_sum_gives_number) {
    static const struct db_statement sum = {
        "sum", "SELECT SUM(n), SUM(n) IS NULL FROM (SELECT 40 AS n UNION SELECT 2) AS t"};
    struct db_rows *rows;
    assert_int_equal(db_query(db, &sum, DB_NO_ARGS, &rows), ERR_OK);
    assert_true(db_rows_next(rows));
    assert_int_equal(db_rows_u64(rows, 0), 42);
    db_rows_destroy(&rows);
}

DB_TEST(test_negative_number_is_refused) {
    static const struct db_statement negative = {"negative", "SELECT CAST(? AS SIGNED) - 5"};
    struct db_rows *rows;
    assert_int_equal(db_query(db, &negative, DB_ARGS(db_u64(3)), &rows), ERR_INTERNAL);
    assert_null(rows);
    assert_int_equal(db_query(db, &negative, DB_ARGS(db_u64(7)), &rows), ERR_OK);
    assert_true(db_rows_next(rows));
    assert_int_equal(db_rows_u64(rows, 0), 2);
    db_rows_destroy(&rows);
    assert_int_equal(test_db_try(db, "SELECT -5; SELECT 1"), ERR_INTERNAL);
    test_db_do(db, "SELECT 5");
}

DB_TEST(test_long_text) {
    const size_t length = 3000000;
    char *text = malloc(length);
    assert_non_null(text);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('a' + i % 26);
    for (uint64_t number = 1; number <= 3; number++)
        assert_int_equal(
            db_query(db, &insert,
                     DB_ARGS(db_u64(number), db_null(), db_null(),
                             db_text(slice_make(text, number == 2 ? 5 : length)), db_null()),
                     NULL),
            ERR_OK);
    struct db_rows *rows;
    assert_int_equal(db_query(db, &select_all, DB_NO_ARGS, &rows), ERR_OK);
    for (uint64_t number = 1; number <= 3; number++) {
        assert_true(db_rows_next(rows));
        assert_slice(db_rows_slice(rows, 3), text, number == 2 ? 5 : length);
    }
    db_rows_destroy(&rows);
    free(text);
}

DB_TEST(test_rows_do_not_depend_on_connection) {
    for (uint64_t number = 1; number <= 2; number++)
        assert_int_equal(db_query(db, &insert,
                                  DB_ARGS(db_u64(number), db_null(), db_text(slice_text("x")),
                                          db_null(), db_null()),
                                  NULL),
                         ERR_OK);
    struct db_rows *outer, *inner;
    assert_int_equal(db_query(db, &select_all, DB_NO_ARGS, &outer), ERR_OK);
    assert_true(db_rows_next(outer));
    assert_int_equal(db_query(db, &select_all, DB_NO_ARGS, &inner), ERR_OK);
    assert_int_equal(db_query(db, &select_all, DB_NO_ARGS, NULL), ERR_OK);
    struct db *other = test_db_new(&settings);
    test_db_kill(other, db);
    db_destroy(&other);
    assert_int_equal(db_query(db, &select_all, DB_NO_ARGS, NULL), ERR_UNAVAILABLE);
    assert_true(db_rows_next(outer));
    assert_int_equal(db_rows_u64(outer, 0), 2);
    assert_slice(db_rows_slice(outer, 2), "x", 1);
    assert_int_equal(db_rows_count(inner), 2);
    db_rows_destroy(&outer);
    db_rows_destroy(&inner);
}

DB_TEST(test_faults_of_statements) {
    static const struct db_statement syntax = {"syntax", "SELEKT 1"};
    struct db_rows *rows;
    assert_int_equal(db_query(db, &syntax, DB_NO_ARGS, &rows), ERR_INTERNAL);
    assert_null(rows);
    assert_non_null(strstr(db_fault(db), "syntax"));
    assert_int_equal(db_query(db, &insert, DB_ARGS(db_u64(1)), NULL), ERR_INTERNAL);
    /* A strict session refuses a value that does not fit, and does not quote it. */
    assert_int_equal(db_query(db, &insert,
                              DB_ARGS(db_null(), db_u64(256), db_null(), db_null(), db_null()),
                              NULL),
                     ERR_INTERNAL);
    assert_int_equal(db_query(db, &insert,
                              DB_ARGS(db_null(), db_null(), db_text(slice_text("\xffHIDDEN")),
                                      db_null(), db_null()),
                              NULL),
                     ERR_INTERNAL);
    assert_null(strstr(db_fault(db), "HIDDEN"));
    assert_int_equal(test_db_try(db, "SELEKT 'HIDDEN'"), ERR_INTERNAL);
    assert_null(strstr(db_fault(db), "HIDDEN"));
    assert_int_equal(test_db_number(db, "SELECT COUNT(*) FROM db_test", 0), 0);
}

static uint64_t session_counter(const char *name) {
    char sql[160];
    snprintf(sql, sizeof sql,
             "SELECT CAST(variable_value AS UNSIGNED) FROM information_schema.session_status"
             " WHERE variable_name = '%s'",
             name);
    return test_db_number(db, sql, 0);
}

DB_TEST(test_statement_is_prepared_once) {
    static const struct db_statement echo = {"echo", "SELECT ?"};
    uint64_t before = session_counter("Com_stmt_prepare");
    for (uint64_t i = 0; i < 10; i++) {
        struct db_rows *rows;
        assert_int_equal(db_query(db, &echo, DB_ARGS(db_u64(i)), &rows), ERR_OK);
        assert_true(db_rows_next(rows));
        assert_int_equal(db_rows_u64(rows, 0), i);
        db_rows_destroy(&rows);
    }
    assert_int_equal(session_counter("Com_stmt_prepare"), before + 1);
}

DB_TEST(test_prepared_statements_are_bounded) {
    enum { COUNT = DB_MAX_PREPARED + 20 };
    static char sql[COUNT][32];
    static struct db_statement statements[COUNT];
    uint64_t prepared = session_counter("Com_stmt_prepare");
    uint64_t closed = session_counter("Com_stmt_close");
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(sql[i], sizeof sql[i], "SELECT %u", i);
        statements[i] = (struct db_statement){"many", sql[i]};
        struct db_rows *rows;
        assert_int_equal(db_query(db, &statements[i], DB_NO_ARGS, &rows), ERR_OK);
        assert_true(db_rows_next(rows));
        assert_int_equal(db_rows_u64(rows, 0), i);
        db_rows_destroy(&rows);
        /* Used all the time, it is never the one that has to go. */
        assert_int_equal(db_query(db, &statements[0], DB_NO_ARGS, NULL), ERR_OK);
    }
    assert_int_equal(session_counter("Com_stmt_prepare") - prepared, COUNT);
    assert_int_equal(session_counter("Com_stmt_close") - closed, COUNT - DB_MAX_PREPARED);
    assert_int_equal(db_query(db, &statements[0], DB_NO_ARGS, NULL), ERR_OK);
    assert_int_equal(session_counter("Com_stmt_prepare") - prepared, COUNT);
    assert_int_equal(db_query(db, &statements[1], DB_NO_ARGS, NULL), ERR_OK);
    assert_int_equal(session_counter("Com_stmt_prepare") - prepared, COUNT + 1);
}

DB_TEST(test_script_with_several_results) {
    struct buffer sql = buffer_make(4096);
    buffer_add_text(&sql, "BEGIN; INSERT INTO db_test (number, letters) VALUES (5, 'a'), (6, NULL)"
                          " RETURNING number; SELECT number, letters FROM db_test ORDER BY number;"
                          " UPDATE db_test SET letters = 'z'; COMMIT");
    struct db_rows *rows;
    assert_int_equal(db_script_run(db, &sql), ERR_OK);
    assert_true(db_script_next(db, &rows));
    assert_null(rows);
    assert_true(db_script_next(db, &rows));
    assert_int_equal(db_rows_count(rows), 2);
    db_rows_destroy(&rows);
    assert_true(db_script_next(db, &rows));
    assert_true(db_rows_next(rows));
    assert_int_equal(db_rows_u64(rows, 0), 5);
    assert_slice(db_rows_slice(rows, 1), "a", 1);
    assert_true(db_rows_next(rows));
    assert_true(db_rows_null(rows, 1));
    db_rows_destroy(&rows);
    assert_true(db_in_transaction(db));
    assert_true(db_script_next(db, &rows));
    assert_null(rows);
    assert_int_equal(db_affected(db), 2);
    assert_true(db_script_next(db, &rows));
    assert_false(db_script_next(db, &rows));
    assert_null(rows);
    assert_int_equal(db_script_end(db), ERR_OK);
    assert_false(db_in_transaction(db));
    buffer_free(&sql);
}

DB_TEST(test_script_with_error_in_the_middle) {
    struct buffer sql = buffer_make(4096);
    buffer_add_text(&sql, "BEGIN; INSERT INTO db_test (number) VALUES (1); SELECT 7;"
                          " INSERT INTO db_test (number) VALUES (1); SELECT 8; COMMIT");
    struct db_rows *rows;
    for (int taken = 0; taken < 4; taken++) {
        assert_int_equal(db_script_run(db, &sql), ERR_OK);
        for (int i = 0; i < taken && i < 3; i++) {
            assert_true(db_script_next(db, &rows));
            db_rows_destroy(&rows);
        }
        if (taken == 3)
            assert_false(db_script_next(db, &rows));
        assert_int_equal(db_script_end(db), ERR_TAKEN);
        assert_true(db_fault_key(db, "PRIMARY"));
        assert_true(db_in_transaction(db));
        db_rollback(db);
        assert_int_equal(test_db_number(db, "SELECT COUNT(*) FROM db_test", 0), 0);
    }
    buffer_clear(&sql);
    buffer_add_text(&sql, "SELECT nothing FROM nowhere; SELECT 1");
    assert_int_equal(db_script_run(db, &sql), ERR_INTERNAL);
    assert_false(db_script_next(db, &rows));
    assert_int_equal(db_script_end(db), ERR_INTERNAL);
    buffer_free(&sql);
}

DB_TEST(test_script_that_was_cut_is_refused) {
    struct buffer sql = buffer_make(10);
    assert_int_equal(db_script_run(db, &sql), ERR_INTERNAL);
    buffer_add_text(&sql, "SELECT ");
    db_script_add_bytes(db, &sql, slice_text("12345"));
    assert_true(sql.failed);
    assert_int_equal(db_script_run(db, &sql), ERR_INTERNAL);
    buffer_free(&sql);
}

/* The server's value of the literal, by way of a column that keeps bytes as they are. */
static void assert_survives(struct slice bytes) {
    struct buffer sql = buffer_make(1 << 20);
    buffer_add_text(&sql, "DELETE FROM db_test; INSERT INTO db_test (number, raw) VALUES (1, ");
    db_script_add_bytes(db, &sql, bytes);
    buffer_add_text(&sql, "); SELECT raw FROM db_test");
    assert_false(sql.failed);
    struct db_rows *rows;
    assert_int_equal(db_script_run(db, &sql), ERR_OK);
    assert_true(db_script_next(db, &rows));
    assert_true(db_script_next(db, &rows));
    assert_true(db_script_next(db, &rows));
    assert_true(db_rows_next(rows));
    assert_slice(db_rows_slice(rows, 0), bytes.data, bytes.length);
    db_rows_destroy(&rows);
    assert_int_equal(db_script_end(db), ERR_OK);
    buffer_free(&sql);
}

DB_TEST(test_script_literals_survive_hostile_bytes) {
    static const char *const texts[] = {
        "",   "'", "\\", "\\'",  "'); DROP TABLE db_test; -- ", "\\\\'", "\"", "\n\r\x1a",
        "/*", ";", "%_", "\\0z", "\xf0\x9f\x98\x80'",           "\xbf'", "?",  "\xf0'\\"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_survives(slice_text(texts[i]));
    /* Each byte before a quote and before a backslash, alone and within cut characters. */
    char hostile[256 * 6];
    for (int i = 0; i < 256; i++) {
        char *at = hostile + i * 6;
        at[0] = at[2] = at[4] = (char)i;
        at[1] = '\'';
        at[3] = '\\';
        at[5] = (char)0xf0;
    }
    assert_survives(slice_make(hostile, sizeof hostile));
    /* Characters of several bytes at every place where a long literal may be taken apart. */
    char text[8192];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, '\'', shift);
        for (size_t i = shift; i + 4 <= sizeof text; i += 4)
            memcpy(text + i, "\xf0\x9f\x98\x80", 4);
        assert_survives(slice_make(text, shift + 8000));
    }
}

int main(void) { return test_run_all(NULL, NULL); }
