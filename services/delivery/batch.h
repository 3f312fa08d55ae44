/* One batch of texts: from requests to committed rows, their replies, and what to route. */
#ifndef PARLEY_DELIVERY_BATCH_H
#define PARLEY_DELIVERY_BATCH_H

#include "common/service.h"
#include "services/entries/head_cache.h"
#include "services/route/route.h"

/*
 * limit: delivery | how often a batch is tried | {BATCH_ATTEMPTS}, within the time of the
 * sender that has the least left | `unavailable`, `unknown_outcome` after a lost `COMMIT`; the
 * gateway tries again
 */
/* How often a batch is tried that meets a lost connection or a busy database. */
#define BATCH_ATTEMPTS 3

/* The texts of one delivery.send on their way through a writer. */
struct submission {
    struct call *call; /* owned until it has its reply */
    const struct delivery_send *body;
    size_t bytes;      /* of text */
    uint64_t reworded; /* a bit for each text: its nonce came with other words */
    bool stored;       /* all were there: they get their first reply, and nothing is stored */
    enum err err;
    uint64_t until_ms;                /* of ERR_MUTED: when it may write again */
    uint64_t wait_ms;                 /* of ERR_SLOW_MODE: how long it has to wait */
    struct slice *files;              /* packed, of its texts, in the batch's arena; NULL: none */
    struct delivery_send_reply reply; /* lists in the call's arena */
    struct submission *next;
};

/*
 * Commits what can be committed and sets `err` and `reply` of every submission. Returns the entries
 * to route, or NULL when there are none. `missed_r`: something was committed, or may be, that is
 * not among them. Blocks; at most ENTRIES_MAX_ROWS texts.
 * `friends_only`: people get texts from friends alone.
 */
struct route_batch *batch_run(struct db *db, struct head_cache *cache, uint64_t instance,
                              bool friends_only, struct submission **submissions, size_t count,
                              bool *missed_r);

#endif
