/*
 * Who may see the operator's page, which is the folder `admin` of the page's files. Pure.
 *
 *     if (edge_admin_is_at(path) && !edge_admin_is_open(list, proxied, host, &request)) ... 404
 *
 * A program between the client and this server hides the client's address, unless it names it by
 * the PROXY protocol. Where it says so in a header, or speaks HTTP/1.0, or where the loopback
 * address asks for a server that is not this machine's own, nobody knows who is there, and the page
 * is not open.
 */
#ifndef PARLEY_GATEWAY_EDGE_ADMIN_H
#define PARLEY_GATEWAY_EDGE_ADMIN_H

#include "services/gateway/edge/http_header.h"

/* Whether the path, unescaped, is of the page's files. */
bool edge_admin_is_at(struct slice path);
/* `addresses`: a list of common/address_ranges.h; `proxied`: the client's address, `host`, is from
 * the PROXY protocol. */
bool edge_admin_is_open(const char *addresses, bool proxied, const char *host,
                        const struct edge_http_request *request);

#endif
