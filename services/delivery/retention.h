/*
 * Removes entries of the message log that are older than they are kept: `retention_days`, or of a
 * group the days that the operator has set (`parleyctl group retention`). 0 days: for ever.
 *
 *     struct retention *retention = retention_new(service, days);
 *
 * It runs for as long as the service does, as steps on the service's pool. A pass looks at one
 * conversation after the other, in the order of their numbers; where it stands is in the database,
 * so an instance that ends leaves the rest to another one. A step holds a lock of the database
 * server, so only one instance works at a time.
 *
 * Always:
 * - the removed part of a conversation is its beginning, as time never falls in it: an entry that
 *   is there has all behind it, and one that is gone nothing before it;
 * - where all is removed, the conversation keeps the last cid (`removed_cid`), under the lock of
 * its head, so the next entry follows it; otherwise nothing is locked that writers need.
 */
#ifndef PARLEY_DELIVERY_RETENTION_H
#define PARLEY_DELIVERY_RETENTION_H

#include "common/service.h"

/*
 * limit: delivery | entries that retention removes in one transaction; conversations, time of a
 * step; pause behind it | {RETENTION_ROWS}; {RETENTION_LOOK}, {RETENTION_STEP_MS}; 4 times as long
 * as it took, at least {RETENTION_PAUSE_MS} {RETENTION_REST:} | the next step goes on
 */
#define RETENTION_ROWS 500
#define RETENTION_LOOK 256
#define RETENTION_STEP_MS 50
#define RETENTION_PAUSE_MS 10
/* Pauses are so many times as long as the step before: the database belongs to others then. */
#define RETENTION_REST 4
/*
 * limit: delivery | time from the end of a pass of retention to the next; pause where it fails, or
 * another instance is at it | {RETENTION_EVERY_MS}; {RETENTION_RETRY_MS} | -
 */
#define RETENTION_EVERY_MS 3600000
#define RETENTION_RETRY_MS 60000

struct retention;

/* NULL without memory. It must end after the service's pool. */
struct retention *retention_new(struct service *service, uint64_t days)
    __attribute__((warn_unused_result));
void retention_destroy(struct retention **self);

#endif
