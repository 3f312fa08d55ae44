/*
 * Look-ups and changes that isolation tests make in their own database, besides the service under
 * test.
 *
 *     sql_run(f->database, "UPDATE account SET disabled = 1 WHERE number = %" PRIu64, anna);
 *     assert_int_equal(stored_in(f->database, pair), 1);
 *     struct db *holder = hold(f->database, pair);
 *     ... ask, and wait_for_connections(f->database, WAITS_FOR_LOCK, 1)
 *     let_go(&holder);
 *
 * Include after cmocka.h. A statement that fails fails the test.
 */
#ifndef PARLEY_TESTS_SUPPORT_TEST_SQL_H
#define PARLEY_TESTS_SUPPORT_TEST_SQL_H

#include <stdint.h>

#include "tests/support/service_process.h"

/* Runs statements, `;` between them; at most 64 KiB. */
void sql_run(struct test_database *database, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The first column of the first row, an integer; 0 when there is no row. */
uint64_t sql_number(struct test_database *database, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Rows that the server has read for this connection by going on in an index. */
uint64_t rows_read(struct db *db);

#define FIRST_ACCOUNT 5000000
/* Makes an account with this string id; "": the decimal form of its number. */
uint64_t new_account(struct test_database *database, const char *id);

/* A number of the account's cursor in the conversation; 0: it is NULL, or there is no such cursor.
 */
uint64_t cursor_number(struct test_database *database, const char *column, uint64_t account,
                       uint64_t conversation);
/* The last cid that the account has received. */
uint64_t received_by(struct test_database *database, uint64_t account, uint64_t conversation);
/* A number of a conversation. */
uint64_t conversation_number(struct test_database *database, const char *column,
                             uint64_t conversation);
/* A number of a member of a group. */
uint64_t member_number(struct test_database *database, const char *column, uint64_t conversation,
                       uint64_t account);
/* Entries of a conversation. */
uint64_t stored_in(struct test_database *database, uint64_t conversation);

/* Waits until this many connections to the database match; the test's own does not count. */
void wait_for_connections(struct test_database *database, const char *condition, uint64_t wanted);
/* Of connections that wait for a conversation's lock, provided that somebody holds it. */
#define WAITS_FOR_LOCK "info LIKE '%FOR UPDATE%'"

/* Locks a conversation until let_go, however long that is. */
struct db *hold(struct test_database *database, uint64_t conversation);
void let_go(struct db **db);
/* The server may show a connection's statement for a moment after it was answered: after another
 * one, `db` is not taken for one that waits. */
void settle(struct db *db);

#endif
