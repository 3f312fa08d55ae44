/*
 * Framing of JSON: finds whole objects in a stream of bytes, or checks that a message is one.
 *
 *     struct edge_json json;
 *     edge_json_init(&json);
 *     struct slice input = ... what was read, object;
 *     while ((result = edge_json_next(&json, &input, &object, &fault)) != EDGE_JSON_MORE) ...
 *     edge_json_free(&json);
 *
 * An object runs from a `{` to the `}` that balances it, strings apart. Checked are its size, its
 * nesting, that its text is valid UTF-8 and that no string holds a raw control character: enough to
 * hand it to a parser safely, which finds what else is wrong with it. White space between objects
 * is skipped. Anything else there is one fault, up to the next `{` or line end.
 *
 * Always: however the input is cut into pieces, the results are the same. Memory is held only
 * while an object is incomplete, and is bounded by EDGE_MAX_OBJECT.
 */
#ifndef PARLEY_GATEWAY_EDGE_JSON_H
#define PARLEY_GATEWAY_EDGE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/record.h"

/* limit: client | an object | {EDGE_MAX_OBJECT} bytes | closed with the reason, 1009 */
#define EDGE_MAX_OBJECT ((size_t)65536)
/* limit: client | nesting | {EDGE_MAX_DEPTH} | the object is a fault */
#define EDGE_MAX_DEPTH 16

/* The fault of text that is not UTF-8; callers may compare the pointer. */
extern const char edge_json_not_utf8[];

enum edge_json_result {
    EDGE_JSON_MORE,     /* the input is used up */
    EDGE_JSON_OBJECT,   /* one object; lives until the next call and as long as the input */
    EDGE_JSON_FAULT,    /* one faulty object, or garbage; the next call goes on behind it */
    EDGE_JSON_TOO_LONG, /* an object passed EDGE_MAX_OBJECT: all further input is swallowed */
    EDGE_JSON_NO_MEMORY /* for an incomplete object: the same (only YouIM's framing) */
};

/* The state of reading UTF-8 between two calls: how many continuation bytes are missing, and the
 * range of the next one. */
struct edge_json_utf8 {
    uint8_t need, low, high;
};

struct edge_json {
    struct buffer kept; /* the part of the object from earlier input */
    size_t length;      /* bytes of the object so far */
    size_t braces, brackets;
    size_t levels;     /* around each object, which count for its depth */
    const char *fault; /* the first one in this object */
    enum { EDGE_JSON_BETWEEN, EDGE_JSON_GARBAGE, EDGE_JSON_INSIDE, EDGE_JSON_BROKEN } state;
    bool in_string, escaped;
    bool handed; /* `kept` holds what the last call returned */
    struct edge_json_utf8 utf8;
};

void edge_json_init(struct edge_json *self);
void edge_json_free(struct edge_json *self);

/*
 * Takes bytes off the front of `input` until it can tell something. `*fault_r` is set with
 * EDGE_JSON_FAULT and EDGE_JSON_TOO_LONG: one English sentence, static.
 */
enum edge_json_result edge_json_next(struct edge_json *self, struct slice *input,
                                     struct slice *object_r, const char **fault_r);

/* Whether `message` is exactly one object, white space around it apart: NULL and the object, or
 * what is wrong with it. */
const char *edge_json_check(struct slice message, struct slice *object_r);
/* The same for one that will stand that many levels deep in another. */
const char *edge_json_check_within(struct slice message, size_t levels, struct slice *object_r);

#endif
