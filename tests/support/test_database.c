/*
 * A database of a test's own, on the server that the environment names. See service_process.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/service_process.h"
#include "tests/support/test_db.h"

#define SQL_MAX_BYTES 65536

struct test_database {
    struct db_settings settings; /* of the server, by the environment; strings by config */
    char *base_name;             /* PARLEY_DB_NAME before the test */
    struct db *db;
    uint64_t count;
};

static const struct config_option options[] = {
    CONFIG_INCLUDE(struct test_database, settings, db_options), CONFIG_END};
static const struct config_program program = {"test", "a test", "", options};

static void read_settings(struct test_database *self) {
    char *argv[] = {(char *)"test", NULL};
    int rest;
    if (getenv("PARLEY_DB_SOCKET") == NULL && getenv("PARLEY_DB_HOST") == NULL)
        fail_msg("this test needs a MariaDB: set PARLEY_DB_SOCKET (or PARLEY_DB_HOST), "
                 "PARLEY_DB_USER, PARLEY_DB_PASSWORD and PARLEY_DB_NAME");
    if (config_load(&program, self, 1, argv, &rest) != CONFIG_OK)
        fail_msg("the database's settings in the environment are wrong");
    self->base_name = self->settings.db_name;
    self->settings.db_name = NULL;
}

/* The name as an identifier; the characters are those of a database's name and of a label. */
static void run_formatted(struct test_database *self, const char *format, const char *name) {
    struct buffer sql = buffer_make(SQL_MAX_BYTES);
    buffer_printf(&sql, format, name);
    buffer_add(&sql, "", 1);
    test_database_run(self, sql.data);
    buffer_free(&sql);
}

struct test_database *test_database_new_empty(const char *label) {
    struct test_database *self = calloc(1, sizeof *self);
    char name[64];
    if (self == NULL)
        fail_msg("out of memory");
    read_settings(self);
    snprintf(name, sizeof name, "%.30s_%.20s_%d", self->base_name, label, (int)getpid());

    /* The base database is there to be connected to: only from within one can another be made. */
    self->settings.db_name = self->base_name;
    self->db = db_new(&self->settings, NULL);
    if (self->db == NULL || db_connect(self->db) != ERR_OK)
        fail_msg("cannot reach the database: %s",
                 self->db == NULL ? "out of memory" : db_fault(self->db));
    run_formatted(self, "DROP DATABASE IF EXISTS `%s`", name);
    run_formatted(self, "CREATE DATABASE `%s` CHARACTER SET utf8mb4", name);
    run_formatted(self, "USE `%s`", name);
    self->settings.db_name = strdup(name);
    setenv("PARLEY_DB_NAME", name, 1);
    return self;
}

struct test_database *test_database_new(const char *label) {
    struct test_database *self = test_database_new_empty(label);
    char *output = NULL;
    if (service_process_run("parleyctl", (const char *[]){"migrate", NULL}, &output) != 0)
        fail_msg("parleyctl migrate failed: %s", output);
    free(output);
    return self;
}

void test_database_destroy(struct test_database **self) {
    if (*self == NULL)
        return;
    run_formatted(*self, "DROP DATABASE IF EXISTS `%s`", (*self)->settings.db_name);
    setenv("PARLEY_DB_NAME", (*self)->base_name, 1);
    db_destroy(&(*self)->db);
    free((*self)->base_name);
    config_free(&program, *self);
    free(*self);
    *self = NULL;
}

const struct db_settings *test_database_settings(const struct test_database *self) {
    return &self->settings;
}

/* Runs statements; the first row's first number, where there is one, goes to `number_r`. */
static enum err try_run(struct test_database *self, const char *text, uint64_t *number_r) {
    struct buffer sql = buffer_make(SQL_MAX_BYTES);
    struct db_rows *rows;
    bool found = false;
    buffer_add_text(&sql, text);
    enum err err = db_connect(self->db);
    if (err == ERR_OK)
        err = db_script_run(self->db, &sql);
    if (err == ERR_OK) {
        while (db_script_next(self->db, &rows)) {
            if (rows != NULL && !found && db_rows_next(rows)) {
                *number_r = db_rows_u64(rows, 0);
                found = true;
            }
            db_rows_destroy(&rows);
        }
        err = db_script_end(self->db);
    }
    buffer_free(&sql);
    return err;
}

static void run(struct test_database *self, const char *text, uint64_t *number_r) {
    if (try_run(self, text, number_r) != ERR_OK)
        fail_msg("%s: %s", text, db_fault(self->db));
}

void test_database_run(struct test_database *self, const char *sql) {
    uint64_t ignored;
    run(self, sql, &ignored);
}

uint64_t test_database_number(struct test_database *self, const char *sql) {
    uint64_t number = 0;
    run(self, sql, &number);
    return number;
}

uint64_t test_database_count(struct test_database *self) { return self->count++; }

/* MIN or MAX of the ids from `first` to `last` of connections but our own; 0: there is none. */
static uint64_t connection_of(struct test_database *self, const char *which, uint64_t first,
                              uint64_t last) {
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT COALESCE(%s(id), 0) FROM information_schema.processlist"
             " WHERE db = DATABASE() AND id <> CONNECTION_ID() AND command <> 'Killed'"
             " AND id BETWEEN %llu AND %llu",
             which, (unsigned long long)first, (unsigned long long)last);
    return test_database_number(self, sql);
}

unsigned test_database_kill_connections(struct test_database *self) {
    unsigned killed = 0;
    uint64_t id = 0, ignored, last = connection_of(self, "MAX", 0, UINT64_MAX);
    while ((id = connection_of(self, "MIN", id + 1, last)) != 0) {
        char sql[64];
        snprintf(sql, sizeof sql, "KILL CONNECTION %llu", (unsigned long long)id);
        if (try_run(self, sql, &ignored) == ERR_OK)
            killed++;
        else if (strstr(db_fault(self->db), "Unknown thread id") == NULL)
            fail_msg("%s: %s", sql, db_fault(self->db));
    }
    return killed;
}

struct db *test_database_hold(struct test_database *self, const char *table) {
    struct db *db = test_db_new(test_database_settings(self));
    test_db_do(db, test_text("LOCK TABLES %s READ", table));
    return db;
}
