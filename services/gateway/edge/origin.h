/*
 * Which pages may open WebSockets here. A browser names the page's server in the header Origin
 * (RFC 6454), which no page can forge; other programs send none.
 *
 *     if (!edge_origins_check(list, &wrong)) ... once, at the start ...
 *     edge_origin_is_allowed(list, origin, host)
 *
 * A list has origins with commas between them: `https://chat.example.org`, with `:8443` where the
 * port is not the scheme's own; `null`, which is what pages without a server send; `*` for any.
 * Pages of this server itself need no place in it: their origin names the host, and the port, that
 * the header Host names. All of it is pure.
 */
#ifndef PARLEY_GATEWAY_EDGE_ORIGIN_H
#define PARLEY_GATEWAY_EDGE_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/record.h"

/* Whether each item of the list can match. false: `wrong_r` is the first that cannot. */
bool edge_origins_check(const char *list, struct slice *wrong_r)
    __attribute__((warn_unused_result));
/* Whether a page of `origin` may speak with this server, which the client calls `host`. */
bool edge_origin_is_allowed(const char *list, struct slice origin, struct slice host);

#endif
