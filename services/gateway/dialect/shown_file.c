/* The files that texts show; see shown_file.h. */
#include "services/gateway/dialect/shown_file.h"

#include <stdlib.h>
#include <string.h>

#include "proto/avatar.h"
#include "services/gateway/dialect/json.h"

static const char *const words[] = {[FILE_NONE] = "file",
                                    [FILE_STICKER] = "sticker",
                                    [FILE_IMAGE] = "image",
                                    [FILE_PLAIN] = "file"};

bool shown_file_open(struct shown_file *self, const struct entry *entry) {
    const char *fault;
    *self = (struct shown_file){.file = {.id = 0}};
    if (entry->type != ENTRY_TEXT || entry->file.length == 0)
        return false;
    if (record_unpack(&file_desc, entry->file, &self->arena, &self->file, &fault) != 0) {
        record_arena_free(&self->arena);
        return false;
    }
    if (self->file.kind == FILE_NONE || self->file.kind > FILE_PLAIN)
        self->file.kind = FILE_PLAIN; /* a later release's */
    return true;
}

void shown_file_close(struct shown_file *self) { record_arena_free(&self->arena); }

/* --- writing ------------------------------------------------------------------------------- */

static bool find_address(const struct dialect_form *form, uint64_t file, bool preview,
                         struct slice name, char out[DIALECT_ADDRESS_BYTES]) {
    const struct dialect_addresses *addresses = form->addresses;
    return addresses != NULL && addresses->write_file(addresses->context, file, preview, name, out);
}

static void write_address(const char *key, const struct dialect_form *form, const struct file *file,
                          bool preview, struct buffer *out) {
    char address[DIALECT_ADDRESS_BYTES];
    if (!find_address(form, file->id, preview, file->name, address))
        return;
    json_raw(out, key);
    json_text(out, slice_text(address));
}

static void write_fields(const struct file *file, const struct dialect_form *form, bool ext,
                         struct buffer *out) {
    json_raw(out, "{\"id\":");
    json_hex_id(out, file->id);
    json_raw(out, ",\"name\":");
    json_text(out, file->name);
    json_raw(out, ",\"size\":");
    json_number(out, file->size);
    json_raw(out, ",\"mime\":");
    json_text(out, file->mime);
    write_address(",\"url\":", form, file, false, out);
    if (ext && file->width > 0 && file->height > 0) {
        json_raw(out, ",\"width\":");
        json_number(out, file->width);
        json_raw(out, ",\"height\":");
        json_number(out, file->height);
    }
    if (ext && file->preview > 0)
        write_address(",\"preview\":", form, file, true, out);
}

void shown_file_write(const struct file *file, const struct dialect_form *form, bool ext,
                      struct buffer *out) {
    write_fields(file, form, ext, out);
    json_raw(out, "}");
}

void shown_file_write_kind(const struct file *file, const struct dialect_form *form,
                           struct buffer *out) {
    write_fields(file, form, true, out);
    json_raw(out, ",\"kind\":");
    json_text(out, slice_text(words[file->kind]));
    json_raw(out, "}");
}

void shown_file_write_words(const struct file *file, const struct dialect_form *form,
                            struct slice caption, struct buffer *out) {
    char address[DIALECT_ADDRESS_BYTES];
    struct buffer text = buffer_make(sizeof address + FILE_NAME_MAX_BYTES + TEXT_MAX_BYTES + 64);
    buffer_printf(&text, "[%s] ", words[file->kind]);
    buffer_add(&text, file->name.data, file->name.length);
    if (find_address(form, file->id, false, file->name, address))
        buffer_printf(&text, " %s", address);
    if (caption.length > 0)
        buffer_add_text(&text, "\n");
    buffer_add(&text, caption.data, caption.length);
    json_text(out, slice_make(text.data, text.length));
    out->failed = out->failed || text.failed;
    buffer_free(&text);
}

void shown_file_write_avatar(const char *key, struct slice avatar, const struct dialect_form *form,
                             struct buffer *out) {
    char address[DIALECT_ADDRESS_BYTES];
    uint64_t file;
    bool preview;
    bool known = avatar_read(avatar, &file, &preview) &&
                 find_address(form, file, preview, slice_text("avatar"), address);
    json_raw(out, key);
    json_text(out, slice_text(known ? address : ""));
}

/* --- reading ------------------------------------------------------------------------------- */

static enum file_kind read_kind(struct reading *reading, const cJSON *file) {
    struct slice word = {"", 0};
    if (!field_given(file, "kind"))
        return FILE_PLAIN;
    reading_text(reading, file, "file.kind", 0, &word);
    for (enum file_kind kind = FILE_STICKER; kind <= FILE_PLAIN; kind++)
        if (slice_equal(word, slice_text(words[kind])))
            return kind;
    reading_fail(reading, "file.kind must be sticker, image or file");
    return FILE_NONE;
}

void shown_file_read(struct reading *reading, enum file_kind kind) {
    struct dialect_request *request = reading->request;
    const cJSON *caption = cJSON_GetObjectItemCaseSensitive(reading->body, "msg");
    const cJSON *file = reading_object(reading, reading->body, "file");
    reading_file_id(reading, file, "file.id", &request->file);
    request->file_kind = kind != FILE_NONE ? kind : read_kind(reading, file);
    if (field_given(reading->body, "msg") &&
        !(cJSON_IsString(caption) && caption->valuestring[0] == '\0'))
        reading_text(reading, reading->body, "msg", TEXT_MAX_BYTES, &request->text);
}
