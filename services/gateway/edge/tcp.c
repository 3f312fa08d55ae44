/* JSON objects, and YouIM's frames, on sockets of their own. */
#include "services/gateway/edge/tcp.h"

#include "services/gateway/edge/raw.h"

#define MARK_INTERVAL_S 0.1

/* --- reading --- */

static void release(struct edge_connection *connection) {
    edge_raw_release(connection);
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

static int write_end(struct edge_connection *connection) {
    edge_raw_end_output(connection);
    return 0;
}

static void end(struct edge_connection *connection) {
    if (connection->fin_read)
        edge_connection_cut(connection);
    else
        edge_raw_end_output(connection);
}

/* --- JSON objects --- */

static void start_json(struct edge_connection *connection) {
    edge_json_init(&connection->input.json);
    edge_raw_start(connection);
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
                                                       .set_reading = edge_raw_set_reading,
                                                       .stop_reading = edge_raw_stop_reading,
                                                       .frame = frame_line,
                                                       .mark = mark,
                                                       .end = end,
                                                       .write_end = write_end};

int edge_tcp_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t length) {
    (void)length;
    return edge_raw_event(wsi, reason, user, in, &json_calls);
}

/* --- YouIM's frames --- */

static void start_youim(struct edge_connection *connection) {
    edge_youim_init(&connection->input.youim);
    edge_raw_start(connection);
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
                                                        .set_reading = edge_raw_set_reading,
                                                        .stop_reading = edge_raw_stop_reading,
                                                        .frame = frame_youim,
                                                        .mark = mark,
                                                        .end = end,
                                                        .write_end = write_end};

int edge_youim_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t length) {
    (void)length;
    return edge_raw_event(wsi, reason, user, in, &youim_calls);
}
