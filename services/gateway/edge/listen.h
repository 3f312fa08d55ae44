/*
 * The edge's ports (common/listen.h), with the options that accepted sockets inherit.
 *
 *     edge_ports_open(&ports, ev, &settings, &events, argument);       0, or -1 with a logged line
 *     ... events.accepted, for each client ...
 *     edge_ports_close(&ports);
 *
 * They are our own since libwebsockets gives up a port that is taken without saying so, and spins
 * without descriptors.
 */
#ifndef PARLEY_GATEWAY_EDGE_LISTEN_H
#define PARLEY_GATEWAY_EDGE_LISTEN_H

#include <ev.h>

#include "common/listen.h"
#include "services/gateway/edge/connection.h"
#include "services/gateway/edge/settings.h"

struct edge_port;

struct edge_ports_events {
    /* A client's socket, which is the callee's from now on. */
    void (*accepted)(void *argument, const struct edge_port *port, int fd);
    /* A port was not free in time, as the log says. */
    void (*failed)(void *argument);
};

struct edge_port {
    struct listener *listener;
    struct edge_ports *ports;
    enum edge_transport transport;
    bool tls;
    bool wanted; /* it is, or will be, open */
};

struct edge_ports {
    struct edge_port port[2]
                         [EDGE_TRANSPORT_COUNT]; /* with TLS or not, and by enum edge_transport */
    const struct edge_settings *settings;
    const struct edge_ports_events *events;
    void *argument;
};

int edge_ports_open(struct edge_ports *self, struct ev_loop *ev,
                    const struct edge_settings *settings, const struct edge_ports_events *events,
                    void *argument) __attribute__((warn_unused_result));
void edge_ports_close(struct edge_ports *self);
bool edge_ports_are_open(const struct edge_ports *self);
/* 0 while it isn't open. */
uint16_t edge_ports_number(const struct edge_ports *self, enum edge_transport transport, bool tls);

#endif
