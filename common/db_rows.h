/* Rows of a query, made from those that the client library has fetched. Inside db alone; users of
 * rows have db.h. */
#ifndef PARLEY_COMMON_DB_ROWS_H
#define PARLEY_COMMON_DB_ROWS_H

#include <mysql.h>

#include "common/db.h"

/*
 * Copies all rows of an executed statement; the statement may be used again at once. 0, or -1 with
 * `*own_fault_r` NULL when the statement has the fault, else text of ours.
 */
int db_rows_from_statement(MYSQL_STMT *stmt, struct db_rows **rows_r, const char **own_fault_r)
    __attribute__((warn_unused_result));
/* Takes over `result`, which is freed in any case. The fault, or NULL. */
const char *db_rows_from_result(MYSQL_RES *result, struct db_rows **rows_r)
    __attribute__((warn_unused_result));

#endif
