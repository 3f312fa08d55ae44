/*
 * Any bytes as a client's object, in both dialects, with and without ext: reading ends in a request
 * or in a sentence, and whatever is written back is JSON again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/dialect.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

/* What was written must be an object. */
static void check_written(const char *data, size_t length) {
    char fault[DIALECT_FAULT_BYTES];
    cJSON *json = dialect_parse(slice_make(data, length), fault);
    CHECK(json);
    cJSON_Delete(json);
}

static void check_result(enum dialect dialect, bool ext, const struct client_request *request,
                         enum err err, const char *fault) {
    static const struct client_account self = {7, {"7", 1}};
    struct client_result result = {.err = err,
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
        check_written(out.data + start, texts.ends[i] - start);
        start = texts.ends[i];
    }
    CHECK(err == ERR_OK || texts.count > 0);
    buffer_free(&out);
}

/* The message as its recipients see it: the same text. */
static void check_entry(bool ext, const struct client_request *request) {
    struct entry entry = {.conversation =
                              request->peer_kind == PEER_GROUP ? conversation_of_group(8) : 5,
                          .cid = 9,
                          .from = request->actor.number,
                          .from_id = request->actor.text,
                          .to = request->peer.number,
                          .to_id = request->peer.text,
                          .text = request->text};
    static const enum dialect dialects[] = {DIALECT_OURCHAT, DIALECT_YOUIM};
    for (size_t i = 0; i < 2; i++) {
        struct buffer out = buffer_make(1 << 20);
        dialect_write_entry(dialects[i], ext, DIALECT_VIEW_COMMON, &entry, &out);
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
        struct client_request request;
        enum err err = dialect_read(dialect, ext, json, &request, fault);
        CHECK((err == ERR_OK) == (fault[0] == '\0') && memchr(fault, '\0', sizeof fault));
        CHECK(err == ERR_OK || err == ERR_BAD_REQUEST);
        check_result(dialect, ext, &request, err, fault);
        if (err == ERR_OK && request.operation == OPERATION_SEND)
            check_entry(ext, &request);
        client_request_free(&request);
    }
    return 0;
}
