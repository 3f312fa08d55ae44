/* What clients of uploads are told, and the end of an upload; see file_upload_parts.h. */
#include "services/gateway/file_upload_parts.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"

#define HEADERS_BYTES 2048

/* --- its end --------------------------------------------------------------------------------- */

static void free_upload(struct file_upload *self) {
    struct file_upload *next = self->next;
    struct file_uploads *uploads = self->uploads;
    ev_timer_stop(service_loop(self->transfer.gateway->service), &self->timer);
    if (self->is_listed)
        HASH_DEL(uploads->by_address, self);
    uploads->count--;
    buffer_free(&self->filling);
    buffer_free(&self->sent);
    free(self);
    if (next != NULL) {
        next->waits = false;
        next->begin(next);
    }
}

/* One whose client has gone goes on until what arrived is at files. */
void file_upload_free_if_idle(struct file_upload *self) {
    if (self->transfer.exchange == NULL && !self->asking && !self->waits &&
        (self->step == UPLOAD_DONE || self->step == UPLOAD_LOOK))
        free_upload(self);
}

void file_upload_end(struct file_upload *self) {
    self->step = UPLOAD_DONE;
    buffer_free(&self->filling);
    buffer_free(&self->sent);
    ev_timer_stop(service_loop(self->transfer.gateway->service), &self->timer);
}

void file_upload_fail_with(struct file_upload *self, enum err err, const char *text,
                           const char *more) {
    char all[128];
    log_debug("upload_failed", "file=%016" PRIx64 " error=%s", self->address.file, err_word(err));
    file_upload_end(self);
    snprintf(all, sizeof all, "%s%s", self->is_tus ? TUS_VERSION : "", more);
    if (self->transfer.exchange != NULL)
        file_answer_fault(&self->transfer, err, text, all);
    else
        file_upload_free_if_idle(self);
}

void file_upload_fail(struct file_upload *self, enum err err, const char *text) {
    file_upload_fail_with(self, err, text, "");
}

void file_upload_refuse(struct file_upload *self, const char *status, const char *text,
                        const char *more) {
    file_upload_end(self);
    file_answer_refusal(&self->transfer, status, "bad_request", text, more);
}

/* --- answers --------------------------------------------------------------------------------- */

void file_upload_succeed(struct file_upload *self, const char *status, const char *more,
                         const char *body) {
    struct buffer headers = buffer_make(HEADERS_BYTES);
    file_upload_end(self);
    if (self->transfer.exchange == NULL) {
        file_upload_free_if_idle(self);
        return;
    }
    buffer_printf(&headers, "Cache-Control: no-store\r\n%s%s", self->is_tus ? TUS_VERSION : "",
                  more);
    file_answer_headers(&self->transfer, &headers);
    buffer_add(&headers, "", 1);
    if (headers.failed)
        edge_exchange_cut(self->transfer.exchange);
    else
        edge_exchange_answer(self->transfer.exchange, status, headers.data, slice_text(body));
    buffer_free(&headers);
}

void file_upload_tell_offset(struct file_upload *self, const char *status, bool with_length) {
    char more[128];
    int length = snprintf(more, sizeof more, "Upload-Offset: %" PRIu64 "\r\n", self->offset);
    if (with_length)
        snprintf(more + length, sizeof more - (size_t)length, "Upload-Length: %" PRIu64 "\r\n",
                 self->size);
    file_upload_succeed(self, status, more, NULL);
}

void file_upload_tell_file(struct file_upload *self, const struct file *file) {
    char id[17], *name = slice_copy(file->name), *mime = slice_copy(file->mime);
    cJSON *json = cJSON_CreateObject();
    snprintf(id, sizeof id, "%016" PRIx64, file->id);
    bool whole = name != NULL && mime != NULL &&
                 cJSON_AddStringToObject(json, "file", id) != NULL &&
                 cJSON_AddStringToObject(json, "name", name) != NULL &&
                 cJSON_AddNumberToObject(json, "size", (double)file->size) != NULL &&
                 cJSON_AddStringToObject(json, "mime", mime) != NULL;
    if (file->width > 0 && file->height > 0)
        whole = whole && cJSON_AddNumberToObject(json, "width", (double)file->width) != NULL &&
                cJSON_AddNumberToObject(json, "height", (double)file->height) != NULL;
    char *text = whole ? cJSON_PrintUnformatted(json) : NULL;
    if (text != NULL)
        file_upload_succeed(self, "201 Created", "Content-Type: application/json\r\n", text);
    else
        file_upload_fail(self, ERR_INTERNAL, NULL);
    cJSON_free(text);
    cJSON_Delete(json);
    free(name);
    free(mime);
}
