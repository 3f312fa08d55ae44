/*
 * services/entries against a real database: two writers, as if each were an instance of delivery.
 *
 *     uint64_t pair = open_new_pair(f);
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
#include <stdio.h>

#include "common/loop.h"
#include "proto/conversation.h"
#include "services/entries/conversations.h"
#include "services/entries/entries.h"
#include "services/entries/head_cache.h"
#include "tests/support/assertions.h"
#include "tests/support/service_process.h"
#include "tests/support/test_list.h"
#include "tests/support/test_sql.h"
#include "tests/support/until.h"

/* Its members hold the results of the last lock and append. */
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
};

/* --- the database --- */

/* Waits until this connection of another thread runs a statement like this. */
void wait_for_statement(struct entries_fixture *f, uint64_t connection, const char *pattern);

/* --- accounts and conversations --- */

/* 0: one of them does not exist. */
uint64_t open_pair(struct writer *writer, uint64_t a, uint64_t b);

uint64_t open_new_pair(struct entries_fixture *f);

/* A group with members 30, 10 and 20, which need not exist. */
uint64_t new_group_of_three(struct entries_fixture *f, uint64_t number, const char *string_id);

/* --- writers --- */

void writer_open(struct entries_fixture *f, struct writer *writer, uint64_t instance,
                 bool remembers);

/* The result of a statement without arguments on the writer's connection. */
uint64_t writer_number(struct writer *writer, const struct db_statement *ask);

/* Two threads, until both have ended. */
void run_both(void *(*run)(void *), void *a, void *b);

/* The server's number of the writer's connection. */
uint64_t connection_of(struct writer *writer);

void writer_close(struct writer *writer);

enum err lock_many(struct writer *writer, uint64_t *ids, size_t count);

/* The locked head, or NULL when there is none. */
struct entry_head *lock_one(struct writer *writer, uint64_t conversation);

/* A nonce out of at most NONCE_BYTES characters; "": none. Lives for the whole program. */
struct slice nonce_of(const char *text);

/* Appends a text to a conversation that is locked; the outcome is in writer->row. */
enum err append_one(struct writer *writer, uint64_t conversation, const char *nonce,
                    const char *text, bool commit);

/* Locks, appends, commits, and remembers. */
struct entry_row write_one(struct writer *writer, uint64_t conversation, const char *nonce);

/* --- setup --- */

int entries_group_set_up(void **state);

int entries_group_tear_down(void **state);

int entries_set_up(void **state);
int entries_tear_down(void **state);
#define ENTRIES_TEST(name_)                                                                        \
    TEST_WITH(name_, struct entries_fixture *f, entries_set_up, entries_tear_down)

#endif
