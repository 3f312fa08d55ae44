/*
 * Confirmations by clients: entries have arrived (301), or were read (302), and so have arrived.
 *
 * The gateway knows that entries that it has written to the connection itself can be received: the
 * move goes with the others, in bulk, and the request's 300 waits until it is stored. Anything else
 * is delivery's to check and to store.
 */
#ifndef PARLEY_GATEWAY_RECEIVED_H
#define PARLEY_GATEWAY_RECEIVED_H

#include <stdbool.h>
#include <stdint.h>

struct client;
struct gateway;
struct received;

struct client_received {
    bool awaits_stored; /* its request is answered when so many cursors' moves are stored */
    uint64_t stored_after;
    int64_t stored_by_ms;
    struct client *next_stored, *prev_stored;
};

/* NULL without memory. */
struct received *received_new(struct gateway *gateway);
void received_destroy(struct received **self);
/* 301 or 302, whose group and person have their numbers; ends with request_finish, now or later. */
void received_start(struct client *client);
/* Further moves are stored: answers the clients that wait for them. */
void received_stored(struct received *self);
/* The connection is gone. */
void received_stop(struct client *client);

#endif
