/*
 * YouIM's binary framing: 1 byte msgType, 4 bytes length (big-endian), then that many bytes of
 * JSON, the object under `msgBody`; no body where the length is 0. It is turned into the object
 * that the other transports carry, and back. Used as json.h is:
 *
 *     struct edge_youim youim;
 *     edge_youim_init(&youim);
 *     while ((result = edge_youim_next(&youim, &input, &scratch, &object, &fault)) !=
 *            EDGE_JSON_MORE) ...
 *     edge_youim_free(&youim);
 *
 * Always: however the input is cut into pieces, the results are the same. Memory is held only while
 * a frame is incomplete, and at most EDGE_MAX_OBJECT bytes.
 */
#ifndef PARLEY_GATEWAY_EDGE_YOUIM_H
#define PARLEY_GATEWAY_EDGE_YOUIM_H

#include <stdbool.h>

#include "services/gateway/edge/json.h"

#define EDGE_YOUIM_HEAD_BYTES 5

struct edge_youim {
    struct buffer kept; /* the incomplete frame */
    bool broken;        /* a frame was too long, or there was no memory: no more is taken */
};

void edge_youim_init(struct edge_youim *self);
void edge_youim_free(struct edge_youim *self);

/*
 * Takes bytes off the front of `input` until there is a result. The object, at most EDGE_MAX_OBJECT
 * bytes, lies in `scratch`, which may hold that much. `*fault_r` is set for all that is neither
 * EDGE_JSON_MORE nor EDGE_JSON_OBJECT: one English sentence, static.
 */
enum edge_json_result edge_youim_next(struct edge_youim *self, struct slice *input,
                                      struct buffer *scratch, struct slice *object_r,
                                      const char **fault_r);

/* The head of the frame for a text, and its body as two parts of the text: all of that but its
 * msgType. false: it has none, or one above 255. The text has no white space outside of strings. */
bool edge_youim_frame(struct slice text, unsigned char head[EDGE_YOUIM_HEAD_BYTES],
                      struct slice *before_r, struct slice *after_r);

#endif
