/* The files that texts show; see files.h. */
#include "services/delivery/files.h"

#include "services/delivery/delivery_sql.h"

/* Longest packed record of a file; as entry.file and message.file. */
#define FILE_RECORD_BYTES 1024

bool files_fit(const struct delivery_send *body) {
    size_t count = body->files.count;
    if ((count != 0 && count != body->texts.count) || body->captions.count != count ||
        body->file_kinds.count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint64_t kind = body->file_kinds.items[i];
        bool shown = body->files.items[i] != 0;
        if (shown != (kind != FILE_NONE) || kind > FILE_PLAIN ||
            body->captions.items[i].length > (shown ? TEXT_MAX_BYTES : 0))
            return false;
    }
    return true;
}

uint64_t files_of(const struct delivery_send *body, size_t i) {
    return body->files.count == 0 ? 0 : body->files.items[i];
}

static enum err pack(const struct db_rows *row, uint64_t kind, struct record_arena *arena,
                     struct slice *packed_r) {
    const struct file file = {.id = db_rows_u64(row, 0),
                              .kind = kind,
                              .name = db_rows_slice(row, 1),
                              .mime = db_rows_slice(row, 2),
                              .size = db_rows_u64(row, 3),
                              .width = db_rows_u64(row, 4),
                              .height = db_rows_u64(row, 5),
                              .preview = db_rows_u64(row, 6)};
    struct buffer packed = buffer_make(FILE_RECORD_BYTES);
    record_pack(&file_desc, &file, &packed);
    *packed_r = packed.failed ? slice_make(NULL, 0)
                              : record_arena_copy(arena, slice_make(packed.data, packed.length));
    buffer_free(&packed);
    return packed_r->data == NULL ? ERR_INTERNAL : ERR_OK;
}

/* Packs each file for the texts that show it; several may show the same one. */
static enum err pack_all(struct db_rows *rows, struct record_arena *arena,
                         const struct delivery_send *body, struct slice *packed) {
    enum err err = ERR_OK;
    while (err == ERR_OK && db_rows_next(rows))
        for (size_t i = 0; err == ERR_OK && i < body->files.count; i++)
            if (body->files.items[i] == db_rows_u64(rows, 0))
                err = pack(rows, body->file_kinds.items[i], arena, &packed[i]);
    return err;
}

enum err files_check(struct db *db, struct record_arena *arena, const struct delivery_send *body,
                     struct slice **packed_r, enum err *refused_r) {
    const struct u64_list *files = &body->files;
    size_t shown = 0;
    *packed_r = NULL;
    *refused_r = ERR_OK;
    for (size_t i = 0; i < files->count; i++)
        shown += files->items[i] != 0;
    if (shown == 0)
        return ERR_OK;
    *packed_r = record_arena_alloc(arena, files->count * sizeof **packed_r);
    if (*packed_r == NULL)
        return ERR_INTERNAL;
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    struct db_rows *rows = NULL;
    delivery_sql_add_files(&sql, body->account, files->items, files->count);
    enum err err = db_script_query(db, &sql, &rows);
    buffer_free(&sql);
    if (err == ERR_OK)
        err = pack_all(rows, arena, body, *packed_r);
    db_rows_destroy(&rows);
    for (size_t i = 0; i < files->count; i++)
        if (files->items[i] != 0 && (*packed_r)[i].length == 0)
            *refused_r = ERR_NO_FILE;
    return err;
}
