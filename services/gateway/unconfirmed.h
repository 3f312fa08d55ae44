/*
 * Entries that a client that confirms was shown and has not confirmed yet.
 *
 * Such a client is the only one to move its account's cursors. It cannot confirm an entry for which
 * its dialect has no message: such an entry moves the cursor by itself when nothing that was shown
 * before it waits to be confirmed, else together with that. Of each conversation it is sent
 * POSITIONS_MAX_UNCONFIRMED entries ahead of what it has confirmed, and the rest when it confirms:
 * that much at most is repeated at its next login, and no conversation waits for another.
 */
#ifndef PARLEY_GATEWAY_UNCONFIRMED_H
#define PARLEY_GATEWAY_UNCONFIRMED_H

#include "proto/messages.h"
#include "services/gateway/positions.h"

struct client;

/* Whether a conversation has POSITIONS_MAX_UNCONFIRMED entries that wait to be confirmed: what
 * follows there is sent behind a 301. */
bool unconfirmed_is_full(const struct position *position);
/* A stored entry of a conversation that has a position went to a client that confirms, or would
 * have if its dialect had a message for it (`shown`). */
void unconfirmed_wrote(struct client *client, const struct entry *entry, bool shown);
/* Takes `cid` as confirmed. Returns the cid to which the cursor moves: a later one where the client
 * was shown none of the entries that follow. */
uint64_t unconfirmed_confirm(struct position *position, uint64_t cid);

#endif
