/*
 * Real programs of parley as child processes of a C test, and a database of the test's own.
 *
 *     struct test_database *database = test_database_new("auth");    fresh, migrated
 *     uint16_t port = test_free_port();
 *     struct service_process *auth = service_process_start("parley-auth", NULL,
 *         (const char *[]){test_text("--auth-port=%u", port), NULL});
 *     service_process_wait_ready(auth);
 *     ...
 *     assert_int_equal(service_process_stop(&auth), 0);
 *     test_database_destroy(&database);
 *
 * For use within a cmocka test, setup or teardown: whatever goes wrong here fails the test with
 * the program's output. Programs are looked for in PARLEY_BIN (default build/bin). A child is
 * killed when the test program ends, however that ends. No wait is longer than its deadline.
 */
#ifndef PARLEY_TESTS_SERVICE_PROCESS_H
#define PARLEY_TESTS_SERVICE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/db.h"

/* How long a start, a stop or a program run to its end may take. */
#define TEST_DEADLINE_MS 60000
/* Texts of test_text, and arguments of one program. */
#define TEST_MAX_TEXTS 4096
#define TEST_MAX_ARGUMENTS 32

/* --- a database --- */

struct test_database;

/*
 * Makes the database <PARLEY_DB_NAME>_<label>_<pid> on the server that PARLEY_DB_SOCKET or
 * PARLEY_DB_HOST names (one of them must be set) and runs `parleyctl migrate` in it.
 * Programs that are started later use it: PARLEY_DB_NAME is set to it until it is destroyed. One at
 * a time.
 */
struct test_database *test_database_new(const char *label);
/* The same without tables. */
struct test_database *test_database_new_empty(const char *label);
/* Drops it. */
void test_database_destroy(struct test_database **self);
/* For connections of the test's own; owned by `self`. */
const struct db_settings *test_database_settings(const struct test_database *self);
/* Runs statements (`;` between them) and fails the test when one fails. */
void test_database_run(struct test_database *self, const char *sql);
/* The first column of the first row, an integer; 0 when there is no row. */
uint64_t test_database_number(struct test_database *self, const char *sql);
/* Kills every connection to this database but the test's own, and none that is made meanwhile;
 * returns how many. */
unsigned test_database_kill_connections(struct test_database *self);
/* 0, 1, 2, ... with each call. */
uint64_t test_database_count(struct test_database *self);
/* Lets nobody write this table until the returned connection is destroyed. */
struct db *test_database_hold(struct test_database *self, const char *table);

/* --- a process --- */

struct service_process;

/*
 * Starts `program` with `arguments` (NULL-terminated or NULL). `environment`: "NAME=value" to add,
 * NULL-terminated or NULL. Both are copied. Standard input is empty, standard output and error go
 * to one file.
 */
struct service_process *service_process_start(const char *program, const char *const *environment,
                                              const char *const *arguments);
/* Returns once it has logged `event=ready`; fails the test when it ends instead, or stays silent.
 */
void service_process_wait_ready(struct service_process *self);
/* Whether its output holds `text` before `timeout_ms` are over; also looks when it has ended. */
bool service_process_wait_text(struct service_process *self, const char *text, int64_t timeout_ms);
/* Waits for its own end, at most TEST_DEADLINE_MS. Its exit status, or 128 + the signal. */
int service_process_wait_exit(struct service_process *self);
bool service_process_is_running(struct service_process *self);
/* The program that was last started with this port (`--auth-port=...`). */
const char *service_process_at(uint16_t port);
pid_t service_process_pid(const struct service_process *self);
/* Everything it has written so far; owned by `self`, valid until the next call. */
const char *service_process_output(struct service_process *self);
/* SIGTERM, then waits for the end, and frees. The status as service_process_wait_exit gives it. */
int service_process_stop(struct service_process **self);
/* SIGKILL, waits, frees; NULL inside is fine: for teardowns. */
void service_process_kill(struct service_process **self);

/* Starts a program, waits for its end, stores its output in `output_r` (may be NULL; the caller
 * frees it) and returns its status. */
int service_process_run(const char *program, const char *const *arguments, char **output_r);

/* --- small things --- */

/* A port of 127.0.0.1 that nobody had a moment ago; no port is given twice, nor to another test
 * program that runs meanwhile. */
uint16_t test_free_port(void);
/* A formatted text that lives until the test program ends. */
const char *test_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
