/*
 * Scripts: several statements in one round trip of the text protocol.
 */
#include <assert.h>
#include <string.h>

#include "common/db_connection.h"
#include "common/db_rows.h"

#define SCRIPT_NAME "script"
/* Of a script's statements those that may wait for a lock: one that reads or writes, the commit.
 */
#define SCRIPT_WAITS 2
#define ESCAPE_PIECE_BYTES 1024

/*
 * Whether it is not known how much was carried out when the connection is lost. A text that happens
 * to hold the word counts too: that errs towards true.
 */
static bool may_commit(const struct db *self, const struct buffer *sql) {
    bool begins = sql->length >= 5 && memcmp(sql->data, "BEGIN", 5) == 0;
    bool reads = sql->length >= 6 && memcmp(sql->data, "SELECT", 6) == 0;
    return (self->state == DB_IDLE && !begins && !reads) ||
           memmem(sql->data, sql->length, "COMMIT", 6) != NULL;
}

enum err db_script_run(struct db *self, const struct buffer *sql) {
    enum err err = db_ready(self, SCRIPT_NAME, SCRIPT_WAITS);
    if (err == ERR_OK && (sql->failed || sql->length == 0))
        err = db_fail_internal(self, SCRIPT_NAME, "the script is empty or was cut");
    if (err == ERR_OK) {
        self->script.running = true;
        self->script.fresh = true;
        self->script.commits = may_commit(self, sql);
        if (mysql_real_query(self->mysql, sql->data, sql->length) != 0)
            err = db_fail_last(self, SCRIPT_NAME, self->script.commits);
    }
    self->script.err = err;
    return err;
}

/* Goes to the next result; false at the end, or at an error, which is kept. */
static bool advance(struct db *self) {
    if (!self->script.running)
        return false;
    if (self->script.fresh) {
        self->script.fresh = false;
        return true;
    }
    int status = mysql_next_result(self->mysql);
    if (status == 0)
        return true;
    if (status < 0)
        self->script.running = false;
    else
        self->script.err = db_fail_last(self, SCRIPT_NAME, self->script.commits);
    return false;
}

/* The rows of the result that advance() went to; NULL where it has none. */
static bool take_result(struct db *self, struct db_rows **rows_r) {
    *rows_r = NULL;
    MYSQL_RES *result = mysql_store_result(self->mysql);
    if (result == NULL && mysql_errno(self->mysql) != 0) {
        self->script.err = db_fail_last(self, SCRIPT_NAME, self->script.commits);
        return false;
    }
    db_note_state(self);
    if (result == NULL) {
        self->affected = mysql_affected_rows(self->mysql);
        self->insert_id = mysql_insert_id(self->mysql);
        return true;
    }
    const char *fault = db_rows_from_result(result, rows_r);
    if (fault == NULL)
        return true;
    self->script.err = db_fail_internal(self, SCRIPT_NAME, fault);
    return false;
}

bool db_script_next(struct db *self, struct db_rows **rows_r) {
    *rows_r = NULL;
    return self->script.err == ERR_OK && advance(self) && take_result(self, rows_r);
}

enum err db_script_end(struct db *self) {
    while (advance(self)) {
        struct db_rows *rows;
        if (take_result(self, &rows))
            db_rows_destroy(&rows);
    }
    return self->script.err;
}

enum err db_script_query(struct db *self, const struct buffer *sql, struct db_rows **rows_r) {
    *rows_r = NULL;
    enum err err = db_script_run(self, sql);
    if (err != ERR_OK)
        return err;
    (void)db_script_next(self, rows_r);
    err = db_script_end(self);
    if (err != ERR_OK)
        db_rows_destroy(rows_r);
    return err == ERR_OK && *rows_r == NULL ? ERR_INTERNAL : err;
}

void db_script_add_bytes(struct db *self, struct buffer *sql, struct slice bytes) {
    buffer_add(sql, "'", 1);
    /*
     * In pieces, since a byte may become two. A piece may end within a character of several bytes:
     * the server puts the bytes together again, and none of them is a quote or a backslash.
     */
    for (size_t at = 0; at < bytes.length && !sql->failed; at += ESCAPE_PIECE_BYTES) {
        char escaped[2 * ESCAPE_PIECE_BYTES + 1];
        size_t left = bytes.length - at;
        size_t length = left < ESCAPE_PIECE_BYTES ? left : ESCAPE_PIECE_BYTES;
        if (self->mysql == NULL) {
            sql->failed = true;
            return;
        }
        length = mysql_real_escape_string(self->mysql, escaped, bytes.data + at, length);
        buffer_add(sql, escaped, length);
    }
    buffer_add(sql, "'", 1);
}
