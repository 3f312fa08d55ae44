/* What the parts of an exchange share: exchange.c has its life and its answer, exchange_body.c the
 * body of its request, exchange_wait.c its timer. */
#ifndef PARLEY_GATEWAY_EDGE_EXCHANGE_PARTS_H
#define PARLEY_GATEWAY_EDGE_EXCHANGE_PARTS_H

#include "services/gateway/edge/exchange.h"
#include "services/gateway/edge/http_socket.h"
#include "services/gateway/edge/rate.h"

struct edge_exchange {
    struct edge_shared *shared;
    struct lws *wsi;
    struct edge_socket *socket;
    edge_http_ask *ask;
    void *owner;
    struct edge_turns *turns; /* in which it works */
    struct edge_turn turn;    /* to read, or to write: */
    edge_turn_work *work;
    ev_io readable;
    ev_timer timer;                   /* for what is awaited */
    struct edge_rate rate;            /* of what is read, or written */
    struct edge_http_request request; /* in `asked` */
    struct buffer asked;              /* the head */
    struct buffer ahead;              /* what was read behind it, and not handed over */
    enum edge_method method;
    struct slice path, query; /* `path` in `unescaped` */
    uint64_t length;          /* of the body */
    uint64_t body_left;       /* of it, that has not been handed over */
    size_t announced;         /* so many of them make the socket readable */
    bool late;                /* its time is over, unless something is there */
    bool owned;               /* the owner was told of it */
    bool keep;                /* a further request may follow */
    bool reading;             /* the owner takes the body */
    bool expects;             /* the client waits for 100 Continue */
    bool end_handed;          /* the owner was told of the body's end */
    bool answered;            /* the answer's head is made */
    bool writing;             /* on_taken is due */
    bool cut;
    struct buffer head; /* of the answer, not written yet, and a short body */
    struct slice piece; /* not written yet; the owner's */
    uint64_t left;      /* bytes of the answer that the owner has not given yet */
    char unescaped[EDGE_TARGET_BYTES];
};

static inline const struct edge_exchange_handlers *
edge_exchange_handlers_of(const struct edge_exchange *exchange) {
    return exchange->shared->handlers->exchanges;
}

/* Cut, unless it is called again before. */
void edge_exchange_wait_for_client(struct edge_exchange *exchange, uint64_t ms);
void edge_exchange_wait_for_owner(struct edge_exchange *exchange);
/* The client has sent so many bytes, or taken them: if that is too slow, it is cut. */
void edge_exchange_moved(struct edge_exchange *exchange, size_t bytes);
/* It reads, or writes, in its turn. */
void edge_exchange_join(struct edge_exchange *exchange);

/* From now on the socket can be read once so many bytes are there, at most a piece. */
void edge_exchange_announce(struct edge_exchange *exchange, size_t bytes);
/* Nothing was announced for as long as may be: reads what is there all the same, or cuts it. */
void edge_exchange_look_late(struct edge_exchange *exchange);
/* The socket can be read. */
void edge_exchange_readable(struct ev_loop *ev, ev_io *watcher, int revents);
/* Hands over what is there of the body, or its end; how many bytes it was. */
size_t edge_exchange_read_body(struct edge_exchange *exchange);

#endif
