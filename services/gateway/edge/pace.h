/*
 * Pacing, for clients that look now and then and take one read for one text.
 *
 *     edge_pace_init(&pace, ev, on_pace, connection);
 *     edge_pace_set(&pace, 150);                                     0: not paced (any more)
 *     length = edge_pace_limit(&pace, queued); ... write that much ...
 *     edge_pace_wrote(&pace, written);
 *     on_pace:   if (edge_pace_is_over(&pace, acknowledged, fd)) ... write the next text
 *
 * Two texts that lie in the client's socket together are lost on it. Only the acknowledgement shows
 * that the first one has arrived there, so the next is written `ms` after that. No event announces
 * an acknowledgement: the timer looks when it may be time, and runs only while a text waits for it.
 */
#ifndef PARLEY_GATEWAY_EDGE_PACE_H
#define PARLEY_GATEWAY_EDGE_PACE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/record.h"

struct edge_pace {
    struct ev_loop *ev;
    ev_timer timer; /* while it is active, nothing further is written */
    uint64_t ms;    /* after each text; 0: not paced */
    bool known;     /* the text is acknowledged, and it was looked at since when */
};

void edge_pace_init(struct edge_pace *self, struct ev_loop *ev,
                    void (*on_pace)(struct ev_loop *, ev_timer *, int), void *data);
void edge_pace_stop(struct edge_pace *self);
void edge_pace_set(struct edge_pace *self, uint64_t ms);
bool edge_pace_holds(const struct edge_pace *self);

/* How much of what is queued may be written now. */
size_t edge_pace_limit(const struct edge_pace *self, struct slice queued);
/* These bytes were written. */
void edge_pace_wrote(struct edge_pace *self, struct slice bytes);
/* For the timer: whether the next text may be written. If not, the timer runs again.
 * `acknowledged`: all that was written is. */
bool edge_pace_is_over(struct edge_pace *self, bool acknowledged, int fd);

#endif
