/*
 * The edge's ports. They are bound and accepted on here rather than by libwebsockets, which
 * gives up a port that is taken without saying so, and spins when descriptors run out.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "services/gateway/edge_private.h"

/* Accepted in one go before others have their turn. */
#define ACCEPT_BUDGET 64
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
static void set_options(int fd, uint64_t vanished_ms) {
    const int on = 1, send_bytes = SEND_BUFFER_BYTES, probes = KEEPALIVE_PROBES;
    const int idle = whole_seconds(vanished_ms / 2);
    const int interval = whole_seconds(vanished_ms / 2 / KEEPALIVE_PROBES);
    const unsigned user_timeout = (unsigned)vanished_ms;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof user_timeout);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* A listening socket, or -1 with errno. */
static int open_socket(const struct addrinfo *address, uint64_t vanished_ms) {
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    set_options(fd, vanished_ms);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static uint16_t port_of(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } bound = {0};
    socklen_t length = sizeof bound;
    if (getsockname(fd, &bound.any, &length) != 0)
        return 0;
    return ntohs(bound.any.sa_family == AF_INET6 ? bound.in6.sin6_port : bound.in.sin_port);
}

/* What accept can't do without: descriptors or memory. Any other failure is that one client's. */
static bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void starve(struct edge *edge, int error) {
    log_warn("accept_starved", "error=\"%s\" sockets=%zu", strerror(error), edge->sockets);
    edge->starved = true;
    for (size_t i = 0; i < EDGE_TRANSPORT_COUNT; i++)
        ev_io_stop(edge->ev, &edge->listeners[i].io);
}

void edge_refused(struct edge *edge, enum edge_transport transport) {
    log_debug("connection_refused", "transport=%s", transport_name(transport));
    edge->handlers->on_refused(edge->argument);
}

void edge_let_in(struct edge *edge, enum edge_transport transport, int fd, struct edge_peer *peer) {
    size_t sockets = edge->sockets + edge->arrival_count;
    bool full = transport == EDGE_WEBSOCKET ? sockets >= edge->limit + EDGE_SPARE_SOCKETS
                                            : edge->count >= edge->limit;
    if (full) {
        edge_refused(edge, transport);
        close(fd);
        free(peer);
        return;
    }
    const lws_adopt_desc_t socket = {
        .vh = edge->vhost,
        .type = transport == EDGE_WEBSOCKET ? LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP : LWS_ADOPT_SOCKET,
        .fd = {.sockfd = fd},
        .vh_prot_name = transport == EDGE_WEBSOCKET ? NULL : edge->protocols[transport].name,
        .opaque = peer};
    /* Closes the descriptor when it fails, and may have told of the socket's end by then. */
    edge->adopted = peer;
    if (lws_adopt_descriptor_vhost_via_info(&socket) == NULL)
        free(edge->adopted);
    edge->adopted = NULL;
}

static void on_accept(struct ev_loop *ev, ev_io *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_listener *listener = watcher->data;
    for (int i = 0; i < ACCEPT_BUDGET; i++) {
        int fd = accept4(watcher->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            if (listener->edge->settings->proxy_protocol)
                edge_proxy_await(listener->edge, listener->transport, fd);
            else
                edge_let_in(listener->edge, listener->transport, fd, NULL);
        } else if (is_shortage(errno)) {
            starve(listener->edge, errno);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

static int listen_on(struct edge *edge, enum edge_transport transport, uint16_t port) {
    struct edge_listener *listener = &edge->listeners[transport];
    const char *host = edge->settings->bind_address;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *address = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    int status = getaddrinfo(host, service, &hints, &address);
    if (status != 0) {
        log_error("listen_failed", "transport=%s address=%s port=%u error=\"%s\"",
                  transport_name(transport), host, port, gai_strerror(status));
        return -1;
    }
    int fd = open_socket(address, edge->settings->vanished_timeout_ms);
    freeaddrinfo(address);
    if (fd < 0) {
        log_error("listen_failed", "transport=%s address=%s port=%u error=\"%s\"",
                  transport_name(transport), host, port, strerror(errno));
        return -1;
    }
    *listener = (struct edge_listener){.edge = edge, .transport = transport, .port = port_of(fd)};
    ev_io_init(&listener->io, on_accept, fd, EV_READ);
    listener->io.data = listener;
    ev_io_start(edge->ev, &listener->io);
    return 0;
}

int edge_listen(struct edge *edge) {
    for (size_t i = 0; i < EDGE_TRANSPORT_COUNT; i++)
        edge->listeners[i].io.fd = -1;
    if (listen_on(edge, EDGE_WEBSOCKET, edge->settings->http_port) != 0 ||
        listen_on(edge, EDGE_TCP, edge->settings->tcp_port) != 0 ||
        listen_on(edge, EDGE_YOUIM, edge->settings->youim_port) != 0)
        return -1;
    return 0;
}

void edge_listen_again(struct edge *edge) {
    if (!edge->starved)
        return;
    edge->starved = false;
    for (size_t i = 0; i < EDGE_TRANSPORT_COUNT; i++)
        if (edge->listeners[i].io.fd >= 0)
            ev_io_start(edge->ev, &edge->listeners[i].io);
}

void edge_listen_stop(struct edge *edge) {
    for (size_t i = 0; i < EDGE_TRANSPORT_COUNT; i++) {
        ev_io *io = &edge->listeners[i].io;
        if (io->fd < 0)
            continue;
        ev_io_stop(edge->ev, io);
        close(io->fd);
        io->fd = -1;
    }
}
