/* Every statement of hooks; the order of arguments and columns is that of the text. */
#ifndef PARLEY_HOOKS_SQL_H
#define PARLEY_HOOKS_SQL_H

#include "common/db.h"

/* One row at least: instance, until_ms, now, seq, version, offline_seq, and a block of the journal,
 * or NULL. Arguments: behind this block, at most so many. */
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

/* A script of one statement: accounts that texts of such a row are for, each with a conversation
 * and the newest cid there; without those that have got it, or muted the conversation. */
void hooks_sql_add_receivers(struct buffer *sql, uint64_t block, uint64_t entries,
                             struct slice conversations, uint64_t group_max);
/* Of an account in a conversation, which are the last two arguments: received, whether it is muted;
 * what it was woken for or NULL, whether it has got that, how many ms ago. */
extern const struct db_statement hooks_sql_judge;
/* Arguments: account, conversation, cid; packed conversation, account, cid. */
extern const struct db_statement hooks_sql_set_woken, hooks_sql_add_offline;
/* Arguments: place, instance. */
extern const struct db_statement hooks_sql_set_offline_place;
/* Nobody is to be woken: the place is the last number. Argument: instance. */
extern const struct db_statement hooks_sql_skip_offline;
/* Of an account in a conversation, which are the arguments with the account twice before them: its
 * id, how many texts it has not read, received. */
extern const struct db_statement hooks_sql_read_offline;

/* --- Web Push --- */
/* Rows of offline.h behind a seq, at most so many: as hooks_sql_read_journal. */
extern const struct db_statement hooks_sql_read_wakes;
/* Of an account: login, endpoint, p256dh, auth, whether the login is valid still. */
extern const struct db_statement hooks_sql_subscriptions;
/* Arguments: account, login. */
extern const struct db_statement hooks_sql_unsubscribe, hooks_sql_is_subscribed;
/* Arguments: account, login, endpoint, p256dh, auth. */
extern const struct db_statement hooks_sql_subscribe;
/* How many an account has. The oldest of an account ends. */
extern const struct db_statement hooks_sql_count_subscriptions, hooks_sql_unsubscribe_oldest;
/* account, how many subscriptions to pass over from its first on -> the account of the next */
extern const struct db_statement hooks_sql_find_subscriptions_end;
/* the first account, the last -> account and login of those whose logins have ended */
extern const struct db_statement hooks_sql_ended_subscriptions;
/* whether it is there though nobody has subscribed: a row; then removes it */
extern const struct db_statement hooks_sql_is_web_push_unused, hooks_sql_remove_unused_web_push;
extern const struct db_statement hooks_sql_push_key, hooks_sql_add_push_key;
/* The row of hook that Web Push is; nothing where it is there. Arguments: families, kinds, seq. */
extern const struct db_statement hooks_sql_add_web_push, hooks_sql_has_web_push;

/* The operator's. seq and version of the state, which is locked. */
extern const struct db_statement hooks_sql_lock, hooks_sql_changed;
extern const struct db_statement hooks_sql_count, hooks_sql_add, hooks_sql_remove, hooks_sql_retry;
/* 1, of a hook by its name. */
extern const struct db_statement hooks_sql_find;
/* At most so many, by name, in these columns. */
extern const struct db_statement hooks_sql_show_all;
enum hooks_shown_column {
    HOOKS_SHOWN_NAME,
    HOOKS_SHOWN_URL,
    HOOKS_SHOWN_EVENTS, /* bits */
    HOOKS_SHOWN_BEHIND,
    HOOKS_SHOWN_TOLD,
    HOOKS_SHOWN_TOLD_MS,
    HOOKS_SHOWN_LOST,
    HOOKS_SHOWN_FAILING_SINCE_MS, /* 0: it does not fail */
    HOOKS_SHOWN_PARKED,
    HOOKS_SHOWN_FAULT,
    HOOKS_SHOWN_CREATED_MS
};

#endif
