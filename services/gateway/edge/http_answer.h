/* An answer over HTTP: its head, and its body or the first piece of it. */
#ifndef PARLEY_GATEWAY_EDGE_HTTP_ANSWER_H
#define PARLEY_GATEWAY_EDGE_HTTP_ANSWER_H

#include "services/gateway/edge/connection_private.h"

/* limit: gateway | sockets of HTTP that are kept for a further request, with those that have not
 * asked for anything yet | {EDGE_KEPT_SOCKETS} | further ones are closed behind their answer */
#define EDGE_KEPT_SOCKETS 64

struct edge_http_answer {
    const char *status; /* "200 OK" */
    const char *type;   /* NULL: there is no body */
    const char *cache;  /* for Cache-Control */
    const char *more;   /* further whole header lines, "" for none */
    struct slice body;
    struct edge_site *site; /* of which the body is; NULL: it is not of any */
    bool last;              /* the socket is closed behind it, whatever was asked for */
};

/* Answers the request that `wsi` is at. Returns what libwebsockets is to get. */
int edge_http_answer(struct edge_shared *shared, struct lws *wsi,
                     const struct edge_http_answer *answer);

#endif
