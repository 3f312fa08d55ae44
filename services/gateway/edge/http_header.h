/*
 * Reads a request's head; pure.
 *
 *     if (edge_http_judge(bytes, &length) == EDGE_HTTP_WHOLE) {
 *         struct edge_http_request request = edge_http_read(slice_make(bytes.data, length));
 *         ... edge_http_value(&request, "Host") ...
 */
#ifndef PARLEY_GATEWAY_EDGE_HTTP_HEADER_H
#define PARLEY_GATEWAY_EDGE_HTTP_HEADER_H

#include <stdbool.h>

#include "common/record.h"

/* limit: client | the head of an HTTP request | {EDGE_HEAD_BYTES} | 431 */
#define EDGE_HEAD_BYTES 8192

enum edge_http_verdict {
    EDGE_HTTP_PART, /* good so far */
    EDGE_HTTP_WHOLE,
    EDGE_HTTP_TOO_LARGE,
    EDGE_HTTP_BAD
};

/* Looks at what a request begins with. EDGE_HTTP_WHOLE: `length_r` is that of its head, with the
 * empty line at its end. */
enum edge_http_verdict edge_http_judge(struct slice begin, size_t *length_r);

/* All of it lies in the head. */
struct edge_http_request {
    struct slice method;
    struct slice path;    /* without parameters, escaped */
    struct slice headers; /* whole lines */
    bool is_1_1;          /* not 1.0 */
};

/* Of a whole head, and no other. */
struct edge_http_request edge_http_read(struct slice head);
/* How often the header is there, whatever its case. */
size_t edge_http_count(const struct edge_http_request *request, const char *header);
/* The first one's; empty where there is none. */
struct slice edge_http_value(const struct edge_http_request *request, const char *header);
/* Bytes of the body as Content-Length has it, EDGE_NO_LENGTH without one. false: it is no number,
 * or there are two. */
#define EDGE_NO_LENGTH UINT64_MAX
bool edge_http_length(const struct edge_http_request *request, uint64_t *length_r);
/* Whether the list in one of these headers has the word, whatever its case. */
bool edge_http_says(const struct edge_http_request *request, const char *header, const char *word);
/* It announces one. */
bool edge_http_has_body(const struct edge_http_request *request);
/* Writes the path without its "%41"; `out` has room for as many bytes as it has. The length. */
size_t edge_http_unescape(struct slice path, char *out);

/* Whether Accept-Encoding allows "gzip" or "br": named, or meant by "*", and not with a `q` of 0.
 */
bool edge_http_takes(struct slice accepted, const char *coding);
/* Whether If-None-Match has the tag (with its quotes; a W/ before it does not matter), or "*". */
bool edge_http_has_tag(struct slice tags, struct slice tag);
/* Whether a list has the word, whatever its case. */
bool edge_http_has_word(struct slice list, const char *word);

#endif
