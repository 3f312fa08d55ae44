/*
 * How long a request to another service is tried: what failed for now is asked again after a pause
 * that grows, until the time for all of it is over.
 *
 *     patience_start(&patience, send_timeout_ms);
 *     ... ask, and wait for the answer for patience_left_ms(): what an instance that is not lost
 *     is still at is not asked a second time
 *     if (patience_may_pass(err) && patience_wait(&patience)) ... ask again at patience.again_ms
 *     else ... tell that it failed
 */
#ifndef PARLEY_GATEWAY_PATIENCE_H
#define PARLEY_GATEWAY_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/loop.h"

/* Before the second try, and at most; twice as long each time. */
#define PATIENCE_FIRST_PAUSE_MS 50
#define PATIENCE_MAX_PAUSE_MS 800

struct patience {
    int64_t until_ms, again_ms, pause_ms; /* the first two as loop_now_ms */
    bool unknown; /* one of the tries got no answer, or one that can't tell what was done */
};

static inline void patience_start(struct patience *self, uint64_t for_ms) {
    *self = (struct patience){.until_ms = loop_now_ms() + (int64_t)for_ms};
}

/* The instance is not there, has died on it, or says that it could not do it for now. */
static inline bool patience_may_pass(enum err err) {
    return err == ERR_UNAVAILABLE || err == ERR_TIMEOUT || err == ERR_UNKNOWN_OUTCOME;
}

/* Whether a try that ended so, with peers_done's `text`, may have been carried out all the same, or
 * may yet be: asking again under the same nonce would tell. */
static inline bool patience_is_unknown(enum err err, const char *text) {
    return err == ERR_UNKNOWN_OUTCOME || (err != ERR_OK && text == NULL);
}

/* The same, or it has too much to do: for what is asked again until its time is over anyway. */
static inline bool patience_will_pass(enum err err) {
    return patience_may_pass(err) || err == ERR_OVERLOADED;
}

/* The pause behind one of `pause_ms`; 0: the first. */
static inline int64_t patience_next_pause_ms(int64_t pause_ms) {
    if (pause_ms == 0)
        return PATIENCE_FIRST_PAUSE_MS;
    return pause_ms * 2 < PATIENCE_MAX_PAUSE_MS ? pause_ms * 2 : PATIENCE_MAX_PAUSE_MS;
}

/* false: the time would be over by then. */
static inline bool patience_wait(struct patience *self) {
    self->pause_ms = patience_next_pause_ms(self->pause_ms);
    self->again_ms = loop_now_ms() + self->pause_ms;
    return self->again_ms < self->until_ms;
}

/* At least 1. */
static inline uint64_t patience_left_ms(const struct patience *self) {
    int64_t left_ms = self->until_ms - loop_now_ms();
    return left_ms > 0 ? (uint64_t)left_ms : 1;
}

#endif
