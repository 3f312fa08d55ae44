/* files.state, files.append and files.abandon: an upload on its way. */
#include "services/files/files.h"
#include "services/files/files_row.h"

/* How much is there; safe from the machine's end, too. */
static enum err look(struct files *self, const struct file_row *row, uint64_t *offset_r) {
    struct upload upload;
    bool whole = false;
    enum err err = incoming_open(&self->incoming, row->file.id, &upload);
    if (err == ERR_OK)
        err = upload_size(&upload, offset_r, &whole);
    if (err == ERR_OK && *offset_r > 0)
        err = upload_sync(&upload);
    /* Then it may be smaller than what has come: what it told of a place is taken out. */
    if (whole)
        *offset_r = row->file.size;
    upload_close(&upload);
    return err;
}

enum err files_handle_state(void *context, struct db *db, struct record_arena *arena,
                            const void *body, void *reply_r) {
    const struct files_state *ask = body;
    struct upload_state *reply = reply_r;
    struct file_row row;
    enum err err = file_row_of_upload(db, ask->file, ask->token, arena, &row);
    if (err != ERR_OK)
        return err;
    reply->size = reply->offset = row.announced;
    reply->expires_ms = row.expires_ms;
    reply->finished = row.finished_ms != 0;
    return reply->finished ? ERR_OK : look(context, &row, &reply->offset);
}

static enum err append(const struct upload *upload, const struct file_row *row,
                       const struct files_append *ask) {
    uint64_t size;
    bool whole;
    if (row->finished_ms != 0)
        return ERR_WRONG_OFFSET;
    enum err err = upload_size(upload, &size, &whole);
    if (err == ERR_OK && (whole || size != ask->offset))
        err = ERR_WRONG_OFFSET;
    if (err == ERR_OK && ask->data.length > row->file.size - size)
        err = ERR_BAD_FILE;
    return err == ERR_OK && ask->data.length > 0 ? upload_append(upload, ask->offset, ask->data)
                                                 : err;
}

enum err files_handle_append(void *context, struct db *db, struct record_arena *arena,
                             const void *body, void *reply_r) {
    struct files *self = context;
    const struct files_append *ask = body;
    struct files_append_reply *reply = reply_r;
    struct file_row row;
    struct upload upload;
    enum err err = file_row_lock_upload(self, db, ask->file, ask->token, arena, &row, &upload);
    if (err == ERR_OK)
        err = append(&upload, &row, ask);
    upload_close(&upload);
    if (err != ERR_OK)
        return err;
    metric_add(self->counts.received_bytes, ask->data.length);
    reply->offset = ask->offset + ask->data.length;
    return ERR_OK;
}

enum err files_handle_abandon(void *context, struct db *db, struct record_arena *arena,
                              const void *body, void *reply_r) {
    const struct files_abandon *ask = body;
    struct file_row row;
    (void)reply_r;
    enum err err = file_row_of_upload(db, ask->file, ask->token, arena, &row);
    return err == ERR_OK ? file_row_remove(context, db, ask->file) : err;
}
