/*
 * Raw TCP: JSON objects one after the other; reading, for YouIM's framing as well; and its marks,
 * which the kernel's count of unacknowledged bytes answers.
 *
 * libwebsockets closes a raw socket as soon as the client has closed its half, though that may
 * still wait for answers. So it is kept from reading, and only writes.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>

#include "services/gateway/edge/private.h"

#define MARK_INTERVAL_S 0.1
/* Read in one go. */
#define READ_BYTES 4096

/* Hands over objects until the owner pauses or closes; the rest waits. */
static void take_input(struct edge_connection *connection, struct slice input) {
    const struct edge_handlers *handlers = connection->edge->handlers;
    while (connection->state == EDGE_OPEN && !connection->paused) {
        struct slice object;
        const char *fault;
        switch (edge_json_next(&connection->json, &input, &object, &fault)) {
        case EDGE_JSON_MORE:
            return;
        case EDGE_JSON_OBJECT:
            handlers->on_object(connection->edge->argument, connection, object);
            break;
        case EDGE_JSON_FAULT:
            edge_count_fault(connection, fault);
            break;
        case EDGE_JSON_TOO_LONG:
            edge_count_fault(connection, fault);
            edge_close(connection, 1009, fault);
            break;
        }
    }
    if (connection->state == EDGE_OPEN &&
        buffer_add(&connection->waiting, input.data, input.length) != 0)
        edge_close(connection, 1011, "the server is short of memory");
}

void edge_tcp_resume(struct edge_connection *connection, struct slice waiting) {
    take_input(connection, waiting);
}

/* --- reading --- */

static void on_input(struct edge_connection *connection, struct slice input) {
    if (connection->state != EDGE_OPEN)
        return;
    if (edge_must_wait(connection)) {
        if (buffer_add(&connection->waiting, input.data, input.length) != 0)
            edge_close(connection, 1011, "the server is short of memory");
    } else if (connection->transport == EDGE_TCP) {
        take_input(connection, input);
    } else {
        edge_youim_resume(connection, input);
    }
}

/* The client's FIN: it may read on. */
static void on_eof(struct edge_connection *connection) {
    connection->eof = true;
    edge_tcp_set_reading(connection, false);
    if (connection->state == EDGE_ENDING)
        edge_kill(connection);
    else
        edge_end(connection);
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int revents) {
    (void)ev;
    (void)revents;
    char bytes[READ_BYTES];
    ssize_t got = recv(watcher->fd, bytes, sizeof bytes, 0);
    if (got > 0)
        on_input(watcher->data, slice_make(bytes, (size_t)got));
    else if (got == 0)
        on_eof(watcher->data);
    else if (errno != EAGAIN && errno != EINTR)
        edge_break(watcher->data);
}

void edge_tcp_set_reading(struct edge_connection *connection, bool reading) {
    if (connection->transport == EDGE_WEBSOCKET)
        return;
    if (reading && !connection->eof)
        ev_io_start(connection->edge->ev, &connection->input);
    else
        ev_io_stop(connection->edge->ev, &connection->input);
}

int edge_tcp_adopt(struct edge *edge, struct lws *wsi, enum edge_transport transport) {
    struct edge_connection *connection = edge_connection_new(edge, wsi, transport);
    if (connection == NULL)
        return -1;
    lws_rx_flow_control(wsi, 0);
    ev_io_init(&connection->input, on_readable, lws_get_socket_fd(wsi), EV_READ);
    connection->input.data = connection;
    edge_tcp_set_reading(connection, true);
    return 0;
}

/* --- marks --- */

void edge_tcp_mark(struct edge_connection *connection) {
    struct edge *edge = connection->edge;
    connection->mark = connection->given + (connection->out.length - connection->out_head);
    LIST_INSERT_HEAD(&edge->marked, connection, marks);
    if (!ev_is_active(&edge->mark_timer)) {
        ev_timer_set(&edge->mark_timer, MARK_INTERVAL_S, MARK_INTERVAL_S);
        ev_timer_start(edge->ev, &edge->mark_timer);
    }
}

/* All that surely are with the kernel, less those that it still holds (some of which may be from
 * the write that is under way). */
uint64_t edge_tcp_acknowledged(const struct edge_connection *connection) {
    int held = 0;
    if (ioctl(lws_get_socket_fd(connection->wsi), SIOCOUTQ, &held) != 0 || held < 0)
        return 0;
    uint64_t written = connection->given - connection->in_flight;
    return written > (uint64_t)held ? written - (uint64_t)held : 0;
}

uint64_t edge_acknowledged_bytes(const struct edge_connection *connection) {
    return connection->transport == EDGE_WEBSOCKET ? 0 : edge_tcp_acknowledged(connection);
}

int64_t edge_round_trip_ms(const struct edge_connection *connection) {
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    int fd = lws_get_socket_fd(connection->wsi);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 ||
        length < offsetof(struct tcp_info, tcpi_min_rtt) + sizeof info.tcpi_min_rtt)
        return 0;
    return info.tcpi_min_rtt / 1000;
}

void edge_on_mark_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)revents;
    struct edge *edge = watcher->data;
    struct edge_connection *connection, *next;
    for (connection = LIST_FIRST(&edge->marked); connection != NULL; connection = next) {
        next =
            LIST_NEXT(connection, marks); /* the owner may mark again, which inserts at the head */
        if (connection->state == EDGE_GONE || connection->mute ||
            edge_tcp_acknowledged(connection) < connection->mark)
            continue;
        LIST_REMOVE(connection, marks);
        connection->marked = false;
        edge->handlers->on_reached(edge->argument, connection);
    }
    if (LIST_EMPTY(&edge->marked))
        ev_timer_stop(ev, watcher);
}

/* --- libwebsockets --- */

int edge_tcp_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t length) {
    struct edge *edge = lws_context_user(lws_get_context(wsi));
    struct edge_connection *connection = user;
    (void)in;
    (void)length;
    switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT:
        return edge_tcp_adopt(edge, wsi, EDGE_TCP);
    case LWS_CALLBACK_RAW_WRITEABLE:
        return connection == NULL ? -1 : edge_writeable(connection);
    case LWS_CALLBACK_RAW_CLOSE:
        if (connection != NULL)
            edge_lost(connection);
        return 0;
    default:
        return 0;
    }
}
