/*
 * The migrations that this build carries, made from deploy/migrations/ by deploy/embed-migrations,
 * in the order of their numbers, which begin at 1 without a gap.
 */
#ifndef PARLEY_SCHEMA_MIGRATIONS_H
#define PARLEY_SCHEMA_MIGRATIONS_H

#include <stddef.h>

struct migration {
    unsigned number;
    const char *name; /* "0001_initial" */
    const char *sql;  /* statements, each with its `;` */
};

extern const struct migration migrations[];
extern const size_t migrations_count;

#endif
