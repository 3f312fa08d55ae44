/*
 * One connection of the edge: its queue, pausing, faults and closing, alike on all transports.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/gateway/edge/private.h"

/* A close frame holds 125 bytes, two of them the status. */
#define MAX_REASON_BYTES 123

static const char *const transport_names[] = {"websocket", "tcp", "youim"};

static void find_remote(int fd, struct edge_remote *remote_r) {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } remote = {0};
    socklen_t length = sizeof remote;
    *remote_r = (struct edge_remote){.host = "?"};
    if (getpeername(fd, &remote.any, &length) != 0)
        return;
    if (remote.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &remote.in6.sin6_addr, remote_r->host, sizeof remote_r->host);
        remote_r->port = ntohs(remote.in6.sin6_port);
    } else if (remote.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &remote.in.sin_addr, remote_r->host, sizeof remote_r->host);
        remote_r->port = ntohs(remote.in.sin_port);
    }
}

/* Where an address takes both families, a client of IPv4 has one of IPv6 that holds its own. */
static void unmap(char *host) {
    static const char mapped[] = "::ffff:";
    if (strncmp(host, mapped, sizeof mapped - 1) == 0 && strchr(host, '.') != NULL)
        memmove(host, host + sizeof mapped - 1, strlen(host) - (sizeof mapped - 1) + 1);
}

static void set_remote(struct edge_connection *connection, struct lws *wsi) {
    const struct edge_remote *told = lws_get_opaque_user_data(wsi);
    struct edge_remote *remote = &connection->remote;
    if (told != NULL)
        *remote = *told;
    else
        find_remote(lws_get_socket_fd(wsi), remote);
    unmap(remote->host);
    bool wide = strchr(remote->host, ':') != NULL;
    snprintf(connection->address, sizeof connection->address, wide ? "[%s]:%u" : "%s:%u",
             remote->host, remote->port);
}

struct edge_connection *edge_connection_new(struct edge *edge, struct lws *wsi,
                                            enum edge_transport transport) {
    struct edge_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return NULL;
    connection->edge = edge;
    connection->wsi = wsi;
    connection->transport = transport;
    connection->id = ++edge->last_id;
    /* Twice: what is written already lies before `out_head` until it is half of all. */
    connection->out = buffer_make(2 * (size_t)edge->settings->send_queue_bytes + 256);
    connection->message = buffer_make(EDGE_MAX_OBJECT);
    connection->waiting = buffer_make(3 * EDGE_MAX_OBJECT);
    edge_json_init(&connection->json);
    edge_pace_init(connection);
    connection->check_ms = loop_now_ms() + (int64_t)edge->settings->ping_interval_ms;
    set_remote(connection, wsi);
    TAILQ_INSERT_TAIL(&edge->connections, connection, all);
    edge->count++;
    edge->open++;
    lws_set_wsi_user(wsi, connection);
    log_debug("connection_open", "connection=%llu transport=%s address=%s",
              (unsigned long long)connection->id, transport_names[transport], connection->address);
    edge->handlers->on_open(edge->argument, connection);
    return connection;
}

static size_t unwritten(const struct edge_connection *connection) {
    return connection->out.length - connection->out_head;
}

/* Forgets what is queued. */
static void drop_queue(struct edge_connection *connection) {
    connection->edge->queued_bytes -= edge_queued_bytes(connection);
    connection->in_flight = connection->out_head = 0;
    buffer_free(&connection->out);
}

void edge_connection_finish(struct edge_connection *connection) {
    struct edge *edge = connection->edge;
    edge_set_state(connection, EDGE_GONE);
    drop_queue(connection);
    if (connection->wsi != NULL)
        lws_set_wsi_user(connection->wsi, NULL);
    edge->handlers->on_close(edge->argument, connection);
    TAILQ_REMOVE(&edge->connections, connection, all);
    if (connection->working)
        TAILQ_REMOVE(&edge->working, connection, work);
    if (connection->marked && connection->transport != EDGE_WEBSOCKET)
        LIST_REMOVE(connection, marks);
    edge->count--;
    edge_tcp_set_reading(connection, false);
    edge_pace_stop(connection);
    edge_json_free(&connection->json);
    buffer_free(&connection->message);
    buffer_free(&connection->waiting);
    free(connection->close_reason);
    free(connection);
}

void edge_set_state(struct edge_connection *connection, enum edge_state state) {
    static const char *const names[] = {"open", "closing", "ending", "gone"};
    if (connection->state == state)
        return;
    log_debug("connection_state", "connection=%llu from=%s to=%s status=%u",
              (unsigned long long)connection->id, names[connection->state], names[state],
              connection->close_status);
    if (connection->state == EDGE_OPEN)
        connection->edge->open--;
    connection->state = state;
    buffer_free(&connection->message);
    buffer_free(&connection->waiting);
    if (connection->deadline_ms == 0)
        connection->deadline_ms = loop_now_ms() + EDGE_CLOSE_MS;
}

static void close_socket(struct edge_connection *connection) {
    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service(
        connection->edge->context); /* its timers are only looked at when it has an event */
}

void edge_kill(struct edge_connection *connection) {
    if (connection->state == EDGE_GONE)
        return;
    edge_set_state(connection, EDGE_GONE);
    drop_queue(connection);
    edge_tcp_set_reading(connection, false);
    if (connection->wsi == NULL)
        edge_work(connection);
    else
        close_socket(connection);
}

void edge_end(struct edge_connection *connection) {
    if (connection->state != EDGE_OPEN || connection->ended)
        return;
    connection->ended = true;
    connection->deadline_ms = loop_now_ms() + (int64_t)connection->edge->settings->end_timeout_ms;
    edge_work(connection);
}

void edge_abandon(struct edge_connection *connection) {
    if (connection->state >= EDGE_ENDING)
        return;
    if (connection->state == EDGE_CLOSING)
        edge_set_state(connection, EDGE_ENDING);
    edge_end(connection);
    connection->mute = true;
    connection->end_told = false;
    drop_queue(connection);
    edge_tcp_set_reading(connection, false);
    edge_work(connection);
}

void edge_break(struct edge_connection *connection) {
    if (connection->state == EDGE_GONE)
        return;
    edge_abandon(connection);
    edge_tcp_set_reading(connection, false);
    close_socket(connection);
}

void edge_lost(struct edge_connection *connection) {
    if (connection->state != EDGE_OPEN || connection->edge->destroying) {
        edge_connection_finish(connection);
        return;
    }
    edge_abandon(connection);
    edge_pace_stop(connection);
    lws_set_wsi_user(connection->wsi, NULL);
    connection->wsi = NULL;
}

bool edge_is_mute(const struct edge_connection *connection) { return connection->mute; }

/* --- the owner's calls --- */

void edge_set_owner(struct edge_connection *connection, void *owner) { connection->owner = owner; }

void *edge_owner(const struct edge_connection *connection) { return connection->owner; }

uint64_t edge_id(const struct edge_connection *connection) { return connection->id; }

enum edge_transport edge_transport(const struct edge_connection *connection) {
    return connection->transport;
}

const char *edge_address(const struct edge_connection *connection) { return connection->address; }

const char *edge_host(const struct edge_connection *connection) { return connection->remote.host; }

size_t edge_queued_bytes(const struct edge_connection *connection) {
    return unwritten(connection) + connection->in_flight;
}

uint64_t edge_sent_bytes(const struct edge_connection *connection) {
    return connection->given + unwritten(connection);
}

int edge_queue(struct edge_connection *connection, const struct slice *pieces, size_t count) {
    size_t before = connection->out.length;
    for (size_t i = 0; i < count; i++)
        if (buffer_add(&connection->out, pieces[i].data, pieces[i].length) != 0) {
            connection->out.length = before;
            return -1;
        }
    connection->edge->queued_bytes += connection->out.length - before;
    edge_work(connection);
    return 0;
}

/* Whether the queue takes so many bytes more. */
static bool has_room(const struct edge_connection *connection, size_t length) {
    const struct edge *edge = connection->edge;
    uint64_t limit = edge->settings->send_queue_bytes;
    uint64_t queued = edge_queued_bytes(connection);
    if (edge->queued_bytes + length > edge->settings->send_queues_bytes && queued > 0 &&
        queued + length > EDGE_SHARE_BYTES)
        return false;
    return length <= limit && queued <= limit - length;
}

static int send_frame(struct edge_connection *connection, struct slice text) {
    unsigned char head[EDGE_YOUIM_HEAD_BYTES];
    struct slice pieces[3] = {slice_make((const char *)head, sizeof head)};
    if (edge_youim_frame(text, head, &pieces[1], &pieces[2]))
        return edge_queue(connection, pieces, 3);
    log_error("unframed_text", "connection=%llu", (unsigned long long)connection->id);
    return 0; /* the owner's slip: sending it again would not help */
}

int edge_send(struct edge_connection *connection, struct slice text) {
    unsigned char head[EDGE_FRAME_HEAD_BYTES];
    enum edge_transport transport = connection->transport;
    size_t extra = transport == EDGE_WEBSOCKET ? edge_frame_head(head, 1, text.length)
                   : transport == EDGE_TCP     ? 1
                                               : EDGE_YOUIM_HEAD_BYTES;
    if (connection->state != EDGE_OPEN || connection->mute ||
        !has_room(connection, text.length + extra))
        return -1;
    if (transport == EDGE_YOUIM)
        return send_frame(connection, text);
    const struct slice pieces[3] = {slice_make((const char *)head, extra), text,
                                    slice_make("\n", 1)};
    return edge_queue(connection, pieces + (transport == EDGE_TCP), 2);
}

bool edge_mark(struct edge_connection *connection) {
    if (connection->marked || connection->state != EDGE_OPEN || connection->mute)
        return false;
    if (connection->transport != EDGE_WEBSOCKET)
        edge_tcp_mark(connection);
    else if (edge_websocket_mark(connection) != 0)
        return false;
    connection->marked = true;
    return true;
}

void edge_pause(struct edge_connection *connection) {
    if (connection->paused)
        return;
    connection->paused = true;
    edge_work(connection);
}

void edge_resume(struct edge_connection *connection) {
    if (!connection->paused)
        return;
    connection->paused = false;
    connection->check_ms = loop_now_ms() + (int64_t)connection->edge->settings->ping_interval_ms;
    edge_work(connection);
}

void edge_count_fault(struct edge_connection *connection, const char *reason) {
    if (connection->state != EDGE_OPEN)
        return;
    connection->faults++;
    connection->edge->handlers->on_fault(connection->edge->argument, connection, reason);
    if (connection->faults >= EDGE_MAX_FAULTS)
        edge_close(connection, 1008, "too many faulty objects in a row");
}

void edge_count_good(struct edge_connection *connection) { connection->faults = 0; }

void edge_close(struct edge_connection *connection, unsigned status, const char *reason) {
    if (connection->state != EDGE_OPEN)
        return;
    if (status == 0 && connection->edge->stopping) {
        status = 1001;
        reason = "the server is stopping";
    }
    connection->close_status = status;
    connection->close_reason = reason != NULL ? strdup(reason) : NULL;
    edge_set_state(connection, connection->mute ? EDGE_ENDING : EDGE_CLOSING);
    edge_work(connection);
}

bool edge_must_wait(const struct edge_connection *connection) {
    return connection->paused || connection->waiting.length != 0;
}

/* --- serving a connection, once per turn --- */

void edge_work(struct edge_connection *connection) {
    if (connection->working)
        return;
    connection->working = true;
    TAILQ_INSERT_TAIL(&connection->edge->working, connection, work);
    ev_feed_event(connection->edge->ev, &connection->edge->work, EV_CUSTOM);
}

static void hand_over_waiting(struct edge_connection *connection) {
    struct buffer waiting = connection->waiting;
    connection->waiting = buffer_make(waiting.max);
    struct slice bytes = slice_make(waiting.data, waiting.length);
    static void (*const resume[])(struct edge_connection *, struct slice) = {
        edge_websocket_resume, edge_tcp_resume, edge_youim_resume};
    resume[connection->transport](connection, bytes);
    buffer_free(&waiting);
}

/*
 * Writes past libwebsockets' framing (LWS_WRITE_RAW puts nothing before or after the bytes), so
 * that one send takes all frames, and without waiting to be told that the socket is writeable,
 * which would cost two calls of epoll_ctl and another turn of the loop. That is sound as long as
 * libwebsockets holds nothing back (`blocked`), since whole frames are written and it only adds
 * whole frames of its own.
 */
static void write_queue(struct edge_connection *connection) {
    size_t left = unwritten(connection);
    if (left == 0 || connection->blocked || connection->state >= EDGE_ENDING)
        return;
    char *bytes = connection->out.data + connection->out_head;
    size_t now = left < EDGE_WRITE_BYTES ? left : EDGE_WRITE_BYTES;
    now = edge_pace_limit(connection, slice_make(bytes, now));
    if (now == 0)
        return;
    if (lws_write(connection->wsi, (unsigned char *)bytes, now, LWS_WRITE_RAW) < 0) {
        edge_break(connection);
        return;
    }
    edge_pace_wrote(connection, slice_make(bytes, now));
    connection->given += now;
    connection->out_head += now;
    if (lws_partial_buffered(connection->wsi)) {
        connection->blocked = true; /* edge_writeable comes when that is written */
        connection->in_flight = now;
    } else {
        connection->edge->queued_bytes -= now;
        if (now < left && !ev_is_active(&connection->pace)) /* others first */
            lws_callback_on_writable(connection->wsi);
    }
    if (now == left) {
        buffer_free(&connection->out);
        connection->out_head = 0;
    } else if (connection->out_head >= connection->out.length / 2) {
        buffer_drop(&connection->out, connection->out_head);
        connection->out_head = 0;
    }
}

/*
 * While libwebsockets holds a part of a write, it would pile up a WebSocket's input without limit
 * if it then closed. So no socket is read then, which is also fair to those that do read their
 * answers.
 */
static void set_reading(struct edge_connection *connection) {
    bool held = (connection->paused || connection->blocked) && connection->state < EDGE_ENDING;
    bool deaf = held || (connection->ended && connection->state == EDGE_OPEN);
    if (connection->mute || connection->state == EDGE_GONE || deaf == connection->deaf)
        return;
    connection->deaf = deaf;
    if (connection->transport == EDGE_WEBSOCKET)
        lws_rx_flow_control(connection->wsi, deaf ? 0 : 1);
    else
        edge_tcp_set_reading(connection, !deaf);
}

/* The queue is written: now the polite end. */
static void start_ending(struct edge_connection *connection) {
    edge_set_state(connection, EDGE_ENDING);
    if (connection->transport == EDGE_WEBSOCKET)
        lws_callback_on_writable(connection->wsi); /* edge_writeable says what to close with */
    else if (connection->eof)
        edge_kill(connection);
    else
        /* Not closed yet: with input unread that would be a reset, which takes our last words
         * from the client. It is closed when the client does. */
        shutdown(lws_get_socket_fd(connection->wsi), SHUT_WR);
}

static void serve(struct edge_connection *connection) {
    if (connection->state == EDGE_OPEN && !connection->paused && connection->waiting.length != 0)
        hand_over_waiting(connection);
    if (connection->state == EDGE_OPEN && connection->ended && !connection->end_told &&
        !edge_must_wait(connection)) {
        connection->end_told = true;
        connection->edge->handlers->on_end(connection->edge->argument, connection);
    }
    if (connection->wsi == NULL) {
        if (connection->state != EDGE_OPEN)
            edge_connection_finish(connection);
        return;
    }
    write_queue(connection);
    if (connection->state == EDGE_CLOSING && edge_queued_bytes(connection) == 0)
        start_ending(connection);
    set_reading(connection);
}

void edge_on_work(struct ev_loop *ev, ev_prepare *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge *edge = watcher->data;
    struct edge_connection *connection;
    while ((connection = TAILQ_FIRST(&edge->working)) != NULL) {
        TAILQ_REMOVE(&edge->working, connection, work);
        connection->working = false;
        serve(connection);
    }
}

int edge_writeable(struct edge_connection *connection) {
    if (lws_partial_buffered(connection->wsi))
        return 0;
    if (connection->state == EDGE_GONE)
        return -1;
    if (connection->state == EDGE_ENDING) {
        if (connection->transport != EDGE_WEBSOCKET)
            return 0;
        if (connection->close_status != 0) {
            const char *reason = connection->close_reason != NULL ? connection->close_reason : "";
            lws_close_reason(connection->wsi, connection->close_status, (unsigned char *)reason,
                             strnlen(reason, MAX_REASON_BYTES));
        }
        return -1;
    }
    if (connection->blocked) {
        connection->blocked = false;
        connection->edge->queued_bytes -= connection->in_flight;
        connection->in_flight = 0;
    }
    serve(connection);
    return 0;
}
