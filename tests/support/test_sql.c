/* See test_sql.h. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/assertions.h"
#include "tests/support/test_sql.h"
#include "tests/support/until.h"

#define SQL_BYTES 65536

/* Prints the format and the arguments of the function that this stands in. */
#define PRINT_SQL(sql_, format_)                                                                   \
    do {                                                                                           \
        va_list arguments_;                                                                        \
        va_start(arguments_, format_);                                                             \
        assert_in_range(vsnprintf(sql_, sizeof(sql_), format_, arguments_), 1, sizeof(sql_) - 1);  \
        va_end(arguments_);                                                                        \
    } while (0)

void sql_run(struct test_database *database, const char *format, ...) {
    char sql[SQL_BYTES];
    PRINT_SQL(sql, format);
    test_database_run(database, sql);
}

uint64_t sql_number(struct test_database *database, const char *format, ...) {
    char sql[SQL_BYTES];
    PRINT_SQL(sql, format);
    return test_database_number(database, sql);
}

uint64_t new_account(struct test_database *database, const char *id) {
    uint64_t number = FIRST_ACCOUNT + test_database_count(database);
    sql_run(database,
            "INSERT INTO account (number, id, name, created_ms) VALUES (%" PRIu64 ", '%s', 'x', 1)",
            number, id[0] == '\0' ? test_text("%" PRIu64, number) : id);
    return number;
}

static uint64_t row_number(struct test_database *database, const char *table, const char *column,
                           uint64_t account, uint64_t conversation) {
    return sql_number(database,
                      "SELECT COALESCE(%s, 0) FROM %s WHERE account = %" PRIu64
                      " AND conversation = %" PRIu64,
                      column, table, account, conversation);
}

uint64_t cursor_number(struct test_database *database, const char *column, uint64_t account,
                       uint64_t conversation) {
    return row_number(database, "`cursor`", column, account, conversation);
}

uint64_t received_by(struct test_database *database, uint64_t account, uint64_t conversation) {
    return cursor_number(database, "received", account, conversation);
}

uint64_t member_number(struct test_database *database, const char *column, uint64_t conversation,
                       uint64_t account) {
    return row_number(database, "member", column, account, conversation);
}

uint64_t conversation_number(struct test_database *database, const char *column,
                             uint64_t conversation) {
    return sql_number(database, "SELECT %s FROM conversation WHERE id = %" PRIu64, column,
                      conversation);
}

uint64_t stored_in(struct test_database *database, uint64_t conversation) {
    return sql_number(database, "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64,
                      conversation);
}

void wait_for_connections(struct test_database *database, const char *condition, uint64_t wanted) {
    TEST_UNTIL(sql_number(database,
                          "SELECT COUNT(*) FROM information_schema.processlist"
                          " WHERE db = DATABASE() AND id <> CONNECTION_ID() AND %s",
                          condition) == wanted,
               "waited in vain for %" PRIu64 " connections with %s", wanted, condition);
}

void settle(struct db *db) {
    static const struct db_statement nothing = {"nothing", "SELECT 1"};
    assert_err(db_query(db, &nothing, DB_NO_ARGS, NULL), ERR_OK);
}

struct db *hold(struct test_database *database, uint64_t conversation) {
    static const struct db_statement for_long = {"for_long",
                                                 "SET SESSION idle_transaction_timeout = 0"};
    static const struct db_statement lock = {"hold",
                                             "SELECT id FROM conversation WHERE id = ? FOR UPDATE"};
    struct db *db = db_new(test_database_settings(database), NULL);
    assert_non_null(db);
    assert_err(db_query(db, &for_long, DB_NO_ARGS, NULL), ERR_OK);
    assert_err(db_begin(db), ERR_OK);
    assert_err(db_query(db, &lock, DB_ARGS(db_u64(conversation)), NULL), ERR_OK);
    settle(db);
    return db;
}

void let_go(struct db **db) {
    db_rollback(*db);
    db_destroy(db);
}

uint64_t rows_read(struct db *db) {
    static const struct db_statement statement = {
        "rows_read", "SELECT SUM(VARIABLE_VALUE) FROM information_schema.SESSION_STATUS"
                     " WHERE VARIABLE_NAME IN ('HANDLER_READ_NEXT', 'HANDLER_READ_PREV')"};
    struct db_rows *rows;
    assert_err(db_query(db, &statement, NULL, 0, &rows), ERR_OK);
    assert_true(db_rows_next(rows));
    uint64_t count = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return count;
}
