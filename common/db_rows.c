/*
 * Rows of a query, copied out of the connection: the caller may run other statements, or lose the
 * connection, while it reads them.
 */
#include "common/db_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct cell {
    bool null;
    bool is_number;
    uint64_t number;
    struct slice slice;
};

struct db_rows {
    struct cell *cells; /* count * columns, row by row */
    size_t columns;
    uint64_t count;
    uint64_t next;       /* row that db_rows_next goes to */
    struct buffer bytes; /* texts of a prepared statement's rows */
    MYSQL_RES *result;   /* holds the texts of a script's rows */
};

/* Where one row of a prepared statement is fetched to, before its size is known. */
struct row_buffers {
    MYSQL_BIND binds[DB_MAX_COLUMNS];
    unsigned long lengths[DB_MAX_COLUMNS];
    my_bool nulls[DB_MAX_COLUMNS];
    uint64_t numbers[DB_MAX_COLUMNS];
    char *bytes;
};

static bool is_number(const MYSQL_FIELD *field) {
    switch (field->type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_YEAR:
        return true;
    default:
        return false;
    }
}

static uint64_t leading_number(struct slice text) {
    uint64_t number = 0;
    for (size_t i = 0; i < text.length && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    return number;
}

static struct db_rows *rows_new(uint64_t count, size_t columns) {
    struct db_rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL)
        return NULL;
    rows->bytes = buffer_make(DB_MAX_ROWS_BYTES);
    rows->count = count;
    rows->columns = columns;
    rows->cells = calloc(count > 0 ? count * columns : 1, sizeof *rows->cells);
    if (rows->cells == NULL)
        db_rows_destroy(&rows);
    return rows;
}

void db_rows_destroy(struct db_rows **rows) {
    if (*rows == NULL)
        return;
    if ((*rows)->result != NULL)
        mysql_free_result((*rows)->result);
    buffer_free(&(*rows)->bytes);
    free((*rows)->cells);
    free(*rows);
    *rows = NULL;
}

/* Binds each column to its place; max_length is that of the longest value of the stored result. */
static int bind_columns(struct row_buffers *buffers, MYSQL_STMT *stmt, const MYSQL_FIELD *fields,
                        size_t columns) {
    size_t size = 1;
    for (size_t i = 0; i < columns; i++)
        size += is_number(&fields[i]) ? 0 : fields[i].max_length;
    char *at = buffers->bytes = malloc(size);
    if (at == NULL)
        return -1;
    memset(buffers->binds, 0, columns * sizeof *buffers->binds);
    for (size_t i = 0; i < columns; i++) {
        MYSQL_BIND *bind = &buffers->binds[i];
        bind->is_null = &buffers->nulls[i];
        bind->length = &buffers->lengths[i];
        if (is_number(&fields[i])) {
            bind->buffer_type = MYSQL_TYPE_LONGLONG;
            bind->is_unsigned = 1;
            bind->buffer = &buffers->numbers[i];
            bind->buffer_length = sizeof buffers->numbers[i];
        } else {
            bind->buffer_type = MYSQL_TYPE_STRING;
            bind->buffer = at;
            bind->buffer_length = fields[i].max_length;
            at += fields[i].max_length;
        }
    }
    return mysql_stmt_bind_result(stmt, buffers->binds) != 0 ? -1 : 0;
}

/* The bytes move while the buffer grows, so a cell holds an offset in `number` until all are in. */
static int keep_row(struct db_rows *rows, struct cell *cells, const struct row_buffers *buffers) {
    for (size_t i = 0; i < rows->columns; i++) {
        struct cell *cell = &cells[i];
        cell->null = buffers->nulls[i] != 0;
        cell->is_number = buffers->binds[i].buffer_type == MYSQL_TYPE_LONGLONG;
        if (cell->null)
            continue;
        if (cell->is_number) {
            cell->number = buffers->numbers[i];
            continue;
        }
        cell->number = rows->bytes.length;
        cell->slice.length = buffers->lengths[i];
        if (buffer_add(&rows->bytes, buffers->binds[i].buffer, cell->slice.length) != 0)
            return -1;
    }
    return 0;
}

static void point_cells(struct db_rows *rows) {
    for (size_t i = 0; i < rows->count * rows->columns; i++) {
        struct cell *cell = &rows->cells[i];
        if (!cell->is_number && !cell->null)
            cell->slice.data = cell->slice.length > 0 ? rows->bytes.data + cell->number : "";
    }
}

static const char *fetch_all(struct db_rows *rows, MYSQL_STMT *stmt,
                             const struct row_buffers *buffers) {
    for (uint64_t row = 0; row < rows->count; row++) {
        int status = mysql_stmt_fetch(stmt);
        if (status == MYSQL_DATA_TRUNCATED)
            return "a value does not fit, such as a negative number";
        if (status != 0)
            return "the rows cannot be fetched";
        if (keep_row(rows, rows->cells + row * rows->columns, buffers) != 0)
            return "the rows are too large";
    }
    point_cells(rows);
    return NULL;
}

int db_rows_from_statement(MYSQL_STMT *stmt, struct db_rows **rows_r, const char **own_fault_r) {
    *rows_r = NULL;
    *own_fault_r = NULL;
    if (mysql_stmt_store_result(stmt) != 0)
        return -1;
    size_t columns = mysql_stmt_field_count(stmt);
    if (columns > DB_MAX_COLUMNS) {
        *own_fault_r = "too many columns";
        return -1;
    }
    *own_fault_r = "out of memory";
    MYSQL_RES *meta = mysql_stmt_result_metadata(stmt);
    struct db_rows *rows = rows_new(mysql_stmt_num_rows(stmt), columns);
    struct row_buffers buffers;
    buffers.bytes = NULL;
    if (meta != NULL && rows != NULL &&
        bind_columns(&buffers, stmt, mysql_fetch_fields(meta), columns) == 0)
        *own_fault_r = fetch_all(rows, stmt, &buffers);
    free(buffers.bytes);
    mysql_free_result(meta);
    if (*own_fault_r != NULL) {
        db_rows_destroy(&rows);
        return -1;
    }
    *rows_r = rows;
    return 0;
}

const char *db_rows_from_result(MYSQL_RES *result, struct db_rows **rows_r) {
    *rows_r = NULL;
    size_t columns = mysql_num_fields(result);
    struct db_rows *rows = rows_new(mysql_num_rows(result), columns);
    if (rows == NULL) {
        mysql_free_result(result);
        return "out of memory";
    }
    rows->result = result;
    const MYSQL_FIELD *fields = mysql_fetch_fields(result);
    for (uint64_t row = 0; row < rows->count; row++) {
        MYSQL_ROW texts = mysql_fetch_row(result);
        const unsigned long *lengths = mysql_fetch_lengths(result);
        for (size_t i = 0; i < columns; i++) {
            struct cell *cell = &rows->cells[row * columns + i];
            cell->null = texts[i] == NULL;
            cell->is_number = is_number(&fields[i]);
            if (cell->null)
                continue;
            cell->slice = slice_make(texts[i], lengths[i]);
            if (!cell->is_number)
                continue;
            if (texts[i][0] == '-') {
                db_rows_destroy(&rows);
                return "a value does not fit, such as a negative number";
            }
            cell->number = leading_number(cell->slice);
        }
    }
    *rows_r = rows;
    return NULL;
}

bool db_rows_next(struct db_rows *rows) {
    if (rows == NULL || rows->next >= rows->count)
        return false;
    rows->next++;
    return true;
}

void db_rows_rewind(struct db_rows *rows) {
    if (rows != NULL)
        rows->next = 0;
}

static const struct cell *cell_at(const struct db_rows *rows, unsigned column) {
    assert(rows->next > 0 && column < rows->columns);
    return &rows->cells[(rows->next - 1) * rows->columns + column];
}

uint64_t db_rows_u64(const struct db_rows *rows, unsigned column) {
    const struct cell *cell = cell_at(rows, column);
    if (cell->null)
        return 0;
    return cell->is_number ? cell->number : leading_number(cell->slice);
}

struct slice db_rows_slice(const struct db_rows *rows, unsigned column) {
    const struct cell *cell = cell_at(rows, column);
    assert(!cell->is_number);
    return cell->null ? slice_make(NULL, 0) : cell->slice;
}

bool db_rows_null(const struct db_rows *rows, unsigned column) {
    return cell_at(rows, column)->null;
}

uint64_t db_rows_count(const struct db_rows *rows) { return rows == NULL ? 0 : rows->count; }
