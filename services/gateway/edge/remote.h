/*
 * The far end of a client's socket: the address that the socket is connected to or, behind a proxy,
 * the one in the line that the proxy writes in front of the client's bytes. That is version 1 of
 * the PROXY protocol, which HAProxy (`send-proxy`), nginx and others speak:
 *
 *     PROXY TCP4 192.0.2.7 192.0.2.1 56324 5999\r\n
 */
#ifndef PARLEY_GATEWAY_EDGE_REMOTE_H
#define PARLEY_GATEWAY_EDGE_REMOTE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/record.h"

/* The longest line there may be, its end included. */
#define EDGE_PROXY_LINE_BYTES ((size_t)107)
/* An address with its port. */
#define EDGE_ADDRESS_BYTES (INET6_ADDRSTRLEN + 8)

struct edge_address;

struct edge_remote {
    char host[INET6_ADDRSTRLEN];  /* in the usual form, without brackets; "?" where unknown */
    unsigned port;                /* 0 where unknown */
    struct edge_address *counted; /* addresses.h; NULL: it is not */
};

/* Takes a whole line, its "\r\n" included. false: it isn't one. true, and an empty host, where the
 * proxy doesn't know its client (UNKNOWN). */
bool edge_remote_parse(struct slice line, struct edge_remote *remote_r)
    __attribute__((warn_unused_result));
/* The far end of a socket. */
void edge_remote_find(int fd, struct edge_remote *remote_r);

/* Where an address takes both families, an IPv4 client has an IPv6 address that holds its own:
 * takes its own. */
void edge_remote_unmap(struct edge_remote *remote);
/* "192.0.2.7:56324", "[2001:db8::1]:56324". */
void edge_remote_write(const struct edge_remote *remote, char address_r[EDGE_ADDRESS_BYTES]);

#endif
