/* One connection: its state, its queue, pausing, faults and closing, alike on all transports. */
/*
 * limit: gateway | input of a paused connection | 192 KiB, and its socket is not read | closed,
 * 1011; only one turn's input is ever kept
 */
#include "services/gateway/edge/connection.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/gateway/edge/connection_private.h"
#include "services/gateway/edge/kernel.h"
#include "services/gateway/edge/site.h"

/* Longest and shortest time that timers of connections are rounded up to. */
#define TIMER_GRID_MS 1000
#define TIMER_GRID_LEAST_MS 20

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents);
static void on_pace(struct ev_loop *ev, ev_timer *watcher, int revents);

/* --- life --- */

static void set_remote(struct edge_connection *connection) {
    const struct edge_socket *socket = lws_get_opaque_user_data(connection->wsi);
    connection->remote = socket->remote;
    edge_address_connect(connection->remote.counted);
    edge_remote_write(&connection->remote, connection->address);
}

/* The timer runs out then, or within a step of the grid after it. */
static void set_timer(struct edge_connection *connection, int64_t at_ms) {
    struct ev_loop *ev = connection->shared->ev;
    int64_t grid_ms = connection->shared->timer_grid_ms;
    int64_t left_ms = (at_ms + grid_ms - 1) / grid_ms * grid_ms - loop_now_ms();
    ev_now_update(ev);
    ev_timer_stop(ev, &connection->timer);
    ev_timer_set(&connection->timer, left_ms > 0 ? (double)left_ms / 1000 : 0, 0);
    ev_timer_start(ev, &connection->timer);
}

/* The timer may run already: it will find that it is early. */
void edge_connection_await_check(struct edge_connection *connection) {
    if (connection->transport->check == NULL)
        return;
    connection->check_ms = loop_now_ms() + (int64_t)connection->shared->settings->ping_interval_ms;
    if (!ev_is_active(&connection->timer))
        set_timer(connection, connection->check_ms);
}

struct edge_connection *edge_connection_new(struct edge_shared *shared, struct lws *wsi,
                                            const struct edge_transport_calls *transport) {
    struct edge_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return NULL;
    connection->shared = shared;
    connection->wsi = wsi;
    connection->tls = lws_is_ssl(wsi) != 0;
    connection->transport = transport;
    connection->id = ++shared->last_id;
    connection->reading = connection->written_whole = true;
    connection->queue = edge_queue_make(shared->settings->send_queue_bytes, &shared->queued_bytes);
    connection->waiting = buffer_make(3 * EDGE_MAX_OBJECT);
    edge_pace_init(&connection->pace, shared->ev, on_pace, connection);
    ev_timer_init(&connection->timer, on_timer, 0, 0);
    connection->timer.data = connection;
    set_remote(connection);
    TAILQ_INSERT_TAIL(&shared->all, connection, all);
    shared->count++;
    shared->open++;
    shared->library.connected++;
    lws_set_wsi_user(wsi, connection);
    transport->start(connection);
    edge_connection_await_check(connection);
    log_debug("connection_open", "connection=%llu transport=%s tls=%s address=%s",
              (unsigned long long)connection->id, transport->name,
              connection->tls ? SSL_get_version(lws_get_ssl(wsi)) : "none", connection->address);
    shared->handlers->on_open(shared->argument, connection);
    return connection;
}

void edge_connection_shakes(struct edge_shared *shared, struct lws *wsi,
                            const struct lws_ssl_info *info) {
    bool done = edge_library_shakes(&shared->library, wsi, info);
    if (!done)
        return;
    lws_rx_flow_control(wsi, 0); /* what follows is ours to read */
    shared->handlers->on_handshake(shared->argument, true);
}

void edge_connection_refused(struct edge_shared *shared, const char *transport) {
    log_debug("connection_refused", "transport=%s", transport);
    shared->handlers->on_refused(shared->argument);
}

bool edge_connection_is_refused(struct edge_shared *shared, struct lws *wsi, const char *transport,
                                const char **reason_r) {
    const struct edge_socket *socket = lws_get_opaque_user_data(wsi);
    if (shared->count >= shared->limit) {
        *reason_r = "the server is full";
        edge_connection_refused(shared, transport);
        return true;
    }
    if (!edge_address_is_full(&shared->library.addresses, socket->remote.counted))
        return false;
    *reason_r = "there are too many connections from your address";
    log_debug("connection_refused", "transport=%s address=%s", transport, socket->remote.host);
    shared->handlers->on_limited(shared->argument, EDGE_LIMIT_ADDRESS);
    return true;
}

/* The socket is libwebsockets' alone from now on. */
static void leave_socket(struct edge_connection *connection) {
    if (connection->wsi == NULL)
        return;
    lws_set_wsi_user(connection->wsi, NULL);
    connection->wsi = NULL;
    connection->shared->library.connected--;
}

static void set_state(struct edge_connection *connection, enum edge_state state) {
    static const char *const names[] = {"open", "closing", "ending", "gone"};
    if (connection->state == state)
        return;
    log_debug("connection_state", "connection=%llu from=%s to=%s status=%u",
              (unsigned long long)connection->id, names[connection->state], names[state],
              connection->close_status);
    if (connection->state == EDGE_OPEN)
        connection->shared->open--;
    connection->state = state;
    connection->input_lost = connection->input_lost || connection->waiting.length != 0;
    buffer_free(&connection->waiting);
    edge_held_set(&connection->shared->held, &connection->held, 0);
    if (connection->deadline_ms == 0) {
        connection->deadline_ms = loop_now_ms() + EDGE_CLOSE_MS;
        set_timer(connection, connection->deadline_ms);
    }
}

/* on_close, and frees. */
static void finish(struct edge_connection *connection) {
    struct edge_shared *shared = connection->shared;
    set_state(connection, EDGE_GONE);
    edge_queue_drop(&connection->queue);
    leave_socket(connection);
    shared->handlers->on_close(shared->argument, connection);
    TAILQ_REMOVE(&shared->all, connection, all);
    if (connection->is_scheduled)
        TAILQ_REMOVE(&shared->scheduled, connection, work);
    shared->count--;
    edge_address_disconnect(&shared->library.addresses, connection->remote.counted);
    connection->transport->release(connection);
    edge_pace_stop(&connection->pace);
    ev_timer_stop(shared->ev, &connection->timer);
    free(connection->close_reason);
    free(connection);
}

/* --- serving a connection, once per turn --- */

void edge_connection_schedule(struct edge_connection *connection) {
    struct edge_shared *shared = connection->shared;
    if (connection->is_scheduled)
        return;
    connection->is_scheduled = true;
    TAILQ_INSERT_TAIL(&shared->scheduled, connection, work);
    ev_feed_event(shared->ev, &shared->work, EV_CUSTOM);
}

static void hand_over_waiting(struct edge_connection *connection) {
    struct buffer waiting = connection->waiting;
    connection->waiting = buffer_make(waiting.max);
    connection->transport->receive(connection, slice_make(waiting.data, waiting.length));
    buffer_free(&waiting);
    edge_connection_count_input(connection);
}

/*
 * One send takes all frames, without waiting for word that the socket is writeable, which would
 * cost two calls of epoll_ctl and another turn of the loop. That is sound as long as libwebsockets
 * holds nothing back (`held`).
 */
static void write_queue(struct edge_connection *connection) {
    struct slice left = edge_queue_front(&connection->queue), now = left;
    if (left.length == 0 || connection->queue.held || connection->state >= EDGE_ENDING)
        return;
    if (now.length > EDGE_WRITE_BYTES)
        now.length = EDGE_WRITE_BYTES;
    now.length = edge_pace_limit(&connection->pace, now);
    if (now.length == 0)
        return;
    if (lws_write(connection->wsi, (unsigned char *)now.data, now.length, LWS_WRITE_RAW) < 0) {
        edge_connection_fail(connection);
        return;
    }
    edge_pace_wrote(&connection->pace, now);
    connection->written_whole = now.length == left.length;
    /* Once what is held is written, edge_connection_writeable is called. */
    edge_queue_wrote(&connection->queue, now.length, lws_partial_buffered(connection->wsi) != 0);
    if (now.length < left.length && !connection->queue.held &&
        !edge_pace_holds(&connection->pace)) /* others first */
        lws_callback_on_writable(connection->wsi);
}

/*
 * While libwebsockets holds a part of a write, no socket is read: clients that do read their
 * answers come first, and nobody piles up answers to pings.
 */
static void set_reading(struct edge_connection *connection) {
    bool held = (connection->paused || connection->queue.held) && connection->state < EDGE_ENDING;
    bool reading = !held && !(connection->input_ended && connection->state == EDGE_OPEN);
    if (connection->output_ended || connection->state == EDGE_GONE ||
        reading == connection->reading)
        return;
    connection->reading = reading;
    connection->transport->set_reading(connection, reading);
}

static void serve(struct edge_connection *connection) {
    const struct edge_shared *shared = connection->shared;
    if (connection->state != EDGE_OPEN)
        buffer_free(connection->transport->incomplete(connection));
    if (connection->state == EDGE_OPEN && !connection->paused && connection->waiting.length != 0)
        hand_over_waiting(connection);
    if (connection->state == EDGE_OPEN && connection->input_ended && !connection->end_reported &&
        !edge_connection_must_wait(connection)) {
        connection->end_reported = true;
        shared->handlers->on_end(shared->argument, connection);
    }
    if (connection->wsi == NULL) {
        if (connection->state != EDGE_OPEN)
            finish(connection);
        return;
    }
    write_queue(connection);
    if (connection->state == EDGE_CLOSING && edge_queue_bytes(&connection->queue) == 0) {
        set_state(connection, EDGE_ENDING);
        connection->transport->end(connection);
    }
    set_reading(connection);
}

static void on_work(struct ev_loop *ev, ev_prepare *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_shared *shared = watcher->data;
    struct edge_connection *connection;
    while ((connection = TAILQ_FIRST(&shared->scheduled)) != NULL) {
        TAILQ_REMOVE(&shared->scheduled, connection, work);
        connection->is_scheduled = false;
        serve(connection);
    }
}

int edge_connection_writeable(struct edge_connection *connection) {
    if (lws_partial_buffered(connection->wsi))
        return 0;
    if (connection->state == EDGE_GONE)
        return -1;
    if (connection->state == EDGE_ENDING)
        return connection->transport->write_end(connection);
    if (connection->queue.held)
        edge_queue_taken(&connection->queue);
    serve(connection);
    return 0;
}

static void on_pace(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_connection *connection = watcher->data;
    bool acknowledged = edge_acknowledged_bytes(connection) >= connection->queue.given;
    if (edge_pace_is_over(&connection->pace, acknowledged, lws_get_socket_fd(connection->wsi)))
        edge_connection_schedule(connection);
}

/* A paused connection is not checked, and its timer rests: nothing is read of it, no pong either.
 */
static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_connection *connection = watcher->data;
    bool open = connection->state == EDGE_OPEN && !connection->input_ended;
    int64_t now_ms = loop_now_ms();
    if (!open) {
        if (now_ms >= connection->deadline_ms)
            edge_connection_cut(connection);
        else
            set_timer(connection, connection->deadline_ms);
    } else if (!connection->paused) {
        if (now_ms >= connection->check_ms)
            connection->transport->check(connection, now_ms);
        if (connection->state == EDGE_OPEN)
            set_timer(connection, connection->check_ms);
    }
}

/* --- its end --- */

void edge_connection_cut(struct edge_connection *connection) {
    if (connection->state == EDGE_GONE)
        return;
    set_state(connection, EDGE_GONE);
    edge_queue_drop(&connection->queue);
    connection->transport->stop_reading(connection);
    if (connection->wsi == NULL)
        edge_connection_schedule(connection);
    else
        edge_library_close(&connection->shared->library, connection->wsi);
}

void edge_connection_end_input(struct edge_connection *connection) {
    if (connection->state != EDGE_OPEN || connection->input_ended)
        return;
    connection->input_ended = true;
    connection->deadline_ms = loop_now_ms() + (int64_t)connection->shared->settings->end_timeout_ms;
    set_timer(connection, connection->deadline_ms);
    edge_connection_schedule(connection);
}

void edge_connection_end_output(struct edge_connection *connection) {
    if (connection->state >= EDGE_ENDING)
        return;
    if (connection->state == EDGE_CLOSING)
        set_state(connection, EDGE_ENDING);
    edge_connection_end_input(connection);
    connection->output_ended = true;
    connection->end_reported = false;
    edge_queue_drop(&connection->queue);
    connection->transport->stop_reading(connection);
    edge_connection_schedule(connection);
}

void edge_connection_fail(struct edge_connection *connection) {
    if (connection->state == EDGE_GONE)
        return;
    edge_connection_end_output(connection);
    connection->transport->stop_reading(connection);
    edge_library_close(&connection->shared->library, connection->wsi);
}

void edge_connection_socket_closed(struct edge_connection *connection) {
    if (connection->state != EDGE_OPEN || connection->shared->destroying) {
        finish(connection);
        return;
    }
    edge_connection_end_output(connection);
    edge_pace_stop(&connection->pace);
    leave_socket(connection);
}

void edge_close(struct edge_connection *connection, unsigned status, const char *reason) {
    if (connection->state != EDGE_OPEN)
        return;
    if (status == 0 && connection->shared->stopping) {
        status = 1001;
        reason = "the server is stopping";
    }
    connection->close_status = status;
    connection->close_reason = reason != NULL ? strdup(reason) : NULL;
    set_state(connection, connection->output_ended ? EDGE_ENDING : EDGE_CLOSING);
    edge_connection_schedule(connection);
}

/* --- input --- */

bool edge_connection_must_wait(const struct edge_connection *connection) {
    return connection->paused || connection->waiting.length != 0;
}

void edge_connection_keep(struct edge_connection *connection, struct slice input) {
    if (buffer_add(&connection->waiting, input.data, input.length) != 0)
        edge_close(connection, 1011, "the server is short of memory");
}

void edge_connection_hand_over(struct edge_connection *connection, struct slice text) {
    const struct edge_shared *shared = connection->shared;
    shared->handlers->on_object(shared->argument, connection, text);
}

static struct edge_connection *connection_of(struct edge_held *held) {
    return (struct edge_connection *)((char *)held - offsetof(struct edge_connection, held));
}

/* Makes room: the one whose input goes may be any. */
static void drop_input(struct edge_connection *connection) {
    static const char reason[] = "too much input waits on connections without a login";
    const struct edge_shared *shared = connection->shared;
    shared->handlers->on_limited(shared->argument, EDGE_LIMIT_INPUT);
    shared->handlers->on_fault(shared->argument, connection, reason);
    edge_close(connection, 1013, reason);
}

void edge_connection_count_input(struct edge_connection *connection) {
    struct edge_held_all *all = &connection->shared->held;
    struct edge_held *held;
    if (connection->trusted || connection->state != EDGE_OPEN)
        return;
    edge_held_set(all, &connection->held,
                  connection->waiting.capacity +
                      connection->transport->incomplete(connection)->capacity);
    while ((held = edge_held_victim(all)) != NULL)
        drop_input(connection_of(held));
}

/* --- output --- */

int edge_connection_queue(struct edge_connection *connection, const struct slice *pieces,
                          size_t count) {
    if (edge_queue_add(&connection->queue, pieces, count) != 0)
        return -1;
    edge_connection_schedule(connection);
    return 0;
}

void edge_connection_reached(struct edge_connection *connection) {
    const struct edge_shared *shared = connection->shared;
    connection->marked = false;
    shared->handlers->on_reached(shared->argument, connection);
}

/* All that surely are with the kernel, less those that it still holds (some of which may be from
 * the write that is under way). With TLS the kernel holds more bytes than there are in the records,
 * and of a record that has arrived in part nothing can be read. */
uint64_t edge_acknowledged_bytes(const struct edge_connection *connection) {
    const struct edge_queue *queue = &connection->queue;
    if (connection->transport->transport == EDGE_WEBSOCKET)
        return 0;
    int held = edge_kernel_unacknowledged(lws_get_socket_fd(connection->wsi));
    uint64_t written = edge_queue_written_bytes(queue);
    uint64_t unread = (uint64_t)held + (connection->tls && held > 0 ? EDGE_TLS_RECORD_BYTES : 0);
    return held >= 0 && written > unread ? written - unread : 0;
}

/* --- all of them --- */

void edge_shared_init(struct edge_shared *self, struct ev_loop *ev,
                      const struct edge_settings *settings, const struct edge_handlers *handlers,
                      void *argument) {
    int64_t grid_ms = (int64_t)settings->ping_interval_ms / 4;
    *self = (struct edge_shared){.ev = ev,
                                 .settings = settings,
                                 .handlers = handlers,
                                 .argument = argument,
                                 .scratch = buffer_make(EDGE_MAX_OBJECT)};
    edge_held_init(&self->held, settings->untrusted_input_bytes);
    edge_turns_start(&self->turns, ev, NULL);
    edge_budget_start(&self->budget);
    edge_turns_start(&self->transfers, ev, &self->budget);
    self->timer_grid_ms = grid_ms < TIMER_GRID_LEAST_MS ? TIMER_GRID_LEAST_MS
                          : grid_ms > TIMER_GRID_MS     ? TIMER_GRID_MS
                                                        : grid_ms;
    TAILQ_INIT(&self->all);
    TAILQ_INIT(&self->scheduled);
    LIST_INIT(&self->marked);
    ev_prepare_init(&self->work, on_work);
    ev_set_priority(&self->work, EV_MINPRI);
    self->work.data = self;
}

void edge_shared_free(struct edge_shared *self) {
    struct edge_connection *connection, *next;
    for (connection = TAILQ_FIRST(&self->all); connection != NULL; connection = next) {
        next = TAILQ_NEXT(connection, all);
        finish(connection);
    }
    ev_clear_pending(self->ev, &self->work);
    edge_turns_stop(&self->turns);
    edge_turns_stop(&self->transfers);
    edge_site_release(&self->site);
    buffer_free(&self->scratch);
}
