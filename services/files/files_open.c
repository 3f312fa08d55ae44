/* files.open: the row of a new file, within the room that its account has. */
#include <sodium.h>
#include <string.h>

#include "proto/file_words.h"
#include "services/files/files.h"
#include "services/files/files_row.h"
#include "services/files/files_sql.h"

#define MIME_DEFAULT "application/octet-stream"
/* Numbers of files are below 2^63, since some clients have no unsigned ones. */
#define ID_MASK (UINT64_MAX >> 1)

/* --- what is asked for ----------------------------------------------------------------------- */

/* In lower case. */
static struct slice mime_of(struct slice given, struct record_arena *arena) {
    char *text = record_arena_alloc(arena, given.length + 1);
    if (given.length == 0)
        return slice_text(MIME_DEFAULT);
    for (size_t i = 0; text != NULL && i < given.length; i++)
        text[i] = given.data[i] >= 'A' && given.data[i] <= 'Z' ? (char)(given.data[i] - 'A' + 'a')
                                                               : given.data[i];
    return slice_make(text, text == NULL ? 0 : given.length);
}

static enum err check(const struct files *self, const struct files_open *ask) {
    if (ask->account == 0 || ask->size == 0 || !file_name_is_valid(ask->name) ||
        (ask->mime.length > 0 && !file_mime_is_valid(ask->mime)) ||
        (ask->sha256.length != 0 && ask->sha256.length != FILES_SHA256_BYTES) ||
        (ask->nonce.length != 0 && ask->nonce.length != NONCE_BYTES))
        return ERR_BAD_REQUEST;
    return ask->size > self->settings.file_max_bytes ? ERR_FILE_TOO_LARGE : ERR_OK;
}

/* --- the row --------------------------------------------------------------------------------- */

/* Locks the account, so that files that are added side by side don't take more room together. */
static enum err find_room(const struct files *self, struct db *db, const struct files_open *ask,
                          uint64_t *now_ms_r) {
    const uint64_t least = FILES_LEAST_BYTES, takes = ask->size > least ? ask->size : least;
    struct db_rows *rows;
    enum err err = file_account_lock(db, ask->account, now_ms_r);
    if (err != ERR_OK)
        return err;
    err = db_query(db, &files_sql_room, DB_ARGS(db_u64(least), db_u64(ask->account)), &rows);
    if (err == ERR_OK && db_rows_next(rows) &&
        db_rows_u64(rows, 0) + takes > self->settings.account_files_bytes)
        err = ERR_QUOTA;
    db_rows_destroy(&rows);
    return err;
}

static enum err add(const struct files *self, struct db *db, const struct files_open *ask,
                    struct record_arena *arena, struct files_open_reply *reply) {
    char hash[FILES_TOKEN_BYTES];
    const struct slice mime = mime_of(ask->mime, arena);
    uint64_t now_ms = 0;
    if (mime.length == 0)
        return ERR_OVERLOADED;
    do
        randombytes_buf(&reply->file, sizeof reply->file);
    while ((reply->file &= ID_MASK) == 0);
    enum err err = file_token_make(db, reply->file, arena, &reply->token, hash);
    if (err == ERR_OK)
        err = db_begin(db);
    if (err == ERR_OK)
        err = find_room(self, db, ask, &now_ms);
    reply->expires_ms = now_ms + FILES_UPLOAD_MS;
    if (err == ERR_OK)
        err = db_query(db, &files_sql_add,
                       DB_ARGS(db_u64(reply->file), db_u64(ask->account), db_text(ask->name),
                               db_text(mime), db_u64(ask->size),
                               ask->sha256.length > 0 ? db_bytes(ask->sha256) : db_null(),
                               db_bytes(slice_make(hash, sizeof hash)),
                               ask->nonce.length > 0 ? db_bytes(ask->nonce) : db_null(),
                               db_u64(now_ms), db_u64(reply->expires_ms)),
                       NULL);
    if (err == ERR_OK)
        return db_commit(db);
    db_rollback(db);
    return err;
}

/* ref_used: the nonce was used for something else. */
static enum err find_before(struct db *db, const struct files_open *ask, struct record_arena *arena,
                            struct files_open_reply *reply, bool *found_r) {
    char hash[FILES_TOKEN_BYTES];
    struct db_rows *rows;
    struct file_row row;
    *found_r = false;
    enum err err = db_query(db, &files_sql_find_nonce, DB_ARGS(db_bytes(ask->nonce)), &rows);
    if (err == ERR_OK && db_rows_next(rows)) {
        *found_r = true;
        err = file_row_take(rows, arena, &row);
    }
    db_rows_destroy(&rows);
    if (err != ERR_OK || !*found_r)
        return err;
    if (row.account != ask->account || !slice_equal(row.file.name, ask->name) ||
        row.announced != ask->size)
        return ERR_REF_USED;
    reply->file = row.file.id;
    reply->expires_ms = row.expires_ms;
    return file_token_make(db, row.file.id, arena, &reply->token, hash);
}

enum err files_handle_open(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *reply_r) {
    struct files *self = context;
    const struct files_open *ask = body;
    struct files_open_reply *reply = reply_r;
    bool found = false;
    enum err err = check(self, ask);
    if (err == ERR_OK && ask->nonce.length > 0)
        err = find_before(db, ask, arena, reply, &found);
    if (err != ERR_OK || found)
        return err;
    err = add(self, db, ask, arena, reply);
    /* The same request at the same time was first. */
    if (err == ERR_TAKEN && db_fault_key(db, FILES_UNIQUE_NONCE))
        return find_before(db, ask, arena, reply, &found);
    if (err == ERR_OK)
        metric_add(self->counts.opened, 1);
    return err;
}
