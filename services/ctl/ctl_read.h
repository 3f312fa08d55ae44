/* Reads that parleyctl makes from the database itself. */
#ifndef PARLEY_CTL_READ_H
#define PARLEY_CTL_READ_H

#include "services/ctl/ctl.h"
#include "services/ctl/table.h"

/*
 * Runs a statement and prints its rows under `columns` (NULL-terminated; as many as it selects),
 * each as its letter in `kinds` says: n number, t text, u URL, whose password is hidden, b boolean.
 * CTL_DONE; CTL_FAILED after a printed line, also when there is no row and `nothing` names the
 * missing thing.
 */
int ctl_read(const struct ctl_settings *settings, const struct db_statement *statement,
             const struct db_value *args, size_t arg_count, const char *const *columns,
             const char *kinds, const char *nothing) __attribute__((warn_unused_result));

/* The number that `id` stands for, found in the database. */
int ctl_read_account(const struct ctl_settings *settings, const char *id, uint64_t *number_r)
    __attribute__((warn_unused_result));
int ctl_read_group(const struct ctl_settings *settings, const char *id, uint64_t *number_r)
    __attribute__((warn_unused_result));

#endif
