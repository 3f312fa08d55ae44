/*
 * How long a request to another service is tried: one that failed for now is sent again after a
 * pause that grows, until the time for all of it is over.
 *
 *     retry_start(&retry, send_timeout_ms);
 *     ... ask, with retry_remaining_ms() as the timeout: an instance that is not lost is not asked
 *     a second time for what it is still working on
 *     retry.pause_ms = retry_next_pause_ms(retry.pause_ms);
 *     if (retry_is_transient(err) && retry_allows(&retry, retry.pause_ms)) ... ask again then
 *     else ... report the failure
 */
#ifndef PARLEY_GATEWAY_RETRY_H
#define PARLEY_GATEWAY_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/loop.h"

/*
 * limit: gateway | how long any other request, its look-ups included, is tried |
 * {send_timeout_ms}; an instance that is there is waited for, one that was lost is asked again
 * after pauses of {RETRY_FIRST_PAUSE_MS} to {RETRY_MAX_PAUSE_MS} | the client gets `unavailable`,
 * `timeout` or `unknown_outcome`; `overloaded` at once
 */
/* Before the second try, and at most; twice as long each time. */
#define RETRY_FIRST_PAUSE_MS 50
#define RETRY_MAX_PAUSE_MS 800

struct retry {
    int64_t until_ms; /* as loop_now_ms */
    int64_t pause_ms; /* before the next try; 0: there was one try at most */
    bool unknown;     /* a try may have been carried out although it failed */
};

static inline void retry_start(struct retry *self, uint64_t for_ms) {
    *self = (struct retry){.until_ms = loop_now_ms() + (int64_t)for_ms};
}

/* The instance is not there, died while it worked on it, or could not do it for now. */
static inline bool retry_is_transient(enum err err) {
    return err == ERR_UNAVAILABLE || err == ERR_TIMEOUT || err == ERR_UNKNOWN_OUTCOME;
}

/* The same, or it has too much to do: for requests that are retried until their time is over
 * anyway. */
static inline bool retry_is_transient_or_overload(enum err err) {
    return retry_is_transient(err) || err == ERR_OVERLOADED;
}

/* Whether a try that ended so, with peers_done's `text`, may have been carried out all the same, or
 * may yet be: asking again with the same nonce would settle it. */
static inline bool retry_is_unknown(enum err err, const char *text) {
    return err == ERR_UNKNOWN_OUTCOME || (err != ERR_OK && text == NULL);
}

/* The pause that follows one of `pause_ms`; 0: the first. */
static inline int64_t retry_next_pause_ms(int64_t pause_ms) {
    if (pause_ms == 0)
        return RETRY_FIRST_PAUSE_MS;
    return pause_ms * 2 < RETRY_MAX_PAUSE_MS ? pause_ms * 2 : RETRY_MAX_PAUSE_MS;
}

/* Whether the time is not over after a wait of `wait_ms`. */
static inline bool retry_allows(const struct retry *self, int64_t wait_ms) {
    return loop_now_ms() + wait_ms < self->until_ms;
}

/* At least 1. */
static inline uint64_t retry_remaining_ms(const struct retry *self) {
    int64_t remaining_ms = self->until_ms - loop_now_ms();
    return remaining_ms > 0 ? (uint64_t)remaining_ms : 1;
}

#endif
