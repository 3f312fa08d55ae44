/*
 * Clients behind a proxy: its line about each of them (remote.h) is read before libwebsockets is
 * given the socket, so that all transports are alike in it. Not a byte of the client's own is taken
 * off the socket, be it TLS or not.
 *
 *     edge_proxy_start(&proxy, ev, let_in, argument);
 *     edge_proxy_await(&proxy, port, fd);     then let_in, or the socket is closed within 5 s
 *     edge_proxy_stop(&proxy);                     closes those that still wait
 *
 * The caller limits how many wait: `count` is how many do.
 */
#ifndef PARLEY_GATEWAY_EDGE_PROXY_H
#define PARLEY_GATEWAY_EDGE_PROXY_H

#include <ev.h>
#include <stddef.h>
#include <sys/queue.h>

#include "services/gateway/edge/remote.h"

struct edge_port;

/* The line has arrived. The socket is the callee's; `remote` is NULL where the proxy doesn't know
 * its client. */
typedef void edge_proxy_let_in(void *argument, const struct edge_port *port, int fd,
                               const struct edge_remote *remote);

TAILQ_HEAD(edge_arrivals, edge_arrival);

struct edge_proxy {
    struct ev_loop *ev;
    edge_proxy_let_in *let_in;
    void *argument;
    struct edge_arrivals arrivals; /* oldest first */
    size_t count;
    ev_timer timer; /* runs while an arrival waits, until the oldest one's time is over */
};

void edge_proxy_start(struct edge_proxy *self, struct ev_loop *ev, edge_proxy_let_in *let_in,
                      void *argument);
/* Takes the socket. -1 without memory, and the socket is still the caller's. `port` is handed to
 * let_in. */
int edge_proxy_await(struct edge_proxy *self, const struct edge_port *port, int fd)
    __attribute__((warn_unused_result));
void edge_proxy_stop(struct edge_proxy *self);

#endif
