/*
 * Any bytes as a client's object, in both dialects, with and without ext: reading ends in a request
 * or in a sentence, and whatever is written back is JSON again, also in YouIM's binary framing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/conversation.h"
#include "services/gateway/dialect/dialect.h"
#include "services/gateway/edge/youim.h"
#include "services/gateway/reasons.h"
#include "tests/fuzz/fuzz.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

/* A text of YouIM's in a frame: the same object, with its type in the head. */
static void check_frame(const cJSON *json, struct slice text) {
    unsigned char head[EDGE_YOUIM_HEAD_BYTES];
    struct slice before, after;
    uint64_t type = (uint64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(json, "msgType"));
    if (!edge_youim_frame(text, head, &before, &after)) {
        CHECK(type > 255);
        return;
    }
    CHECK(head[0] == type);
    struct buffer body = buffer_make(1 << 20);
    CHECK(buffer_add(&body, before.data, before.length) == 0);
    CHECK(buffer_add(&body, after.data, after.length) == 0);
    size_t length = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    CHECK(body.length == length);
    cJSON *rest = cJSON_ParseWithLength(body.data, body.length), *whole = cJSON_Duplicate(json, 1);
    CHECK(rest && whole);
    cJSON_DeleteItemFromObjectCaseSensitive(whole, "msgType");
    CHECK(cJSON_Compare(rest, whole, 1));
    cJSON_Delete(rest);
    cJSON_Delete(whole);
    buffer_free(&body);
}

/* The written bytes must be an object. */
static void check_written(enum dialect dialect, const char *data, size_t length) {
    char fault[DIALECT_FAULT_BYTES];
    cJSON *json = dialect_parse(slice_make(data, length), fault);
    CHECK(json && fault[0] == '\0');
    if (dialect == DIALECT_YOUIM)
        check_frame(json, slice_make(data, length));
    cJSON_Delete(json);
}

static void check_result(enum dialect dialect, bool ext, const struct dialect_request *request,
                         enum err err, const char *fault) {
    static const struct dialect_account self = {7, {"7", 1}};
    struct dialect_result result = {.err = err,
                                    .reason = slice_text(fault),
                                    .account = 7,
                                    .account_id = slice_text("7"),
                                    .token = request->token,
                                    .group = 8,
                                    .group_name = request->name,
                                    .cid = 9};
    struct buffer out = buffer_make(1 << 20);
    struct dialect_texts texts = {.out = &out};
    dialect_write_result(dialect, ext, &self, request, &result, &texts);
    CHECK(!out.failed && texts.count <= DIALECT_MAX_ANSWERS);
    size_t start = 0;
    for (size_t i = 0; i < texts.count; i++) {
        check_written(dialect, out.data + start, texts.ends[i] - start);
        start = texts.ends[i];
    }
    CHECK(err == ERR_OK || texts.count > 0);
    buffer_free(&out);
}

/* The message as its recipients see it: the same text. */
static void check_entry(bool ext, const struct dialect_request *request) {
    struct entry entry = {
        .conversation = request->recipient_kind == RECIPIENT_GROUP ? conversation_of_group(8) : 5,
        .cid = 9,
        .from = request->actor.number,
        .from_id = request->actor.text,
        .to = request->recipient.number,
        .to_id = request->recipient.text,
        .text = request->text};
    static const enum dialect dialects[] = {DIALECT_OURCHAT, DIALECT_YOUIM};
    for (size_t i = 0; i < 2; i++) {
        struct buffer out = buffer_make(1 << 20);
        dialect_write_entry(dialects[i], ext, NULL, &entry, 8, &out);
        CHECK(!out.failed);
        cJSON *json = cJSON_ParseWithLength(out.data, out.length);
        CHECK(json);
        const cJSON *data = cJSON_GetObjectItem(json, "data");
        const char *msg = cJSON_GetStringValue(cJSON_GetObjectItem(data ? data : json, "msg"));
        CHECK(msg && slice_equal(slice_text(msg), request->text));
        cJSON_Delete(json);
        buffer_free(&out);
    }
}

/* Notices with the fields that the request names, as everyone gets them. */
static void check_notices(bool ext, const struct dialect_request *request) {
    static const uint64_t conversations[] = {0, (uint64_t)1 << 60 | 8, (uint64_t)2 << 60 | 7,
                                             (uint64_t)3 << 60};
    struct entry entry = {.cid = request->number,
                          .from = request->actor.number,
                          .from_id = request->actor.text,
                          .to = request->group.number,
                          .to_id = request->group.text,
                          .subject = request->person.number,
                          .subject_id = request->person.text,
                          .accepted = request->accept,
                          .text = request->name};
    for (unsigned i = 0; i < 4 * (ENTRY_MEMBER_OFFLINE + 1); i++) {
        enum dialect dialect = i & 1 ? DIALECT_YOUIM : DIALECT_OURCHAT;
        entry.type = i / 4;
        for (size_t j = 0; j < 4; j++) {
            uint64_t account = i & 2 ? entry.subject : 7;
            entry.conversation = conversations[j];
            if (dialect_entry_view(dialect, ext, &entry, account) == DIALECT_VIEW_NOTHING)
                continue;
            struct buffer out = buffer_make(1 << 20);
            dialect_write_entry(dialect, ext, NULL, &entry, account, &out);
            CHECK(!out.failed);
            check_written(dialect, out.data, out.length);
            buffer_free(&out);
        }
    }
}

static void check_reasons(const struct dialect_request *request) {
    for (enum err err = ERR_OK; err < ERR_COUNT; err++) {
        char text[DIALECT_FAULT_BYTES];
        struct slice reason = reason_of(request, err, text);
        CHECK(reason.length < sizeof text);
        if (reason.length > 0)
            check_result(DIALECT_YOUIM, true, request, err, text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 65536)
        return 0;
    struct slice text = slice_make((const char *)data, size);
    for (int i = 0; i < 4; i++) {
        enum dialect dialect = i & 1 ? DIALECT_YOUIM : DIALECT_OURCHAT;
        bool ext = i & 2;
        char fault[DIALECT_FAULT_BYTES];
        cJSON *json = dialect_parse(text, fault);
        if (!json) {
            CHECK(fault[0] != '\0' && memchr(fault, '\0', sizeof fault));
            return 0;
        }
        (void)dialect_detect(json);
        struct dialect_request request;
        bool flawed = fault[0] != '\0';
        CHECK(memchr(fault, '\0', sizeof fault));
        enum err err = dialect_read(dialect, ext, json, &request, fault);
        CHECK((err == ERR_OK) == (fault[0] == '\0') && memchr(fault, '\0', sizeof fault));
        if (flawed && err == ERR_OK) { /* the gateway refuses it here */
            err = ERR_BAD_REQUEST;
            strcpy(fault, "it is flawed");
        }
        CHECK(err == ERR_OK || err == ERR_BAD_REQUEST);
        check_result(dialect, ext, &request, err, fault);
        if (err == ERR_OK && request.operation == OPERATION_SEND)
            check_entry(ext, &request);
        if (err == ERR_OK) {
            check_notices(ext, &request);
            check_reasons(&request);
        }
        dialect_request_free(&request);
    }
    return 0;
}
