/*
 * db.h when things go wrong: unique keys, rollback, deadlocks, lock waits, killed connections, a
 * database that is away. A second connection plays the rest of the world.
 */
#include <pthread.h>

#include "tests/support/test_db.h"
#include "tests/support/test_list.h"
#include "tests/support/until.h"

static struct db_settings settings;
static struct db *db, *other;

static int setup(void **state) {
    (void)state;
    settings = test_db_settings();
    db = test_db_new(&settings);
    other = test_db_new(&settings);
    test_db_do(db, "DROP TABLE IF EXISTS db_fault_test;"
                   "CREATE TABLE db_fault_test (number BIGINT UNSIGNED PRIMARY KEY,"
                   " letters VARCHAR(64), value INT UNSIGNED NOT NULL DEFAULT 0,"
                   " UNIQUE KEY letters_once (letters)) ENGINE=InnoDB CHARACTER SET utf8mb4;"
                   "INSERT INTO db_fault_test (number) VALUES (1), (2)");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    db_rollback(db);
    db_destroy(&db);
    db_rollback(other);
    test_db_do(other, "DROP TABLE IF EXISTS db_fault_test");
    db_destroy(&other);
    return 0;
}

#define DB_FAULT_TEST(name_) TEST_WITH(name_, NO_FIXTURE, setup, teardown)

static const struct db_statement insert = {
    "insert", "INSERT INTO db_fault_test (number, letters) VALUES (?, ?)"};
static const struct db_statement update = {
    "update", "UPDATE db_fault_test SET value = value + 1 WHERE number = ?"};
static const struct db_statement ping = {"ping", "SELECT 1"};

static enum err insert_row(uint64_t number, const char *letters) {
    return db_query(db, &insert, DB_ARGS(db_u64(number), db_text(slice_text(letters))), NULL);
}

static enum err update_row(struct db *self, uint64_t number) {
    return db_query(self, &update, DB_ARGS(db_u64(number)), NULL);
}

static uint64_t rows_seen_by_other(void) {
    return test_db_number(other, "SELECT COUNT(*) FROM db_fault_test", 0);
}

static uint64_t sum_seen_by_other(void) {
    return test_db_number(other, "SELECT CAST(SUM(value) AS UNSIGNED) FROM db_fault_test", 0);
}

DB_FAULT_TEST(test_unique_key_is_named) {
    assert_int_equal(insert_row(10, "it's 'quoted'"), ERR_OK);
    assert_int_equal(insert_row(11, "it's 'quoted'"), ERR_TAKEN);
    assert_true(db_fault_key(db, "letters_once"));
    assert_false(db_fault_key(db, "PRIMARY"));
    assert_null(strstr(db_fault(db), "quoted"));
    assert_int_equal(insert_row(10, "else"), ERR_TAKEN);
    assert_true(db_fault_key(db, "PRIMARY"));
    /* It ends the statement, not the transaction. */
    assert_int_equal(db_begin(db), ERR_OK);
    assert_int_equal(insert_row(10, "else"), ERR_TAKEN);
    assert_int_equal(insert_row(11, "else"), ERR_OK);
    assert_int_equal(db_commit(db), ERR_OK);
    assert_int_equal(rows_seen_by_other(), 4);
}

DB_FAULT_TEST(test_rollback_and_commit) {
    db_rollback(db);
    assert_int_equal(db_begin(db), ERR_OK);
    assert_true(db_in_transaction(db));
    assert_int_equal(insert_row(10, "a"), ERR_OK);
    assert_int_equal(rows_seen_by_other(), 2);
    db_rollback(db);
    assert_false(db_in_transaction(db));
    assert_int_equal(rows_seen_by_other(), 2);
    assert_int_equal(db_begin(db), ERR_OK);
    assert_int_equal(insert_row(10, "a"), ERR_OK);
    assert_int_equal(db_commit(db), ERR_OK);
    assert_false(db_in_transaction(db));
    assert_int_equal(rows_seen_by_other(), 3);
    /* Left open: rolled back by the next one. */
    assert_int_equal(db_begin(db), ERR_OK);
    assert_int_equal(insert_row(11, "b"), ERR_OK);
    assert_int_equal(db_begin(db), ERR_OK);
    assert_int_equal(db_commit(db), ERR_OK);
    assert_int_equal(rows_seen_by_other(), 3);
}

DB_FAULT_TEST(test_lock_wait_ends_the_transaction) {
    test_db_do(db, "SET SESSION innodb_lock_wait_timeout = 1");
    assert_int_equal(db_begin(other), ERR_OK);
    assert_int_equal(update_row(other, 1), ERR_OK);
    assert_int_equal(db_begin(db), ERR_OK);
    assert_int_equal(update_row(db, 2), ERR_OK);
    assert_int_equal(update_row(db, 1), ERR_UNAVAILABLE);
    assert_false(db_uncertain(db));
    assert_false(db_in_transaction(db));
    /* Its locks are gone at once, and nothing more is carried out by itself. */
    assert_int_equal(update_row(other, 2), ERR_OK);
    assert_int_equal(update_row(db, 2), ERR_UNAVAILABLE);
    assert_int_equal(test_db_try(db, "SELECT 1"), ERR_UNAVAILABLE);
    assert_int_equal(db_commit(db), ERR_UNAVAILABLE);
    assert_false(db_uncertain(db));
    assert_int_equal(db_commit(other), ERR_OK);
    assert_int_equal(update_row(db, 2), ERR_OK);
    assert_int_equal(sum_seen_by_other(), 3);
}

static void *update_second_row(void *result) {
    *(enum err *)result = update_row(db, 2);
    return NULL;
}

/* Each holds the lock that the other wants, whichever asks first. */
DB_FAULT_TEST(test_deadlock_ends_one_transaction) {
    assert_int_equal(db_begin(db), ERR_OK);
    assert_int_equal(db_begin(other), ERR_OK);
    assert_int_equal(update_row(db, 1), ERR_OK);
    assert_int_equal(update_row(other, 2), ERR_OK);
    enum err mine = ERR_OK;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, update_second_row, &mine), 0);
    enum err theirs = update_row(other, 1);
    if (theirs != ERR_OK)
        assert_int_equal(db_commit(other), ERR_UNAVAILABLE);
    else
        assert_int_equal(db_commit(other), ERR_OK);
    pthread_join(thread, NULL);
    assert_true((mine == ERR_UNAVAILABLE) != (theirs == ERR_UNAVAILABLE));
    assert_true((mine == ERR_OK) != (theirs == ERR_OK));
    assert_int_equal(db_commit(db), mine);
    assert_int_equal(sum_seen_by_other(), 2);
}

DB_FAULT_TEST(test_killed_then_connected_again) {
    assert_int_equal(db_query(db, &ping, DB_NO_ARGS, NULL), ERR_OK);
    test_db_kill(other, db);
    assert_int_equal(db_query(db, &ping, DB_NO_ARGS, NULL), ERR_UNAVAILABLE);
    assert_true(strlen(db_fault(db)) > 0);
    assert_int_equal(db_connect(db), ERR_OK);
    assert_int_equal(db_query(db, &ping, DB_NO_ARGS, NULL), ERR_OK);
    /* A query connects by itself, and db_connect notices that the server closed the connection. */
    test_db_kill(other, db);
    assert_int_equal(db_query(db, &ping, DB_NO_ARGS, NULL), ERR_UNAVAILABLE);
    assert_int_equal(db_query(db, &ping, DB_NO_ARGS, NULL), ERR_OK);
    test_db_kill(other, db);
    assert_int_equal(db_connect(db), ERR_OK);
    assert_int_equal(db_query(db, &ping, DB_NO_ARGS, NULL), ERR_OK);
}

DB_FAULT_TEST(test_killed_in_a_transaction) {
    assert_int_equal(db_begin(db), ERR_OK);
    assert_int_equal(insert_row(10, "a"), ERR_OK);
    test_db_kill(other, db);
    assert_int_equal(insert_row(11, "b"), ERR_UNAVAILABLE);
    assert_false(db_uncertain(db));
    assert_int_equal(db_connect(db), ERR_OK);
    assert_int_equal(insert_row(12, "c"), ERR_UNAVAILABLE);
    db_rollback(db);
    assert_int_equal(insert_row(12, "c"), ERR_OK);
    assert_int_equal(rows_seen_by_other(), 3);
}

DB_FAULT_TEST(test_lost_commit_is_uncertain) {
    assert_int_equal(db_begin(db), ERR_OK);
    assert_int_equal(insert_row(10, "a"), ERR_OK);
    test_db_kill(other, db);
    assert_int_equal(db_commit(db), ERR_UNAVAILABLE);
    assert_true(db_uncertain(db));
    assert_int_equal(db_query(db, &ping, DB_NO_ARGS, NULL), ERR_OK);
    assert_true(db_uncertain(db));
    db_set_deadline(db, INT64_MAX);
    assert_false(db_uncertain(db));
    /* A write by itself may have been carried out too, once it was sent. */
    assert_int_equal(insert_row(10, "a"), ERR_OK);
    test_db_kill(other, db);
    assert_int_equal(insert_row(11, "b"), ERR_UNAVAILABLE);
    assert_true(db_uncertain(db));
    /* Not when it could not even be prepared, nor when it only reads. */
    db_set_deadline(db, INT64_MAX);
    assert_int_equal(db_query(db, &ping, DB_NO_ARGS, NULL), ERR_OK);
    test_db_kill(other, db);
    assert_int_equal(db_query(db, &ping, DB_NO_ARGS, NULL), ERR_UNAVAILABLE);
    assert_false(db_uncertain(db));
    assert_int_equal(db_connect(db), ERR_OK);
    test_db_kill(other, db);
    assert_int_equal(insert_row(11, "b"), ERR_UNAVAILABLE);
    assert_false(db_uncertain(db));
}

DB_FAULT_TEST(test_lost_script) {
    test_db_kill(other, db);
    assert_int_equal(test_db_try(db, "BEGIN; SELECT 1"), ERR_UNAVAILABLE);
    assert_false(db_uncertain(db));
    db_rollback(db);
    assert_int_equal(db_begin(db), ERR_OK);
    test_db_kill(other, db);
    assert_int_equal(test_db_try(db, "UPDATE db_fault_test SET value = 9; COMMIT"),
                     ERR_UNAVAILABLE);
    assert_true(db_uncertain(db));
    db_rollback(db);
    /* Killed half way: the first result has arrived, the second never does. */
    struct buffer sql = buffer_make(4096);
    char text[160];
    snprintf(text, sizeof text, "BEGIN; UPDATE db_fault_test SET value = 9; KILL %llu; COMMIT",
             (unsigned long long)test_db_connection_id(db));
    buffer_add_text(&sql, text);
    struct db_rows *rows;
    assert_int_equal(db_script_run(db, &sql), ERR_OK);
    assert_true(db_script_next(db, &rows));
    assert_true(db_script_next(db, &rows));
    assert_false(db_script_next(db, &rows));
    assert_int_equal(db_script_end(db), ERR_UNAVAILABLE);
    assert_true(db_uncertain(db));
    assert_int_equal(test_db_try(db, "SELECT 1"), ERR_UNAVAILABLE);
    db_rollback(db);
    test_db_do(db, "SELECT 1");
    assert_int_equal(sum_seen_by_other(), 0);
    buffer_free(&sql);
}

DB_FAULT_TEST(test_idle_transaction_is_ended) {
    test_db_do(db, "SET SESSION idle_transaction_timeout = 4");
    uint64_t id = test_db_connection_id(db);
    assert_int_equal(db_begin(db), ERR_OK);
    assert_int_equal(update_row(db, 1), ERR_OK);
    test_db_wait_gone(other, id);
    assert_int_equal(update_row(other, 1), ERR_OK);
    assert_int_equal(update_row(db, 1), ERR_UNAVAILABLE);
    assert_int_equal(db_commit(db), ERR_UNAVAILABLE);
    assert_false(db_uncertain(db));
    assert_int_equal(sum_seen_by_other(), 1);
}

/* --- meaning of the server's codes --------------------------------------------------------- */

/* Has the server fail with this code, in a transaction that has written something. */
static enum err fail_with(unsigned code) {
    char sql[128];
    assert_int_equal(db_begin(db), ERR_OK);
    assert_int_equal(update_row(db, 1), ERR_OK);
    snprintf(sql, sizeof sql,
             "SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = %u, MESSAGE_TEXT = 'just a test'", code);
    return test_db_try(db, sql);
}

DB_FAULT_TEST(test_a_transient_failure_may_be_tried_again) {
    static const unsigned codes[] = {1021, 1026, 1030, 1037, 1038, 1040, 1041, 1114, 1135,
                                     1203, 1205, 1206, 1213, 1223, 1226, 1317, 1412, 1461,
                                     1615, 1637, 1689, 1969, 3024, 3,    28};
    uint64_t id = test_db_connection_id(db);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (fail_with(codes[i]) != ERR_UNAVAILABLE)
            fail_msg("%u counts as a fault: %s", codes[i], db_fault(db));
        assert_false(db_uncertain(db));
        assert_false(db_in_transaction(db));
        db_rollback(db);
    }
    /* All that needs no new connection; and nothing of it was kept. */
    assert_int_equal(test_db_connection_id(db), id);
    assert_int_equal(sum_seen_by_other(), 0);
    assert_int_equal(fail_with(1146), ERR_INTERNAL);
}

DB_FAULT_TEST(test_a_server_that_is_not_the_one_is_dialled_anew) {
    static const unsigned codes[] = {1290, 1836, 1792, 1207, 1874, 1036, 1047, 1053, 1243, 1927};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        uint64_t id = test_db_connection_id(db);
        assert_int_equal(fail_with(codes[i]), ERR_UNAVAILABLE);
        assert_non_null(strstr(db_fault(db), "just a test"));
        assert_false(db_in_transaction(db));
        db_rollback(db);
        test_db_wait_gone(other, id);
        int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
        while (db_connect(db) != ERR_OK) /* it had been dialled just now: that waits a moment */
            assert_true(loop_now_ms() < deadline_ms);
        assert_int_not_equal(test_db_connection_id(db), id);
    }
    assert_int_equal(sum_seen_by_other(), 0);
}

/* --- deadlines ----------------------------------------------------------------------------- */

DB_FAULT_TEST(test_nothing_is_begun_past_the_deadline) {
    assert_int_equal(db_begin(db), ERR_OK);
    assert_int_equal(insert_row(10, "a"), ERR_OK);
    db_set_deadline(db, loop_now_ms());
    assert_int_equal(db_commit(db), ERR_UNAVAILABLE);
    assert_false(db_uncertain(db));
    assert_int_equal(insert_row(11, "b"), ERR_UNAVAILABLE);
    assert_int_equal(db_begin(db), ERR_UNAVAILABLE);
    assert_int_equal(test_db_try(db, "INSERT INTO db_fault_test (number) VALUES (12)"),
                     ERR_UNAVAILABLE);
    db_set_deadline(db, INT64_MAX);
    assert_int_equal(insert_row(13, "d"), ERR_OK);
    assert_int_equal(rows_seen_by_other(), 3);
}

/* Statements and scripts that wait for somebody else's lock of the table. */
DB_FAULT_TEST(test_a_hanging_call_is_ended_by_the_deadline) {
    for (int round = 0; round < 2; round++) {
        test_db_do(other, "LOCK TABLES db_fault_test WRITE");
        int64_t began_ms = loop_now_ms();
        db_set_deadline(db, began_ms + 800);
        enum err err = round == 0 ? insert_row(10, "a")
                                  : test_db_try(db, "BEGIN; INSERT INTO db_fault_test (number)"
                                                    " VALUES (10); COMMIT");
        assert_int_equal(err, ERR_UNAVAILABLE);
        assert_false(db_uncertain(db));
        assert_true(loop_now_ms() - began_ms < TEST_DEADLINE_MS / 4);
        db_rollback(db);
        test_db_do(other, "UNLOCK TABLES");
        assert_int_equal(rows_seen_by_other(), 2);
    }
    /* Later ones have their own time. */
    db_set_deadline(db, loop_now_ms() + 2 * TEST_DEADLINE_MS);
    test_db_do(db, "SELECT SLEEP(1)");
    db_set_deadline(db, INT64_MAX);
    assert_int_equal(insert_row(10, "a"), ERR_OK);
}

/* false: this thread was too slow to tell. */
static bool makes_no_second_attempt(struct db **lonely, struct db_settings *away) {
    db_destroy(lonely);
    away->db_socket = (char *)(uintptr_t) "/nonexistent/parley.sock";
    *lonely = db_new(away, NULL);
    assert_non_null(*lonely);
    int64_t began_ms = loop_now_ms();
    assert_int_equal(db_connect(*lonely), ERR_UNAVAILABLE);
    assert_non_null(strstr(db_fault(*lonely), away->db_socket));
    away->db_socket = settings.db_socket;
    const enum err errs[] = {db_query(*lonely, &ping, DB_NO_ARGS, NULL), db_begin(*lonely),
                             test_db_try(*lonely, "SELECT 1")};
    if (loop_now_ms() - began_ms >= 200)
        return false;
    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++)
        assert_int_equal(errs[i], ERR_UNAVAILABLE);
    return true;
}

DB_FAULT_TEST(test_database_away) {
    struct db_settings away = settings;
    struct db *lonely = NULL;
    /* Within 200 ms no second attempt is made, even if it would succeed. */
    TEST_UNTIL(makes_no_second_attempt(&lonely, &away), "it never took less than 200 ms");
    assert_false(db_uncertain(lonely));
    struct buffer sql = buffer_make(16);
    db_script_add_bytes(lonely, &sql, slice_text("it's"));
    assert_int_equal(sql.length, 7);
    assert_memory_equal(sql.data, "'it\\'s'", 7);
    buffer_free(&sql);
    TEST_UNTIL(db_connect(lonely) == ERR_OK, "there is no connection");
    assert_int_equal(db_query(lonely, &ping, DB_NO_ARGS, NULL), ERR_OK);
    db_destroy(&lonely);
}

int main(void) { return test_run_all(NULL, NULL); }
