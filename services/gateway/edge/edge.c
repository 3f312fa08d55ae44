/*
 * Life of the edge: libwebsockets' context, the limit of connections, the sweep for silent clients,
 * the orderly end.
 */
#include "services/gateway/edge/edge.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/files.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/lws_log.h"
#include "services/gateway/edge/private.h"

/* What is read from a WebSocket in one go; held per connection. */
#define READ_BYTES 2048
/* The process's descriptors that are not clients': links, database, log. */
#define RESERVED_FILES 256
#define SWEEP_MS 1000
/* TCP_ESTABLISHED of netinet/tcp.h, which does not go with linux/tcp.h. */
#define STATE_ESTABLISHED 1
/* To complete an HTTP request, at most. */
#define HANDSHAKE_S 20
/* Of edge_close_all: for what was read; for the queues and the clients' answers; for the cuts. */
#define END_ALL_MS 2500
#define CLOSE_ALL_MS 1000
#define CUT_MS 500
#define CLOSE_ALL_TICK_S 0.02

/* No pings of libwebsockets' own: ours carry marks, and it would not know of those. */
static const lws_retry_bo_t no_pings = {.secs_since_valid_ping = 0, .secs_since_valid_hangup = 0};

/* --- limits --- */

static size_t connection_limit(const struct edge_settings *settings) {
    uint64_t files = files_limit();
    uint64_t kept = RESERVED_FILES + EDGE_SPARE_SOCKETS;
    uint64_t possible = files > 2 * kept ? files - kept : files / 2;
    if (settings->max_connections <= possible)
        return settings->max_connections;
    log_warn("connection_limit", "wanted=%llu now=%llu file_limit=%llu",
             (unsigned long long)settings->max_connections, (unsigned long long)possible,
             (unsigned long long)files);
    return possible;
}

/* --- silent clients --- */

/* States of TCP, as the kernel counts them; linux/tcp.h has no names for them. */
enum { STATE_CLOSE = 7, STATE_CLOSE_WAIT = 8 };

/*
 * The kernel knows when the last byte came, also of what libwebsockets keeps to itself (pings), and
 * what has been acknowledged. Asked only of a client that may have been silent for long enough.
 */
static bool ask_kernel(const struct edge_connection *connection, struct tcp_info *info_r) {
    socklen_t length = sizeof *info_r;
    *info_r = (struct tcp_info){0};
    return getsockopt(lws_get_socket_fd(connection->wsi), IPPROTO_TCP, TCP_INFO, info_r, &length) ==
           0;
}

bool edge_is_left(const struct edge_connection *connection) {
    struct tcp_info info;
    if (!ask_kernel(connection, &info))
        return false;
    return info.tcpi_state == STATE_CLOSE ||
           (connection->transport == EDGE_WEBSOCKET && info.tcpi_state == STATE_CLOSE_WAIT);
}

uint64_t edge_silent_ms(const struct edge_connection *connection) {
    struct tcp_info info;
    if (!ask_kernel(connection, &info))
        return UINT32_MAX; /* longer than any */
    bool acknowledges = connection->transport != EDGE_WEBSOCKET &&
                        info.tcpi_last_ack_recv < info.tcpi_last_data_recv;
    return acknowledges ? info.tcpi_last_ack_recv : info.tcpi_last_data_recv;
}

bool edge_has_left(const struct edge_connection *connection) {
    struct tcp_info info;
    return !ask_kernel(connection, &info) || info.tcpi_state != STATE_ESTABLISHED;
}

/* What was written to it is on its way still, and gets on: a slow link, on which no ping has come
 * through yet. */
static bool is_taking(struct edge_connection *connection, const struct tcp_info *info) {
    bool more = info->tcpi_bytes_acked > connection->acked;
    connection->acked = info->tcpi_bytes_acked;
    return more && (info->tcpi_unacked > 0 || info->tcpi_notsent_bytes > 0 ||
                    edge_queued_bytes(connection) > 0);
}

/* Pings a silent WebSocket, or ends it; a pong is heard as any byte is. */
static void check_silence(struct edge_connection *connection, int64_t now) {
    int64_t interval = (int64_t)connection->edge->settings->ping_interval_ms;
    struct tcp_info info;
    bool known = ask_kernel(connection, &info);
    int64_t silent = info.tcpi_last_data_recv;
    connection->check_ms = now + interval;
    /* The kernel's clock is coarse, but before a ping it was silent for an interval. */
    if (known && silent < now - connection->pinged_ms + interval / 2)
        connection->pings = 0;
    if (known && silent < interval) {
        connection->check_ms -= silent;
    } else if (known && is_taking(connection, &info)) {
        connection->pings = 0;
    } else if (connection->pings >= EDGE_UNANSWERED_PINGS) {
        edge_close(connection, 1001, "pings were not answered");
    } else if (edge_websocket_ping(connection) == 0) {
        connection->pings++;
        connection->pinged_ms = now;
    }
}

static void on_sweep(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge *edge = watcher->data;
    struct edge_connection *connection;
    int64_t now = loop_now_ms();
    edge_proxy_sweep(edge, now);
    for (connection = TAILQ_FIRST(&edge->connections); connection != NULL;
         connection = TAILQ_NEXT(connection, all)) {
        if (connection->state == EDGE_OPEN && !connection->ended) {
            if (connection->transport == EDGE_WEBSOCKET && !connection->paused &&
                now >= connection->check_ms)
                check_silence(connection, now);
        } else if (now >= connection->deadline_ms) {
            edge_kill(connection);
        }
    }
    /* libwebsockets sets its own timers (of unfinished handshakes) only after an event. */
    lws_cancel_service(edge->context);
}

/* --- libwebsockets --- */

static int start_library(struct edge *edge) {
    uint64_t asked_s = edge->settings->handshake_timeout_ms / 1000;
    unsigned handshake_s = asked_s < 1             ? 1
                           : asked_s > HANDSHAKE_S ? HANDSHAKE_S
                                                   : (unsigned)asked_s;
    void *loops[] = {edge->ev};
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBEV,
        .foreign_loops = loops,
        .user = edge,
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .vhost_name = "edge",
        .protocols = edge->protocols,
        .retry_and_idle_policy = &no_pings,
        .timeout_secs = handshake_s,
        .timeout_secs_ah_idle = handshake_s,
    };
    /* The first takes HTTP and WebSockets. Whole queues are written at once: without a size of
     * their own, writes would be cut at the size of reads, and the rest copied. */
    edge->protocols[EDGE_WEBSOCKET] = (struct lws_protocols){.name = edge->subprotocol,
                                                             .callback = edge_websocket_callback,
                                                             .rx_buffer_size = READ_BYTES,
                                                             .tx_packet_size = EDGE_WRITE_BYTES};
    /* Names that no client can offer as a subprotocol: those have no spaces. */
    edge->protocols[EDGE_TCP] = (struct lws_protocols){
        .name = "raw tcp", .callback = edge_tcp_callback, .tx_packet_size = EDGE_WRITE_BYTES};
    edge->protocols[EDGE_YOUIM] = (struct lws_protocols){
        .name = "raw youim", .callback = edge_youim_callback, .tx_packet_size = EDGE_WRITE_BYTES};
    strcpy(edge->subprotocol, "edge");
    lws_log_open();
    edge->context = lws_create_context(&info);
    if (edge->context != NULL)
        edge->vhost = lws_create_vhost(edge->context, &info);
    if (edge->vhost != NULL)
        return 0;
    log_error("libwebsockets_failed",
              "text=\"can't start libwebsockets; is its libev plugin installed?\"");
    return -1;
}

/* --- the edge --- */

static void start_timers(struct edge *edge) {
    uint64_t sweep_ms = edge->settings->ping_interval_ms / 4;
    sweep_ms = sweep_ms < 20 ? 20 : sweep_ms > SWEEP_MS ? SWEEP_MS : sweep_ms;
    double sweep_s = (double)sweep_ms / 1000;
    ev_prepare_init(&edge->work, edge_on_work);
    ev_set_priority(&edge->work, EV_MINPRI);
    ev_timer_init(&edge->sweep, on_sweep, sweep_s, sweep_s);
    ev_timer_init(&edge->mark_timer, edge_on_mark_timer, 0, 0);
    edge->work.data = edge->sweep.data = edge->mark_timer.data = edge;
    ev_timer_start(edge->ev, &edge->sweep);
}

struct edge *edge_new(struct ev_loop *ev, const struct edge_settings *settings,
                      const struct edge_handlers *handlers, void *argument) {
    struct edge *edge = calloc(1, sizeof *edge);
    if (edge == NULL) {
        log_error("edge_failed", "error=\"%s\"", strerror(errno));
        return NULL;
    }
    edge->ev = ev;
    edge->settings = settings;
    edge->handlers = handlers;
    edge->argument = argument;
    TAILQ_INIT(&edge->connections);
    TAILQ_INIT(&edge->working);
    TAILQ_INIT(&edge->arrivals);
    LIST_INIT(&edge->marked);
    edge->scratch = buffer_make(EDGE_MAX_OBJECT);
    edge->limit = connection_limit(settings);
    start_timers(edge);
    if (edge_listen(edge) != 0 || start_library(edge) != 0)
        edge_destroy(&edge);
    return edge;
}

static void on_tick(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)watcher;
    (void)revents;
}

/* Runs the loop until there are none of these connections, or that long. */
static void run_until_none(struct edge *edge, const size_t *count, int64_t ms) {
    int64_t end = loop_now_ms() + ms;
    ev_timer tick;
    ev_timer_init(&tick, on_tick, CLOSE_ALL_TICK_S, CLOSE_ALL_TICK_S);
    ev_timer_start(edge->ev, &tick);
    while (*count != 0 && loop_now_ms() < end)
        ev_run(edge->ev, EVRUN_ONCE);
    ev_timer_stop(edge->ev, &tick);
}

void edge_close_all(struct edge *edge) {
    struct edge_connection *connection;
    edge->stopping = true;
    edge_listen_stop(edge);
    edge_proxy_stop(edge);
    for (connection = TAILQ_FIRST(&edge->connections); connection != NULL;
         connection = TAILQ_NEXT(connection, all))
        edge_end(connection);
    run_until_none(edge, &edge->open, END_ALL_MS);
    for (connection = TAILQ_FIRST(&edge->connections); connection != NULL;
         connection = TAILQ_NEXT(connection, all))
        edge_close(connection, 0, NULL);
    run_until_none(edge, &edge->count, CLOSE_ALL_MS);
    for (connection = TAILQ_FIRST(&edge->connections); connection != NULL;
         connection = TAILQ_NEXT(connection, all))
        edge_kill(connection);
    run_until_none(edge, &edge->count, CUT_MS);
}

void edge_destroy(struct edge **self) {
    struct edge *edge = *self;
    *self = NULL;
    if (edge == NULL)
        return;
    edge_listen_stop(edge);
    edge_proxy_stop(edge);
    edge->destroying = true;
    if (edge->context != NULL)
        lws_context_destroy(edge->context);  /* closes what is left, with the callbacks */
    while (!TAILQ_EMPTY(&edge->connections)) /* those that have no socket any more */
        edge_connection_finish(TAILQ_FIRST(&edge->connections));
    ev_clear_pending(edge->ev, &edge->work);
    ev_timer_stop(edge->ev, &edge->sweep);
    ev_timer_stop(edge->ev, &edge->mark_timer);
    buffer_free(&edge->scratch);
    free(edge);
}

size_t edge_count(const struct edge *edge) { return edge->count; }

size_t edge_limit(const struct edge *edge) { return edge->limit; }

uint64_t edge_total_queued_bytes(const struct edge *edge) { return edge->queued_bytes; }
