/* WebSockets, after their handshake. */
#include "services/gateway/edge/websocket.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log.h"
#include "common/unicode.h"
#include "services/gateway/edge/kernel.h"

/* limit: client | reason in a close frame | {MAX_REASON_BYTES} | cut */
/* A close frame holds 125 bytes, two of them the status. */
#define MAX_REASON_BYTES 123
#define MARK_BYTES sizeof(uint64_t)

static const char too_long[] = "the message is longer than 65536 bytes";
static const char no_memory[] = "the server is short of memory";

/* --- pings --- */

/* With the number of the last mark. */
static int ping(struct edge_connection *connection) {
    unsigned char head[EDGE_FRAME_HEAD_BYTES];
    size_t head_length = edge_frame_head(head, EDGE_OPCODE_PING, MARK_BYTES);
    uint64_t payload = htobe64(connection->mark);
    const struct slice pieces[] = {slice_make((const char *)head, head_length),
                                   slice_make((const char *)&payload, MARK_BYTES)};
    return edge_connection_queue(connection, pieces, 2);
}

static bool mark(struct edge_connection *connection) {
    connection->mark++;
    return ping(connection) == 0;
}

static void on_pong(struct edge_connection *connection, struct slice payload) {
    uint64_t number;
    if (!connection->marked || payload.length != MARK_BYTES)
        return; /* a client may send pongs of its own */
    memcpy(&number, payload.data, sizeof number);
    if (be64toh(number) == connection->mark)
        edge_connection_reached(connection);
}

/* Bytes that were written to it are still on their way, and some have arrived since: on a slow link
 * the ping behind them has not arrived yet. */
static bool is_taking(struct edge_connection *connection, const struct edge_kernel_info *info) {
    bool more = info->acknowledged_bytes > connection->io.websocket.taken;
    connection->io.websocket.taken = info->acknowledged_bytes;
    return more && (info->output_waits || edge_queued_bytes(connection) > 0);
}

/* Pings a silent client, or closes the connection; a pong counts as any byte does. */
static void check(struct edge_connection *connection, int64_t now_ms) {
    int64_t interval = (int64_t)connection->shared->settings->ping_interval_ms;
    struct edge_kernel_info info;
    bool known = edge_kernel_ask(lws_get_socket_fd(connection->wsi), &info);
    int64_t silent = info.data_age_ms;
    connection->check_ms = now_ms + interval;
    /* The kernel's clock is coarse, but before a ping it was silent for an interval. */
    if (known && silent < now_ms - connection->io.websocket.last_ms + interval / 2)
        connection->io.websocket.count = 0;
    if (known && silent < interval) {
        connection->check_ms -= silent;
    } else if (known && is_taking(connection, &info)) {
        connection->io.websocket.count = 0;
    } else if (connection->io.websocket.count >= EDGE_UNANSWERED_PINGS) {
        edge_close(connection, 1001, "pings were not answered");
    } else if (ping(connection) == 0) {
        connection->io.websocket.count++;
        connection->io.websocket.last_ms = now_ms;
    }
}

/* --- receiving --- */

static void hand_over(struct edge_connection *connection, struct slice message) {
    struct slice object;
    const char *fault = edge_json_check(message, &object);
    if (fault == NULL) {
        edge_connection_hand_over(connection, object);
        return;
    }
    edge_count_fault(connection, fault);
    if (fault == edge_json_not_utf8)
        edge_close(connection, 1007, fault);
}

static void keep_waiting(struct edge_connection *connection, struct slice message) {
    uint32_t length = (uint32_t)message.length;
    if (buffer_add(&connection->waiting, &length, sizeof length) != 0 ||
        buffer_add(&connection->waiting, message.data, message.length) != 0)
        edge_close(connection, 1011, no_memory);
}

static void receive(struct edge_connection *connection, struct slice waiting) {
    while (waiting.length != 0 && connection->state == EDGE_OPEN && !connection->paused) {
        uint32_t length;
        memcpy(&length, waiting.data, sizeof length);
        struct slice message = slice_make(waiting.data + sizeof length, length);
        waiting.data += sizeof length + length;
        waiting.length -= sizeof length + length;
        hand_over(connection, message);
    }
    if (connection->state == EDGE_OPEN)
        edge_connection_keep(connection, waiting);
}

/* A part of a message: libwebsockets hands each frame over in as many pieces as it was read in. */
static void on_part(struct edge_connection *connection, struct slice part) {
    if (connection->state != EDGE_OPEN || connection->end_reported)
        return;
    struct edge_message *self = &connection->input.message;
    struct slice message;
    switch (edge_message_add(self, part, lws_remaining_packet_payload(connection->wsi),
                             lws_is_final_fragment(connection->wsi) != 0, &message)) {
    case EDGE_MESSAGE_MORE:
        return;
    case EDGE_MESSAGE_WHOLE:
        if (edge_connection_must_wait(connection))
            keep_waiting(connection, message);
        else
            hand_over(connection, message);
        edge_message_free(self);
        return;
    case EDGE_MESSAGE_TOO_LONG:
        edge_count_fault(connection, too_long);
        edge_close(connection, 1009, too_long);
        return;
    case EDGE_MESSAGE_NO_MEMORY:
        edge_close(connection, 1011, no_memory);
        return;
    }
}

/* --- frames that break RFC 6455 --- */

static void close_broken(const struct edge_connection *connection, unsigned status,
                         const char *reason) {
    log_debug("frame_refused", "connection=%llu status=%u reason=\"%s\"",
              (unsigned long long)connection->id, status, reason);
    lws_close_reason(connection->wsi, (enum lws_close_status)status, (unsigned char *)reason,
                     strlen(reason));
}

/* libwebsockets closes at such a frame, but not always with a status. Called before it closes, for
 * whatever cause. */
static void on_drop(struct edge_connection *connection) {
    struct edge_kernel_info info;
    ev_io_stop(connection->shared->ev, &connection->io.websocket.first_frame);
    if (connection->state == EDGE_OPEN && !connection->input_ended &&
        edge_kernel_ask(lws_get_socket_fd(connection->wsi), &info) &&
        info.state == EDGE_KERNEL_OPEN)
        close_broken(connection, 1002, "the frame breaks RFC 6455");
    edge_connection_end_output(connection);
}

/*
 * libwebsockets takes frames without a mask. Called before it reads the first one: whoever masks
 * that masks all.
 */
static void on_first_frame(struct ev_loop *ev, ev_io *watcher, int revents) {
    (void)revents;
    struct edge_connection *connection = watcher->data;
    unsigned char head[2];
    ssize_t at = connection->io.websocket.frame_begun ? 0 : 1;
    ssize_t seen = connection->tls ? edge_tls_peek(connection->wsi, head, (size_t)at + 1)
                                   : recv(watcher->fd, head, (size_t)at + 1, MSG_PEEK);
    if (seen < 0 && errno == EAGAIN)
        return;
    if (seen == 1 && at == 1) { /* libwebsockets reads it, and the other one comes alone */
        connection->io.websocket.frame_begun = true;
        return;
    }
    ev_io_stop(ev, watcher);
    if (seen == at + 1 && (head[at] & 0x80) == 0 &&
        lws_remaining_packet_payload(connection->wsi) == 0)
        edge_close(connection, 1002, "the frame is not masked");
}

static bool is_utf8(struct slice text) {
    uint32_t character;
    for (size_t length; text.length > 0;
         text = slice_make(text.data + length, text.length - length)) {
        length = unicode_read(text, &character);
        if (length == 0)
            return false;
    }
    return true;
}

/* Those that a frame may carry (RFC 6455, 7.4, and what was registered since). */
static bool is_close_status(unsigned status) {
    return (status >= 1000 && status <= 1014 && (status < 1004 || status > 1006)) ||
           (status >= 3000 && status <= 4999);
}

/* What libwebsockets is to get: nonzero, it does not send the client's close frame back. */
static int on_close_frame(struct edge_connection *connection, struct slice payload) {
    const unsigned char *bytes = (const unsigned char *)payload.data;
    bool known = payload.length == 0 ||
                 (payload.length >= 2 && is_close_status((unsigned)bytes[0] << 8 | bytes[1]));
    bool text = payload.length <= 2 || is_utf8(slice_make(payload.data + 2, payload.length - 2));
    bool ours = connection->state != EDGE_OPEN; /* the answer to our own */
    if (!ours && !known)
        close_broken(connection, 1002, "the close frame has no status that it may have");
    else if (!ours && !text)
        close_broken(connection, 1007, "the close frame's reason is not valid UTF-8");
    edge_connection_end_output(connection);
    return !ours && (!known || !text) ? -1 : 0;
}

/* --- the transport --- */

static void start(struct edge_connection *connection) {
    ev_io *watcher = &connection->io.websocket.first_frame;
    edge_message_init(&connection->input.message);
    ev_io_init(watcher, on_first_frame, lws_get_socket_fd(connection->wsi), EV_READ);
    ev_set_priority(watcher, EV_MAXPRI); /* before libwebsockets' */
    watcher->data = connection;
    ev_io_start(connection->shared->ev, watcher);
}

static void release(struct edge_connection *connection) {
    ev_io_stop(connection->shared->ev, &connection->io.websocket.first_frame);
    edge_message_free(&connection->input.message);
}

static struct buffer *incomplete(struct edge_connection *connection) {
    return &connection->input.message.parts;
}

static void set_reading(struct edge_connection *connection, bool reading) {
    lws_rx_flow_control(connection->wsi, reading ? 1 : 0);
}

/* libwebsockets reads on, for the client's close frame. */
static void stop_reading(struct edge_connection *connection) { (void)connection; }

static bool frame(struct slice text, struct edge_pieces *pieces_r) {
    size_t head_length = edge_frame_head(pieces_r->head, EDGE_OPCODE_TEXT, text.length);
    pieces_r->piece[0] = slice_make((const char *)pieces_r->head, head_length);
    pieces_r->piece[1] = text;
    pieces_r->count = 2;
    return true;
}

static void end(struct edge_connection *connection) { lws_callback_on_writable(connection->wsi); }

/* The close frame. */
static int write_end(struct edge_connection *connection) {
    if (connection->close_status != 0) {
        const char *reason = connection->close_reason != NULL ? connection->close_reason : "";
        lws_close_reason(connection->wsi, connection->close_status, (unsigned char *)reason,
                         strnlen(reason, MAX_REASON_BYTES));
    }
    return -1;
}

static const struct edge_transport_calls calls = {.transport = EDGE_WEBSOCKET,
                                                  .name = "websocket",
                                                  .start = start,
                                                  .release = release,
                                                  .incomplete = incomplete,
                                                  .receive = receive,
                                                  .set_reading = set_reading,
                                                  .stop_reading = stop_reading,
                                                  .frame = frame,
                                                  .mark = mark,
                                                  .check = check,
                                                  .end = end,
                                                  .write_end = write_end};

/* --- libwebsockets --- */

static int on_established(struct edge_shared *shared, struct lws *wsi) {
    const char *reason;
    if (edge_connection_is_refused(shared, wsi, calls.name, &reason)) {
        lws_close_reason(wsi, (enum lws_close_status)1013, (unsigned char *)reason, strlen(reason));
        lws_callback_on_writable(wsi); /* without a connection: closed there */
        return 0;
    }
    return edge_connection_new(shared, wsi, &calls) != NULL ? 0 : -1;
}

/* Events of a WebSocket that has its connection. */
static int on_connection(struct edge_connection *connection, enum lws_callback_reasons reason,
                         struct slice in) {
    switch (reason) {
    case LWS_CALLBACK_RECEIVE:
        on_part(connection, in);
        edge_connection_count_input(connection);
        return 0;
    case LWS_CALLBACK_RECEIVE_PONG:
        on_pong(connection, in);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return edge_connection_writeable(connection);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return on_close_frame(connection, in);
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
        on_drop(connection);
        return 0;
    case LWS_CALLBACK_CLOSED:
        edge_connection_socket_closed(connection);
        return 0;
    default:
        return 0;
    }
}

int edge_websocket_event(struct edge_shared *shared, struct lws *wsi,
                         enum lws_callback_reasons reason, struct edge_connection *connection,
                         struct slice in) {
    if (reason == LWS_CALLBACK_ESTABLISHED)
        return on_established(shared, wsi);
    if (connection != NULL)
        return on_connection(connection, reason, in);
    return reason == LWS_CALLBACK_SERVER_WRITEABLE ? -1 : 0;
}
