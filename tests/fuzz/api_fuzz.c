/*
 * Any bytes as a call of the HTTP API: a line each for method, path and parameters, then a body. It
 * ends in a sentence, or in messages that can be packed.
 */
#include "services/gateway/dialect/api.h"
#include "services/gateway/edge/json.h"
#include "tests/fuzz/fuzz.h"

static void check_messages(struct api_request *request) {
    const struct api_given given = {.nonce = slice_text("0123456789abcdef"),
                                    .host = slice_text("192.0.2.7")};
    char fault[DIALECT_FAULT_BYTES];
    if (api_act_as(request, 7, fault) != ERR_OK)
        return;
    for (size_t i = 0; i < request->operation->step_count; i++) {
        const struct api_step *step = &request->operation->steps[i];
        struct record_arena arena = {0};
        struct buffer out = buffer_make(1 << 20);
        void *body = record_arena_alloc(&arena, step->message->body->size);
        require(body != NULL && api_fill(request, step, &given, &arena, body));
        record_pack(step->message->body, body, &out);
        require(!out.failed);
        buffer_free(&out);
        record_arena_free(&arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice rest = slice_make((const char *)data, size);
    struct slice method = take_line(&rest), path = take_line(&rest);
    struct api_asked asked = {.query = take_line(&rest)};
    const struct api_operation *operation;
    struct api_request request;
    char fault[DIALECT_FAULT_BYTES], allowed[16];
    enum api_method number = API_GET;
    while (number < API_METHOD_COUNT && !slice_equal(method, slice_text(api_methods[number])))
        number++;
    if (!api_split(path, &asked))
        return 0;
    api_allowed(&asked, allowed, sizeof allowed);
    if (api_find(&asked, number, &operation) != API_FOUND ||
        (rest.length > 0 && edge_json_check(rest, &asked.body) != NULL))
        return 0;
    enum err err = api_read(operation, &asked, &request, fault);
    require((err == ERR_OK) == (fault[0] == '\0'));
    if (err == ERR_OK)
        check_messages(&request);
    api_request_free(&request);
    return 0;
}
