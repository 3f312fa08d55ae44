/* Life of the edge: letting clients in, up to the limit of connections, and the orderly end. */
/*
 * limit: client | connections whose proxy has not sent its line yet | with all others,
 * `max_connections` and `EDGE_SPARE_SOCKETS` | closed at once
 */
#include "services/gateway/edge/edge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/files.h"
#include "common/log.h"
#include "common/loop.h"
#include "services/gateway/edge/connection_private.h"
#include "services/gateway/edge/http.h"
#include "services/gateway/edge/listen.h"
#include "services/gateway/edge/proxy.h"
#include "services/gateway/edge/site.h"
#include "services/gateway/edge/tcp.h"

/*
 * limit: client | connections that the limit of open files allows | files less 512 and
 * `transfers_max` {RESERVED_FILES:} {EDGE_SPARE_SOCKETS:} {FILES_MAX:} | fewer connections,
 * `connection_limit` is logged at start
 */
/* The process's descriptors that are not clients': links, database, log. */
#define RESERVED_FILES 256
/*
 * limit: gateway | closing all at the end | 2.5 s for requests that were read, {CLOSE_ALL_MS}
 * for the queues, then 0.5 s {END_ALL_MS:} {CUT_MS:} | cut
 */
/* Of edge_close_all: time for objects that were read; for the queues and the clients' answers; for
 * the cuts. */
#define END_ALL_MS 2500
#define CLOSE_ALL_MS 1000
#define CUT_MS 500

struct edge {
    struct edge_ports ports;
    struct edge_proxy proxy;
    struct edge_shared shared;
};

/* --- letting in --- */

static size_t connection_limit(const struct edge_settings *settings) {
    uint64_t files = files_limit();
    uint64_t kept = RESERVED_FILES + EDGE_SPARE_SOCKETS + settings->transfers.transfers_max;
    uint64_t possible = files > 2 * kept ? files - kept : files / 2;
    if (settings->max_connections <= possible)
        return settings->max_connections;
    log_warn("connection_limit", "wanted=%llu now=%llu file_limit=%llu",
             (unsigned long long)settings->max_connections, (unsigned long long)possible,
             (unsigned long long)files);
    return possible;
}

static bool is_full_of_sockets(const struct edge *edge) {
    return edge->shared.library.sockets + edge->proxy.count >=
           edge->shared.limit + EDGE_SPARE_SOCKETS + edge->shared.settings->transfers.transfers_max;
}

static void refuse(struct edge *edge, enum edge_transport transport, int fd) {
    static const char *const names[] = {"http", "tcp", "youim"};
    edge_connection_refused(&edge->shared, names[transport]);
    close(fd);
}

/* A proxy that doesn't know its client is not the client: its own address is not counted.
 * false: there are too many sockets of the address. */
static bool find_remote(struct edge *edge, int fd, const struct edge_remote *given,
                        struct edge_remote *remote_r) {
    bool counts = given != NULL || !edge->shared.settings->proxy_protocol;
    if (given != NULL)
        *remote_r = *given;
    else
        edge_remote_find(fd, remote_r);
    edge_remote_unmap(remote_r);
    return !counts || edge_addresses_admit(&edge->shared.library.addresses, remote_r->host,
                                           &remote_r->counted);
}

/* At the limits of connections a client is refused with a reason, once it is open. */
static void let_in(void *argument, const struct edge_port *port, int fd,
                   const struct edge_remote *given) {
    struct edge *edge = argument;
    bool websocket = port->transport == EDGE_WEBSOCKET;
    struct edge_remote remote;
    if (is_full_of_sockets(edge) || (!websocket && edge->shared.count >= edge->shared.limit)) {
        refuse(edge, port->transport, fd);
        return;
    }
    if (!find_remote(edge, fd, given, &remote)) {
        edge->shared.handlers->on_limited(edge->shared.argument, EDGE_LIMIT_ADDRESS);
        close(fd);
        return;
    }
    edge_library_adopt(&edge->shared.library, port->transport, port->tls, fd, &remote);
}

static void on_accepted(void *argument, const struct edge_port *port, int fd) {
    struct edge *edge = argument;
    if (!edge->shared.settings->proxy_protocol)
        let_in(edge, port, fd, NULL);
    else if (is_full_of_sockets(edge) || edge_proxy_await(&edge->proxy, port, fd) != 0)
        refuse(edge, port->transport, fd);
}

static void on_failed(void *argument) {
    const struct edge *edge = argument;
    edge->shared.handlers->on_failed(edge->shared.argument);
}

static const struct edge_ports_events ports_events = {.accepted = on_accepted, .failed = on_failed};

/* --- life --- */

/* By enum edge_transport. */
static const struct edge_library_protocol protocols[EDGE_LIBRARY_PROTOCOLS] = {
    {.name = "raw http", .callback = edge_http_callback},
    {.name = "raw tcp", .callback = edge_tcp_callback},
    {.name = "raw youim", .callback = edge_youim_callback}};

struct edge *edge_new(struct ev_loop *ev, const struct edge_settings *settings,
                      const struct edge_handlers *handlers, void *argument) {
    struct edge *edge = calloc(1, sizeof *edge);
    if (edge == NULL) {
        log_error("edge_failed", "error=\"%s\"", strerror(errno));
        return NULL;
    }
    edge_shared_init(&edge->shared, ev, settings, handlers, argument);
    edge_read_site(edge);
    edge->shared.limit = connection_limit(settings);
    edge->shared.library.addresses.max = settings->connections_per_address;
    edge_proxy_start(&edge->proxy, ev, let_in, edge);
    edge_tcp_start(&edge->shared);
    bool tls = settings->tls_certificate[0] != '\0';
    if ((edge->shared.site == NULL && settings->web_root[0] != '\0') ||
        (tls && edge_tls_start(&edge->shared.tls, ev, settings->tls_certificate,
                               settings->tls_key) != 0) ||
        edge_ports_open(&edge->ports, ev, settings, &ports_events, edge) != 0 ||
        edge_library_start(&edge->shared.library, ev, protocols, settings, tls, &edge->shared) != 0)
        edge_destroy(&edge);
    return edge;
}

void edge_read_site(struct edge *edge) {
    const char *folder = edge->shared.settings->web_root;
    struct edge_site *site = folder[0] == '\0' ? NULL : edge_site_read(folder);
    if (site == NULL)
        return;
    edge_site_release(&edge->shared.site);
    edge->shared.site = site;
}

void edge_read_certificate(struct edge *edge) {
    if (edge->shared.tls.context != NULL)
        (void)edge_tls_renew(&edge->shared.tls);
}

static void on_time_over(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)watcher;
    (void)revents;
}

/* Runs the loop until `count` is 0, or that long. */
static void run_until_none(struct edge *edge, const size_t *count, int64_t ms) {
    struct ev_loop *ev = edge->shared.ev;
    ev_timer timer;
    ev_now_update(ev);
    ev_timer_init(&timer, on_time_over, (double)ms / 1000, 0);
    ev_timer_start(ev, &timer);
    while (*count != 0 && ev_is_active(&timer))
        ev_run(ev, EVRUN_ONCE);
    ev_timer_stop(ev, &timer);
}

void edge_close_all(struct edge *edge) {
    struct edge_shared *shared = &edge->shared;
    struct edge_connection *connection;
    shared->stopping = true;
    edge_ports_close(&edge->ports);
    edge_proxy_stop(&edge->proxy);
    for (connection = TAILQ_FIRST(&shared->all); connection != NULL;
         connection = TAILQ_NEXT(connection, all))
        edge_connection_end_input(connection);
    run_until_none(edge, &shared->open, END_ALL_MS);
    for (connection = TAILQ_FIRST(&shared->all); connection != NULL;
         connection = TAILQ_NEXT(connection, all))
        edge_close(connection, 0, NULL);
    run_until_none(edge, &shared->count, CLOSE_ALL_MS);
    for (connection = TAILQ_FIRST(&shared->all); connection != NULL;
         connection = TAILQ_NEXT(connection, all))
        edge_connection_cut(connection);
    run_until_none(edge, &shared->count, CUT_MS);
}

void edge_destroy(struct edge **self) {
    struct edge *edge = *self;
    *self = NULL;
    if (edge == NULL)
        return;
    edge_ports_close(&edge->ports);
    edge_proxy_stop(&edge->proxy);
    edge->shared.destroying = true;
    edge_library_stop(&edge->shared.library); /* closes what is left, with the callbacks */
    edge_shared_free(&edge->shared);
    edge_tls_stop(&edge->shared.tls);
    edge_tcp_stop(&edge->shared);
    free(edge);
}

bool edge_is_listening(const struct edge *edge) { return edge_ports_are_open(&edge->ports); }

uint16_t edge_port(const struct edge *edge, enum edge_transport transport, bool tls) {
    return edge_ports_number(&edge->ports, transport, tls);
}

int64_t edge_certificate_expires_s(const struct edge *edge) { return edge->shared.tls.expires_s; }

size_t edge_count(const struct edge *edge) { return edge->shared.count; }

size_t edge_limit(const struct edge *edge) { return edge->shared.limit; }

size_t edge_downloads(const struct edge *edge) { return edge->shared.downloads; }

uint64_t edge_untrusted_input_bytes(const struct edge *edge) { return edge->shared.held.bytes; }

uint64_t edge_total_queued_bytes(const struct edge *edge) { return edge->shared.queued_bytes; }

void edge_note_text(struct edge *edge, int64_t took_us) {
    edge_budget_text(&edge->shared.budget, took_us, loop_wall_us());
}

uint64_t edge_transfer_budget(const struct edge *edge) { return edge->shared.budget.bytes_s; }

size_t edge_exchange_count(const struct edge *edge) { return edge->shared.exchanges; }
