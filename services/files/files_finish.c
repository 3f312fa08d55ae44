/*
 * files.finish: checks the bytes of an upload, puts them into the store, and then notes in the row
 * that the file can be used. A crash at any moment leaves something that the next files.finish goes
 * on with. It is costly: a large file is read as a whole.
 */
#include <string.h>

#include "services/files/file_hash.h"
#include "services/files/files.h"
#include "services/files/files_row.h"
#include "services/files/files_sql.h"

/* All bytes are there and right. Where they are wrong, the upload begins anew. */
static enum err check_bytes(const struct upload *upload, const struct file_row *row) {
    unsigned char sha256[FILES_SHA256_BYTES];
    uint64_t size;
    bool whole;
    enum err err = upload_size(upload, &size, &whole);
    if (err != ERR_OK || whole)
        return err;
    if (size != row->file.size)
        return ERR_WRONG_OFFSET;
    if (row->has_sha256) {
        err = file_hash(upload->part, sha256);
        if (err == ERR_OK && memcmp(sha256, row->sha256, sizeof sha256) != 0) {
            err = upload_clear(upload);
            return err == ERR_OK ? ERR_BAD_FILE : err;
        }
    }
    return err == ERR_OK ? upload_set_whole(upload) : err;
}

static bool claims_to_be_picture(struct slice mime) {
    static const char image[] = "image/";
    return mime.length >= sizeof image - 1 && memcmp(mime.data, image, sizeof image - 1) == 0;
}

/* What is in the bytes, which may be others then: without what a picture says of places. Whatever
 * is called a picture is one. */
static enum err describe(const struct preview *preview, const struct upload *upload,
                         struct file *file) {
    struct preview_result result;
    enum err err = preview_make(preview, upload->whole, upload->preview, &result);
    if (err != ERR_OK)
        return err;
    file->width = result.width;
    file->height = result.height;
    file->preview = result.bytes;
    if (result.is_picture)
        file->mime = slice_text(result.mime);
    else if (claims_to_be_picture(file->mime))
        file->mime = slice_text("application/octet-stream");
    return ERR_OK;
}

/* Puts the bytes where they stay, and describes them in `file`. */
static enum err keep_bytes(const struct files *self, const struct upload *upload,
                           struct file *file) {
    bool whole;
    enum err err = describe(&self->preview, upload, file);
    if (err == ERR_OK)
        err = upload_size(upload, &file->size, &whole);
    if (err == ERR_OK && file->preview > 0)
        err = store_put(self->store, file->id, STORE_PREVIEW, upload->preview);
    return err == ERR_OK ? store_put(self->store, file->id, STORE_FILE, upload->whole) : err;
}

/* Somebody else may have finished it in the meantime, or its time is over: then nothing has a row
 * that would name the bytes. */
static enum err set_finished(struct files *self, struct db *db, const struct file *file,
                             struct record_arena *arena) {
    struct file_row row;
    enum err err = db_query(db, &files_sql_finish,
                            DB_ARGS(db_u64(file->size), db_text(file->mime), db_u64(file->width),
                                    db_u64(file->height), db_u64(file->preview), db_u64(file->id)),
                            NULL);
    if (err != ERR_OK || db_affected(db) > 0)
        return err;
    err = file_row_find(db, &files_sql_find, file->id, arena, &row);
    if (err == ERR_NO_FILE)
        (void)!store_remove(self->store, file->id);
    return err;
}

static enum err finish(struct files *self, struct db *db, struct record_arena *arena,
                       const struct upload *upload, const struct file_row *row,
                       struct file *file_r) {
    *file_r = row->file;
    if (row->finished_ms != 0) /* it has waited behind the same request */
        return ERR_OK;
    enum err err = check_bytes(upload, row);
    if (err == ERR_OK)
        err = keep_bytes(self, upload, file_r);
    if (err == ERR_OK)
        err = set_finished(self, db, file_r, arena);
    if (err == ERR_OK || err == ERR_NO_FILE)
        upload_remove(upload);
    if (err == ERR_OK)
        metric_add(self->counts.finished, 1);
    return err;
}

enum err files_begin_finish(void *context, struct db *db, struct record_arena *arena,
                            const void *body, void **rest_r, void *reply_r) {
    const struct files_finish *ask = body;
    struct file *reply = reply_r;
    struct file_row *row = record_arena_alloc(arena, sizeof *row);
    (void)context;
    if (row == NULL)
        return ERR_OVERLOADED;
    enum err err = file_row_of_upload(db, ask->file, ask->token, arena, row);
    if (err == ERR_OK && row->finished_ms == 0)
        *rest_r = row;
    else if (err == ERR_OK)
        *reply = row->file;
    return err;
}

enum err files_end_finish(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void *rest, void *reply_r) {
    const struct files_finish *ask = body;
    struct file_row *row = rest;
    struct upload upload;
    enum err err = file_row_lock_upload(context, db, ask->file, ask->token, arena, row, &upload);
    if (err == ERR_OK)
        err = finish(context, db, arena, &upload, row, reply_r);
    upload_close(&upload);
    return err;
}
