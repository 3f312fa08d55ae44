/*
 * The private MariaDB of the isolation tests, named by PARLEY_DB_SOCKET, PARLEY_DB_USER,
 * PARLEY_DB_PASSWORD and PARLEY_DB_NAME. Include after cmocka.h.
 */
#ifndef PARLEY_TESTS_SUPPORT_TEST_DB_H
#define PARLEY_TESTS_SUPPORT_TEST_DB_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/db.h"
#include "common/loop.h"

#define TEST_DEADLINE_MS 60000

/* Borrows from the environment. Fails the test when there is no database. */
struct db_settings test_db_settings(void);

/* A connected connection; `settings` is borrowed. */
struct db *test_db_new(const struct db_settings *settings);

/* Runs a script and gives its error. */
enum err test_db_try(struct db *db, const char *sql);

/* Runs a script that must succeed. */
void test_db_do(struct db *db, const char *sql);

/* The number in the first row and given column of a script's first result. */
uint64_t test_db_number(struct db *db, const char *sql, unsigned column);

uint64_t test_db_connection_id(struct db *db);

/* Waits until the server has no such connection any more. */
void test_db_wait_gone(struct db *other, uint64_t connection_id);

/* Ends the connection of `victim` from `other`, and waits until it is gone. */
void test_db_kill(struct db *other, struct db *victim);

#endif
