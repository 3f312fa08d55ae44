/*
 * Every statement of files. It writes the tables file, sticker and file_key, and reads
 * file_use, of which it removes what deliveries of 0.1 leave there, who know no files.
 */
#ifndef PARLEY_FILES_SQL_H
#define PARLEY_FILES_SQL_H

#include "common/db.h"

/* number -> whether the account is disabled, the time: locked until the transaction's end, so one
 * file is added to an account at a time */
extern const struct db_statement files_sql_lock_account;
/* least bytes of a file, account -> the room that its files take */
extern const struct db_statement files_sql_room;
/* id, account, name, mime, size, sha256 or NULL, token, nonce or NULL, created_ms, expires_ms */
extern const struct db_statement files_sql_add;
/* nonce -> as enum files_column */
extern const struct db_statement files_sql_find_nonce;
/* id -> as enum files_column */
extern const struct db_statement files_sql_find;
/* id -> as enum files_column: one that is finished, and that something shows */
extern const struct db_statement files_sql_find_served;
/* id -> as enum files_column, locked */
extern const struct db_statement files_sql_lock;
/* id -> 1: something shows it */
extern const struct db_statement files_sql_is_used;
/* for how long a file is kept that nothing shows, in ms, id -> 1: it is to go */
extern const struct db_statement files_sql_is_due;
/* id */
extern const struct db_statement files_sql_remove;
/* size, mime, width, height, preview, id: unless it is finished already */
extern const struct db_statement files_sql_finish;
/* file: takes it from the stickers of all accounts */
extern const struct db_statement files_sql_remove_stickers_of;
/* account, most -> as enum files_column: its stickers, the newest first */
extern const struct db_statement files_sql_stickers;
/* account -> how many stickers it has */
extern const struct db_statement files_sql_count_stickers;
/* account, file: once more changes nothing; and its end */
extern const struct db_statement files_sql_add_sticker, files_sql_remove_sticker;
/* after, most -> id, size or 0 where it is not finished: rows with larger numbers, in their order
 */
extern const struct db_statement files_sql_page;
/* for how long a file is kept that nothing shows, in ms, after, most -> as enum house_column: files
 * with larger numbers, in their order */
extern const struct db_statement files_sql_house;
/* file: takes it from the stickers of accounts that were deleted */
extern const struct db_statement files_sql_remove_ended_stickers;
/* id: its uses that show nothing any more */
extern const struct db_statement files_sql_remove_ended_uses;
/* -> finished files, their bytes, uploads that are not finished */
extern const struct db_statement files_sql_count;
/* -> 1: this connection has the lock, without waiting; and its end */
extern const struct db_statement files_sql_lock_house, files_sql_unlock_house;
/* number -> key */
extern const struct db_statement files_sql_find_key;
/* number, key: unless there is one */
extern const struct db_statement files_sql_add_key;

enum files_column {
    FILES_ID,
    FILES_ACCOUNT,
    FILES_NAME,
    FILES_MIME,
    FILES_SIZE,
    FILES_SHA256,
    FILES_WIDTH,
    FILES_HEIGHT,
    FILES_PREVIEW,
    FILES_TOKEN,
    FILES_EXPIRES_MS,
    FILES_FINISHED_MS,
    FILES_ANNOUNCED,
    FILES_NOW_MS
};
enum house_column { HOUSE_ID, HOUSE_DUE, HOUSE_ENDED_STICKER, HOUSE_ENDED_USE };
/* The key that a repeated nonce violates. */
#define FILES_UNIQUE_NONCE "file_nonce"

#endif
