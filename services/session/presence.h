/*
 * Presence: whose first connection opened, and whose last one closed, reported to group, which
 * knows whom it concerns, and to hooks.
 *
 *     presence_note(presence, account, true, false);   sent within PRESENCE_DELAY_MS
 *     presence_note(presence, account, false, true);   sent after `grace_ms`, unless taken back
 *     presence_confirm(presence, account);             it was online all along: nothing is sent
 *     presence_release(presence);                      what is held is sent now
 *     presence_stop(presence);                         at the end
 *     while (!presence_idle(presence)) ...
 *
 * An account has one piece of news at most: what it is now, which its friends have not heard. Going
 * online after going offline, while neither was sent, leaves nothing to send, nor does the reverse,
 * so news is never older than the account's state. While group is asked about an account, changes
 * are noted, and sent behind the reply: newer news does not overtake older. News waits as long as
 * no group is there. While one answers with errors it is tried PRESENCE_ATTEMPTS times, then
 * dropped and counted, and so is further news while PRESENCE_MAX accounts wait. Nothing is stored.
 * A going in its grace is lost with this process: gateways remember it for as long, and report it
 * to the next one.
 *
 * An account whose news was sent `changes` times within PRESENCE_PAUSE_MS comes and goes too often:
 * until that time is over, its news waits for so long. It is sent at once where accounts may move
 * to other instances, and at the end; it is lost when this process is killed.
 */
#ifndef PARLEY_SESSION_PRESENCE_H
#define PARLEY_SESSION_PRESENCE_H

#include "common/service.h"
#include "services/session/hooks_link.h"

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

/*
 * limit: client | pause of an account that comes and goes more than `presence_changes` times within
 * the same time | {PRESENCE_PAUSE_MS} | then friends and members hear what it is, unless they know
 */
#define PRESENCE_PAUSE_MS 60000
/*
 * limit: session | accounts of which it is counted how often they come and go |
 * {PRESENCE_COUNTS}, 1 MiB | accounts that share a place are counted together; nobody can choose
 * that, since the places are a keyed hash's
 */
#define PRESENCE_COUNTS 65521

struct presence;

/* `group`: addresses as in peers.h. `hooks` is told, too, and borrowed. `changes` 0: no limit. NULL
 * after a logged line. */
struct presence *presence_new(struct service *service, const char *group, struct hooks_link *hooks,
                              uint64_t grace_ms, uint64_t changes);
void presence_destroy(struct presence **self);

/* `waits`: the account may have, or get, a connection that is not known here yet. */
void presence_note(struct presence *self, uint64_t account, bool online, bool waits);
void presence_confirm(struct presence *self, uint64_t account);

/* Whether the account has gone offline, but that was not sent yet. */
bool presence_holds(const struct presence *self, uint64_t account);

/* What is held is sent now: another instance may be about to have these accounts. */
void presence_release(struct presence *self);
/* News of accounts that went online is sent now, and what is held. */
void presence_stop(struct presence *self);
/* There is nothing to send, but for goings in their grace, or no group to send it to. */
bool presence_idle(const struct presence *self);

/* News that wait or are on their way. */
size_t presence_waiting(const struct presence *self);

#endif
