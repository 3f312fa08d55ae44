/*
 * Fuzz target of a request's head. A tag that stands in a list is found, whatever stands before it;
 * one that stands nowhere is not. What is said of a head's begin holds for the whole.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/edge/http_header.h"
#include "tests/fuzz/fuzz.h"

static struct slice joined(const uint8_t *data, size_t size, const char *tail) {
    size_t more = strlen(tail);
    char *bytes = malloc(size + more);
    require(bytes != NULL);
    if (size > 0)
        memcpy(bytes, data, size);
    memcpy(bytes + size, tail, more);
    return slice_make(bytes, size + more);
}

static void judge(struct slice text) {
    enum edge_http_verdict verdict = edge_http_judge(text);
    for (size_t i = 1; i < text.length; i += 1 + text.length / 256) {
        enum edge_http_verdict part = edge_http_judge(slice_make(text.data, i));
        require(part == EDGE_HTTP_PART || part == verdict ||
                (part == EDGE_HTTP_TOO_LARGE && i >= EDGE_HEAD_BYTES));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char tag[] = "\"0123456789abcdef\"";
    struct slice text = slice_make((const char *)data, size);
    struct slice with_tag = joined(data, size, ", W/\"0123456789abcdef\"");
    struct slice refused = joined(data, size, ",gzip;q=0");
    bool has_star = memchr(data, '*', size) != NULL;
    require(edge_http_has_tag(with_tag, slice_text(tag)));
    require(!edge_http_has_tag(text, slice_text(tag)) || has_star ||
            memmem(data, size, tag, strlen(tag)) != NULL);
    require(!edge_http_takes(refused, "gzip"));
    require(edge_http_takes(refused, "br") == edge_http_takes(text, "br"));
    if (size > 0)
        judge(text);
    free((char *)with_tag.data);
    free((char *)refused.data);
    return 0;
}
