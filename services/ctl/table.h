/*
 * Prints the result of a command that is a list: columns for people, JSON for machines.
 *
 *     struct table *table = table_new(columns, settings->json);      columns: names, NULL ends
 *     table_text(table, id); table_number(table, number); ...        a cell per column, row by row
 *     return table_print(&table);
 *
 * A column whose name ends in `_ms` has times: people see them in their zone, under the name
 * without the unit, and nothing for 0.
 *
 * JSON is an array with one object a row, members in the order of the columns, on one line.
 */
#ifndef PARLEY_CTL_TABLE_H
#define PARLEY_CTL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/record.h"

/* no limit: of our own tables, asserted */
#define TABLE_MAX_COLUMNS 16

struct table;

/* `columns` is borrowed. NULL without memory; the others take NULL and do nothing. */
struct table *table_new(const char *const *columns, bool json);
void table_text(struct table *self, struct slice text);
void table_number(struct table *self, uint64_t number);
void table_bool(struct table *self, bool value);
/* Further members of the row that was filled last, in JSON alone: an object of objects,
 * {member: {name: {"depth": depth, "limit": limit}}}; `name` is not yet in `member`. */
void table_add_depth(struct table *self, const char *member, struct slice name, uint64_t depth,
                     uint64_t limit);
/* Prints and frees. CTL_DONE, or CTL_FAILED after a printed line. */
int table_print(struct table **self) __attribute__((warn_unused_result));

#endif
