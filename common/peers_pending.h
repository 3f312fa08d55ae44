/*
 * Requests to one instance that wait for their replies, for peers.c.
 *
 *     uint64_t id = peers_pending_add(&pending, &request);      0: it takes no more
 *     if (!send(...)) peers_pending_undo(&pending, id);         `done` is not called
 *     peers_pending_reply(&pending, &envelope, address);        calls `done` of that request
 *     int64_t due_ms = peers_pending_sweep(&pending, now_ms);   and of those whose time is over
 *     peers_pending_end_all(&pending, ERR_UNAVAILABLE);         and of all others
 *
 * Always: `done` is called exactly once for each request that was added and not undone. It may add
 * requests.
 */
#ifndef PARLEY_COMMON_PEERS_PENDING_H
#define PARLEY_COMMON_PEERS_PENDING_H

#include "common/envelope.h"
#include "common/metrics.h"
#include "common/record.h"

/* limit: peer | requests on their way to one instance | {PEERS_MAX_PENDING} | `overloaded` */
/* Requests in progress to one instance. */
#define PEERS_MAX_PENDING 16384

/* `reply` (of message->reply) and `text` live for the call; `reply` is NULL unless ERR_OK. `text`
 * is NULL when there was no reply: the request may have been carried out, or may yet be. */
typedef void peers_done(void *argument, enum err err, const void *reply, const char *text);

struct peers_asked {
    const struct message_desc *message;
    peers_done *done; /* may be NULL */
    void *argument;
    uint64_t trace;
    struct histogram *seconds; /* of its round trip; may be NULL */
    int64_t asked_us, deadline_ms;
};

struct pending;

struct peers_pending {
    struct metric *const *failed; /* requests that ended with an error, by error */
    uint64_t last_id;
    struct pending *first, *last; /* in the order of asking */
    size_t count;
    struct pending *window[PEERS_MAX_PENDING]; /* by id modulo its size */
};

/* Its id, or 0: there is no room, or no memory. */
uint64_t peers_pending_add(struct peers_pending *self, const struct peers_asked *asked)
    __attribute__((warn_unused_result));
/* It was not sent: it ends without its `done`. */
void peers_pending_undo(struct peers_pending *self, uint64_t id);
/* A reply or an error. The request it belongs to may have ended already. */
void peers_pending_reply(struct peers_pending *self, const struct envelope *envelope,
                         const char *address);
/* Ends those whose time is over, with ERR_TIMEOUT. When the next one's is; INT64_MAX: none waits.
 */
int64_t peers_pending_sweep(struct peers_pending *self, int64_t now_ms);
void peers_pending_end_all(struct peers_pending *self, enum err err);

#endif
