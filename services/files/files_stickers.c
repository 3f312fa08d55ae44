/* files.set_sticker, files.stickers: the stickers of an account. */
#include <string.h>

#include "services/files/files.h"
#include "services/files/files_row.h"
#include "services/files/files_sql.h"

static bool is_picture(const struct file *file) {
    static const char image[] = "image/";
    return file->mime.length > sizeof image - 1 &&
           memcmp(file->mime.data, image, sizeof image - 1) == 0;
}

/* Locks the account, whose stickers are counted, then the file, as whoever shows one does. */
static enum err check_sticker(struct db *db, const struct files_set_sticker *ask,
                              struct record_arena *arena) {
    struct file_row row;
    enum err err = file_account_lock(db, ask->account, NULL);
    if (err == ERR_OK)
        err = file_row_find(db, &files_sql_lock, ask->file, arena, &row);
    if (err != ERR_OK)
        return err;
    return row.account != ask->account || row.finished_ms == 0 || !is_picture(&row.file)
               ? ERR_NO_FILE
               : ERR_OK;
}

static enum err add_sticker(struct db *db, const struct files_set_sticker *ask,
                            struct record_arena *arena, struct done *reply) {
    struct db_rows *rows = NULL;
    enum err err = check_sticker(db, ask, arena);
    if (err == ERR_OK)
        err = db_query(db, &files_sql_add_sticker, DB_ARGS(db_u64(ask->account), db_u64(ask->file)),
                       NULL);
    reply->repeat = err == ERR_OK && db_affected(db) == 0;
    if (err == ERR_OK)
        err = db_query(db, &files_sql_count_stickers, DB_ARGS(db_u64(ask->account)), &rows);
    if (err == ERR_OK && db_rows_next(rows) && db_rows_u64(rows, 0) > STICKERS_MAX)
        err = ERR_TOO_MANY;
    db_rows_destroy(&rows);
    return err;
}

enum err files_handle_set_sticker(void *context, struct db *db, struct record_arena *arena,
                                  const void *body, void *reply_r) {
    const struct files_set_sticker *ask = body;
    struct done *reply = reply_r;
    (void)context;
    if (!ask->on) {
        enum err err = db_query(db, &files_sql_remove_sticker,
                                DB_ARGS(db_u64(ask->account), db_u64(ask->file)), NULL);
        reply->repeat = err == ERR_OK && db_affected(db) == 0;
        return err;
    }
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = add_sticker(db, ask, arena, reply);
    if (err == ERR_OK)
        return db_commit(db);
    db_rollback(db);
    return err;
}

enum err files_handle_stickers(void *context, struct db *db, struct record_arena *arena,
                               const void *body, void *reply_r) {
    const struct files_stickers *ask = body;
    struct files_stickers_reply *reply = reply_r;
    struct file *files = record_arena_alloc(arena, STICKERS_MAX * sizeof *files);
    struct db_rows *rows;
    (void)context;
    if (files == NULL)
        return ERR_OVERLOADED;
    enum err err = db_query(db, &files_sql_stickers,
                            DB_ARGS(db_u64(ask->account), db_u64(STICKERS_MAX)), &rows);
    reply->files.items = files;
    while (err == ERR_OK && db_rows_next(rows)) {
        struct file_row row;
        err = file_row_take(rows, arena, &row);
        files[reply->files.count++] = row.file;
    }
    db_rows_destroy(&rows);
    return err;
}
