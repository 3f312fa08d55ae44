/*
 * Writers: threads that commit texts in batches.
 *
 * Each conversation belongs to one writer (by hash of its parties), so its texts are stored in the
 * order of their arrival. A writer that is free takes the waiting texts - at most ENTRIES_MAX_ROWS
 * texts and WRITERS_BATCH_BYTES of them, a request's texts together - and commits them in one
 * transaction; there is no timer. So a lone text is stored at once, and under load batches grow by
 * themselves.
 *
 * A batch that meets a lost connection is run again, BATCH_ATTEMPTS times at most; nonces make
 * that safe even when the outcome of the commit is unknown. After that its senders get
 * `unavailable` or `unknown_outcome`.
 */
#ifndef PARLEY_DELIVERY_WRITERS_H
#define PARLEY_DELIVERY_WRITERS_H

#include "services/delivery/delivery.h"

#define WRITERS_BATCH_BYTES ((size_t)1 << 20)

/* Starts settings->writers threads. NULL after a logged line. `delivery` is borrowed. */
struct writers *writers_new(struct delivery *delivery);
/* Finishes the waiting texts, joins the threads, replies. */
void writers_destroy(struct writers **self);

struct writers_texts {
    const struct delivery_send *body; /* lives as long as the call */
    uint64_t reworded;                /* a bit for each text: its nonce came with other words */
    bool stored;                      /* all were there: nothing of it is stored now */
};

/* Takes the call over, to be replied to on the loop; ERR_OVERLOADED when that writer's queue is
 * full, and the call stays with the caller. `key`: of the conversation's parties. */
enum err writers_submit(struct writers *self, struct call *call, const struct writers_texts *texts,
                        uint64_t key) __attribute__((warn_unused_result));

#endif
