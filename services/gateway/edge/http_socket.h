/*
 * A socket of the HTTP port, plain or TLS, as long as it is no WebSocket: requests' heads that
 * arrive one after the other, and their answers, of which long ones go out piece by piece.
 *
 *     edge_http_begin(shared, wsi, ask);           ask is called for each head, and answers by one
 * of edge_http_write(socket, bytes, &body, keep);     an answer; then the next request, or the end
 *     edge_http_leave(socket, &rest);                  it is a WebSocket's from now on
 *     edge_http_writeable(socket);                 libwebsockets can write
 *     edge_http_free(&socket);                     libwebsockets has closed it
 *
 * A request is looked at once the one before it is answered; so many requests at once cost no
 * memory. A piece is handed over once the kernel has taken the one before, so a slow client costs a
 * piece and its socket. One that takes nothing for `vanished_timeout_ms` is cut.
 *
 * Where a client may still send something behind the last answer (it was refused, or has a body),
 * that is read and dropped, within bounds: input that nobody reads would make the kernel cut the
 * connection before the client has the answer.
 */
#ifndef PARLEY_GATEWAY_EDGE_HTTP_SOCKET_H
#define PARLEY_GATEWAY_EDGE_HTTP_SOCKET_H

#include "services/gateway/edge/connection_private.h"
#include "services/gateway/edge/http_header.h"
#include "services/gateway/edge/site.h"

/* limit: gateway | a file over HTTP that is handed over in one piece | {EDGE_PIECE_BYTES} | the
 * rest piece by piece, each once the client has taken the one before */
#define EDGE_PIECE_BYTES ((size_t)65536)
/* limit: client | requests over one HTTP socket | {EDGE_REQUESTS_MAX} | closed behind the answer */
#define EDGE_REQUESTS_MAX 100

struct edge_http_socket;

/* A head was judged: EDGE_HTTP_WHOLE, with the request, or a verdict that refuses it. false: the
 * socket was left. */
typedef bool edge_http_ask(struct edge_http_socket *socket, enum edge_http_verdict verdict,
                           const struct edge_http_request *request);

enum edge_http_state {
    EDGE_HTTP_AWAITING,  /* the next request */
    EDGE_HTTP_ANSWERING, /* nothing is read */
    EDGE_HTTP_ENDING,    /* what is read goes nowhere */
    EDGE_HTTP_OVER       /* to be closed in the next turn */
};

struct edge_http_socket {
    struct edge_shared *shared;
    struct lws *wsi;
    edge_http_ask *ask;
    ev_io readable;
    ev_timer timer; /* for what is awaited of the client */
    enum edge_http_state state;
    struct buffer in;  /* begins with the head that is awaited, or answered */
    bool begun;        /* a byte of it has arrived */
    unsigned requests; /* with the one that is being answered */
    bool keep;
    bool more;                  /* the client may send more than the request */
    struct edge_site *site;     /* held while `rest` is a part of it */
    struct slice rest;          /* of the body */
    size_t dropped, drop_bytes; /* behind the last answer; of that, at most */
};

/* What follows the head of an answer. */
struct edge_http_body {
    struct slice bytes;
    struct edge_site *site; /* of which the bytes are a file; NULL: they live for the call */
};

/* Takes over the socket, whose handshake is done. 0, or -1 without memory. */
int edge_http_begin(struct edge_shared *shared, struct lws *wsi, edge_http_ask *ask)
    __attribute__((warn_unused_result));
/* Writes the answer's head and body; `keep`: a further request may follow. A body without a site
 * has at most EDGE_PIECE_BYTES. */
void edge_http_write(struct edge_http_socket *self, struct buffer *head,
                     const struct edge_http_body *body, bool keep);
/* Takes back a socket that was left, and whose request was answered since. `keep`: the next one may
 * follow, and begins with `rest`; else what still comes goes nowhere, up to `drop_bytes`. 0, or -1
 * without memory. */
int edge_http_take_back(struct edge_shared *shared, struct lws *wsi, edge_http_ask *ask,
                        struct slice rest, bool keep, size_t drop_bytes)
    __attribute__((warn_unused_result));
/* Gives the socket up, and frees. `rest_r` gets what was read behind the request. */
void edge_http_leave(struct edge_http_socket *self, struct buffer *rest_r);
void edge_http_writeable(struct edge_http_socket *self);
void edge_http_free(struct edge_http_socket **self);

#endif
