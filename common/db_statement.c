/*
 * Prepared statements: a connection prepares each when it first runs it and keeps the ones used
 * last; values; db_query.
 */
#include <mysqld_error.h>
#include <stdio.h>
#include <string.h>

#include "common/db_connection.h"
#include "common/db_rows.h"

struct db_value db_null(void) {
    return (struct db_value){.type = DB_NULL};
}

struct db_value db_u64(uint64_t number) {
    return (struct db_value){.type = DB_U64, .number = number};
}

struct db_value db_text(struct slice text) {
    return (struct db_value){.type = DB_TEXT, .slice = text};
}

struct db_value db_text_or_null(struct slice text) {
    return text.length == 0 ? db_null() : db_text(text);
}

struct db_value db_bytes(struct slice bytes) {
    return (struct db_value){.type = DB_BYTES, .slice = bytes};
}

static void forget(struct db *self, struct db_prepared *prepared) {
    mysql_stmt_close(prepared->stmt);
    *prepared = self->prepared[--self->prepared_count];
}

static struct db_prepared *find_prepared(struct db *self, const struct db_statement *statement) {
    for (size_t i = 0; i < self->prepared_count; i++)
        if (self->prepared[i].statement == statement)
            return &self->prepared[i];
    return NULL;
}

static void forget_oldest(struct db *self) {
    struct db_prepared *oldest = &self->prepared[0];
    for (size_t i = 1; i < self->prepared_count; i++)
        if (self->prepared[i].used < oldest->used)
            oldest = &self->prepared[i];
    forget(self, oldest);
}

/* The statement as it is prepared, valid until the next call; NULL with `*err_r` set. */
static struct db_prepared *prepare(struct db *self, const struct db_statement *statement,
                                   enum err *err_r) {
    struct db_prepared *prepared = find_prepared(self, statement);
    if (prepared == NULL) {
        if (self->prepared_count == DB_MAX_PREPARED)
            forget_oldest(self);
        MYSQL_STMT *stmt = mysql_stmt_init(self->mysql);
        if (stmt == NULL) {
            *err_r = db_fail_internal(self, statement->name, "out of memory");
            return NULL;
        }
        const my_bool yes = 1;
        mysql_stmt_attr_set(stmt, STMT_ATTR_UPDATE_MAX_LENGTH, &yes);
        if (mysql_stmt_prepare(stmt, statement->sql, strlen(statement->sql)) != 0) {
            unsigned code = mysql_stmt_errno(stmt);
            char text[DB_FAULT_BYTES];
            snprintf(text, sizeof text, "%s", mysql_stmt_error(stmt));
            mysql_stmt_close(stmt);
            *err_r = db_fail(self, statement->name, code, text, false);
            return NULL;
        }
        prepared = &self->prepared[self->prepared_count++];
        *prepared = (struct db_prepared){.statement = statement, .stmt = stmt};
    }
    prepared->used = ++self->clock;
    return prepared;
}

static void bind_value(const struct db_value *value, MYSQL_BIND *bind) {
    switch (value->type) {
    case DB_NULL:
        bind->buffer_type = MYSQL_TYPE_NULL;
        return;
    case DB_U64:
        bind->buffer_type = MYSQL_TYPE_LONGLONG;
        bind->is_unsigned = 1;
        bind->buffer = (void *)(uintptr_t)&value->number;
        return;
    case DB_TEXT:
    case DB_BYTES:
        bind->buffer_type = value->type == DB_TEXT ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
        bind->buffer = (void *)(uintptr_t)(value->slice.length > 0 ? value->slice.data : "");
        bind->buffer_length = value->slice.length;
        return;
    }
}

/* A failed statement is left ready for its next use, unless it is of no use any more. */
static enum err statement_failed(struct db *self, struct db_prepared *prepared, bool commits) {
    const char *name = prepared->statement->name;
    unsigned code = mysql_stmt_errno(prepared->stmt);
    char text[DB_FAULT_BYTES];
    snprintf(text, sizeof text, "%s", mysql_stmt_error(prepared->stmt));
    mysql_stmt_free_result(prepared->stmt);
    if (code == ER_NEED_REPREPARE)
        forget(self, prepared);
    return db_fail(self, name, code, text, commits);
}

static enum err execute(struct db *self, struct db_prepared *prepared, struct db_rows **rows_r) {
    bool commits = self->state == DB_IDLE && strncmp(prepared->statement->sql, "SELECT", 6) != 0;
    if (mysql_stmt_execute(prepared->stmt) != 0)
        return statement_failed(self, prepared, commits);
    if (mysql_stmt_field_count(prepared->stmt) == 0) {
        self->affected = mysql_stmt_affected_rows(prepared->stmt);
        self->insert_id = mysql_stmt_insert_id(prepared->stmt);
    } else {
        /* Fetched even if the caller wants no rows: an error may follow the first of them. */
        const char *own_fault;
        struct db_rows *rows;
        if (db_rows_from_statement(prepared->stmt, &rows, &own_fault) != 0) {
            if (own_fault == NULL)
                return statement_failed(self, prepared, commits);
            mysql_stmt_free_result(prepared->stmt);
            return db_fail_internal(self, prepared->statement->name, own_fault);
        }
        mysql_stmt_free_result(prepared->stmt);
        if (rows_r != NULL)
            *rows_r = rows;
        else
            db_rows_destroy(&rows);
    }
    db_note_state(self);
    return ERR_OK;
}

enum err db_query(struct db *self, const struct db_statement *statement,
                  const struct db_value *args, size_t arg_count, struct db_rows **rows_r) {
    if (rows_r != NULL)
        *rows_r = NULL;
    enum err err = db_ready(self, statement->name, 1);
    if (err != ERR_OK)
        return err;
    struct db_prepared *prepared = prepare(self, statement, &err);
    if (prepared == NULL)
        return err;
    if (arg_count > DB_MAX_ARGS || arg_count != mysql_stmt_param_count(prepared->stmt))
        return db_fail_internal(self, statement->name, "wrong count of arguments");
    if (arg_count > 0) {
        MYSQL_BIND binds[DB_MAX_ARGS];
        memset(binds, 0, arg_count * sizeof *binds);
        for (size_t i = 0; i < arg_count; i++)
            bind_value(&args[i], &binds[i]);
        if (mysql_stmt_bind_param(prepared->stmt, binds) != 0)
            return statement_failed(self, prepared, false);
    }
    return execute(self, prepared, rows_r);
}
