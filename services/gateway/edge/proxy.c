/* Sockets whose proxy has not yet written its line. */
#include "services/gateway/edge/proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/loop.h"

/*
 * limit: client | time for a proxy to send its line (`proxy_protocol`); length of that line |
 * {LINE_MS}; {EDGE_PROXY_LINE_BYTES} | closed
 */
/* A proxy writes its line with the first segment. */
#define LINE_MS 5000

/* A socket that was accepted and whose line has not arrived, or not all of it. */
struct edge_arrival {
    ev_io io;
    struct edge_proxy *proxy;
    const struct edge_port *port;
    int64_t deadline_ms;
    size_t length;
    char line[EDGE_PROXY_LINE_BYTES];
    TAILQ_ENTRY(edge_arrival) all;
};

/* Returns the socket, which is the caller's now. */
static int arrival_end(struct edge_arrival *arrival) {
    struct edge_proxy *self = arrival->proxy;
    int fd = arrival->io.fd;
    ev_io_stop(self->ev, &arrival->io);
    TAILQ_REMOVE(&self->arrivals, arrival, all);
    if (--self->count == 0)
        ev_timer_stop(self->ev, &self->timer);
    free(arrival);
    return fd;
}

static void drop(struct edge_arrival *arrival, const char *reason) {
    log_debug("proxy_line", "reason=\"%s\" bytes=%zu", reason, arrival->length);
    close(arrival_end(arrival));
}

static void on_line(struct edge_arrival *arrival) {
    struct edge_proxy *self = arrival->proxy;
    const struct edge_port *port = arrival->port;
    struct edge_remote remote;
    if (!edge_remote_parse(slice_make(arrival->line, arrival->length), &remote)) {
        drop(arrival, "not a line of the PROXY protocol");
        return;
    }
    self->let_in(self->argument, port, arrival_end(arrival),
                 remote.host[0] != '\0' ? &remote : NULL);
}

/* Looks at what has arrived, and takes no more of it than the line. */
static void on_readable(struct ev_loop *ev, ev_io *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_arrival *arrival = watcher->data;
    char *at = arrival->line + arrival->length;
    size_t room = sizeof arrival->line - arrival->length;
    ssize_t seen = recv(watcher->fd, at, room, MSG_PEEK);
    if (seen < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (seen <= 0) { /* a proxy that only checks whether the port is open */
        drop(arrival, "closed");
        return;
    }
    const char *end = memchr(at, '\n', (size_t)seen);
    size_t length = end != NULL ? (size_t)(end - at) + 1 : (size_t)seen;
    ssize_t taken = recv(watcher->fd, at, length, 0);
    if (taken != (ssize_t)length) {
        drop(arrival, "closed");
        return;
    }
    arrival->length += length;
    if (end != NULL)
        on_line(arrival);
    else if (arrival->length == sizeof arrival->line)
        drop(arrival, "too long");
}

/* The timer runs until the oldest one's time is over. */
static void set_timer(struct edge_proxy *self, int64_t now_ms) {
    const struct edge_arrival *oldest = TAILQ_FIRST(&self->arrivals);
    if (oldest == NULL || ev_is_active(&self->timer))
        return;
    int64_t left_ms = oldest->deadline_ms - now_ms;
    ev_now_update(self->ev);
    ev_timer_set(&self->timer, (double)(left_ms > 0 ? left_ms : 0) / 1000, 0);
    ev_timer_start(self->ev, &self->timer);
}

/* Those whose time is over by then. */
static void drop_older(struct edge_proxy *self, int64_t ms, const char *reason) {
    struct edge_arrival *arrival, *next;
    for (arrival = TAILQ_FIRST(&self->arrivals); arrival != NULL; arrival = next) {
        next = TAILQ_NEXT(arrival, all);
        if (arrival->deadline_ms > ms)
            return;
        drop(arrival, reason);
    }
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_proxy *self = watcher->data;
    int64_t now_ms = loop_now_ms();
    drop_older(self, now_ms, "no line in time");
    set_timer(self, now_ms);
}

void edge_proxy_start(struct edge_proxy *self, struct ev_loop *ev, edge_proxy_let_in *let_in,
                      void *argument) {
    *self = (struct edge_proxy){.ev = ev, .let_in = let_in, .argument = argument};
    TAILQ_INIT(&self->arrivals);
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
}

int edge_proxy_await(struct edge_proxy *self, const struct edge_port *port, int fd) {
    struct edge_arrival *arrival = calloc(1, sizeof *arrival);
    if (arrival == NULL)
        return -1;
    int64_t now_ms = loop_now_ms();
    arrival->proxy = self;
    arrival->port = port;
    arrival->deadline_ms = now_ms + LINE_MS;
    TAILQ_INSERT_TAIL(&self->arrivals, arrival, all);
    self->count++;
    ev_io_init(&arrival->io, on_readable, fd, EV_READ);
    arrival->io.data = arrival;
    ev_io_start(self->ev, &arrival->io);
    set_timer(self, now_ms);
    return 0;
}

void edge_proxy_stop(struct edge_proxy *self) {
    drop_older(self, INT64_MAX, "the server is stopping");
}
