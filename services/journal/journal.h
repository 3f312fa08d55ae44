/*
 * The journal: a row for each time that entries were appended to the message log, or that something
 * happened to an account or group, for services/hooks. It is written in the transaction of the
 * change itself, and only while there is a hook.
 *
 *     JOURNAL_SQL_ANY                     is part of the statement that locks: is there a hook?
 *     journal_add_append(&sql, ...)       a statement of the script that inserts the entries
 *     journal_add_change(db, ...)         the same for an account or a group
 *
 * A block of cids belongs to one transaction, so it is the key of the row. Who changes a
 * conversation holds the lock of its head when it takes the block, so of one conversation rows are
 * committed in the order of their blocks; of several conversations they are not.
 */
#ifndef PARLEY_JOURNAL_H
#define PARLEY_JOURNAL_H

#include "common/db.h"

/* A column that tells whether there is a hook. */
#define JOURNAL_SQL_ANY "EXISTS(SELECT * FROM hook)"

/* Adds a statement, ended by `;`, for `entries` rows with the cids from `block` on in these
 * conversations, ascending and each once. */
void journal_add_append(struct buffer *sql, uint64_t block, size_t entries, uint64_t time_ms,
                        const uint64_t *conversations, size_t count);
/* `what` is a word of the audit; `account` did it, to `subject`. Nothing while there is no hook. */
enum err journal_add_change(struct db *db, const char *what, uint64_t account, uint64_t subject)
    __attribute__((warn_unused_result));

#endif
