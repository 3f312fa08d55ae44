/* The row of a file; see files_row.h. */
#include "services/files/files_row.h"

#include <sodium.h>
#include <string.h>

#include "services/files/files_keys.h"
#include "services/files/files_sql.h"

/* A token as text: 32 bytes in base64url. */
#define TOKEN_TEXT_BYTES 64

static bool take_bytes(struct db_rows *rows, unsigned column, char *into, size_t length) {
    const struct slice found = db_rows_slice(rows, column);
    if (found.length != length)
        return false;
    memcpy(into, found.data, length);
    return true;
}

enum err file_row_take(struct db_rows *rows, struct record_arena *arena, struct file_row *row_r) {
    *row_r = (struct file_row){
        .file = {.id = db_rows_u64(rows, FILES_ID),
                 .name = record_arena_copy(arena, db_rows_slice(rows, FILES_NAME)),
                 .mime = record_arena_copy(arena, db_rows_slice(rows, FILES_MIME)),
                 .size = db_rows_u64(rows, FILES_SIZE),
                 .width = db_rows_u64(rows, FILES_WIDTH),
                 .height = db_rows_u64(rows, FILES_HEIGHT),
                 .preview = db_rows_u64(rows, FILES_PREVIEW)},
        .account = db_rows_u64(rows, FILES_ACCOUNT),
        .expires_ms = db_rows_u64(rows, FILES_EXPIRES_MS),
        .finished_ms = db_rows_u64(rows, FILES_FINISHED_MS),
        .announced = db_rows_u64(rows, FILES_ANNOUNCED),
        .now_ms = db_rows_u64(rows, FILES_NOW_MS)};
    row_r->has_sha256 = take_bytes(rows, FILES_SHA256, row_r->sha256, sizeof row_r->sha256);
    (void)take_bytes(rows, FILES_TOKEN, row_r->token, sizeof row_r->token);
    return row_r->file.name.length == 0 || row_r->file.mime.length == 0 ? ERR_OVERLOADED : ERR_OK;
}

enum err file_account_lock(struct db *db, uint64_t account, uint64_t *now_ms_r) {
    struct db_rows *rows;
    enum err err = db_query(db, &files_sql_lock_account, DB_ARGS(db_u64(account)), &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_NO_ACCOUNT;
    if (err == ERR_OK && db_rows_u64(rows, 0) != 0)
        err = ERR_DISABLED;
    if (err == ERR_OK && now_ms_r != NULL)
        *now_ms_r = db_rows_u64(rows, 1);
    db_rows_destroy(&rows);
    return err;
}

enum err file_row_find(struct db *db, const struct db_statement *statement, uint64_t id,
                       struct record_arena *arena, struct file_row *row_r) {
    struct db_rows *rows;
    enum err err = db_query(db, statement, DB_ARGS(db_u64(id)), &rows);
    if (err == ERR_OK)
        err = db_rows_next(rows) ? file_row_take(rows, arena, row_r) : ERR_NO_FILE;
    db_rows_destroy(&rows);
    return err;
}

static void hash_token(struct slice token, char hash_r[FILES_TOKEN_BYTES]) {
    crypto_generichash((unsigned char *)hash_r, FILES_TOKEN_BYTES,
                       (const unsigned char *)token.data, token.length, NULL, 0);
}

enum err file_row_of_upload(struct db *db, uint64_t id, struct slice token,
                            struct record_arena *arena, struct file_row *row_r) {
    char hash[FILES_TOKEN_BYTES];
    enum err err = file_row_find(db, &files_sql_find, id, arena, row_r);
    if (err != ERR_OK)
        return err;
    hash_token(token, hash);
    if (sodium_memcmp(hash, row_r->token, sizeof hash) != 0)
        return ERR_NO_FILE;
    return row_r->finished_ms == 0 && row_r->expires_ms <= row_r->now_ms ? ERR_NO_FILE : ERR_OK;
}

enum err file_row_lock_upload(struct files *files, struct db *db, uint64_t id, struct slice token,
                              struct record_arena *arena, struct file_row *row_r,
                              struct upload *upload_r) {
    enum err err = incoming_open(&files->incoming, id, upload_r);
    return err == ERR_OK ? file_row_of_upload(db, id, token, arena, row_r) : err;
}

/* Made of the number by a secret key, so that a request that is repeated gets the same one. */
enum err file_token_make(struct db *db, uint64_t id, struct record_arena *arena,
                         struct slice *token_r, char hash_r[FILES_TOKEN_BYTES]) {
    unsigned char key[FILES_KEY_BYTES], token[FILES_TOKEN_BYTES];
    enum err err = files_find_key(db, FILES_KEY_TOKEN, (char *)key);
    if (err != ERR_OK)
        return err;
    char *text = record_arena_alloc(arena, TOKEN_TEXT_BYTES);
    if (text == NULL)
        return ERR_OVERLOADED;
    crypto_generichash(token, sizeof token, (const unsigned char *)&id, sizeof id, key, sizeof key);
    sodium_bin2base64(text, TOKEN_TEXT_BYTES, token, sizeof token,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    *token_r = slice_text(text);
    hash_token(*token_r, hash_r);
    return ERR_OK;
}

/* Whether a row that is locked may go; in a transaction. */
static enum err check_unused(struct db *db, uint64_t id, struct record_arena *arena) {
    struct file_row row;
    struct db_rows *rows;
    enum err err = file_row_find(db, &files_sql_lock, id, arena, &row);
    if (err != ERR_OK)
        return err;
    err = db_query(db, &files_sql_is_used, DB_ARGS(db_u64(id)), &rows);
    if (err == ERR_OK && db_rows_next(rows))
        err = ERR_NOT_ALLOWED;
    db_rows_destroy(&rows);
    return err;
}

static enum err check_due(const struct files *files, struct db *db, uint64_t id,
                          struct record_arena *arena) {
    struct file_row row;
    struct db_rows *rows;
    enum err err = file_row_find(db, &files_sql_lock, id, arena, &row);
    if (err != ERR_OK)
        return err;
    err =
        db_query(db, &files_sql_is_due, DB_ARGS(db_u64(files_unused_ms(files)), db_u64(id)), &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_NOT_ALLOWED;
    db_rows_destroy(&rows);
    return err;
}

/* What fails here leaves bytes without a row. */
void file_bytes_remove(struct files *files, uint64_t id) {
    struct upload upload;
    if (incoming_open(&files->incoming, id, &upload) == ERR_OK)
        upload_remove(&upload);
    upload_close(&upload);
    (void)!store_remove(files->store, id);
}

/* Ends the transaction: with the row, if it may go. */
static enum err end_row(struct files *files, struct db *db, uint64_t id, enum err err) {
    if (err == ERR_OK)
        err = db_query(db, &files_sql_remove, DB_ARGS(db_u64(id)), NULL);
    if (err == ERR_OK)
        err = db_commit(db);
    else
        db_rollback(db);
    if (err == ERR_OK)
        file_bytes_remove(files, id);
    return err;
}

enum err file_row_remove(struct files *files, struct db *db, uint64_t id) {
    struct record_arena arena = {0};
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = check_unused(db, id, &arena);
    record_arena_free(&arena);
    return end_row(files, db, id, err);
}

enum err file_row_remove_due(struct files *files, struct db *db, uint64_t id) {
    struct record_arena arena = {0};
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = check_due(files, db, id, &arena);
    record_arena_free(&arena);
    return end_row(files, db, id, err);
}
