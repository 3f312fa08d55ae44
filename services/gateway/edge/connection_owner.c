/* An owner's calls for a connection, and the facts about its client. */
#include "services/gateway/edge/connection.h"

#include "common/log.h"
#include "services/gateway/edge/connection_private.h"
#include "services/gateway/edge/kernel.h"

/* --- input --- */

void edge_count_fault(struct edge_connection *connection, const char *reason) {
    const struct edge_shared *shared = connection->shared;
    if (connection->state != EDGE_OPEN)
        return;
    connection->faults++;
    shared->handlers->on_fault(shared->argument, connection, reason);
    if (connection->faults >= EDGE_MAX_FAULTS)
        edge_close(connection, 1008, "too many faulty objects in a row");
}

void edge_count_good(struct edge_connection *connection) { connection->faults = 0; }

void edge_pause(struct edge_connection *connection) {
    if (connection->paused)
        return;
    connection->paused = true;
    edge_connection_schedule(connection);
}

void edge_resume(struct edge_connection *connection) {
    if (!connection->paused)
        return;
    connection->paused = false;
    edge_connection_await_check(connection);
    edge_connection_schedule(connection);
}

void edge_trust(struct edge_connection *connection, bool trusted) {
    connection->trusted = trusted;
    if (trusted)
        edge_held_set(&connection->shared->held, &connection->held, 0);
}

/* --- output --- */

int edge_send(struct edge_connection *connection, struct slice text) {
    const struct edge_settings *settings = connection->shared->settings;
    struct edge_pieces pieces;
    size_t length = 0;
    if (connection->state != EDGE_OPEN || connection->output_ended)
        return -1;
    if (!connection->transport->frame(text, &pieces)) {
        log_error("unframed_text", "connection=%llu", (unsigned long long)connection->id);
        return 0; /* the owner's slip: sending it again would not help */
    }
    for (size_t i = 0; i < pieces.count; i++)
        length += pieces.piece[i].length;
    if (!edge_queue_has_room(&connection->queue, length, settings->send_queue_bytes,
                             settings->send_queues_bytes))
        return -1;
    return edge_connection_queue(connection, pieces.piece, pieces.count);
}

bool edge_can_write(const struct edge_connection *connection) { return !connection->output_ended; }

bool edge_mark(struct edge_connection *connection) {
    if (connection->marked || connection->state != EDGE_OPEN || connection->output_ended)
        return false;
    connection->marked = connection->transport->mark(connection);
    return connection->marked;
}

void edge_pace(struct edge_connection *connection, uint64_t pace_ms) {
    if (connection->transport->transport != EDGE_TCP || connection->pace.ms == pace_ms)
        return;
    edge_pace_set(&connection->pace, pace_ms);
    if (pace_ms == 0)
        edge_connection_schedule(connection);
}

bool edge_is_paced(const struct edge_connection *connection) { return connection->pace.ms != 0; }

size_t edge_queued_bytes(const struct edge_connection *connection) {
    return edge_queue_bytes(&connection->queue);
}

uint64_t edge_sent_bytes(const struct edge_connection *connection) {
    return edge_queue_sent_bytes(&connection->queue);
}

/* --- the client --- */

void edge_set_owner(struct edge_connection *connection, void *owner) { connection->owner = owner; }

void *edge_owner(const struct edge_connection *connection) { return connection->owner; }

uint64_t edge_id(const struct edge_connection *connection) { return connection->id; }

enum edge_transport edge_transport(const struct edge_connection *connection) {
    return connection->transport->transport;
}

const char *edge_address(const struct edge_connection *connection) { return connection->address; }

const char *edge_host(const struct edge_connection *connection) { return connection->remote.host; }

static bool ask_kernel(const struct edge_connection *connection, struct edge_kernel_info *info_r) {
    return edge_kernel_ask(lws_get_socket_fd(connection->wsi), info_r);
}

enum edge_remote_end edge_remote_end(const struct edge_connection *connection) {
    struct edge_kernel_info info;
    bool websocket = connection->transport->transport == EDGE_WEBSOCKET;
    if (!ask_kernel(connection, &info))
        return EDGE_REMOTE_FINISHED;
    if (info.state == EDGE_KERNEL_OPEN)
        return EDGE_REMOTE_OPEN;
    /* A WebSocket's client never closes one half alone. */
    return websocket || info.state == EDGE_KERNEL_CLOSED ? EDGE_REMOTE_LEFT : EDGE_REMOTE_FINISHED;
}

uint64_t edge_silent_ms(const struct edge_connection *connection) {
    struct edge_kernel_info info;
    if (!ask_kernel(connection, &info))
        return UINT32_MAX; /* longer than any */
    bool acknowledges = connection->transport->transport != EDGE_WEBSOCKET &&
                        info.acknowledge_age_ms < info.data_age_ms;
    return acknowledges ? info.acknowledge_age_ms : info.data_age_ms;
}

uint64_t edge_window_end(const struct edge_connection *connection) {
    struct edge_kernel_info info;
    if (connection->transport->transport == EDGE_WEBSOCKET || !ask_kernel(connection, &info))
        return 0;
    if (!info.window_known)
        return 0;
    uint64_t end = info.acknowledged_bytes + info.window_bytes;
    uint64_t added =
        connection->tls
            ? edge_tls_added_bytes(connection->wsi, edge_queue_written_bytes(&connection->queue))
            : 0;
    return end > added ? end - added : 0;
}

int64_t edge_round_trip_ms(const struct edge_connection *connection) {
    struct edge_kernel_info info;
    return ask_kernel(connection, &info) ? info.round_trip_ms : 0;
}
