/*
 * The connection itself, for the files that run statements on it (db_statement.c, db_script.c,
 * db_transaction.c); all others use db.h.
 *
 *     enum err err = db_ready(self, name, 1);          it is there, and there is time
 *     if (err == ERR_OK && mysql_...(self->mysql, ...) != 0)
 *         err = db_fail_last(self, name, commits);     the one place where a fault becomes an error
 *     if (err == ERR_OK) db_note_state(self);
 */
#ifndef PARLEY_COMMON_DB_CONNECTION_H
#define PARLEY_COMMON_DB_CONNECTION_H

#include <mysql.h>

#include "common/db_fault.h"

/* LOST_TRANSACTION: ended by a fault before the caller ended it; see db.h. */
enum db_state { DB_IDLE, DB_TRANSACTION, DB_LOST_TRANSACTION };

struct db_prepared {
    const struct db_statement *statement;
    MYSQL_STMT *stmt;
    uint64_t used; /* db->clock when last used */
};

struct db {
    const struct db_settings *settings;
    struct db_watch *watch;
    MYSQL *mysql; /* NULL only without memory; initialised even when not connected */
    bool connected;
    int64_t retry_at_ms;  /* no attempt to connect before; loop_now_ms(), as all times here */
    uint64_t connections; /* made so far */
    int64_t connected_ms, checked_ms; /* when it was made, and last found to take writes */
    int64_t logged_ms;                /* when a server out of something was logged, and its code */
    unsigned logged_code;
    int64_t deadline_ms; /* of the statement that runs, with time for an answer; INT64_MAX: none */
    int64_t limit_ms;    /* how long the server lets each statement run; 0: without a limit */
    enum db_state state;

    struct db_prepared prepared[DB_MAX_PREPARED];
    size_t prepared_count;
    uint64_t clock;

    uint64_t affected, insert_id;
    bool uncertain;
    char fault[DB_FAULT_BYTES];
    char fault_key[DB_KEY_BYTES];

    struct {
        bool running;
        bool fresh;   /* the first result waits, db_script_next has not taken it yet */
        bool commits; /* losing the connection leaves the outcome unknown */
        enum err err;
    } script;
};

/*
 * Whether a statement may be sent: connects if need be, refuses in DB_LOST_TRANSACTION and past the
 * deadline. Has the server end each of the `statements` that follow in one round trip so early that
 * all of them end by the deadline.
 */
enum err db_ready(struct db *self, const char *name, unsigned statements)
    __attribute__((warn_unused_result));

/* Takes the state of the transaction from the server's answer to the last statement. */
void db_note_state(struct db *self);

/* Closes the connection; a transaction on it is lost. */
void db_close(struct db *self);
/* Rolls back the open transaction; a connection that can't is closed, which does. */
void db_undo(struct db *self);

/*
 * Turns the server's fault into an error: remembers its text, logs it under `name`, closes the
 * connection or rolls back where that is called for. `commits`: the failed statement may have been
 * carried out if the connection was lost. `text` may belong to the connection.
 */
enum err db_fail(struct db *self, const char *name, unsigned code, const char *text, bool commits)
    __attribute__((warn_unused_result));
/* The same for the fault that self->mysql has. */
enum err db_fail_last(struct db *self, const char *name, bool commits)
    __attribute__((warn_unused_result));
/* The same for a fault of our own, such as a wrong count of arguments: ERR_INTERNAL, logged. */
enum err db_fail_internal(struct db *self, const char *name, const char *text)
    __attribute__((warn_unused_result));

#endif
