/* One entry on its way to one client: as that sees it, and if there is room. */
#ifndef PARLEY_GATEWAY_FEED_ENTRY_H
#define PARLEY_GATEWAY_FEED_ENTRY_H

#include "proto/messages.h"

struct client;

enum feed_outcome {
    FEED_WRITTEN,
    FEED_PASSED_OVER, /* it is sent some day after a 301 */
    FEED_NO_ROOM,     /* it waits until the client has taken the entries on their way */
    FEED_NO_MEMORY,
};

/* Writes the entry as this client sees it and moves its position. The texts of the entry before it
 * must be cleared (entry_texts.h). A position may be forgotten, and the table of positions become
 * full. */
enum feed_outcome feed_entry_write(struct client *client, const struct entry *entry);
/* Whether the entries that follow in the conversation are sent behind a 301. */
bool feed_entry_is_held(const struct client *client, uint64_t conversation);

#endif
