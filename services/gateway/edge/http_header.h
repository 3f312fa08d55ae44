/* Reads a request's head; pure. */
#ifndef PARLEY_GATEWAY_EDGE_HTTP_HEADER_H
#define PARLEY_GATEWAY_EDGE_HTTP_HEADER_H

#include <stdbool.h>

#include "common/record.h"

/* limit: client | the head of an HTTP request | {EDGE_HEAD_BYTES} | 431; over TLS, and for a
 * further request of a socket, closed */
#define EDGE_HEAD_BYTES 8192
/*
 * limit: client | headers of an HTTP request, and `&` and `;` in its first line |
 * {EDGE_HEAD_FIELDS} together | 431; over TLS, and for a further request of a socket, closed at
 * some 90
 */
#define EDGE_HEAD_FIELDS 64

enum edge_http_verdict {
    EDGE_HTTP_PART, /* good so far */
    EDGE_HTTP_WHOLE,
    EDGE_HTTP_TOO_LARGE,
    EDGE_HTTP_BAD
};

/* Looks at what a socket's first request begins with: its first EDGE_HEAD_BYTES, or fewer as long
 * as no more is there. */
enum edge_http_verdict edge_http_judge(struct slice begin);

/* Whether Accept-Encoding allows "gzip" or "br": named, or meant by "*", and not with a `q` of 0.
 */
bool edge_http_takes(struct slice accepted, const char *coding);
/* Whether If-None-Match has the tag (with its quotes; a W/ before it does not matter), or "*". */
bool edge_http_has_tag(struct slice tags, struct slice tag);
/* Whether a list has the word, whatever its case. */
bool edge_http_has_word(struct slice list, const char *word);

#endif
