/* What is known about a connection's client, for the owner. */
#include "services/gateway/edge/connection.h"
#include "services/gateway/edge/connection_private.h"
#include "services/gateway/edge/kernel.h"

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

int64_t edge_round_trip_ms(const struct edge_connection *connection) {
    struct edge_kernel_info info;
    return ask_kernel(connection, &info) ? info.round_trip_ms : 0;
}

/* All that surely are with the kernel, less those that it still holds (some of which may be from
 * the write that is under way). */
uint64_t edge_acknowledged_bytes(const struct edge_connection *connection) {
    const struct edge_queue *queue = &connection->queue;
    if (connection->transport->transport == EDGE_WEBSOCKET)
        return 0;
    int held = edge_kernel_unacknowledged(lws_get_socket_fd(connection->wsi));
    uint64_t written = queue->given - queue->held_bytes;
    return held >= 0 && written > (uint64_t)held ? written - (uint64_t)held : 0;
}
