/*
 * The edge's ports (listen.h), and whom they let in: libwebsockets gets the accepted sockets. Its
 * own listening gives up a port that is taken without saying so, and spins without descriptors.
 */
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "services/gateway/edge/private.h"

/* Of the kernel's, per connection: what a slow client may hold besides its queue. */
#define SEND_BUFFER_BYTES 262144
/* Of `vanished_timeout_ms`: half of it without a word, then so many probes in the other half. */
#define KEEPALIVE_PROBES 3

static const char *transport_name(enum edge_transport transport) {
    static const char *const names[] = {"http", "tcp", "youim"};
    return names[transport];
}

/* At least 1. */
static int whole_seconds(uint64_t ms) { return ms < 2000 ? 1 : (int)(ms / 1000); }

/* Accepted sockets inherit these. Probes find out about a client that is sent nothing, the user
 * time-out about one that is: it ends, too, what a client does not read for as long. */
static void set_options(void *argument, int fd) {
    const struct edge_listener *listener = argument;
    const uint64_t vanished_ms = listener->edge->settings->vanished_timeout_ms;
    const int on = 1, send_bytes = SEND_BUFFER_BYTES, probes = KEEPALIVE_PROBES;
    const int idle = whole_seconds(vanished_ms / 2);
    const int interval = whole_seconds(vanished_ms / 2 / KEEPALIVE_PROBES);
    const unsigned user_timeout = (unsigned)vanished_ms;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof user_timeout);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void edge_refused(struct edge *edge, enum edge_transport transport) {
    log_debug("connection_refused", "transport=%s", transport_name(transport));
    edge->handlers->on_refused(edge->argument);
}

void edge_let_in(struct edge *edge, enum edge_transport transport, int fd,
                 struct edge_remote *remote) {
    size_t sockets = edge->sockets + edge->arrival_count;
    bool full = transport == EDGE_WEBSOCKET ? sockets >= edge->limit + EDGE_SPARE_SOCKETS
                                            : edge->count >= edge->limit;
    if (full) {
        edge_refused(edge, transport);
        close(fd);
        free(remote);
        return;
    }
    const lws_adopt_desc_t socket = {
        .vh = edge->vhost,
        .type = transport == EDGE_WEBSOCKET ? LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP : LWS_ADOPT_SOCKET,
        .fd = {.sockfd = fd},
        .vh_prot_name = transport == EDGE_WEBSOCKET ? NULL : edge->protocols[transport].name,
        .opaque = remote};
    /* Closes the descriptor when it fails, and may have told of the socket's end by then. */
    edge->adopted = remote;
    if (lws_adopt_descriptor_vhost_via_info(&socket) == NULL)
        free(edge->adopted);
    edge->adopted = NULL;
}

static void let_in(void *argument, int fd) {
    const struct edge_listener *listener = argument;
    if (listener->edge->settings->proxy_protocol)
        edge_proxy_await(listener->edge, listener->transport, fd);
    else
        edge_let_in(listener->edge, listener->transport, fd, NULL);
}

static void on_failed(void *argument) {
    const struct edge_listener *listener = argument;
    listener->edge->handlers->on_failed(listener->edge->argument);
}

static const struct listener_events events = {
    .prepare = set_options, .accepted = let_in, .failed = on_failed};

static int listen_on(struct edge *edge, enum edge_transport transport, const char *option,
                     uint16_t port) {
    struct edge_listener *self = &edge->listeners[transport];
    const struct listen_at at = {.option = option,
                                 .addresses = edge->settings->bind_address,
                                 .port = port,
                                 .wait_ms = edge->settings->listen_wait_ms};
    *self = (struct edge_listener){.edge = edge, .transport = transport};
    self->listener = listener_new(edge->ev, &at, &events, self);
    return self->listener == NULL ? -1 : 0;
}

int edge_listen(struct edge *edge) {
    if (listen_on(edge, EDGE_WEBSOCKET, "http_port", edge->settings->http_port) != 0 ||
        listen_on(edge, EDGE_TCP, "tcp_port", edge->settings->tcp_port) != 0 ||
        listen_on(edge, EDGE_YOUIM, "youim_port", edge->settings->youim_port) != 0)
        return -1;
    return 0;
}

void edge_listen_stop(struct edge *edge) {
    for (size_t i = 0; i < EDGE_TRANSPORT_COUNT; i++)
        listener_destroy(&edge->listeners[i].listener);
}

bool edge_is_listening(const struct edge *edge) {
    for (size_t i = 0; i < EDGE_TRANSPORT_COUNT; i++)
        if (edge->listeners[i].listener == NULL || !listener_is_open(edge->listeners[i].listener))
            return false;
    return true;
}

uint16_t edge_port(const struct edge *edge, enum edge_transport transport) {
    const struct listener *listener = edge->listeners[transport].listener;
    return listener == NULL ? 0 : listener_port(listener);
}
