/*
 * services/entries against a real database: two writers, as if each were an instance of delivery.
 *
 *     struct entries_fixture *f = *state;
 *     uint64_t pair = new_pair(f);
 *     lock_one(&f->a, pair);
 *     assert_err(append_one(&f->a, pair, "nonce 1", "hello", true), ERR_OK);
 *
 * Each test has a database connection of each writer, and the connection of the fixture's database
 * as the rest of the world; conversations are its own.
 */
#ifndef PARLEY_TESTS_LOG_FIXTURE_H
#define PARLEY_TESTS_LOG_FIXTURE_H

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/loop.h"
#include "proto/conversation.h"
#include "services/entries/conversations.h"
#include "services/entries/entries.h"
#include "services/entries/head_cache.h"
#include "tests/support/assertions.h"
#include "tests/support/service_process.h"
#include "tests/support/until.h"

#define SQL_BYTES 4096

/* Members are what the last lock and append left. */
struct writer {
    struct db *db;
    struct head_cache *cache; /* NULL: remembers nothing */
    uint64_t instance;
    struct record_arena arena;
    struct entry_heads heads;
    struct entry_row row;
};

struct entries_fixture {
    struct test_database *database;
    struct writer a, b;
    uint64_t accounts;
};

/* --- the database -------------------------------------------------------------------------- */

static inline void sql_run(struct entries_fixture *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void sql_run(struct entries_fixture *f, const char *format, ...) {
    char sql[SQL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    assert_in_range(vsnprintf(sql, sizeof sql, format, arguments), 1, sizeof sql - 1);
    va_end(arguments);
    test_database_run(f->database, sql);
}

static inline uint64_t sql_number(struct entries_fixture *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline uint64_t sql_number(struct entries_fixture *f, const char *format, ...) {
    char sql[SQL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    assert_in_range(vsnprintf(sql, sizeof sql, format, arguments), 1, sizeof sql - 1);
    va_end(arguments);
    return test_database_number(f->database, sql);
}

static inline uint64_t stored_in(struct entries_fixture *f, uint64_t conversation) {
    return sql_number(f, "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64,
                      conversation);
}

/* Waits until this connection of another thread runs a statement like this. */
static inline void wait_for_statement(struct entries_fixture *f, uint64_t connection,
                                      const char *pattern) {
    TEST_UNTIL(sql_number(f,
                          "SELECT COUNT(*) FROM information_schema.processlist WHERE id = %" PRIu64
                          " AND info LIKE '%s'",
                          connection, pattern) != 0,
               "it does not wait in %s", pattern);
}

/* --- accounts and conversations -------------------------------------------------------------- */

static inline uint64_t new_account(struct entries_fixture *f) {
    uint64_t number = ++f->accounts;
    sql_run(f,
            "INSERT INTO account (number, id, name, created_ms)"
            " VALUES (%" PRIu64 ", 'account %" PRIu64 "', 'x', 1)",
            number, number);
    return number;
}

/* 0: one of them does not exist. */
static inline uint64_t open_pair(struct writer *writer, uint64_t a, uint64_t b) {
    struct conversation_pair pair = conversation_pair(a, b);
    assert_err(conversations_open_pairs(writer->db, writer->cache, &pair, 1), ERR_OK);
    return pair.conversation;
}

static inline uint64_t new_pair(struct entries_fixture *f) {
    uint64_t account = new_account(f);
    return open_pair(&f->b, account, new_account(f));
}

/* A group with members 30, 10 and 20, who need not exist. */
static inline uint64_t new_group(struct entries_fixture *f, uint64_t number,
                                 const char *string_id) {
    uint64_t id = conversation_of_group(number);
    sql_run(f,
            "INSERT INTO conversation (id, kind, lo, hi, string_id, name, owner, created_ms)"
            " VALUES (%" PRIu64 ", 1, %" PRIu64 ", 0, '%s', 'its name', 10, 1);"
            " INSERT INTO member (conversation, account, role, joined_ms) VALUES (%" PRIu64
            ", 30, 1, 1), (%" PRIu64 ", 10, 3, 1), (%" PRIu64 ", 20, 1, 1)",
            id, number, string_id, id, id, id);
    return id;
}

/* --- writers --------------------------------------------------------------------------------- */

static inline void writer_open(struct entries_fixture *f, struct writer *writer, uint64_t instance,
                               bool remembers) {
    *writer = (struct writer){.db = db_new(test_database_settings(f->database), NULL),
                              .cache = remembers ? head_cache_new() : NULL,
                              .instance = instance};
    assert_non_null(writer->db);
    assert_err(db_connect(writer->db), ERR_OK);
}

/* The server's number of the writer's connection. */
static inline uint64_t connection_of(struct writer *writer) {
    static const struct db_statement ask = {"connection_id", "SELECT CONNECTION_ID()"};
    struct db_rows *rows;
    assert_err(db_query(writer->db, &ask, DB_NO_ARGS, &rows), ERR_OK);
    assert_true(db_rows_next(rows));
    uint64_t id = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return id;
}

static inline void writer_close(struct writer *writer) {
    db_destroy(&writer->db);
    head_cache_destroy(&writer->cache);
    record_arena_free(&writer->arena);
}

static inline enum err lock_many(struct writer *writer, uint64_t *ids, size_t count) {
    record_arena_free(&writer->arena);
    return entries_lock(writer->db, writer->cache, writer->instance, ids, count, &writer->arena,
                        &writer->heads);
}

/* The locked head, or NULL when there is none. */
static inline struct entry_head *lock_one(struct writer *writer, uint64_t conversation) {
    uint64_t id = conversation;
    assert_err(lock_many(writer, &id, 1), ERR_OK);
    return entries_find_head(&writer->heads, conversation);
}

/* A nonce out of at most NONCE_BYTES characters; "": none. Lives for the whole program. */
static inline struct slice nonce_of(const char *text) {
    return text[0] == '\0' ? slice_make(NULL, 0)
                           : slice_make(test_text("%-16s", text), NONCE_BYTES);
}

/* Appends a text to a conversation that is locked; the outcome is in writer->row. */
static inline enum err append_one(struct writer *writer, uint64_t conversation, const char *nonce,
                                  const char *text, bool commit) {
    writer->row = (struct entry_row){.head = entries_find_head(&writer->heads, conversation),
                                     .sender = 1,
                                     .nonce = nonce_of(nonce),
                                     .text = slice_text(text)};
    assert_non_null(writer->row.head);
    return entries_append(writer->db, &writer->heads, &writer->row, 1, commit);
}

/* Locks, appends, commits, and remembers. */
static inline struct entry_row write_one(struct writer *writer, uint64_t conversation,
                                         const char *nonce) {
    lock_one(writer, conversation);
    assert_err(append_one(writer, conversation, nonce, "text", true), ERR_OK);
    if (writer->cache != NULL)
        head_cache_keep(writer->cache, &writer->heads);
    return writer->row;
}

/* --- setup ----------------------------------------------------------------------------------- */

static inline int log_group_set_up(void **state) {
    static struct entries_fixture f;
    *state = &f;
    f.database = test_database_new("log");
    return 0;
}

static inline int log_group_tear_down(void **state) {
    struct entries_fixture *f = *state;
    test_database_destroy(&f->database);
    return 0;
}

static inline int log_set_up(void **state) {
    struct entries_fixture *f = *state;
    writer_open(f, &f->a, 1001, true);
    writer_open(f, &f->b, 1002, true);
    return 0;
}

static inline int log_tear_down(void **state) {
    struct entries_fixture *f = *state;
    writer_close(&f->a);
    writer_close(&f->b);
    return 0;
}

#define log_test(test_) cmocka_unit_test_setup_teardown(test_, log_set_up, log_tear_down)

#endif
