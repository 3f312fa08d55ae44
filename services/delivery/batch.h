/* One batch of messages: from requests to committed rows, their answers, and what to route. */
#ifndef PARLEY_DELIVERY_BATCH_H
#define PARLEY_DELIVERY_BATCH_H

#include "services/delivery/writers.h"

/*
 * Commits what can be committed and sets `err` and `reply` of every send. Returns the entries to
 * route, or NULL when there are none. `missed_r`: something was committed but could not be packed
 * for routing. Blocks; at most ENTRIES_MAX_ROWS sends.
 */
struct route_batch *batch_run(struct db *db, struct head_cache *cache, uint64_t instance,
                              struct send **sends, size_t count, bool *missed_r);

#endif
