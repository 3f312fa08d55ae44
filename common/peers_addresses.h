/*
 * The addresses that a list of peers stands for, for peers.c.
 *
 *     struct peers_addresses *addresses = peers_addresses_new(ev, list, changed, argument);
 *     peers_addresses_destroy(&addresses);
 *
 * A host of the list (peers_list.h) that is not numeric is a name, however it is written. Names are
 * looked up again every PEERS_LOOK_UP_MS on a thread of their own, since DNS reports no changes:
 * each address behind one is an instance; one that cannot be looked up at the moment keeps those
 * that it had. ZeroMQ never gets a name: it would look it up on the thread that serves all sockets.
 */
#ifndef PARLEY_COMMON_PEERS_ADDRESSES_H
#define PARLEY_COMMON_PEERS_ADDRESSES_H

#include <ev.h>
#include <stddef.h>

#include "common/peers_list.h"

/* `tcp://host:port` with a numeric host, also of IPv6. */
#define PEERS_ADDRESS_BYTES 96
/*
 * limit: peer | look-ups of names | every second, one after another {PEERS_LOOK_UP_MS:} | a
 * failed one changes nothing
 */
#define PEERS_LOOK_UP_MS 1000

struct peers_addresses;

struct peers_address_list {
    char addresses[PEERS_MAX][PEERS_ADDRESS_BYTES];
    size_t count;
};

/* On the loop, with all addresses as of now. */
typedef void peers_addresses_changed(void *argument, const struct peers_address_list *list);

/* Calls `handle` with the numeric addresses before it returns, and again with all whenever a name
 * was looked up. NULL: no thread, or no memory, can be had. */
struct peers_addresses *peers_addresses_new(struct ev_loop *ev, const struct peers_list *list,
                                            peers_addresses_changed *handle, void *argument);
/* Does not wait long for a look-up that is under way. */
void peers_addresses_destroy(struct peers_addresses **self);

#endif
