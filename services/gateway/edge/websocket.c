/* WebSockets, after their handshake. */
#include "services/gateway/edge/websocket.h"

#include <endian.h>
#include <string.h>

#include "common/log.h"
#include "common/unicode.h"
#include "services/gateway/edge/kernel.h"
#include "services/gateway/edge/raw.h"

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
    bool more = info->acknowledged_bytes > connection->pings.taken;
    connection->pings.taken = info->acknowledged_bytes;
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
    if (known && silent < now_ms - connection->pings.last_ms + interval / 2)
        connection->pings.count = 0;
    if (known && silent < interval) {
        connection->check_ms -= silent;
    } else if (known && is_taking(connection, &info)) {
        connection->pings.count = 0;
    } else if (connection->pings.count >= EDGE_UNANSWERED_PINGS) {
        edge_close(connection, 1001, "pings were not answered");
    } else if (ping(connection) == 0) {
        connection->pings.count++;
        connection->pings.last_ms = now_ms;
    }
}

/* --- messages --- */

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

/* --- the close frame --- */

/* `status` 0: without one. Behind whatever libwebsockets still holds. */
static void write_close(struct edge_connection *connection, unsigned status, const char *reason) {
    unsigned char bytes[EDGE_FRAME_HEAD_BYTES + EDGE_CONTROL_BYTES];
    size_t text = reason == NULL ? 0 : strnlen(reason, MAX_REASON_BYTES);
    size_t payload = status == 0 ? 0 : 2 + text;
    size_t head = edge_frame_head(bytes, EDGE_OPCODE_CLOSE, payload);
    connection->close_sent = true;
    if (payload > 0) {
        bytes[head] = (unsigned char)(status >> 8);
        bytes[head + 1] = (unsigned char)status;
        memcpy(bytes + head + 2, reason == NULL ? "" : reason, text);
    }
    (void)lws_write(connection->wsi, bytes, head + payload, LWS_WRITE_RAW);
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

/* The client's: it is answered, unless it is an answer itself, and then all is over. What is queued
 * for the client is dropped; in the middle of a frame nothing can be said. */
static void on_close_frame(struct edge_connection *connection, struct slice payload) {
    const unsigned char *bytes = (const unsigned char *)payload.data;
    unsigned status = payload.length < 2 ? 0 : (unsigned)bytes[0] << 8 | bytes[1];
    const char *reason = NULL;
    connection->input_lost = true; /* nothing behind it is a frame */
    if (payload.length == 1 || (payload.length >= 2 && !is_close_status(status))) {
        status = 1002;
        reason = "the close frame has no status that it may have";
    } else if (payload.length > 2 && !is_utf8(slice_make(payload.data + 2, payload.length - 2))) {
        status = 1007;
        reason = "the close frame's reason is not valid UTF-8";
    }
    if (!connection->close_sent && connection->written_whole)
        write_close(connection, status, reason);
    if (connection->state == EDGE_OPEN)
        edge_connection_fail(connection);
    else
        edge_connection_cut(connection);
}

/* --- receiving --- */

/* Answered behind what is queued, as far as there is room: a client may ask more often than it
 * reads. */
static void on_ping(struct edge_connection *connection, struct slice payload) {
    const struct edge_settings *settings = connection->shared->settings;
    unsigned char head[EDGE_FRAME_HEAD_BYTES];
    size_t head_length = edge_frame_head(head, EDGE_OPCODE_PONG, payload.length);
    const struct slice pieces[] = {slice_make((const char *)head, head_length), payload};
    if (connection->state == EDGE_OPEN &&
        edge_queue_has_room(&connection->queue, head_length + payload.length,
                            settings->send_queue_bytes, settings->send_queues_bytes) &&
        edge_connection_queue(connection, pieces, 2) != 0)
        edge_close(connection, 1011, no_memory);
}

static void on_control(struct edge_connection *connection, const struct edge_found *found) {
    if (connection->output_ended)
        return; /* the socket may be gone */
    if (found->opcode == EDGE_OPCODE_CLOSE)
        on_close_frame(connection, found->payload);
    else if (found->opcode == EDGE_OPCODE_PING)
        on_ping(connection, found->payload);
    else
        on_pong(connection, found->payload);
}

/* No frame behind it can be read: the client can't even say that it closes. */
static void on_broken(struct edge_connection *connection, unsigned status, const char *fault) {
    log_debug("frame_refused", "connection=%llu status=%u reason=\"%s\"",
              (unsigned long long)connection->id, status, fault);
    connection->input_lost = true;
    edge_close(connection, status, fault);
}

static void take(struct edge_connection *connection, enum edge_frames_result result,
                 const struct edge_found *found) {
    switch (result) {
    case EDGE_FRAMES_MORE:
        return;
    case EDGE_FRAMES_MESSAGE:
        if (connection->state == EDGE_OPEN)
            hand_over(connection, found->payload);
        edge_frames_free(&connection->input.frames);
        return;
    case EDGE_FRAMES_CONTROL:
        on_control(connection, found);
        return;
    case EDGE_FRAMES_BROKEN:
        on_broken(connection, 1002, found->fault);
        return;
    case EDGE_FRAMES_TOO_LONG:
        edge_count_fault(connection, too_long);
        on_broken(connection, 1009, too_long);
        return;
    case EDGE_FRAMES_NO_MEMORY:
        on_broken(connection, 1011, no_memory);
        return;
    }
}

/* Once it isn't open, for the client's close frame alone. */
static void receive(struct edge_connection *connection, struct slice input) {
    struct edge_found found;
    while (!connection->input_lost && connection->state != EDGE_GONE) {
        if (connection->state == EDGE_OPEN && connection->paused) {
            edge_connection_keep(connection, input);
            return;
        }
        enum edge_frames_result result =
            edge_frames_next(&connection->input.frames, &input, &found);
        if (result == EDGE_FRAMES_MORE)
            return;
        take(connection, result, &found);
    }
}

/* --- the transport --- */

static void start(struct edge_connection *connection) {
    edge_frames_init(&connection->input.frames);
    edge_raw_start(connection);
}

static void release(struct edge_connection *connection) {
    edge_frames_free(&connection->input.frames);
    edge_raw_release(connection);
}

static struct buffer *incomplete(struct edge_connection *connection) {
    return &connection->input.frames.message;
}

static bool frame(struct slice text, struct edge_pieces *pieces_r) {
    size_t head_length = edge_frame_head(pieces_r->head, EDGE_OPCODE_TEXT, text.length);
    pieces_r->piece[0] = slice_make((const char *)pieces_r->head, head_length);
    pieces_r->piece[1] = text;
    pieces_r->count = 2;
    return true;
}

/* The client's close frame is waited for, where it could be understood. */
static int write_end(struct edge_connection *connection) {
    unsigned status = connection->close_status != 0 ? connection->close_status : 1000;
    if (connection->output_ended)
        return 0;
    if (!connection->close_sent)
        write_close(connection, status, connection->close_reason);
    if (connection->input_lost)
        edge_raw_end_output(connection);
    return 0;
}

static void end(struct edge_connection *connection) {
    if (connection->fin_read)
        edge_connection_cut(connection);
    else
        write_end(connection);
}

static const struct edge_transport_calls calls = {.transport = EDGE_WEBSOCKET,
                                                  .name = "websocket",
                                                  .closes_both_halves = true,
                                                  .reads_to_the_end = true,
                                                  .start = start,
                                                  .release = release,
                                                  .incomplete = incomplete,
                                                  .receive = receive,
                                                  .set_reading = edge_raw_set_reading,
                                                  .stop_reading = edge_raw_stop_reading,
                                                  .frame = frame,
                                                  .mark = mark,
                                                  .check = check,
                                                  .end = end,
                                                  .write_end = write_end};

void edge_websocket_open(struct edge_shared *shared, struct lws *wsi, struct slice input) {
    struct edge_connection *connection = edge_connection_new(shared, wsi, &calls);
    if (connection == NULL) {
        edge_library_close(&shared->library, wsi);
        return;
    }
    if (input.length > 0)
        edge_raw_input(connection, input);
    edge_raw_read_rest(connection);
}

bool edge_websocket_is_refused(struct edge_shared *shared, struct lws *wsi,
                               struct buffer *close_r) {
    const char *reason;
    unsigned char head[EDGE_FRAME_HEAD_BYTES];
    static const unsigned char status[] = {1013 >> 8, 1013 & 0xff};
    if (!edge_connection_is_refused(shared, wsi, calls.name, &reason))
        return false;
    size_t length = edge_frame_head(head, EDGE_OPCODE_CLOSE, sizeof status + strlen(reason));
    buffer_add(close_r, head, length);
    buffer_add(close_r, status, sizeof status);
    buffer_add_text(close_r, reason);
    return true;
}
