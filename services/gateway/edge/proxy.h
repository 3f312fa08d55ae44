/*
 * The line that a proxy writes in front of a client's bytes, to say who the client is: version 1 of
 * the PROXY protocol, which HAProxy (`send-proxy`), nginx and others speak.
 *
 *     PROXY TCP4 192.0.2.7 192.0.2.1 56324 5999\r\n
 */
#ifndef PARLEY_GATEWAY_EDGE_PROXY_H
#define PARLEY_GATEWAY_EDGE_PROXY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/record.h"

/* The longest line there may be, its end included. */
#define EDGE_PROXY_LINE_BYTES ((size_t)107)

/* The other end of a connection. */
struct edge_remote {
    char host[INET6_ADDRSTRLEN]; /* in the usual form, without brackets; "?" where unknown */
    unsigned port;               /* 0 where unknown */
};

/* Takes a whole line, its "\r\n" included. false: it is none. true, and an empty host, where the
 * proxy doesn't know its client (UNKNOWN). */
bool edge_proxy_parse(struct slice line, struct edge_remote *remote_r)
    __attribute__((warn_unused_result));

#endif
