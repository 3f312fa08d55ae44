/*
 * files.find, files.read and files.key: files for those who have their signed addresses. Only what
 * something shows is served: an address of a recalled message leads nowhere, and a gateway that is
 * in wrong hands finds no file that nobody has shown.
 */
#include "services/files/files.h"
#include "services/files/files_keys.h"
#include "services/files/files_row.h"
#include "services/files/files_sql.h"

enum err files_handle_find(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *reply_r) {
    const struct files_find *ask = body;
    struct file_row row;
    (void)context;
    enum err err = file_row_find(db, &files_sql_find_served, ask->file, arena, &row);
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
    enum err err = file_row_find(db, &files_sql_find_served, ask->file, arena, &row);
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
