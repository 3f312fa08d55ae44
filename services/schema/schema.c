/* The schema's version: checking it and bringing it up to date; see schema.h. */
#include "services/schema/schema.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"

/*
 * limit: delivery | a migration's text; the wait while another migrates | 1 MiB;
 * {SCHEMA_LOCK_SECONDS} {SCRIPT_MAX_BYTES:} | it fails; `timeout`
 */
/* A migration is small; this bounds what a wrong one could do. */
#define SCRIPT_MAX_BYTES ((size_t)1 << 20)

static const struct db_statement find_table = {
    "schema_find_table", "SELECT COUNT(*) FROM information_schema.tables"
                         " WHERE table_schema = DATABASE() AND table_name = 'schema_version'"};
static const struct db_statement make_table = {
    "schema_make_table", "CREATE TABLE IF NOT EXISTS schema_version ("
                         " number INT UNSIGNED NOT NULL PRIMARY KEY,"
                         " name VARCHAR(64) CHARACTER SET ascii NOT NULL,"
                         " started_ms BIGINT UNSIGNED NOT NULL,"
                         " finished_ms BIGINT UNSIGNED NULL) ENGINE = InnoDB"};
static const struct db_statement find_versions = {
    "schema_find_versions", "SELECT number, name, finished_ms IS NOT NULL FROM schema_version"
                            " ORDER BY number DESC LIMIT 1"};
static const struct db_statement add_version = {
    "schema_add_version", "INSERT INTO schema_version (number, name, started_ms) VALUES (?, ?, ?)"};
static const struct db_statement finish_version = {
    "schema_finish_version", "UPDATE schema_version SET finished_ms = ? WHERE number = ?"};
static const struct db_statement remove_version = {"schema_remove_version",
                                                   "DELETE FROM schema_version WHERE number = ?"};
/* Locks of this kind are named for the whole server. */
static const struct db_statement take_lock = {
    "schema_take_lock", "SELECT COALESCE(GET_LOCK(CONCAT('parley_schema_', DATABASE()), ?), 0)"};
static const struct db_statement release_lock = {
    "schema_release_lock", "DO RELEASE_LOCK(CONCAT('parley_schema_', DATABASE()))"};

static unsigned needed_version(void) { return migrations[migrations_count - 1].number; }

static enum err query_number(struct db *db, const struct db_statement *statement,
                             const struct db_value *args, size_t count, uint64_t *number_r) {
    struct db_rows *rows;
    enum err err = db_query(db, statement, args, count, &rows);
    *number_r = err == ERR_OK && db_rows_next(rows) ? db_rows_u64(rows, 0) : 0;
    db_rows_destroy(&rows);
    return err;
}

/* The newest version there is: 0 in an empty database. */
static enum err read_version(struct db *db, uint64_t *version_r, char *message_r) {
    uint64_t tables = 0;
    *version_r = 0;
    enum err err = query_number(db, &find_table, DB_NO_ARGS, &tables);
    if (err != ERR_OK || tables == 0)
        return err;
    struct db_rows *rows;
    err = db_query(db, &find_versions, DB_NO_ARGS, &rows);
    if (err == ERR_OK && db_rows_next(rows)) {
        *version_r = db_rows_u64(rows, 0);
        struct slice name = db_rows_slice(rows, 1);
        if (db_rows_u64(rows, 2) == 0) {
            snprintf(message_r, SCHEMA_MESSAGE_BYTES,
                     "migration %.*s was begun and is not finished: unless it runs just now,"
                     " restore the database, or undo it by hand and delete its row of"
                     " schema_version",
                     (int)name.length, name.data);
            err = ERR_NOT_ALLOWED;
        }
    }
    db_rows_destroy(&rows);
    return err;
}

static enum err refuse_newer(uint64_t version, char *message_r) {
    if (version <= needed_version())
        return ERR_OK;
    snprintf(message_r, SCHEMA_MESSAGE_BYTES,
             "the database is at version %u, this build knows only %u: use a newer build",
             (unsigned)version, needed_version());
    return ERR_NOT_ALLOWED;
}

/* Explains a failed step, unless it has been explained. */
static enum err explain(struct db *db, enum err err, const char *step, char *message_r) {
    if (err != ERR_OK && message_r[0] == '\0')
        snprintf(message_r, SCHEMA_MESSAGE_BYTES, "%s: %s", step, db_fault(db));
    return err;
}

enum err schema_check(struct db *db, char message_r[SCHEMA_MESSAGE_BYTES]) {
    uint64_t version = 0;
    message_r[0] = '\0';
    enum err err = db_connect(db);
    if (err == ERR_OK)
        err = read_version(db, &version, message_r);
    if (err == ERR_OK)
        err = refuse_newer(version, message_r);
    if (err == ERR_OK && version < needed_version()) {
        snprintf(message_r, SCHEMA_MESSAGE_BYTES,
                 "the database is at version %u, this build needs %u: run parleyctl migrate",
                 (unsigned)version, needed_version());
        err = ERR_NOT_ALLOWED;
    }
    return explain(db, err, "cannot read the database's version", message_r);
}

/* --- migrating ----------------------------------------------------------------------------- */

/* Runs the statements; `done_r` counts those that were carried out. */
static enum err run_statements(struct db *db, const struct migration *migration, unsigned *done_r) {
    struct buffer sql = buffer_make(SCRIPT_MAX_BYTES);
    struct db_rows *rows;
    *done_r = 0;
    buffer_add_text(&sql, migration->sql);
    enum err err = db_script_run(db, &sql);
    if (err == ERR_OK) {
        for (; db_script_next(db, &rows); ++*done_r)
            db_rows_destroy(&rows);
        err = db_script_end(db);
    }
    buffer_free(&sql);
    return err;
}

/* Explains why a migration failed. If nothing was changed its row is removed, so that the next run
 * tries again. */
static void explain_failure(struct db *db, const struct migration *migration, unsigned done,
                            bool lost, char *message_r) {
    if (done > 0 || lost) {
        snprintf(message_r, SCHEMA_MESSAGE_BYTES,
                 "migration %s stopped half way, at its statement %u (%.80s): restore the"
                 " database, or undo it by hand and delete its row of schema_version",
                 migration->name, done + 1, db_fault(db));
        return;
    }
    snprintf(message_r, SCHEMA_MESSAGE_BYTES, "migration %s failed, nothing was changed: %.120s",
             migration->name, db_fault(db));
    db_rollback(db);
    if (db_query(db, &remove_version, DB_ARGS(db_u64(migration->number)), NULL) != ERR_OK)
        log_warn("schema_version_kept", "migration=%s", migration->name);
}

static enum err apply(struct db *db, const struct migration *migration, char *message_r) {
    unsigned done;
    enum err err = db_query(db, &add_version,
                            DB_ARGS(db_u64(migration->number), db_text(slice_text(migration->name)),
                                    db_u64((uint64_t)loop_wall_ms())),
                            NULL);
    if (err != ERR_OK)
        return err;
    err = run_statements(db, migration, &done);
    if (err != ERR_OK) {
        explain_failure(db, migration, done, err == ERR_UNAVAILABLE, message_r);
        return err == ERR_UNAVAILABLE ? ERR_INTERNAL : err;
    }
    return db_query(db, &finish_version,
                    DB_ARGS(db_u64((uint64_t)loop_wall_ms()), db_u64(migration->number)), NULL);
}

static enum err apply_missing(struct db *db, schema_applied *applied, void *argument,
                              char *message_r) {
    uint64_t version = 0;
    enum err err = db_query(db, &make_table, DB_NO_ARGS, NULL);
    if (err == ERR_OK)
        err = read_version(db, &version, message_r);
    if (err == ERR_OK)
        err = refuse_newer(version, message_r);
    for (size_t i = 0; i < migrations_count && err == ERR_OK; i++) {
        if (migrations[i].number <= version)
            continue;
        err = apply(db, &migrations[i], message_r);
        if (err == ERR_OK && applied != NULL)
            applied(argument, &migrations[i]);
    }
    return err;
}

enum err schema_migrate(struct db *db, schema_applied *applied, void *argument,
                        char message_r[SCHEMA_MESSAGE_BYTES]) {
    uint64_t locked = 0;
    message_r[0] = '\0';
    enum err err = db_connect(db);
    if (err == ERR_OK)
        err = query_number(db, &take_lock, DB_ARGS(db_u64(SCHEMA_LOCK_SECONDS)), &locked);
    if (err == ERR_OK && locked == 0) {
        snprintf(message_r, SCHEMA_MESSAGE_BYTES,
                 "another migration has been running for %d seconds", SCHEMA_LOCK_SECONDS);
        return ERR_TIMEOUT;
    }
    if (err == ERR_OK)
        err = apply_missing(db, applied, argument, message_r);
    err = explain(db, err, "cannot migrate the database", message_r);
    db_rollback(db);
    /* The connection's end releases it too. */
    if (locked != 0 && db_query(db, &release_lock, DB_NO_ARGS, NULL) != ERR_OK)
        log_warn("schema_lock_kept", "");
    return err;
}
