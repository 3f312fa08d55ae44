/*
 * How many sockets and connections each address of clients has (common/address_key.h), up to
 * `max` connections.
 *
 *     if (!edge_addresses_admit(&addresses, host, &address)) ... close the socket at once ...
 *     if (edge_address_is_full(&addresses, address)) ... refuse the connection, with a reason ...
 *     edge_address_connect(address);                  it is open
 *     edge_address_disconnect(&addresses, address);   its end; and that of its socket, in any
 * order: edge_addresses_release(&addresses, address);
 *
 * A socket that is no connection (yet) asks for something over HTTP, or is shaking hands: there may
 * be EDGE_ADDRESS_SPARE_SOCKETS more of an address than `max`. An address is in the table as long
 * as it has any, so the table is as large as the limits of sockets allow.
 */
#ifndef PARLEY_GATEWAY_EDGE_ADDRESSES_H
#define PARLEY_GATEWAY_EDGE_ADDRESSES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * limit: client | sockets of one address beyond its connections (requests over HTTP, handshakes) |
 * {EDGE_ADDRESS_SPARE_SOCKETS} more than `connections_per_address` | closed at once
 */
#define EDGE_ADDRESS_SPARE_SOCKETS 64

struct edge_address;

struct edge_addresses {
    uint64_t max; /* 0: no limit, and nothing is counted */
    struct edge_address *all;
};

/* A socket more; false: too many, or no memory. `*address_r`: NULL where it is not counted, since
 * there is no limit or `host` is no address. */
bool edge_addresses_admit(struct edge_addresses *self, const char *host,
                          struct edge_address **address_r) __attribute__((warn_unused_result));
/* All below take NULL for an address that is not counted. */
void edge_addresses_release(struct edge_addresses *self, struct edge_address *address);

bool edge_address_is_full(const struct edge_addresses *self, const struct edge_address *address);
void edge_address_connect(struct edge_address *address);
void edge_address_disconnect(struct edge_addresses *self, struct edge_address *address);

/* Exchanges over HTTP (exchange.h) that are under way; each has a socket that is counted. */
uint64_t edge_address_exchanges(const struct edge_address *address);
void edge_address_begin_exchange(struct edge_address *address);
void edge_address_end_exchange(struct edge_address *address);

#endif
