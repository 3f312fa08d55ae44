/* Sockets that we read ourselves. */
#include "services/gateway/edge/raw.h"

#include <errno.h>
#include <sys/socket.h>

/* Read in one go. */
#define READ_BYTES 4096
#define FAULT_BYTES 1024

/* --- reading --- */

static void on_fin(struct edge_connection *connection) {
    connection->fin_read = true;
    edge_raw_stop_reading(connection);
    if (connection->state == EDGE_ENDING)
        edge_connection_cut(connection);
    else if (connection->transport->closes_both_halves)
        edge_connection_fail(connection);
    else
        edge_connection_end_input(connection); /* the client may read on */
}

void edge_raw_input(struct edge_connection *connection, struct slice input) {
    if (connection->state == EDGE_OPEN && edge_connection_must_wait(connection))
        edge_connection_keep(connection, input);
    else if (connection->state == EDGE_OPEN || connection->transport->reads_to_the_end)
        connection->transport->receive(connection, input);
    edge_connection_count_input(connection);
}

static bool read_once(struct edge_connection *connection) {
    char bytes[READ_BYTES];
    ssize_t got = connection->tls ? edge_tls_read(connection->wsi, bytes, sizeof bytes)
                                  : recv(connection->readable.fd, bytes, sizeof bytes, 0);
    if (got == 0)
        on_fin(connection);
    else if (got > 0)
        edge_raw_input(connection, slice_make(bytes, (size_t)got));
    else if (errno != EAGAIN && errno != EINTR)
        edge_connection_fail(connection);
    return got > 0 && connection->state != EDGE_GONE;
}

void edge_raw_read_rest(struct edge_connection *connection) {
    while (connection->tls && edge_tls_has_more(connection->wsi) && read_once(connection))
        ;
}

/* With TLS a record is read to its end: what is left of it the kernel would not announce. */
static void on_readable(struct ev_loop *ev, ev_io *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_connection *connection = watcher->data;
    if (read_once(connection))
        edge_raw_read_rest(connection);
}

void edge_raw_set_reading(struct edge_connection *connection, bool reading) {
    if (reading && !connection->fin_read)
        ev_io_start(connection->shared->ev, &connection->readable);
    else
        ev_io_stop(connection->shared->ev, &connection->readable);
}

void edge_raw_stop_reading(struct edge_connection *connection) {
    edge_raw_set_reading(connection, false);
}

void edge_raw_start(struct edge_connection *connection) {
    lws_rx_flow_control(connection->wsi, 0);
    ev_io_init(&connection->readable, on_readable, lws_get_socket_fd(connection->wsi), EV_READ);
    connection->readable.data = connection;
    edge_raw_set_reading(connection, true);
}

void edge_raw_release(struct edge_connection *connection) { edge_raw_stop_reading(connection); }

/* --- the end --- */

void edge_raw_end_output(struct edge_connection *connection) {
    if (connection->tls && !edge_tls_end_output(connection->wsi))
        lws_callback_on_writable(connection->wsi);
    else
        shutdown(lws_get_socket_fd(connection->wsi), SHUT_WR);
}

/* --- libwebsockets --- */

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

int edge_raw_event(struct lws *wsi, enum lws_callback_reasons reason,
                   struct edge_connection *connection, void *in,
                   const struct edge_transport_calls *transport) {
    switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT:
        return edge_library_take(wsi) ? open(wsi, transport) : 0;
    case LWS_CALLBACK_SSL_INFO:
        edge_connection_shakes(lws_context_user(lws_get_context(wsi)), wsi, in);
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
