/* How an edge is set up. Read at edge_new and from then on: borrowed for the edge's life. */
#ifndef PARLEY_GATEWAY_EDGE_SETTINGS_H
#define PARLEY_GATEWAY_EDGE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct edge_settings {
    const char *bind_address;                 /* numeric addresses, as of listen.h */
    uint16_t http_port, tcp_port, youim_port; /* 0: the kernel chooses, edge_port returns it */
    uint64_t listen_wait_ms;                  /* for ports that are taken */
    uint64_t ping_interval_ms;     /* without a byte from the client; and to answer a ping */
    uint64_t vanished_timeout_ms;  /* for the client's kernel to acknowledge; whole seconds */
    uint64_t handshake_timeout_ms; /* to complete an HTTP request; at most 20 s */
    uint64_t end_timeout_ms;       /* to carry out what a client sent before it closed */
    uint64_t send_queue_bytes;     /* per connection */
    /* Over all of them: beyond it a connection's queue takes EDGE_SHARE_BYTES, or one text. */
    uint64_t send_queues_bytes;
    /* Beyond it new connections are closed at once (WebSocket status 1013). Lowered where the limit
     * of open files asks for it. */
    uint64_t max_connections;
    /* Clients come through a proxy that begins each connection with a line of the PROXY protocol
     * (version 1), on all three ports. A connection without it is cut after 5 s. */
    bool proxy_protocol;
};

#endif
