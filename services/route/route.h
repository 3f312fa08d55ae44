/*
 * Routing: from a commit to the sessions that know who is online.
 *
 *     struct route_batch *batch = route_batch_new();
 *     route_batch_add(batch, &entry, accounts, count);     any thread, one at a time
 *     route_post(router, &batch);                          any thread; on the loop it goes out
 *     route_post_live(router, &batch);                     the same for entries that are not stored
 *
 * A batch is split by account over the session instances (rendezvous hash) and sent as one request
 * to each; entries for everyone go to every instance. A request that fails is sent again, to the
 * instances that have those accounts by then, at most ROUTE_ATTEMPTS times. Entries that still fail
 * are not remembered one by one: they are in the message log. The router remembers only that
 * something was missed, and has every gateway catch up (`session.dirty`) as soon as a session
 * answers. It does so, too, whenever a session is found or lost.
 *
 * A live batch, whose items are not in the message log, has no such second way. So it is held, in
 * order, while no session is there and for `grace_ms` after one was found or lost: gateways notice
 * that at other moments, and then bind their clients there. So is one that failed.
 *
 * Entries of one conversation may arrive out of order after a retry; the gateway sees that by
 * `prev`.
 */
#ifndef PARLEY_ROUTE_H
#define PARLEY_ROUTE_H

#include "common/peers.h"
#include "proto/messages.h"

/*
 * limit: delivery | how often a route is tried | {ROUTE_ATTEMPTS} | missed, counted
 * (`route_lost_total`): gateways catch up
 */
#define ROUTE_ATTEMPTS 3
/*
 * limit: delivery | entries that wait for sessions' replies | {ROUTE_MAX_BYTES} | missed,
 * counted (`route_lost_total`): gateways catch up
 */
/* Bytes of entries that are held or wait for sessions' replies; beyond it entries count as missed.
 */
#define ROUTE_MAX_BYTES ((size_t)64 << 20)

struct router;
struct route_batch;

/* `session_peers` as in peers.h; `grace_ms` 0 where live entries may be lost. NULL after a logged
 * line. */
struct router *router_new(struct service *service, const char *session_peers, uint64_t grace_ms);
void router_destroy(struct router **self);
/* A session is there. */
bool router_ready(const struct router *self);
/* Nothing waits for a reply, or to be sent to a session that is there. */
bool router_idle(struct router *self);

/* NULL without memory. */
struct route_batch *route_batch_new(void);
void route_batch_destroy(struct route_batch **self);
/* Packs the entry and copies the accounts. -1 without memory: nothing was added. */
int route_batch_add(struct route_batch *self, const struct entry *entry, const uint64_t *accounts,
                    size_t count) __attribute__((warn_unused_result));
/* The same for an entry that goes to every connection there is. */
int route_batch_add_everyone(struct route_batch *self, const struct entry *entry)
    __attribute__((warn_unused_result));

/* Takes the batch over and sends it from the loop. Thread-safe. */
void route_post(struct router *self, struct route_batch **batch);
void route_post_live(struct router *self, struct route_batch **batch);
/* Has the account's connections closed, wherever a session has them now. On the loop alone. */
void route_kick(struct router *self, uint64_t account, enum kick_cause cause);
/* As if a batch had been lost; for a caller that had no memory for one. Thread-safe. */
void route_missed(struct router *self);

#endif
