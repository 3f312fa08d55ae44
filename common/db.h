/*
 * One connection to MariaDB, used by one thread at a time.
 *
 *     struct db *db = db_new(&settings, watch);
 *     if (db_connect(db) != ERR_OK) ...                      db_fault(db) says why
 *     static const struct db_statement find = {"find", "SELECT number FROM account WHERE id = ?"};
 *     struct db_rows *rows;
 *     enum err err = db_query(db, &find, DB_ARGS(db_text(id)), &rows);
 *     if (err == ERR_OK && db_rows_next(rows)) number = db_rows_u64(rows, 0);
 *     db_rows_destroy(&rows);
 *
 * Statements are static; each is prepared on a connection when first used there and again after a
 * reconnect; a connection keeps the DB_MAX_PREPARED that were used last. Errors: ERR_UNAVAILABLE
 * when the connection is lost, the server refuses for now (deadlock, lock wait, shutdown, a full
 * disk), is not the one to write to (read-only: it is dialled anew), or the deadline has passed:
 * nothing of the open transaction is kept, unless db_uncertain says otherwise; ERR_TAKEN when a
 * unique key is violated (db_fault_key tells which); ERR_INTERNAL otherwise, logged.
 *
 * After ERR_UNAVAILABLE within a transaction that transaction is over, its locks are released, and
 * every call but db_connect gives ERR_UNAVAILABLE until db_rollback or db_begin: statements meant
 * to be part of it can't be carried out by themselves. After any error, call db_rollback.
 *
 * A connection runs at READ COMMITTED with autocommit on, in UTC, with lock waits of at most 5 s.
 * The server ends it when a transaction stands idle for 10 s, so that a stopped process holds no
 * locks for long; an answer that takes 20 s counts as a lost connection.
 */
#ifndef PARLEY_COMMON_DB_H
#define PARLEY_COMMON_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/config.h"
#include "common/db_watch.h"
#include "common/error.h"
#include "common/record.h"

#define DB_MAX_CONNECTIONS 64

/* SQL for the database's clock, milliseconds since 1970. Stored times are taken from it: the clocks
 * of instances may differ, this one is the same for all. */
#define DB_NOW_MS "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)"

struct db_settings {
    char *db_host, *db_socket, *db_user, *db_password, *db_name, *db_tls_ca;
    uint64_t db_port, db_connections;
};
/* For CONFIG_INCLUDE. */
extern const struct config_option db_options[];

/*
 * limit: database | prepared statements | {DB_MAX_PREPARED} | the one unused for longest is
 * closed
 */
/* Limits of one connection: prepared statements kept, and of one statement: arguments and columns
 * (more is ERR_INTERNAL), bytes of all its rows' texts (ERR_INTERNAL, the query wants a LIMIT). */
#define DB_MAX_PREPARED 128
/*
 * limit: database | arguments, columns of a statement | {DB_MAX_ARGS} {DB_MAX_COLUMNS:} |
 * `internal`
 */
#define DB_MAX_ARGS 64
#define DB_MAX_COLUMNS 64
/* limit: database | bytes of one statement's rows | {DB_MAX_ROWS_BYTES} | `internal` */
#define DB_MAX_ROWS_BYTES ((size_t)256 << 20)

struct db;
struct db_rows;

struct db_statement {
    const char *name; /* for logs and metrics */
    const char *sql;  /* with ? for each argument */
};

struct db_value {
    enum { DB_NULL, DB_U64, DB_TEXT, DB_BYTES } type;
    uint64_t number;
    struct slice slice; /* borrowed until the query returns */
};
struct db_value db_null(void);
struct db_value db_u64(uint64_t number);
struct db_value db_text(struct slice text);         /* an empty slice is an empty string */
struct db_value db_text_or_null(struct slice text); /* an empty slice is NULL */
struct db_value db_bytes(struct slice bytes);

#define DB_ARGS(...)                                                                               \
    ((const struct db_value[]){__VA_ARGS__}),                                                      \
        (sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value))
#define DB_NO_ARGS NULL, 0

/* `settings` and `watch` are borrowed and must outlive the connection. `watch` learns whether
 * the database is there; it may be NULL. NULL without memory. */
struct db *db_new(const struct db_settings *settings, struct db_watch *watch);
void db_destroy(struct db **self);

/*
 * Connects if not connected; cheap when it is, though outside a transaction it sees that the server
 * has hung up meanwhile, and once a second asks whether it takes writes: a server that is read-only
 * is as good as none, also for reading, since another one is the primary then. ERR_UNAVAILABLE
 * otherwise: db_fault() says why. An attempt lasts at most 5 s; after one that failed, calls fail
 * at once for 200 ms.
 */
enum err db_connect(struct db *self) __attribute__((warn_unused_result));
/* How many connections were made so far: another number means another connection, which may be one
 * to another server, or to a database that was restored from a backup. */
uint64_t db_connections(const struct db *self);
/* The fault of the last failed call, in one line without values or secrets; valid until the next
 * call that fails. */
const char *db_fault(const struct db *self);
/* After ERR_TAKEN: whether the violated key has this name. */
bool db_fault_key(const struct db *self, const char *key);
/*
 * The time from which statements are of no use any more, by the clock of loop_now_ms; INT64_MAX, as
 * at first: never. Nothing is begun past it, and the server ends a statement that still runs, also
 * a COMMIT that waits for a lock, and undoes it. All of that happens a little earlier (an eighth of
 * the time, at most half a second), so that the answer arrives in time.
 */
void db_set_deadline(struct db *self, int64_t deadline_ms);
/*
 * After ERR_UNAVAILABLE: whether something since db_set_deadline may have been carried out all the
 * same, since the connection was lost in db_commit, in a statement outside a transaction that
 * writes, or in a script that commits. Errs towards true.
 */
bool db_uncertain(const struct db *self);

/*
 * Runs one statement; connects first if not connected. `rows_r` may be NULL when no rows are
 * wanted; else db_rows_destroy it; it is NULL after an error and for a statement that has no rows.
 */
enum err db_query(struct db *self, const struct db_statement *statement,
                  const struct db_value *args, size_t arg_count, struct db_rows **rows_r)
    __attribute__((warn_unused_result));
/* Rows changed by, and the AUTO_INCREMENT id of, the last statement that had no rows. */
uint64_t db_affected(const struct db *self);
uint64_t db_insert_id(const struct db *self);

/* Starts a transaction. One that was left open is a fault of the caller: logged, rolled back. */
enum err db_begin(struct db *self) __attribute__((warn_unused_result));
/* Ends the transaction, whatever it returns. */
enum err db_commit(struct db *self) __attribute__((warn_unused_result));
/* Never fails: a connection that can't roll back is closed, which does. Nothing without one. */
void db_rollback(struct db *self);
/* Whether one is open: begun, and neither ended nor lost. */
bool db_in_transaction(const struct db *self);

/*
 * Rows are fetched whole and do not depend on the connection; values live until db_rows_destroy.
 * Integer columns give numbers, all others slices; db_rows_u64 of a slice (SUM() gives a DECIMAL)
 * reads its leading digits, db_rows_slice of an integer is a fault of the caller. A negative
 * integer is an error of the query. NULL rows are no rows.
 */
bool db_rows_next(struct db_rows *rows);
/* Before the first row again. */
void db_rows_rewind(struct db_rows *rows);
uint64_t db_rows_u64(const struct db_rows *rows, unsigned column);       /* NULL gives 0 */
struct slice db_rows_slice(const struct db_rows *rows, unsigned column); /* NULL gives empty */
bool db_rows_null(const struct db_rows *rows, unsigned column);
uint64_t db_rows_count(const struct db_rows *rows);
void db_rows_destroy(struct db_rows **rows);

/*
 * Text protocol, for batches of entries, whose length varies: several statements in one round trip.
 *
 *     db_script_run(db, &sql);                    sends; returns an error of the first one
 *     while (db_script_next(db, &rows)) ...       each result in turn, rows NULL where it has none
 *     err = db_script_end(db);                    the error of any statement; drains what is left
 *
 * Values stand in the text: numbers in decimal, strings through db_script_add_bytes alone. From
 * db_script_run, if it returned ERR_OK, to db_script_end no other call on this connection but
 * these. The server stops at the first statement that fails. A script that failed for want of room
 * is ERR_INTERNAL.
 */
enum err db_script_run(struct db *self, const struct buffer *sql)
    __attribute__((warn_unused_result));
bool db_script_next(struct db *self, struct db_rows **rows_r);
enum err db_script_end(struct db *self) __attribute__((warn_unused_result));
/* Runs a script of one statement that has rows, as db_query does. */
enum err db_script_query(struct db *self, const struct buffer *sql, struct db_rows **rows_r)
    __attribute__((warn_unused_result));
/* Appends `bytes` as a quoted literal; `sql->failed`: there is no room. */
void db_script_add_bytes(struct db *self, struct buffer *sql, struct slice bytes);

#endif
