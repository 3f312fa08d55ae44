/* See test_db.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/test_db.h"

static char *test_env(const char *name, const char *otherwise) {
    char *value = getenv(name);
    return value != NULL ? value : (char *)(uintptr_t)otherwise;
}

struct db_settings test_db_settings(void) {
    if (getenv("PARLEY_DB_SOCKET") == NULL)
        fail_msg("PARLEY_DB_SOCKET is not set: this test needs a private MariaDB");
    return (struct db_settings){.db_host = (char *)(uintptr_t) "127.0.0.1",
                                .db_socket = test_env("PARLEY_DB_SOCKET", ""),
                                .db_user = test_env("PARLEY_DB_USER", "parley"),
                                .db_password = test_env("PARLEY_DB_PASSWORD", ""),
                                .db_name = test_env("PARLEY_DB_NAME", "parley"),
                                .db_tls_ca = (char *)(uintptr_t) "",
                                .db_port = 3306,
                                .db_connections = 1};
}

struct db *test_db_new(const struct db_settings *settings) {
    struct db *db = db_new(settings, NULL);
    assert_non_null(db);
    if (db_connect(db) != ERR_OK)
        fail_msg("no connection to the test's MariaDB: %s", db_fault(db));
    return db;
}

enum err test_db_try(struct db *db, const char *sql) {
    struct buffer script = buffer_make(1 << 20);
    assert_int_equal(buffer_add_text(&script, sql), 0);
    enum err err = db_script_run(db, &script);
    if (err == ERR_OK)
        err = db_script_end(db);
    buffer_free(&script);
    return err;
}

void test_db_do(struct db *db, const char *sql) {
    if (test_db_try(db, sql) != ERR_OK)
        fail_msg("%s: %s", sql, db_fault(db));
}

uint64_t test_db_number(struct db *db, const char *sql, unsigned column) {
    struct buffer script = buffer_make(1 << 20);
    struct db_rows *rows;
    assert_int_equal(buffer_add_text(&script, sql), 0);
    assert_int_equal(db_script_run(db, &script), ERR_OK);
    assert_true(db_script_next(db, &rows));
    assert_true(db_rows_next(rows));
    uint64_t number = db_rows_u64(rows, column);
    db_rows_destroy(&rows);
    assert_int_equal(db_script_end(db), ERR_OK);
    buffer_free(&script);
    return number;
}

/* Waits until `sql`, which counts something, gives `wanted`. */
static void test_db_wait_for(struct db *db, const char *sql, uint64_t wanted) {
    int64_t deadline = loop_now_ms() + TEST_DEADLINE_MS;
    while (test_db_number(db, sql, 0) != wanted) {
        if (loop_now_ms() > deadline)
            fail_msg("waited in vain for: %s", sql);
        usleep(10000);
    }
}

uint64_t test_db_connection_id(struct db *db) {
    return test_db_number(db, "SELECT CONNECTION_ID()", 0);
}

void test_db_wait_gone(struct db *other, uint64_t connection_id) {
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM information_schema.processlist WHERE id = %llu",
             (unsigned long long)connection_id);
    test_db_wait_for(other, sql, 0);
}

void test_db_kill(struct db *other, struct db *victim) {
    char sql[64];
    uint64_t id = test_db_connection_id(victim);
    snprintf(sql, sizeof sql, "KILL %llu", (unsigned long long)id);
    test_db_do(other, sql);
    test_db_wait_gone(other, id);
}
