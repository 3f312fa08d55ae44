/*
 * The row of a file, as handlers use it, and the checks that several of them share.
 */
#ifndef PARLEY_FILES_ROW_H
#define PARLEY_FILES_ROW_H

#include "services/files/files.h"

struct file_row {
    struct file file; /* its texts live in the arena that it was read with */
    uint64_t account, expires_ms, finished_ms, now_ms;
    uint64_t announced; /* bytes that its client sends; a finished file may have fewer */
    char sha256[FILES_SHA256_BYTES], token[FILES_TOKEN_BYTES]; /* of the token, the hash */
    bool has_sha256;
};

/* Locks an account, so that what it has is counted by one at a time: no_account, disabled. The
 * database's time, unless `now_ms_r` is NULL. */
enum err file_account_lock(struct db *db, uint64_t account, uint64_t *now_ms_r)
    __attribute__((warn_unused_result));

/* The row that a statement of the columns of enum files_column finds by one number; no_file: there
 * is none. */
enum err file_row_find(struct db *db, const struct db_statement *statement, uint64_t id,
                       struct record_arena *arena, struct file_row *row_r)
    __attribute__((warn_unused_result));
/* The same for the statement's result. */
enum err file_row_take(struct db_rows *rows, struct record_arena *arena, struct file_row *row_r)
    __attribute__((warn_unused_result));
/* The row of an upload, to whoever has its token: no_file for anybody else, and once the time for
 * it is over, unless it is finished. */
enum err file_row_of_upload(struct db *db, uint64_t id, struct slice token,
                            struct record_arena *arena, struct file_row *row_r)
    __attribute__((warn_unused_result));

/*
 * Locks an upload and reads its row as it is from then on; upload_close it, also after an error.
 * Where the row is finished, the upload need not be there.
 */
enum err file_row_lock_upload(struct files *files, struct db *db, uint64_t id, struct slice token,
                              struct record_arena *arena, struct file_row *row_r,
                              struct upload *upload_r) __attribute__((warn_unused_result));

/* The token of a file, and the hash of it that its row keeps. */
enum err file_token_make(struct db *db, uint64_t id, struct record_arena *arena,
                         struct slice *token_r, char hash_r[FILES_TOKEN_BYTES])
    __attribute__((warn_unused_result));

/*
 * Removes a file's row, unless something shows the file (not_allowed), and then its bytes. Whoever
 * shows a file has its row's lock meanwhile, so none is shown and removed at once. Bytes that
 * cannot be removed are left for files.check.
 */
enum err file_row_remove(struct files *files, struct db *db, uint64_t id)
    __attribute__((warn_unused_result));

/* The same for a file that is to go: its upload's time is over, or nothing has shown it for long.
 * not_allowed: it is not. */
enum err file_row_remove_due(struct files *files, struct db *db, uint64_t id)
    __attribute__((warn_unused_result));
/* Removes the bytes of a file that has no row. Those that cannot be removed are left. */
void file_bytes_remove(struct files *files, uint64_t id);

#endif
