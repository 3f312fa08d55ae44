/*
 * Removes tokens that expired more than a day ago: a clock that was wrong for a while takes none.
 *
 *     struct expired *expired = expired_new(service);
 *
 * It runs for as long as the service does, as steps on the service's pool. A pass looks at one
 * token after the other, in the order of their hashes, without a lock on those that it leaves. A
 * step holds a lock of the database server, so only one instance works at a time; an instance that
 * finds another one at it waits until its next pass is due.
 */
#ifndef PARLEY_AUTH_EXPIRED_H
#define PARLEY_AUTH_EXPIRED_H

#include "common/service.h"

/*
 * limit: service | tokens that a step of the removal of expired ones looks at (auth); pause behind
 * it | {EXPIRED_LOOK}; 4 times as long as it took, at least {EXPIRED_PAUSE_MS} {EXPIRED_REST:} |
 * the next step goes on
 */
#define EXPIRED_LOOK 256
#define EXPIRED_PAUSE_MS 20
#define EXPIRED_REST 4
/*
 * limit: client | expired tokens are kept | a day, in case a clock was wrong, and until the next
 * pass, {EXPIRED_EVERY_MS} after the one before | removed
 */
#define EXPIRED_EVERY_MS 21600000

struct expired;

/* NULL without memory. It must end after the service's pool. */
struct expired *expired_new(struct service *service) __attribute__((warn_unused_result));
void expired_destroy(struct expired **self);

#endif
