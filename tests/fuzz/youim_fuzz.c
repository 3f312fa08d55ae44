/*
 * Fuzz target of YouIM's framing: the results don't depend on how the input is cut, each object is
 * within its limits and passes the check of a message, and goes back into a frame of the same type.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/edge/youim.h"
#include "tests/fuzz/fuzz.h"

static void check_object(struct slice object) {
    struct slice again, before, after;
    unsigned char head[EDGE_YOUIM_HEAD_BYTES];
    static const char start[] = "{\"msgType\":";
    require(object.length <= EDGE_MAX_OBJECT);
    require(edge_json_check(object, &again) == NULL && slice_equal(object, again));
    require(object.length > sizeof start && memcmp(object.data, start, sizeof start - 1) == 0);
    require(edge_youim_frame(object, head, &before, &after));
    require(head[0] == strtoul(object.data + sizeof start - 1, NULL, 10));
    require(before.length + after.length < object.length);
}

/* All results of `bytes`, fed in pieces of `cut`. */
static struct buffer run(const uint8_t *bytes, size_t size, size_t cut) {
    struct edge_youim youim;
    struct buffer log = buffer_make((size_t)1 << 24), scratch = buffer_make(EDGE_MAX_OBJECT);
    edge_youim_init(&youim);
    for (size_t at = 0; at < size; at += cut) {
        struct slice input = piece_at(bytes, size, at, cut), object = {0};
        const char *fault = NULL;
        enum edge_json_result result;
        while ((result = edge_youim_next(&youim, &input, &scratch, &object, &fault)) !=
               EDGE_JSON_MORE) {
            require(result != EDGE_JSON_NO_MEMORY);
            buffer_printf(&log, "%d:%s:", (int)result, result == EDGE_JSON_OBJECT ? "" : fault);
            if (result != EDGE_JSON_OBJECT)
                continue;
            check_object(object);
            buffer_add(&log, object.data, object.length);
        }
        require(input.length == 0);
    }
    edge_youim_free(&youim);
    buffer_free(&scratch);
    return log;
}

/* The first byte says how to cut the bytes behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    require_same_however_cut(run, data + 1, size - 1, (size_t)data[0] + 1);
    return 0;
}
