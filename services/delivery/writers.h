/*
 * Writers: threads that commit messages in batches.
 *
 * Each conversation belongs to one writer (by hash of its parties), so its messages are stored in
 * the order of their arrival. A writer takes what waits when it is free - at most ENTRIES_MAX_ROWS
 * messages and WRITERS_BATCH_BYTES of text, a request's messages together - and commits it in one
 * transaction; there is no timer. So a lone message is stored at once, and under load batches grow
 * by themselves.
 *
 * A batch that meets a lost connection is run again, WRITERS_ATTEMPTS times at most; nonces make
 * that safe also when it was the commit whose outcome is unknown. Then its senders are told
 * `unavailable`.
 */
#ifndef PARLEY_DELIVERY_WRITERS_H
#define PARLEY_DELIVERY_WRITERS_H

#include "services/delivery/delivery.h"

#define WRITERS_BATCH_BYTES ((size_t)1 << 20)
#define WRITERS_ATTEMPTS 3

/* One request's messages on their way through a writer. */
struct send {
    struct call *call; /* owned until it is answered */
    const struct delivery_send *body;
    size_t bytes; /* of text */
    enum err err;
    struct delivery_send_reply reply; /* lists in the call's arena */
    struct send *next;
};

/* Starts settings->writers threads. NULL after a logged line. `delivery` is borrowed. */
struct writers *writers_new(struct delivery *delivery);
/* Finishes what waits, joins the threads, answers. */
void writers_destroy(struct writers **self);

/* Takes the call over, to be answered on the loop; ERR_OVERLOADED when that writer's queue is full,
 * and the call stays with the caller. `key`: of the conversation's parties. */
enum err writers_submit(struct writers *self, struct call *call, const struct delivery_send *body,
                        uint64_t key) __attribute__((warn_unused_result));

#endif
