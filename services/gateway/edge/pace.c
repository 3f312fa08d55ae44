/*
 * Pacing, for clients that look now and then and take one read for one text.
 *
 * Two texts that lie in the client's socket together are lost on it. When the first one has come
 * there only its acknowledgement tells, so the next is written `pace_ms` behind that. Nothing tells
 * of an acknowledgement by itself: the connection's timer looks when it may be time.
 */
#include <netinet/tcp.h>
#include <string.h>

#include "services/gateway/edge/private.h"

/* How often a text that was not acknowledged in time is looked at. */
#define LOOK_S 0.05

static void again_in(struct edge_connection *connection, double seconds) {
    struct ev_loop *ev = connection->edge->ev;
    ev_now_update(ev); /* never early, however long this turn of the loop has taken */
    ev_timer_stop(ev, &connection->pace);
    ev_timer_set(&connection->pace, seconds, 0);
    ev_timer_start(ev, &connection->pace);
}

/* How long ago the last acknowledgement came; of a client that goes on sending, of what it sent
 * last. */
static double quiet_s(const struct edge_connection *connection) {
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    int fd = lws_get_socket_fd(connection->wsi);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return 0;
    return info.tcpi_last_ack_recv / 1000.0;
}

static void on_pace(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_connection *connection = watcher->data;
    double pace_s = (double)connection->pace_ms / 1000;
    if (edge_tcp_acknowledged(connection) < connection->given) {
        again_in(connection, LOOK_S);
        return;
    }
    double left_s = connection->pace_known ? 0 : pace_s - quiet_s(connection);
    connection->pace_known = true; /* so a client that never stops sending does not hold it up */
    if (left_s > 0)
        again_in(connection, left_s);
    else
        edge_work(connection);
}

void edge_pace_init(struct edge_connection *connection) {
    ev_timer_init(&connection->pace, on_pace, 0, 0);
    connection->pace.data = connection;
}

void edge_pace_stop(struct edge_connection *connection) {
    ev_timer_stop(connection->edge->ev, &connection->pace);
}

void edge_pace(struct edge_connection *connection, uint64_t pace_ms) {
    if (connection->transport != EDGE_TCP || connection->pace_ms == pace_ms)
        return;
    connection->pace_ms = pace_ms;
    if (pace_ms == 0) {
        edge_pace_stop(connection);
        edge_work(connection);
    }
}

bool edge_is_paced(const struct edge_connection *connection) { return connection->pace_ms != 0; }

size_t edge_pace_limit(const struct edge_connection *connection, struct slice queued) {
    if (connection->pace_ms == 0)
        return queued.length;
    if (ev_is_active(&connection->pace))
        return 0;
    /* Within a text every line feed is escaped. */
    const char *end = memchr(queued.data, '\n', queued.length);
    return end == NULL ? queued.length : (size_t)(end - queued.data) + 1;
}

void edge_pace_wrote(struct edge_connection *connection, struct slice bytes) {
    if (connection->pace_ms == 0 || bytes.data[bytes.length - 1] != '\n')
        return;
    connection->pace_known = false;
    again_in(connection, (double)connection->pace_ms / 1000);
}
