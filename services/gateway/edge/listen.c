/* The ports of the three transports, plain and with TLS. */
#include "services/gateway/edge/listen.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "common/log.h"

/* limit: gateway | the kernel's send buffer | {SEND_BUFFER_BYTES} | the queue fills */
/* The kernel's, per connection: what a slow client may hold besides its queue. */
#define SEND_BUFFER_BYTES 262144
/* Of `vanished_timeout_ms`: half of it without a byte, then so many probes in the other half. */
#define KEEPALIVE_PROBES 3

/* At least 1. */
static int whole_seconds(uint64_t ms) { return ms < 2000 ? 1 : (int)(ms / 1000); }

/* Accepted sockets inherit these. Probes find out about a client that is sent nothing, the user
 * time-out about one that is: it ends, too, a connection whose client reads nothing for as long. */
static void set_options(void *argument, int fd) {
    const struct edge_port *port = argument;
    const uint64_t vanished_ms = port->ports->settings->vanished_timeout_ms;
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

static void on_accepted(void *argument, int fd) {
    const struct edge_port *port = argument;
    port->ports->events->accepted(port->ports->argument, port, fd);
}

static void on_failed(void *argument) {
    const struct edge_port *port = argument;
    port->ports->events->failed(port->ports->argument);
}

static const struct listener_events listener_events = {
    .prepare = set_options, .accepted = on_accepted, .failed = on_failed};

static int open_port(struct edge_ports *self, struct ev_loop *ev, enum edge_transport transport,
                     bool tls, const char *option, int number) {
    struct edge_port *port = &self->port[tls][transport];
    const struct listen_at at = {.option = option,
                                 .addresses = self->settings->bind_address,
                                 .port = (uint16_t)number,
                                 .wait_ms = self->settings->listen_wait_ms};
    *port = (struct edge_port){.ports = self, .transport = transport, .tls = tls};
    if (number == EDGE_NO_PORT || (tls && self->settings->tls_certificate[0] == '\0'))
        return 0;
    port->wanted = true;
    port->listener = listener_new(ev, &at, &listener_events, port);
    return port->listener == NULL ? -1 : 0;
}

static bool has_any(const struct edge_ports *self) {
    for (size_t i = 0; i < EDGE_TRANSPORT_COUNT; i++)
        if (self->port[false][i].wanted || self->port[true][i].wanted)
            return true;
    return false;
}

int edge_ports_open(struct edge_ports *self, struct ev_loop *ev,
                    const struct edge_settings *settings, const struct edge_ports_events *events,
                    void *argument) {
    *self = (struct edge_ports){.settings = settings, .events = events, .argument = argument};
    if (open_port(self, ev, EDGE_WEBSOCKET, false, "http_port", settings->http_port) != 0 ||
        open_port(self, ev, EDGE_TCP, false, "tcp_port", settings->tcp_port) != 0 ||
        open_port(self, ev, EDGE_YOUIM, false, "youim_port", settings->youim_port) != 0 ||
        open_port(self, ev, EDGE_WEBSOCKET, true, "https_port", settings->https_port) != 0 ||
        open_port(self, ev, EDGE_TCP, true, "tls_tcp_port", settings->tls_tcp_port) != 0 ||
        open_port(self, ev, EDGE_YOUIM, true, "tls_youim_port", settings->tls_youim_port) != 0)
        return -1;
    if (has_any(self))
        return 0;
    log_error("start_failed",
              "reason=\"no port is left for clients: set one of http_port, tcp_port and youim_port,"
              " or tls_certificate and tls_key, which open https_port, tls_tcp_port and"
              " tls_youim_port\"");
    return -1;
}

void edge_ports_close(struct edge_ports *self) {
    for (size_t i = 0; i < EDGE_TRANSPORT_COUNT; i++) {
        listener_destroy(&self->port[false][i].listener);
        listener_destroy(&self->port[true][i].listener);
    }
}

static bool is_open(const struct edge_port *port) {
    return !port->wanted || (port->listener != NULL && listener_is_open(port->listener));
}

bool edge_ports_are_open(const struct edge_ports *self) {
    for (size_t i = 0; i < EDGE_TRANSPORT_COUNT; i++)
        if (!is_open(&self->port[false][i]) || !is_open(&self->port[true][i]))
            return false;
    return true;
}

uint16_t edge_ports_number(const struct edge_ports *self, enum edge_transport transport, bool tls) {
    const struct listener *listener = self->port[tls][transport].listener;
    return listener == NULL ? 0 : listener_port(listener);
}
