/*
 * Presence: whose first connection opened, and whose last one closed, told to group, which knows
 * whom it concerns.
 *
 *     presence_note(presence, account, true, false);  the loop; told within PRESENCE_DELAY_MS
 *     presence_confirm(presence, account);            it was here all along: nothing is told
 *     presence_flush(presence);                       at the end: tells now what is held back
 *     while (!presence_idle(presence)) ...
 *
 * What waits is kept per account: a going that follows an untold coming leaves nothing to tell, so
 * news is never older than the account's state; nor does newer news overtake what group has not
 * answered yet. It waits as long as no group is there. While one answers with errors it is tried
 * PRESENCE_ATTEMPTS times, then dropped and counted, and so is what comes while PRESENCE_MAX
 * accounts wait. Nothing is stored: a process that is killed takes with it what it had not told.
 *
 * Who comes or goes while instances of session come or go may still be connected through a gateway
 * that has yet to bind its clients here. So all news of the first `settle_ms` after the start, and
 * what is noted with `moving`, is held back for that time; presence_confirm takes it back.
 */
#ifndef PARLEY_SESSION_PRESENCE_H
#define PARLEY_SESSION_PRESENCE_H

#include "common/service.h"

/* Accounts whose news waits. */
#define PRESENCE_MAX 65536
#define PRESENCE_DELAY_MS 20
/* How often the same news is tried, and how long after a failure. */
#define PRESENCE_ATTEMPTS 10
#define PRESENCE_RETRY_MS 1000

struct presence;

/* `group_peers` as in peers.h, borrowed. NULL after a logged line. */
struct presence *presence_new(struct service *service, const char *group_peers, uint64_t settle_ms);
void presence_destroy(struct presence **self);

void presence_note(struct presence *self, uint64_t account, bool online, bool moving);
void presence_confirm(struct presence *self, uint64_t account);

void presence_flush(struct presence *self);
/* Nothing waits, or there is nobody to tell it to. */
bool presence_idle(const struct presence *self);

/* News that wait or are on their way. */
size_t presence_waiting(const struct presence *self);

#endif
