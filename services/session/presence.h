/*
 * Presence: whose first connection opened, and whose last one closed, told to group, which knows
 * whom it concerns.
 *
 *     presence_note(presence, account, true);      from the loop; told within PRESENCE_DELAY_MS
 *
 * News goes out in the order in which it came, one request at a time. Nothing of it is stored: what
 * no group takes within some attempts, or what comes while PRESENCE_MAX news wait, is dropped.
 */
#ifndef PARLEY_SESSION_PRESENCE_H
#define PARLEY_SESSION_PRESENCE_H

#include "common/service.h"

#define PRESENCE_MAX 65536
#define PRESENCE_DELAY_MS 20

struct presence;

/* `group_peers` as in peers.h, borrowed. NULL after a logged line. */
struct presence *presence_new(struct service *service, const char *group_peers);
void presence_destroy(struct presence **self);

void presence_note(struct presence *self, uint64_t account, bool online);

/* News that wait or are on their way. */
size_t presence_waiting(const struct presence *self);

#endif
