/*
 * Fuzz target of JSON framing: the results don't depend on how the input is cut, each object is
 * within its limits, starts and ends with a brace, and passes the check of a message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/edge/json.h"
#include "tests/fuzz/fuzz.h"

static void note(struct buffer *log, enum edge_json_result result, struct slice object) {
    buffer_printf(log, "%d:", (int)result);
    if (result != EDGE_JSON_OBJECT)
        return;
    require(object.length >= 2 && object.length <= EDGE_MAX_OBJECT);
    require(object.data[0] == '{' && object.data[object.length - 1] == '}');
    struct slice again;
    require(edge_json_check(object, &again) == NULL && slice_equal(object, again));
    buffer_add(log, object.data, object.length);
}

/* All results of `bytes`, fed in pieces of `cut`. */
static struct buffer run(const uint8_t *bytes, size_t size, size_t cut) {
    struct edge_json json;
    struct buffer log = buffer_make((size_t)1 << 24);
    edge_json_init(&json);
    for (size_t at = 0; at < size; at += cut) {
        struct slice input = piece_at(bytes, size, at, cut), object = {0};
        const char *fault = NULL;
        enum edge_json_result result;
        while ((result = edge_json_next(&json, &input, &object, &fault)) != EDGE_JSON_MORE)
            note(&log, result, object);
        require(input.length == 0);
    }
    edge_json_free(&json);
    return log;
}

/* The first byte says how to cut the bytes behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    require_same_however_cut(run, data + 1, size - 1, (size_t)data[0] + 1);
    struct slice object;
    (void)edge_json_check(slice_make((const char *)data + 1, size - 1), &object);
    return 0;
}
