/*
 * Which calls of the HTTP API ask services: KEY_CALLS_AT_ONCE of each API key. Its others wait in
 * line, so that in no service's queue more than these stand before anybody else's request, however
 * many calls a key makes.
 *
 *     switch (key_lines_enter(lines, key, &call->place)) ... KEY_PLACE_GOES: go; KEY_PLACE_WAITS
 *     next = key_lines_leave(lines, &call->place);       whose turn it is now; NULL: nobody's
 *
 * Pure. A place is its owner's, all zero at
 * first; it leaves before it is freed, and leaving twice, or one that never entered, does nothing.
 */
#ifndef PARLEY_GATEWAY_KEY_LINES_H
#define PARLEY_GATEWAY_KEY_LINES_H

#include <stdint.h>

/* limit: gateway | calls of an API key that are carried out at once | {KEY_CALLS_AT_ONCE} | the
 * others wait in line, which counts as a part of `send_timeout_ms`; then 503 */
#define KEY_CALLS_AT_ONCE 32

struct key_lines;
struct key_line;

enum key_place_state {
    KEY_PLACE_NONE, /* of key_lines_enter: without memory */
    KEY_PLACE_WAITS,
    KEY_PLACE_GOES
};

struct key_place {
    enum key_place_state state;
    void *owner; /* its owner's to set and use */
    struct key_line *line;
    struct key_place *prev, *next; /* of those that wait */
};

/* NULL without memory. */
struct key_lines *key_lines_new(void) __attribute__((warn_unused_result));
/* All have left. */
void key_lines_destroy(struct key_lines **self);

enum key_place_state key_lines_enter(struct key_lines *self, uint64_t key, struct key_place *place)
    __attribute__((warn_unused_result));
/* The one that goes in its stead, if any. */
struct key_place *key_lines_leave(struct key_lines *self, struct key_place *place)
    __attribute__((warn_unused_result));

#endif
