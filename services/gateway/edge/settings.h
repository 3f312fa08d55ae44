/* How an edge is set up. Read at edge_new and from then on: borrowed for the edge's life. */
#ifndef PARLEY_GATEWAY_EDGE_SETTINGS_H
#define PARLEY_GATEWAY_EDGE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"

#define EDGE_NO_PORT (-1)

/* Of exchanges over HTTP (exchange.h). */
struct edge_transfers_settings {
    uint64_t transfers_max, transfers_per_address; /* at once */
    uint64_t transfer_silence_ms;                  /* how long nothing of a body may arrive */
    uint64_t transfer_least_bytes;                 /* a second; 0: as slow as they like */
    uint64_t transfer_rate_ms;                     /* over how long that is measured, at least 1 */
};
extern const struct config_option edge_transfers_options[];

struct edge_settings {
    const char *bind_address; /* numeric addresses, as of listen.h */
    /* EDGE_NO_PORT: none; 0: the kernel chooses, edge_port returns it. The second three have TLS.
     */
    int http_port, tcp_port, youim_port;
    int https_port, tls_tcp_port, tls_youim_port;
    const char *tls_certificate, *tls_key; /* PEM files; both empty: no TLS port is opened */
    uint64_t listen_wait_ms;               /* for ports that are taken */
    uint64_t ping_interval_ms;     /* without a byte from the client; and to answer a ping */
    uint64_t vanished_timeout_ms;  /* for the client's kernel to acknowledge; whole seconds */
    uint64_t handshake_timeout_ms; /* to complete an HTTP request; at most 20 s */
    uint64_t idle_timeout_ms;      /* of HTTP between two requests; at most 60 s */
    uint64_t end_timeout_ms;       /* to carry out what a client sent before it closed */
    uint64_t send_queue_bytes;     /* per connection */
    /* Over all of them: beyond it a connection's queue takes EDGE_SHARE_BYTES, or one text. */
    uint64_t send_queues_bytes;
    /* Beyond it new connections are closed at once (WebSocket status 1013). Lowered where the limit
     * of open files asks for it. */
    uint64_t max_connections;
    /* Of one address (IPv6: its /64); 0: no limit. Further ones are closed with a reason: WebSocket
     * status 1013, else a fault of the owner's. */
    uint64_t connections_per_address;
    /* Memory for input of connections that are not trusted (edge_trust), over all of them: beyond
     * it one of those that hold most is closed (1013). */
    uint64_t untrusted_input_bytes;
    /* Clients come through a proxy that begins each connection with a line of the PROXY protocol
     * (version 1), on all ports. A connection without it is cut after 5 s. */
    bool proxy_protocol;
    struct edge_transfers_settings transfers;
    const char *allowed_origins; /* of pages that may open WebSockets, as origin.h has it */
    const char *admin_addresses; /* from which its folder `admin` is served, as admin.h has it */
    const char *web_root;        /* folder of the page's files; empty: there is no page */
    const char *info;            /* JSON for /api/info */
};

#endif
