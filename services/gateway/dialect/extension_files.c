/* Uploads and stickers; see extension_files.h. */
#include "services/gateway/dialect/extension_files.h"

#include <string.h>

#include "proto/file_words.h"
#include "services/gateway/dialect/json.h"
#include "services/gateway/dialect/shown_file.h"

#define SHA256_DIGITS 64

/* --- 323, 324 ------------------------------------------------------------------------------ */

static void read_file_name(struct reading *reading) {
    struct slice *name = &reading->request->name;
    reading_text(reading, reading->body, "name", FILE_NAME_MAX_BYTES, name);
    if (name->length > 0 && !file_name_is_valid(*name))
        reading_fail(reading, "name must be the name of a file: no path, no control characters, no "
                              "overrides of the writing direction");
}

static void read_mime(struct reading *reading) {
    struct slice *mime = &reading->request->mime;
    reading_text(reading, reading->body, "mime", FILE_MIME_MAX_BYTES, mime);
    if (!file_mime_is_valid(*mime))
        reading_fail(reading, "mime must be a media type, such as image/jpeg");
}

static void read_sha256(struct reading *reading) {
    struct slice *sha256 = &reading->request->sha256;
    reading_text(reading, reading->body, "sha256", 0, sha256);
    if (reading->err == ERR_OK && (sha256->length != SHA256_DIGITS ||
                                   strspn(sha256->data, "0123456789abcdefABCDEF") != SHA256_DIGITS))
        reading_fail(reading, "sha256 must be 64 hexadecimal digits");
}

void extension_read_upload(struct reading *reading) {
    read_file_name(reading);
    reading_whole(reading, reading->body, "size", 1, NUMBER_LIMIT - 1, &reading->request->size);
    if (field_given(reading->body, "mime"))
        read_mime(reading);
    if (field_given(reading->body, "sha256"))
        read_sha256(reading);
}

void extension_write_upload(const struct dialect_form *form, const struct dialect_account *self,
                            const struct dialect_request *request,
                            const struct dialect_result *result, struct buffer *out) {
    const struct files_open_reply *reply = result->reply;
    char address[DIALECT_ADDRESS_BYTES] = "";
    (void)self;
    (void)request;
    if (form->addresses != NULL)
        form->addresses->write_upload(form->addresses->context, reply->file, reply->token, address);
    json_raw(out, "\"file\":");
    json_hex_id(out, reply->file);
    json_raw(out, ",\"url\":");
    json_text(out, slice_text(address));
    json_raw(out, ",\"until_ms\":");
    json_number(out, reply->expires_ms);
}

/* --- 341 to 344 ---------------------------------------------------------------------------- */

void extension_read_sticker(struct reading *reading) {
    reading_file_id(reading, reading->body, "file", &reading->request->file);
    reading_flag(reading, reading->body, "on", &reading->request->accept);
}

void extension_write_sticker(const struct dialect_form *form, const struct dialect_account *self,
                             const struct dialect_request *request,
                             const struct dialect_result *result, struct buffer *out) {
    (void)form;
    (void)self;
    (void)result;
    json_raw(out, "\"file\":");
    json_hex_id(out, request->file);
    json_raw(out, request->accept ? ",\"on\":true" : ",\"on\":false");
}

void extension_write_stickers(const struct dialect_form *form, const struct dialect_account *self,
                              const struct dialect_request *request,
                              const struct dialect_result *result, struct buffer *out) {
    const struct files_stickers_reply *reply = result->reply;
    const struct file *files = reply->files.items;
    (void)self;
    (void)request;
    json_raw(out, "\"stickers\":[");
    for (size_t i = 0; i < reply->files.count; i++) {
        json_raw(out, i == 0 ? "" : ",");
        shown_file_write(&files[i], form, true, out);
    }
    json_raw(out, "]");
}
