/* files.find, files.read and files.key: files for those who have their signed addresses. */
#include "services/files/files.h"
#include "services/files/files_keys.h"
#include "services/files/files_row.h"
#include "services/files/files_sql.h"

static enum err find_served(const struct files *self, struct db *db, uint64_t id,
                            struct record_arena *arena, struct file_row *row_r) {
    struct db_rows *rows;
    enum err err =
        db_query(db, &files_sql_find_served,
                 DB_ARGS(db_u64(id), db_u64(self->settings.files_unused_hours * HOUR_MS)), &rows);
    if (err == ERR_OK)
        err = db_rows_next(rows) ? file_row_take(rows, arena, row_r) : ERR_NO_FILE;
    db_rows_destroy(&rows);
    return err;
}

enum err files_handle_find(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *reply_r) {
    const struct files_find *ask = body;
    struct file_row row;
    enum err err = find_served(context, db, ask->file, arena, &row);
    if (err == ERR_OK)
        *(struct file *)reply_r = row.file;
    return err;
}

enum err files_handle_read(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *reply_r) {
    struct files *self = context;
    const struct files_read *ask = body;
    struct files_read_reply *reply = reply_r;
    struct file_row row;
    if (ask->length == 0 || ask->length > FILE_PIECE_BYTES)
        return ERR_BAD_REQUEST;
    enum err err = find_served(self, db, ask->file, arena, &row);
    if (err == ERR_OK && ask->preview && row.file.preview == 0)
        err = ERR_NO_FILE;
    if (err != ERR_OK)
        return err;
    const uint64_t size = ask->preview ? row.file.preview : row.file.size;
    if (ask->offset >= size)
        return ERR_OK;
    size_t length = (size_t)(size - ask->offset < ask->length ? size - ask->offset : ask->length);
    char *bytes = record_arena_alloc(arena, length);
    if (bytes == NULL)
        return ERR_OVERLOADED;
    err = store_read(self->store, ask->file, ask->preview ? STORE_PREVIEW : STORE_FILE, ask->offset,
                     bytes, length, &length);
    reply->data = slice_make(bytes, length);
    metric_add(self->counts.served_bytes, length);
    return err;
}

enum err files_handle_key(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void *reply_r) {
    struct files_key_reply *reply = reply_r;
    char *key = record_arena_alloc(arena, FILES_KEY_BYTES);
    (void)context;
    (void)body;
    if (key == NULL)
        return ERR_OVERLOADED;
    reply->key = slice_make(key, FILES_KEY_BYTES);
    return files_find_key(db, FILES_KEY_ADDRESS, key);
}
