/* An answer over HTTP: its head, with what every answer has, and its body. */
#ifndef PARLEY_GATEWAY_EDGE_HTTP_ANSWER_H
#define PARLEY_GATEWAY_EDGE_HTTP_ANSWER_H

#include "services/gateway/edge/http_socket.h"

/* limit: gateway | sockets of HTTP that are kept for a further request, with those that have not
 * asked for anything yet | {EDGE_KEPT_SOCKETS} | further ones are closed behind their answer */
#define EDGE_KEPT_SOCKETS 64
/* limit: gateway | files over HTTP in more than one piece, on their way at once |
 * {EDGE_DOWNLOADS_MAX} | 503, with Retry-After */
#define EDGE_DOWNLOADS_MAX 64

struct edge_http_answer {
    const char *status; /* "200 OK" */
    const char *type;   /* NULL: there is no body */
    const char *cache;  /* for Cache-Control */
    const char *more;   /* further whole header lines, "" for none */
    struct slice body;
    struct edge_site *site; /* of which the body is; NULL: it is not of any */
    bool last;              /* the socket is closed behind it, whatever was asked for */
};

bool edge_http_is(const struct edge_http_request *request, const char *method);

/* Answers the request that `socket` is at; an empty one, which could not be read, too. */
void edge_http_answer(struct edge_http_socket *socket, const struct edge_http_request *request,
                      const struct edge_http_answer *answer);

#endif
