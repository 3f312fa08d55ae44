/*
 * One connection of the edge: its queue, pausing, faults and closing, alike on both transports.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/gateway/edge_private.h"

/* A close frame holds 125 bytes, two of them the status. */
#define MAX_REASON_BYTES 123

static void print_address(int fd, char out[EDGE_ADDRESS_BYTES]) {
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;
    char host[INET6_ADDRSTRLEN] = "?";
    unsigned port = 0;
    if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0) {
        if (peer.ss_family == AF_INET6) {
            const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&peer;
            inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
            port = ntohs(in6->sin6_port);
        } else if (peer.ss_family == AF_INET) {
            const struct sockaddr_in *in = (const struct sockaddr_in *)&peer;
            inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
            port = ntohs(in->sin_port);
        }
    }
    snprintf(out, EDGE_ADDRESS_BYTES, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
}

struct edge_connection *edge_connection_new(struct edge *edge, struct lws *wsi,
                                            enum edge_transport transport) {
    struct edge_connection *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->edge = edge;
    self->wsi = wsi;
    self->transport = transport;
    self->id = ++edge->last_id;
    /* Twice: what is written already lies before `out_head` until it is half of all. */
    self->out = buffer_make(2 * (size_t)edge->settings->send_queue_bytes + 256);
    self->message = buffer_make(EDGE_MAX_OBJECT);
    self->waiting = buffer_make(3 * EDGE_MAX_OBJECT);
    edge_json_init(&self->json);
    self->check_ms = loop_now_ms() + (int64_t)edge->settings->idle_timeout_ms;
    print_address(lws_get_socket_fd(wsi), self->address);
    TAILQ_INSERT_TAIL(&edge->connections, self, all);
    edge->count++;
    lws_set_wsi_user(wsi, self);
    log_debug("connection_open", "connection=%llu transport=%s address=%s",
              (unsigned long long)self->id, transport == EDGE_TCP ? "tcp" : "websocket",
              self->address);
    edge->handlers->on_open(edge->argument, self);
    return self;
}

static size_t unwritten(const struct edge_connection *self) {
    return self->out.length - self->out_head;
}

/* Forgets what is queued. */
static void drop_queue(struct edge_connection *self) {
    self->edge->queued_bytes -= edge_queued_bytes(self);
    self->in_flight = self->out_head = 0;
    buffer_free(&self->out);
}

void edge_connection_finish(struct edge_connection *self) {
    struct edge *edge = self->edge;
    edge_set_state(self, EDGE_GONE);
    drop_queue(self);
    lws_set_wsi_user(self->wsi, NULL);
    edge->handlers->on_close(edge->argument, self);
    TAILQ_REMOVE(&edge->connections, self, all);
    if (self->working)
        TAILQ_REMOVE(&edge->working, self, work);
    if (self->marked && self->transport == EDGE_TCP)
        LIST_REMOVE(self, marks);
    edge->count--;
    edge_json_free(&self->json);
    buffer_free(&self->message);
    buffer_free(&self->waiting);
    free(self->close_reason);
    free(self);
}

void edge_set_state(struct edge_connection *self, enum edge_state state) {
    static const char *const names[] = {"open", "closing", "ending", "gone"};
    if (self->state == state)
        return;
    log_debug("connection_state", "connection=%llu from=%s to=%s status=%u",
              (unsigned long long)self->id, names[self->state], names[state], self->close_status);
    self->state = state;
    buffer_free(&self->message);
    buffer_free(&self->waiting);
    if (self->deadline_ms == 0)
        self->deadline_ms = loop_now_ms() + EDGE_CLOSE_MS;
}

void edge_kill(struct edge_connection *self) {
    if (self->state == EDGE_GONE)
        return;
    edge_set_state(self, EDGE_GONE);
    drop_queue(self);
    lws_set_timeout(self->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service(
        self->edge->context); /* its timers are only looked at when it has an event */
}

void edge_abandon(struct edge_connection *self) {
    if (self->state >= EDGE_ENDING)
        return;
    edge_set_state(self, EDGE_ENDING);
    drop_queue(self);
}

/* --- the owner's calls --- */

void edge_set_owner(struct edge_connection *self, void *owner) { self->owner = owner; }

void *edge_owner(const struct edge_connection *self) { return self->owner; }

uint64_t edge_id(const struct edge_connection *self) { return self->id; }

enum edge_transport edge_transport(const struct edge_connection *self) { return self->transport; }

const char *edge_address(const struct edge_connection *self) { return self->address; }

size_t edge_queued_bytes(const struct edge_connection *self) {
    return unwritten(self) + self->in_flight;
}

int edge_queue(struct edge_connection *self, const void *head, size_t head_length,
               struct slice text) {
    size_t before = self->out.length;
    if (buffer_add(&self->out, head, head_length) != 0 ||
        buffer_add(&self->out, text.data, text.length) != 0) {
        self->out.length = before;
        return -1;
    }
    self->edge->queued_bytes += head_length + text.length;
    edge_work(self);
    return 0;
}

int edge_send(struct edge_connection *self, struct slice text) {
    unsigned char head[EDGE_FRAME_HEAD_BYTES];
    size_t extra = self->transport == EDGE_TCP ? 1 : edge_frame_head(head, 1, text.length);
    uint64_t limit = self->edge->settings->send_queue_bytes;
    uint64_t queued = edge_queued_bytes(self);
    if (self->state != EDGE_OPEN || text.length + extra > limit ||
        queued > limit - text.length - extra)
        return -1;
    if (self->transport == EDGE_WEBSOCKET)
        return edge_queue(self, head, extra, text);
    return edge_queue(self, text.data, text.length, slice_make("\n", 1));
}

bool edge_mark(struct edge_connection *self) {
    if (self->marked || self->state != EDGE_OPEN)
        return false;
    if (self->transport == EDGE_TCP)
        edge_tcp_mark(self);
    else if (edge_websocket_mark(self) != 0)
        return false;
    self->marked = true;
    return true;
}

void edge_pause(struct edge_connection *self) {
    if (self->paused)
        return;
    self->paused = true;
    edge_work(self);
}

void edge_resume(struct edge_connection *self) {
    if (!self->paused)
        return;
    self->paused = false;
    self->check_ms = loop_now_ms() + (int64_t)self->edge->settings->idle_timeout_ms;
    edge_work(self);
}

void edge_count_fault(struct edge_connection *self, const char *reason) {
    if (self->state != EDGE_OPEN)
        return;
    self->faults++;
    self->edge->handlers->on_fault(self->edge->argument, self, reason);
    if (self->faults >= EDGE_MAX_FAULTS)
        edge_close(self, 1008, "too many faulty objects in a row");
}

void edge_count_good(struct edge_connection *self) { self->faults = 0; }

void edge_close(struct edge_connection *self, unsigned status, const char *reason) {
    if (self->state != EDGE_OPEN)
        return;
    self->close_status = status;
    self->close_reason = reason != NULL ? strdup(reason) : NULL;
    edge_set_state(self, EDGE_CLOSING);
    edge_work(self);
}

bool edge_must_wait(const struct edge_connection *self) {
    return self->paused || self->waiting.length != 0;
}

/* --- serving a connection, once per turn --- */

void edge_work(struct edge_connection *self) {
    if (self->working)
        return;
    self->working = true;
    TAILQ_INSERT_TAIL(&self->edge->working, self, work);
    ev_feed_event(self->edge->ev, &self->edge->work, EV_CUSTOM);
}

static void hand_over_waiting(struct edge_connection *self) {
    struct buffer waiting = self->waiting;
    self->waiting = buffer_make(waiting.max);
    struct slice bytes = slice_make(waiting.data, waiting.length);
    if (self->transport == EDGE_TCP)
        edge_tcp_resume(self, bytes);
    else
        edge_websocket_resume(self, bytes);
    buffer_free(&waiting);
}

/*
 * Writes past libwebsockets' framing (LWS_WRITE_RAW puts nothing before or after the bytes), so
 * that one send takes all frames, and without waiting to be told that the socket is writeable,
 * which would cost two calls of epoll_ctl and another turn of the loop. That is sound as long as
 * libwebsockets holds nothing back (`blocked`), since whole frames are written and it only adds
 * whole frames of its own.
 */
static void write_queue(struct edge_connection *self) {
    size_t left = unwritten(self);
    if (left == 0 || self->blocked || self->state >= EDGE_ENDING)
        return;
    size_t now = left < EDGE_WRITE_BYTES ? left : EDGE_WRITE_BYTES;
    unsigned char *bytes = (unsigned char *)self->out.data + self->out_head;
    if (lws_write(self->wsi, bytes, now, LWS_WRITE_RAW) < 0) {
        edge_kill(self);
        return;
    }
    self->given += now;
    self->out_head += now;
    if (lws_partial_buffered(self->wsi)) {
        self->blocked = true; /* edge_writeable comes when that is written */
        self->in_flight = now;
    } else {
        self->edge->queued_bytes -= now;
        if (now < left) /* others first */
            lws_callback_on_writable(self->wsi);
    }
    if (now == left) {
        buffer_free(&self->out);
        self->out_head = 0;
    } else if (self->out_head >= self->out.length / 2) {
        buffer_drop(&self->out, self->out_head);
        self->out_head = 0;
    }
}

/*
 * While libwebsockets holds a part of a write, it doesn't read a raw socket though poll says it
 * could (and spins), and on a WebSocket it would pile up input without limit if it then closed.
 * So that socket isn't read, which is also fair to those that do read their answers.
 */
static void set_reading(struct edge_connection *self) {
    bool deaf = (self->paused || self->blocked) && self->state < EDGE_ENDING;
    if (deaf == self->deaf)
        return;
    self->deaf = deaf;
    lws_rx_flow_control(self->wsi, deaf ? 0 : 1);
}

/* The queue is written: now the polite end. */
static void start_ending(struct edge_connection *self) {
    edge_set_state(self, EDGE_ENDING);
    if (self->transport == EDGE_WEBSOCKET)
        lws_callback_on_writable(self->wsi); /* edge_writeable says what to close with */
    else
        /* Not closed yet: with input unread that would be a reset, which takes our last words
         * from the client. libwebsockets closes when the client does. */
        shutdown(lws_get_socket_fd(self->wsi), SHUT_WR);
}

static void serve(struct edge_connection *self) {
    if (self->state == EDGE_OPEN && !self->paused && self->waiting.length != 0)
        hand_over_waiting(self);
    write_queue(self);
    if (self->state == EDGE_CLOSING && edge_queued_bytes(self) == 0)
        start_ending(self);
    set_reading(self);
}

void edge_on_work(struct ev_loop *ev, ev_prepare *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge *edge = watcher->data;
    struct edge_connection *self;
    while ((self = TAILQ_FIRST(&edge->working)) != NULL) {
        TAILQ_REMOVE(&edge->working, self, work);
        self->working = false;
        serve(self);
    }
}

int edge_writeable(struct edge_connection *self) {
    if (lws_partial_buffered(self->wsi))
        return 0;
    if (self->state == EDGE_GONE)
        return -1;
    if (self->state == EDGE_ENDING) {
        if (self->transport == EDGE_TCP)
            return 0;
        if (self->close_status != 0) {
            const char *reason = self->close_reason != NULL ? self->close_reason : "";
            lws_close_reason(self->wsi, self->close_status, (unsigned char *)reason,
                             strnlen(reason, MAX_REASON_BYTES));
        }
        return -1;
    }
    if (self->blocked) {
        self->blocked = false;
        self->edge->queued_bytes -= self->in_flight;
        self->in_flight = 0;
    }
    serve(self);
    return 0;
}
