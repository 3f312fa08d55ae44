/* The connections to a ROUTER; see service_callers.h. */
#include "common/service_callers.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zmq.h>

#include "common/files.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/metrics.h"

/* limit: service | connections of callers that begin and end, in one turn of the loop |
 * {EVENTS_BUDGET} | the rest in the next turn */
/* Events taken in one turn of the loop. The monitor holds no more than some thousand: beyond that
 * ZeroMQ waits, and accepts no connection meanwhile. */
#define EVENTS_BUDGET 1024

struct connection {
    int fd;
    bool heard;
    UT_hash_handle hh; /* in the order in which they were accepted */
};

struct callers {
    void *router, *monitor;
    struct loop_socket *input;
    struct callers_options options;
    struct connection *connections;
    int64_t logged_ms, denied_ms;
};

static void forget(struct callers *self, struct connection *connection) {
    HASH_DEL(self->connections, connection);
    free(connection);
}

static struct connection *find(struct callers *self, int fd) {
    struct connection *connection = NULL;
    HASH_FIND_INT(self->connections, &fd, connection);
    return connection;
}

/* Whether the descriptor is still a connection to this port. ZeroMQ doesn't report every end: a
 * caller that connects again takes over from its old connection. */
static bool is_ours(const struct callers *self, int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } own = {0}, other;
    socklen_t length = sizeof own, other_length = sizeof other;
    if (getsockname(fd, &own.any, &length) != 0 || getpeername(fd, &other.any, &other_length) != 0)
        return false;
    uint16_t port = own.any.sa_family == AF_INET6  ? own.in6.sin6_port
                    : own.any.sa_family == AF_INET ? own.in.sin_port
                                                   : 0;
    return ntohs(port) == self->options.port;
}

static void forget_gone(struct callers *self) {
    struct connection *connection, *next = NULL;
    HASH_ITER(hh, self->connections, connection, next) {
        if (!is_ours(self, connection->fd))
            forget(self, connection);
    }
}

static uint64_t last_file(void) {
    uint64_t files = files_limit();
    return files - (files / 8 < CALLERS_SPARE_FILES ? files / 8 : CALLERS_SPARE_FILES);
}

static void log_full(struct callers *self, const char *reason) {
    int64_t now_ms = loop_now_ms();
    if (self->logged_ms != 0 && now_ms - self->logged_ms < CALLERS_LOG_MS)
        return;
    self->logged_ms = now_ms;
    log_warn("callers_refused", "reason=\"%s\" connections=%u max_callers=%zu file_limit=%" PRIu64,
             reason, HASH_COUNT(self->connections), self->options.limit, files_limit());
}

/* ZeroMQ sees the end of the connection, and closes it. */
static void end_one(struct callers *self, struct connection *newest) {
    struct connection *connection, *next = NULL, *victim = newest;
    HASH_ITER(hh, self->connections, connection, next) {
        if (!connection->heard) {
            victim = connection;
            break;
        }
    }
    if (is_ours(self, victim->fd))
        (void)shutdown(victim->fd, SHUT_RDWR);
    metric_add(self->options.refused, 1);
    forget(self, victim);
}

static void on_accepted(struct callers *self, int fd) {
    struct connection *connection = find(self, fd);
    if (connection != NULL) /* its end was not reported */
        forget(self, connection);
    connection = calloc(1, sizeof *connection);
    if (connection != NULL)
        connection->fd = fd;
    if (connection == NULL || !HASH_TRY_ADD(hh, self->connections, fd, connection)) {
        free(connection);
        (void)shutdown(fd, SHUT_RDWR);
        return;
    }
    bool short_of_files = (uint64_t)fd >= last_file();
    if (!short_of_files && HASH_COUNT(self->connections) > self->options.limit)
        forget_gone(self);
    if (short_of_files || HASH_COUNT(self->connections) > self->options.limit) {
        log_full(self, short_of_files ? "few files are left to open" : "too many are connected");
        end_one(self, connection);
    }
}

/* Most of them are programs of a release without CURVE, or whose key of this service is wrong. */
static void on_bad_handshake(struct callers *self) {
    int64_t now_ms = loop_now_ms();
    metric_add(self->options.denied, 1);
    if (self->denied_ms != 0 && now_ms - self->denied_ms < CALLERS_LOG_MS)
        return;
    self->denied_ms = now_ms;
    log_warn("caller_denied",
             "reason=\"it is a stranger, a program without CURVE, or has another key "
             "of this service\"");
}

static void on_disconnected(struct callers *self, int fd) {
    struct connection *connection = find(self, fd);
    if (connection != NULL)
        forget(self, connection);
}

/* One event: its number and value, then the address, which does not matter here. */
static bool take_event(struct callers *self) {
    zmq_msg_t part;
    uint16_t event = 0;
    uint32_t value = 0;
    zmq_msg_init(&part);
    bool got = zmq_msg_recv(&part, self->monitor, ZMQ_DONTWAIT) >= 0;
    if (got && zmq_msg_size(&part) >= sizeof event + sizeof value) {
        const char *bytes = zmq_msg_data(&part);
        memcpy(&event, bytes, sizeof event);
        memcpy(&value, bytes + sizeof event, sizeof value);
    }
    if (got && zmq_msg_more(&part))
        (void)!zmq_msg_recv(&part, self->monitor, ZMQ_DONTWAIT);
    zmq_msg_close(&part);
    if (event == ZMQ_EVENT_ACCEPTED)
        on_accepted(self, (int)value);
    else if (event == ZMQ_EVENT_DISCONNECTED)
        on_disconnected(self, (int)value);
    else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ||
             event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
        on_bad_handshake(self);
    else if (event == ZMQ_EVENT_ACCEPT_FAILED && value != EAGAIN)
        log_full(self, strerror((int)value));
    return got;
}

static void on_events(void *argument, void *socket) {
    (void)socket;
    for (int i = 0; i < EVENTS_BUDGET && take_event(argument); i++)
        ;
}

/* --- life ------------------------------------------------------------------------------------ */

static int watch(struct callers *self, struct ev_loop *ev, void *context) {
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "inproc://callers-%p", self->router);
    if (zmq_socket_monitor(self->router, endpoint,
                           ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_DISCONNECTED |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) != 0)
        return -1;
    self->monitor = zmq_socket(context, ZMQ_PAIR);
    if (self->monitor == NULL || zmq_connect(self->monitor, endpoint) != 0)
        return -1;
    self->input = loop_socket_new(ev, self->monitor, on_events, self);
    return self->input == NULL ? -1 : 0;
}

struct callers *callers_new(struct ev_loop *ev, void *context, void *router,
                            const struct callers_options *options) {
    struct callers *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->router = router;
    self->options = *options;
    if (watch(self, ev, context) != 0)
        callers_destroy(&self);
    return self;
}

void callers_destroy(struct callers **self_p) {
    struct callers *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    /* ZeroMQ waits until there is room for its last event. */
    while (self->monitor != NULL && take_event(self))
        ;
    (void)zmq_socket_monitor(self->router, NULL, 0);
    loop_socket_destroy(&self->input);
    if (self->monitor != NULL)
        zmq_close(self->monitor);
    while (self->connections != NULL)
        forget(self, self->connections);
    free(self);
}

void callers_heard(struct callers *self, int fd) {
    struct connection *connection = find(self, fd);
    if (connection != NULL)
        connection->heard = true;
}

void callers_end(struct callers *self, int fd) {
    if (is_ours(self, fd))
        (void)shutdown(fd, SHUT_RDWR);
    metric_add(self->options.denied, 1);
}

size_t callers_count(const void *self) {
    return HASH_COUNT(((const struct callers *)self)->connections);
}
