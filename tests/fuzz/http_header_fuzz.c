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

static bool lies_in(struct slice part, struct slice whole) {
    return part.length == 0 ||
           (part.data >= whole.data && part.data + part.length <= whole.data + whole.length);
}

/* A head that was taken can be read, and nothing is found outside of it. */
static void read_head(struct slice head) {
    char *path = malloc(head.length);
    require(path != NULL);
    struct edge_http_request request = edge_http_read(head);
    struct slice value = edge_http_value(&request, "Host");
    require(request.method.length > 0 && lies_in(request.method, head));
    require(request.path.length > 0 && request.path.data[0] == '/');
    require(lies_in(request.path, head) && lies_in(value, head));
    require(value.length == 0 || edge_http_count(&request, "host") > 0);
    require(!edge_http_says(&request, "Upgrade", "websocket") ||
            edge_http_count(&request, "Upgrade") > 0);
    require(edge_http_unescape(request.path, path) <= request.path.length);
    free(path);
}

static void judge(struct slice text) {
    size_t length = 0, part_length = 0;
    enum edge_http_verdict verdict = edge_http_judge(text, &length);
    for (size_t i = 1; i < text.length; i += 1 + text.length / 256) {
        enum edge_http_verdict part = edge_http_judge(slice_make(text.data, i), &part_length);
        require(part == EDGE_HTTP_PART || part == verdict ||
                (part == EDGE_HTTP_TOO_LARGE && i >= EDGE_HEAD_BYTES));
    }
    if (verdict == EDGE_HTTP_WHOLE) {
        require(length <= text.length && length <= EDGE_HEAD_BYTES);
        read_head(slice_make(text.data, length));
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
