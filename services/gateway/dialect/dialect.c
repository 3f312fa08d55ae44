/*
 * Common to all dialects: finding a request's row, writing JSON, and which answers an outcome has;
 * see dialect.h. The meaning of numbers stands in ourchat.c and youim.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/dialect/dialect.h"

#include "services/gateway/dialect/answer.h"
#include "services/gateway/dialect/extension.h"
#include "services/gateway/dialect/json.h"
#include "services/gateway/dialect/ourchat.h"
#include "services/gateway/dialect/youim.h"

#define REF_MAX_BYTES 64

/* NULL for DIALECT_UNKNOWN. */
static const struct dialect_form *form_of(enum dialect dialect) {
    switch (dialect) {
    case DIALECT_OURCHAT:
        return &dialect_form_ourchat;
    case DIALECT_YOUIM:
        return &dialect_form_youim;
    case DIALECT_UNKNOWN:
        break;
    }
    return NULL;
}

static struct dialect_form with_addresses(const struct dialect_form *form,
                                          const struct dialect_addresses *addresses) {
    struct dialect_form with = *form;
    with.addresses = addresses;
    return with;
}

/* --- reading --- */

enum dialect dialect_detect(const cJSON *object) {
    if (field_given(object, "code")) /* null is as absent */
        return DIALECT_OURCHAT;
    if (field_given(object, "msgType"))
        return DIALECT_YOUIM;
    return DIALECT_UNKNOWN;
}

static const struct request_row *find_row(const struct dialect_form *form, bool ext,
                                          struct reading *reading) {
    struct dialect_request *request = reading->request;
    if (!field_given(reading->json, form->number_key)) {
        reading_fail(reading, "%s is missing", form->number_key);
        return NULL;
    }
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(reading->json, form->number_key);
    if (!field_number(number, &request->number)) {
        reading_fail(reading, "%s must be a whole number", form->number_key);
        return NULL;
    }
    const struct request_row *row =
        request->number < EXTENSION_FIRST ? NULL : extension_find_row(request->number);
    for (size_t i = 0; i < form->row_count && row == NULL; i++)
        if (form->rows[i].number == request->number)
            row = &form->rows[i];
    if (row != NULL && (ext || !(row->needs & NEEDS_EXT)))
        return row;
    reading_fail(reading, "%s %" PRIu64 " is not known", form->number_key, request->number);
    return NULL;
}

static void read_ref(struct reading *reading, bool ext) {
    struct dialect_request *request = reading->request;
    if (!field_given(reading->json, "ref"))
        return;
    if (!ext && !request->ext) {
        request->stray_ref = true;
        return;
    }
    /* Read although the request has a fault already: its answer goes to this ref. */
    struct reading own = {.request = request, .err = ERR_OK};
    char fault[DIALECT_FAULT_BYTES];
    own.fault = fault;
    reading_text(&own, reading->json, "ref", REF_MAX_BYTES, &request->ref);
    if (own.err != ERR_OK)
        reading_fail(reading, "%s", fault);
}

static bool opts_in(enum operation operation) {
    return operation == OPERATION_REGISTER || operation_logs_in(operation);
}

/* An extension's request may carry the login's token as any other does. */
static void read_optional_token(struct reading *reading) {
    struct dialect_request *request = reading->request;
    request->token_given = field_given(reading->body, "token");
    if (request->token_given)
        reading_text(reading, reading->body, "token", 0, &request->token);
}

static void read_request(struct reading *reading, const struct dialect_form *form, bool ext) {
    struct dialect_request *request = reading->request;
    const struct request_row *row = find_row(form, ext, reading);
    if (row) {
        request->operation = row->operation;
        request->login_needed = row->needs & NEEDS_LOGIN;
        request->ext =
            row->operation == OPERATION_RESUME; /* a client that knows 317 knows the rest */
        if (row->read) {
            reading->body = reading_object(reading, reading->json, form->body_key);
            reading->read_id = form->read_id;
            reading->ext = ext;
            if (opts_in(row->operation))
                reading_ext(reading, ext);
            row->read(reading);
            if (form->requests_have_token && row->needs & NEEDS_EXT)
                read_optional_token(reading);
        }
    }
    read_ref(reading, ext);
}

/* Copies a slice to `at` and moves that on; without memory the slice is empty. */
static void move_text(struct slice *slice, char **at) {
    struct slice from = *slice;
    *slice = slice_make(NULL, 0);
    if (*at == NULL || from.length == 0)
        return;
    memcpy(*at, from.data, from.length);
    *slice = slice_make(*at, from.length);
    *at += from.length;
}

/* Copies what the slices of the request hold to where they point from now on. */
static void leave_json(struct reading *reading) {
    struct dialect_request *request = reading->request;
    struct slice *const slices[] = {&request->ref,           &request->actor.text,
                                    &request->token,         &request->recipient.text,
                                    &request->text,          &request->account,
                                    &request->email,         &request->password,
                                    &request->name,          &request->registration_token,
                                    &request->group.text,    &request->person.text,
                                    &request->device,        &request->about,
                                    &request->mime,          &request->sha256,
                                    &request->push.endpoint, &request->push.p256dh,
                                    &request->push.auth};
    const size_t count = sizeof slices / sizeof slices[0];
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += slices[i]->length;
    for (size_t i = 0; i < request->mention_count; i++)
        bytes += request->mentions[i].text.length;
    char *at = bytes > 0 ? malloc(bytes) : NULL;
    if (at == NULL && bytes > 0)
        reading_no_memory(reading);
    request->memory = at;
    request->memory_bytes = at == NULL ? 0 : bytes;
    for (size_t i = 0; i < count; i++)
        move_text(slices[i], &at);
    for (size_t i = 0; i < request->mention_count; i++)
        move_text(&request->mentions[i].text, &at);
}

enum err dialect_read(enum dialect dialect, bool ext, cJSON *json,
                      struct dialect_request *request_r, char fault_r[DIALECT_FAULT_BYTES]) {
    *request_r = (struct dialect_request){.memory = NULL};
    fault_r[0] = '\0';
    struct reading reading = {.request = request_r, .json = json, .err = ERR_OK, .fault = fault_r};
    const struct dialect_form *form = form_of(dialect);
    if (form && cJSON_IsObject(json))
        read_request(&reading, form, ext);
    else
        reading_fail(&reading, "the JSON is not an object with code or msgType");
    leave_json(&reading);
    cJSON_Delete(json);
    return reading.err;
}

void dialect_request_free(struct dialect_request *request) {
    free(request->memory);
    free(request->mentions);
    *request = (struct dialect_request){.memory = NULL};
}

/* --- answers --- */

/* Ends the text that began at `start`, if one did; takes it back when it is not whole. */
static bool end_text(struct dialect_texts *texts, size_t start) {
    struct buffer *out = texts->out;
    if (out->failed)
        out->length = start;
    if (out->length == start)
        return false;
    texts->ends[texts->count++] = out->length;
    return true;
}

void dialect_write_result(enum dialect dialect, bool ext, const struct dialect_account *self,
                          const struct dialect_request *request,
                          const struct dialect_result *result, struct dialect_texts *texts) {
    const struct dialect_form *plain = form_of(dialect);
    texts->count = 0;
    if (!plain)
        return;
    const struct dialect_form with = with_addresses(plain, texts->addresses), *form = &with;
    ext = ext || request->ext;
    bool to_ref = ext && request->ref.length > 0;
    size_t start = texts->out->length;
    form->write_answer(ext, request, result, texts->out);
    extension_write_answer(form, self, request, result, texts->out);
    bool answered = end_text(texts, start);
    start = texts->out->length;
    if (to_ref)
        extension_write_300(form, request, result, texts->out);
    else if (!answered && result->err != ERR_OK)
        form->write_fault(self, answer_reason(result), result->time_ms, texts->out);
    end_text(texts, start);
}

void dialect_write_fault(enum dialect dialect, const struct dialect_account *self,
                         struct slice reason, uint64_t time_ms, struct buffer *out) {
    const struct dialect_form *form = form_of(dialect);
    size_t start = out->length;
    if (form) {
        form->write_fault(self, reason, time_ms, out);
    } else {
        json_raw(out, "{\"error\":");
        json_text(out, reason);
        json_raw(out, "}");
    }
    if (out->failed)
        out->length = start;
}

enum dialect_view dialect_entry_view(enum dialect dialect, bool ext, const struct entry *entry,
                                     uint64_t account) {
    const struct dialect_form *form = form_of(dialect);
    if (form == NULL)
        return DIALECT_VIEW_NOTHING;
    if (extension_has_notice(entry->type))
        return ext ? extension_entry_view(entry) : DIALECT_VIEW_NOTHING;
    return form->entry_view(ext, entry, account);
}

void dialect_write_entry(enum dialect dialect, bool ext, const struct dialect_addresses *addresses,
                         const struct entry *entry, uint64_t account, struct buffer *out) {
    const struct dialect_form *plain = form_of(dialect);
    if (!plain)
        return;
    const struct dialect_form with = with_addresses(plain, addresses), *form = &with;
    size_t start = out->length;
    if (extension_has_notice(entry->type))
        extension_write_entry(form, entry, account, out);
    else
        form->write_entry(form, ext, entry, account, out);
    if (out->failed)
        out->length = start;
}

void dialect_write_skipped(enum dialect dialect, const struct dialect_account *self,
                           const struct entry *entry, uint64_t skipped, uint64_t time_ms,
                           struct buffer *out) {
    const struct dialect_form *form = form_of(dialect);
    if (!form)
        return;
    size_t start = out->length;
    extension_write_skipped(form, self, entry, skipped, time_ms, out);
    if (out->failed)
        out->length = start;
}
