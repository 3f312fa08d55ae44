/*
 * Raw sockets. libwebsockets closes one as soon as the client has closed its half, though the
 * client may still wait for answers. So it is kept from reading, and only writes.
 */
#include "services/gateway/edge/tcp.h"

#include <errno.h>
#include <sys/socket.h>

#define MARK_INTERVAL_S 0.1
/* Read in one go. */
#define READ_BYTES 4096
#define FAULT_BYTES 1024

/* --- reading --- */

static void on_fin(struct edge_connection *connection) {
    connection->fin_read = true;
    connection->transport->stop_reading(connection);
    if (connection->state == EDGE_ENDING)
        edge_connection_cut(connection);
    else
        edge_connection_end_input(connection); /* the client may read on */
}

static bool read_once(struct edge_connection *connection) {
    char bytes[READ_BYTES];
    ssize_t got = connection->tls ? edge_tls_read(connection->wsi, bytes, sizeof bytes)
                                  : recv(connection->io.readable.fd, bytes, sizeof bytes, 0);
    if (got == 0) {
        on_fin(connection);
    } else if (got < 0) {
        if (errno != EAGAIN && errno != EINTR)
            edge_connection_fail(connection);
    } else if (connection->state == EDGE_OPEN) {
        struct slice input = slice_make(bytes, (size_t)got);
        if (edge_connection_must_wait(connection))
            edge_connection_keep(connection, input);
        else
            connection->transport->receive(connection, input);
        edge_connection_count_input(connection);
    }
    return got > 0;
}

/* With TLS a record is read to its end: what is left of it the kernel would not announce. */
static void on_readable(struct ev_loop *ev, ev_io *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_connection *connection = watcher->data;
    while (read_once(connection) && connection->tls && edge_tls_has_more(connection->wsi))
        ;
}

static void set_reading(struct edge_connection *connection, bool reading) {
    if (reading && !connection->fin_read)
        ev_io_start(connection->shared->ev, &connection->io.readable);
    else
        ev_io_stop(connection->shared->ev, &connection->io.readable);
}

static void stop_reading(struct edge_connection *connection) { set_reading(connection, false); }

static void start(struct edge_connection *connection) {
    lws_rx_flow_control(connection->wsi, 0);
    ev_io_init(&connection->io.readable, on_readable, lws_get_socket_fd(connection->wsi), EV_READ);
    connection->io.readable.data = connection;
    set_reading(connection, true);
}

static void release(struct edge_connection *connection) {
    stop_reading(connection);
    if (connection->marked)
        LIST_REMOVE(connection, marks);
}

/* The result of a framing. false: nothing more for now. */
static bool take(struct edge_connection *connection, enum edge_json_result result,
                 struct slice object, const char *fault) {
    switch (result) {
    case EDGE_JSON_MORE:
        return false;
    case EDGE_JSON_OBJECT:
        edge_connection_hand_over(connection, object);
        break;
    case EDGE_JSON_FAULT:
        edge_count_fault(connection, fault);
        break;
    case EDGE_JSON_TOO_LONG:
        edge_count_fault(connection, fault);
        edge_close(connection, 1009, fault);
        break;
    case EDGE_JSON_NO_MEMORY:
        edge_close(connection, 1011, fault);
        break;
    }
    return connection->state == EDGE_OPEN;
}

/* --- marks --- */

static bool mark(struct edge_connection *connection) {
    struct edge_shared *shared = connection->shared;
    connection->mark = edge_sent_bytes(connection);
    LIST_INSERT_HEAD(&shared->marked, connection, marks);
    if (!ev_is_active(&shared->mark_timer)) {
        ev_timer_set(&shared->mark_timer, MARK_INTERVAL_S, MARK_INTERVAL_S);
        ev_timer_start(shared->ev, &shared->mark_timer);
    }
    return true;
}

/* Runs while a mark is outstanding. */
static void on_mark_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)revents;
    struct edge_shared *shared = watcher->data;
    struct edge_connection *connection, *next;
    for (connection = LIST_FIRST(&shared->marked); connection != NULL; connection = next) {
        /* The owner may mark again, which inserts at the head. */
        next = LIST_NEXT(connection, marks);
        if (connection->state == EDGE_GONE || connection->output_ended ||
            edge_acknowledged_bytes(connection) < connection->mark)
            continue;
        LIST_REMOVE(connection, marks);
        edge_connection_reached(connection);
    }
    if (LIST_EMPTY(&shared->marked))
        ev_timer_stop(ev, watcher);
}

void edge_tcp_start(struct edge_shared *shared) {
    ev_timer_init(&shared->mark_timer, on_mark_timer, 0, 0);
    shared->mark_timer.data = shared;
}

void edge_tcp_stop(struct edge_shared *shared) { ev_timer_stop(shared->ev, &shared->mark_timer); }

/* --- the end --- */

/* Not closed yet: with input unread that would be a reset, which takes our last words from the
 * client. It is closed when the client does. */
static int write_end(struct edge_connection *connection) {
    if (connection->tls && !edge_tls_end_output(connection->wsi))
        lws_callback_on_writable(connection->wsi);
    else
        shutdown(lws_get_socket_fd(connection->wsi), SHUT_WR);
    return 0;
}

static void end(struct edge_connection *connection) {
    if (connection->fin_read)
        edge_connection_cut(connection);
    else
        write_end(connection);
}

/* The client is told why, as far as one write takes it. */
static void refuse(struct edge_shared *shared, struct lws *wsi,
                   const struct edge_transport_calls *transport, const char *reason) {
    struct buffer text = buffer_make(FAULT_BYTES), framed = buffer_make(FAULT_BYTES);
    struct edge_pieces pieces;
    shared->handlers->write_fault(shared->argument, transport->transport, reason, &text);
    if (!text.failed && transport->frame(slice_make(text.data, text.length), &pieces))
        for (size_t i = 0; i < pieces.count; i++)
            (void)buffer_add(&framed, pieces.piece[i].data, pieces.piece[i].length);
    if (framed.length > 0)
        (void)lws_write(wsi, (unsigned char *)framed.data, framed.length, LWS_WRITE_RAW);
    buffer_free(&text);
    buffer_free(&framed);
}

static int open(struct lws *wsi, const struct edge_transport_calls *transport) {
    struct edge_shared *shared = lws_context_user(lws_get_context(wsi));
    const char *reason;
    if (edge_connection_is_refused(shared, wsi, transport->name, &reason)) {
        refuse(shared, wsi, transport, reason);
        return -1;
    }
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* of the handshake */
    return edge_connection_new(shared, wsi, transport) != NULL ? 0 : -1;
}

/* Both transports' callbacks are alike but for the connection that they make. With TLS that is
 * made once the handshake is done. */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason,
                    struct edge_connection *connection, void *in,
                    const struct edge_transport_calls *transport) {
    switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT:
        return edge_library_take(wsi) ? open(wsi, transport) : 0;
    case LWS_CALLBACK_SSL_INFO:
        if (edge_connection_shakes(lws_context_user(lws_get_context(wsi)), wsi, in))
            lws_rx_flow_control(wsi, 0); /* what follows is for the connection */
        return 0;
    case LWS_CALLBACK_RAW_WRITEABLE:
        if (connection != NULL)
            return edge_connection_writeable(connection);
        return lws_is_ssl(wsi) && edge_library_take(wsi) ? open(wsi, transport) : -1;
    case LWS_CALLBACK_RAW_CLOSE:
        if (connection != NULL)
            edge_connection_socket_closed(connection);
        return 0;
    default:
        return 0;
    }
}

/* --- JSON objects --- */

static void start_json(struct edge_connection *connection) {
    edge_json_init(&connection->input.json);
    start(connection);
}

static void release_json(struct edge_connection *connection) {
    edge_json_free(&connection->input.json);
    release(connection);
}

static struct buffer *incomplete_json(struct edge_connection *connection) {
    return &connection->input.json.kept;
}

static void receive_json(struct edge_connection *connection, struct slice input) {
    while (!connection->paused) {
        struct slice object = {0};
        const char *fault = NULL;
        enum edge_json_result result =
            edge_json_next(&connection->input.json, &input, &object, &fault);
        if (!take(connection, result, object, fault))
            return;
    }
    edge_connection_keep(connection, input);
}

static bool frame_line(struct slice text, struct edge_pieces *pieces_r) {
    pieces_r->piece[0] = text;
    pieces_r->piece[1] = slice_make("\n", 1);
    pieces_r->count = 2;
    return true;
}

static const struct edge_transport_calls json_calls = {.transport = EDGE_TCP,
                                                       .name = "tcp",
                                                       .start = start_json,
                                                       .release = release_json,
                                                       .incomplete = incomplete_json,
                                                       .receive = receive_json,
                                                       .set_reading = set_reading,
                                                       .stop_reading = stop_reading,
                                                       .frame = frame_line,
                                                       .mark = mark,
                                                       .end = end,
                                                       .write_end = write_end};

int edge_tcp_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t length) {
    (void)length;
    return on_event(wsi, reason, user, in, &json_calls);
}

/* --- YouIM's frames --- */

static void start_youim(struct edge_connection *connection) {
    edge_youim_init(&connection->input.youim);
    start(connection);
}

static void release_youim(struct edge_connection *connection) {
    edge_youim_free(&connection->input.youim);
    release(connection);
}

static struct buffer *incomplete_youim(struct edge_connection *connection) {
    return &connection->input.youim.kept;
}

static void receive_youim(struct edge_connection *connection, struct slice input) {
    while (!connection->paused) {
        struct slice object = {0};
        const char *fault = NULL;
        enum edge_json_result result = edge_youim_next(
            &connection->input.youim, &input, &connection->shared->scratch, &object, &fault);
        if (!take(connection, result, object, fault))
            return;
    }
    edge_connection_keep(connection, input);
}

static bool frame_youim(struct slice text, struct edge_pieces *pieces_r) {
    pieces_r->piece[0] = slice_make((const char *)pieces_r->head, EDGE_YOUIM_HEAD_BYTES);
    pieces_r->count = 3;
    return edge_youim_frame(text, pieces_r->head, &pieces_r->piece[1], &pieces_r->piece[2]);
}

static const struct edge_transport_calls youim_calls = {.transport = EDGE_YOUIM,
                                                        .name = "youim",
                                                        .start = start_youim,
                                                        .release = release_youim,
                                                        .incomplete = incomplete_youim,
                                                        .receive = receive_youim,
                                                        .set_reading = set_reading,
                                                        .stop_reading = stop_reading,
                                                        .frame = frame_youim,
                                                        .mark = mark,
                                                        .end = end,
                                                        .write_end = write_end};

int edge_youim_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t length) {
    (void)length;
    return on_event(wsi, reason, user, in, &youim_calls);
}
