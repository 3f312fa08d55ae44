/* Every statement of hooks; the order of arguments and columns is that of the text. */
#ifndef PARLEY_HOOKS_SQL_H
#define PARLEY_HOOKS_SQL_H

#include "common/db.h"

/* One row at least: instance, until_ms, now, seq, version, and a block of the journal, or NULL.
 * Arguments: behind this block, at most so many. */
extern const struct db_statement hooks_sql_look;
/* Arguments: instance, for how many ms, instance. */
extern const struct db_statement hooks_sql_take_lease;
/* Argument: the instance that has it. */
extern const struct db_statement hooks_sql_release_lease;
/* Locks the state of an instance that has the lease: seq. */
extern const struct db_statement hooks_sql_lock_state;
/* number, name, url, secret, events, kinds, accounts, groups, seq, failing_since_ms, parked_ms. */
extern const struct db_statement hooks_sql_list;

/* A script that moves these blocks of the journal behind `seq` in journal_numbered. */
void hooks_sql_add_numbering(struct buffer *sql, uint64_t seq, const uint64_t *blocks,
                             size_t count);

/* The first seq, whether it is older than so many ms, up to where all hooks were told. */
extern const struct db_statement hooks_sql_oldest;
/* Removes up to this seq; where older than so many ms, or up to this seq. */
extern const struct db_statement hooks_sql_tidy;

/* Rows behind a seq, at most so many: see enum journal_column. */
extern const struct db_statement hooks_sql_read_journal;
enum journal_column {
    JOURNAL_SEQ,
    JOURNAL_BLOCK,
    JOURNAL_ENTRIES,
    JOURNAL_TIME_MS,
    JOURNAL_CONVERSATIONS,
    JOURNAL_WHAT,
    JOURNAL_ACCOUNT,
    JOURNAL_ACCOUNT_ID,
    JOURNAL_SUBJECT,
    JOURNAL_SUBJECT_ID
};
/* A statement of a script: the entries of such a row, see enum entry_column. `conversations` is the
 * row's. */
void hooks_sql_add_entries(struct buffer *sql, uint64_t block, uint64_t entries,
                           struct slice conversations);
enum entry_column {
    ENTRY_COLUMN_CONVERSATION,
    ENTRY_COLUMN_CID,
    ENTRY_COLUMN_TIME_MS,
    ENTRY_COLUMN_TYPE,
    ENTRY_COLUMN_SENDER,
    ENTRY_COLUMN_SENDER_ID,
    ENTRY_COLUMN_SUBJECT,
    ENTRY_COLUMN_SUBJECT_ID,
    ENTRY_COLUMN_ABOUT,
    ENTRY_COLUMN_ABOUT_ID,
    ENTRY_COLUMN_ACCEPTED,
    ENTRY_COLUMN_BODY,
    ENTRY_COLUMN_TARGET,
    ENTRY_COLUMN_EDITED_MS,
    ENTRY_COLUMN_REPLY,
    ENTRY_COLUMN_MENTIONS,
    ENTRY_COLUMN_FILE,
    ENTRY_COLUMN_LO,
    ENTRY_COLUMN_LO_ID,
    ENTRY_COLUMN_HI,
    ENTRY_COLUMN_HI_ID,
    ENTRY_COLUMN_GROUP_ID,
    ENTRY_COLUMN_GROUP_NAME
};

/* Arguments: seq, events, lost, number, instance. */
extern const struct db_statement hooks_sql_told;
/* Arguments: fault, whether it is parked at once, after so many ms of failing, number, instance. */
extern const struct db_statement hooks_sql_failed;
/* parked_ms, by number and instance. No row: the hook, or the lease, is gone. */
extern const struct db_statement hooks_sql_parked;

/* The operator's. seq and version of the state, which is locked. */
extern const struct db_statement hooks_sql_lock, hooks_sql_changed;
extern const struct db_statement hooks_sql_count, hooks_sql_add, hooks_sql_remove, hooks_sql_retry;

#endif
