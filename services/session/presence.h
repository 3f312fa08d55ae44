/*
 * Presence: whose first connection opened, and whose last one closed, reported to group, which
 * knows whom it concerns.
 *
 *     presence_note(presence, account, true, false);   sent within PRESENCE_DELAY_MS
 *     presence_note(presence, account, false, true);   sent after `grace_ms`, unless taken back
 *     presence_confirm(presence, account);             it was online all along: nothing is sent
 *     presence_stop(presence);                         at the end
 *     while (!presence_idle(presence)) ...
 *
 * What waits is kept per account: a coming that follows a going that was not sent leaves nothing to
 * send, nor does the reverse, so news is never older than the account's state; nor does newer news
 * overtake what group has not replied to yet. It waits as long as no group is there. While one
 * answers with errors it is tried PRESENCE_ATTEMPTS times, then dropped and counted, and so is
 * further news while PRESENCE_MAX accounts wait. Nothing is stored. A going in its grace is lost
 * with this process: gateways remember it for as long, and report it to the next one.
 */
#ifndef PARLEY_SESSION_PRESENCE_H
#define PARLEY_SESSION_PRESENCE_H

#include "common/service.h"

/*
 * limit: session | accounts whose news of presence waits | {PRESENCE_MAX}, some 7 MB; sent
 * within {PRESENCE_DELAY_MS}, {REQUEST_MAX} at once | further ones are dropped and counted
 * (`presence_dropped_total`): presence is not stored
 */
/* Accounts whose news waits. */
#define PRESENCE_MAX 65536
#define PRESENCE_DELAY_MS 20
/*
 * limit: session | how often the same news is tried while group refuses it; the pause |
 * {PRESENCE_ATTEMPTS}; {PRESENCE_RETRY_MS}. While no group is there it waits | dropped and
 * counted, too
 */
/* How often the same news is tried, and how long after a failure. */
#define PRESENCE_ATTEMPTS 10
#define PRESENCE_RETRY_MS 1000

struct presence;

/* `group_peers` as in peers.h, borrowed. NULL after a logged line. */
struct presence *presence_new(struct service *service, const char *group_peers, uint64_t grace_ms);
void presence_destroy(struct presence **self);

/* `waits`: the account may have, or get, a connection that is not known here yet. */
void presence_note(struct presence *self, uint64_t account, bool online, bool waits);
void presence_confirm(struct presence *self, uint64_t account);

/* Whether the account has gone, but nobody heard so yet. */
bool presence_holds(const struct presence *self, uint64_t account);

/* Comings that wait are sent now. */
void presence_stop(struct presence *self);
/* There is nothing to send, but for goings in their grace, or no group to send it to. */
bool presence_idle(const struct presence *self);

/* News that wait or are on their way. */
size_t presence_waiting(const struct presence *self);

#endif
