/*
 * The envelope of an internal message: one ZeroMQ frame that holds two msgpack objects, the header
 * `[kind, id, name]`, of a request with up to three more: `trace`, `wait_ms`, `credential`, and the
 * body, a map (see record.h). Header elements behind these are ignored, so that a later version may
 * add some.
 */
#ifndef PARLEY_COMMON_ENVELOPE_H
#define PARLEY_COMMON_ENVELOPE_H

#include "common/error.h"
#include "common/messages.h"
#include "common/record.h"

/*
 * limit: session | one push | 4,096 entries, 65,536 connections an entry, {ENVELOPE_MAX_BYTES}
 * | several pushes
 */
/*
 * limit: service | an internal message | {ENVELOPE_MAX_BYTES} | a longer frame costs its sender
 * the connection; a longer reply becomes `internal`
 */
/* No internal message is longer; a frame that is, is refused by ZMQ_MAXMSGSIZE. */
#define ENVELOPE_MAX_BYTES ((size_t)8 << 20)
/* limit: service | name of an internal message | {ENVELOPE_MAX_NAME} bytes | the message is
 * malformed */
#define ENVELOPE_MAX_NAME 48
/* limit: service | the credential in a request's header | {ENVELOPE_MAX_CREDENTIAL} bytes |
 * it counts as none */
#define ENVELOPE_MAX_CREDENTIAL 64

struct envelope {
    enum envelope_kind kind;
    uint64_t id;       /* the caller's, echoed in the reply; 0 in an event */
    struct slice name; /* of the message; in replies and errors that of the request */
    uint64_t trace;    /* of a request: the client's request behind it (log.h); 0: none */
    uint64_t wait_ms;  /* of a request: how long its caller waits for the reply; 0: not known */
    /* Of a request: the API key for which it is sent; empty: none. A secret: it is never logged. */
    struct slice credential;
    struct slice body; /* the packed map */
};

/* Appends header and body; `out->failed`: there is no room. `body` may be NULL for an empty
 * map. */
void envelope_pack(enum envelope_kind kind, uint64_t id, const char *name,
                   const struct record_desc *desc, const void *body, struct buffer *out);
/* The same for a request: id, name, trace, wait_ms and credential are those of `header`. */
void envelope_pack_request(const struct envelope *header, const struct record_desc *desc,
                           const void *body, struct buffer *out);

/* Slices point into `frame`. -1 when it is no envelope. */
int envelope_unpack(struct slice frame, struct envelope *envelope_r)
    __attribute__((warn_unused_result));

#endif
