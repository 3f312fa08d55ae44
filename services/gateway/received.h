/* What a client says has arrived (301); see received.c. */
#ifndef PARLEY_GATEWAY_RECEIVED_H
#define PARLEY_GATEWAY_RECEIVED_H

#include "proto/messages.h"
#include "services/gateway/positions.h"

struct client;
struct gateway;

struct client_received {
    bool awaits_stored; /* its request is answered when so many cursors' moves are stored */
    uint64_t stored_after;
    int64_t stored_by_ms;
    struct client *next_stored, *prev_stored;
};

/* A stored entry of a conversation that has a position went to a client that confirms, or would
 * have if its dialect had a message for it (`shown`). */
void received_wrote(struct client *client, const struct entry *entry, bool shown);
/* Whether a conversation has POSITIONS_MAX_UNCONFIRMED entries that wait to be confirmed: what
 * follows there is sent behind a 301. */
bool received_is_full(const struct position *position);
/* 301, whose group and person have their numbers; ends with client_finish, now or later. */
void received_start(struct client *client);
/* Answers those whose cursors are stored, and those who have waited too long. */
void received_tick(struct gateway *gateway, int64_t now_ms);
/* The connection is gone. */
void received_stop(struct client *client);

#endif
