/* An edge, its owner and its clients. */
#include "tests/support/edge_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/support/edge_frames.h"

/* --- the owner --- */

const char *edge_fixture_events(struct edge_fixture *self) {
    buffer_add(&self->events, "", 1);
    self->events.length--;
    return self->events.data;
}

static bool starts(struct slice text, const char *with) {
    return text.length >= strlen(with) && memcmp(text.data, with, strlen(with)) == 0;
}

static void on_open(void *argument, struct edge_connection *connection) {
    struct edge_fixture *self = argument;
    assert_false(self->within);
    assert_true(edge_id(connection) != 0);
    assert_null(edge_owner(connection));
    edge_set_owner(connection, self);
    self->connection = connection;
    buffer_add_text(&self->events, "open;");
}

static void on_object(void *argument, struct edge_connection *connection, struct slice text) {
    struct edge_fixture *self = argument;
    assert_false(self->within);
    assert_ptr_equal(edge_owner(connection), self);
    self->objects++;
    if (text.length < 100)
        buffer_printf(&self->events, "object %.*s;", (int)text.length, text.data);
    if (self->pauses)
        edge_pause(connection);
    if (starts(text, "{\"pause\""))
        edge_pause(connection);
    else if (starts(text, "{\"close\""))
        edge_close(connection, 1000, "as you wish");
    else if (starts(text, "{\"bad\""))
        edge_count_fault(connection, "that is bad");
    else if (starts(text, "{\"good\""))
        edge_count_good(connection);
    else if (!self->quiet)
        assert_int_equal(edge_send(connection, text), 0);
}

static void on_fault(void *argument, struct edge_connection *connection, const char *reason) {
    struct edge_fixture *self = argument;
    buffer_printf(&self->events, "fault %s;", reason);
    if (!self->quiet)
        assert_int_equal(edge_send(connection, slice_text("{\"error\":1}")), 0);
}

static void on_reached(void *argument, struct edge_connection *connection) {
    struct edge_fixture *self = argument;
    assert_false(self->within);
    assert_ptr_equal(edge_owner(connection), self);
    self->reached++;
}

static void on_close(void *argument, struct edge_connection *connection) {
    struct edge_fixture *self = argument;
    assert_false(self->within);
    assert_ptr_equal(edge_owner(connection), self);
    assert_int_equal(edge_queued_bytes(connection), 0);
    assert_int_equal(edge_send(connection, slice_text("{}")), -1);
    edge_pause(connection); /* harmless, as all else */
    self->closed++;
    if (self->connection == connection)
        self->connection = NULL;
    buffer_add_text(&self->events, "close;");
}

static void on_end(void *argument, struct edge_connection *connection) {
    struct edge_fixture *self = argument;
    assert_false(self->within);
    self->ends++;
    if (!self->lingers)
        edge_close(connection, 0, NULL);
}

static void on_refused(void *argument) {
    struct edge_fixture *self = argument;
    assert_false(self->within);
    self->refused++;
}

static void on_limited(void *argument, enum edge_limit limit) {
    struct edge_fixture *self = argument;
    self->limited[limit]++;
}

static void write_fault(void *argument, enum edge_transport transport, const char *reason,
                        struct buffer *out) {
    (void)argument;
    (void)transport;
    buffer_printf(out, "{\"msgType\":101,\"msg\":\"%s\"}", reason);
}

static void on_handshake(void *argument, bool done) {
    struct edge_fixture *self = argument;
    assert_false(self->within);
    (*(done ? &self->shaken : &self->unshaken))++;
}

const struct edge_handlers edge_fixture_handlers = {.on_open = on_open,
                                                    .on_object = on_object,
                                                    .on_fault = on_fault,
                                                    .on_reached = on_reached,
                                                    .on_end = on_end,
                                                    .on_close = on_close,
                                                    .on_handshake = on_handshake,
                                                    .on_refused = on_refused,
                                                    .on_limited = on_limited,
                                                    .write_fault = write_fault};

/* --- the fixture --- */

static void on_tick(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)watcher;
    (void)revents;
}

void edge_fixture_turn(struct edge_fixture *self) { ev_run(self->ev, EVRUN_ONCE); }

void edge_fixture_turns(struct edge_fixture *self, int count) {
    for (int i = 0; i < count; i++)
        edge_fixture_turn(self);
}

unsigned edge_fixture_turn_for(struct edge_fixture *self, int64_t ms) {
    unsigned turns = ev_iteration(self->ev);
    for (int64_t end = loop_now_ms() + ms; loop_now_ms() < end;)
        edge_fixture_turn(self);
    return ev_iteration(self->ev) - turns;
}

void edge_fixture_start(struct edge_fixture *self) {
    self->edge = edge_new(self->ev, &self->settings, &edge_fixture_handlers, self);
    assert_non_null(self->edge);
    for (int transport = EDGE_WEBSOCKET; transport < EDGE_TRANSPORT_COUNT; transport++)
        assert_true(edge_port(self->edge, (enum edge_transport)transport, false) != 0);
}

void edge_fixture_stop(struct edge_fixture *self) {
    edge_destroy(&self->edge);
    assert_null(self->edge);
}

int edge_fixture_setup(void **state) {
    log_open("edge_test", LOG_LEVEL_ERROR);
    struct edge_fixture *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->ev = ev_loop_new(EVFLAG_AUTO);
    assert_non_null(self->ev);
    ev_timer_init(&self->tick, on_tick, 0.002, 0.002);
    ev_timer_start(self->ev, &self->tick);
    self->events = buffer_make(1 << 22);
    self->settings = (struct edge_settings){.bind_address = "127.0.0.1",
                                            .ping_interval_ms = 60000,
                                            .vanished_timeout_ms = 60000,
                                            .handshake_timeout_ms = 20000,
                                            .end_timeout_ms = 60000,
                                            .send_queue_bytes = 262144,
                                            .send_queues_bytes = 1 << 30,
                                            .untrusted_input_bytes = 1 << 20,
                                            .max_connections = 100,
                                            .tls_certificate = "",
                                            .tls_key = "",
                                            .idle_timeout_ms = UINT64_MAX,
                                            .allowed_origins = "",
                                            .admin_addresses = "",
                                            .web_root = "",
                                            .info = "{}"};
    *state = self;
    return 0;
}

int edge_fixture_setup_started(void **state) {
    edge_fixture_setup(state);
    edge_fixture_start(*state);
    return 0;
}

int edge_fixture_teardown(void **state) {
    struct edge_fixture *self = *state;
    edge_fixture_stop(self);
    ev_timer_stop(self->ev, &self->tick);
    ev_loop_destroy(self->ev);
    buffer_free(&self->events);
    free(self);
    return 0;
}

size_t edge_fixture_fill(struct edge_fixture *self, char *text, size_t length, size_t at) {
    size_t accepted = 0;
    for (int refused_turns = 0; refused_turns < 20; refused_turns++) {
        for (;;) {
            char number[24];
            snprintf(number, sizeof number, "%010zu", accepted);
            memcpy(text + at, number, 10);
            if (edge_send(self->connection, slice_make(text, length)) != 0)
                break;
            accepted++;
            refused_turns = 0;
            assert_true(edge_queued_bytes(self->connection) <= self->settings.send_queue_bytes);
            assert_int_equal(edge_queued_bytes(self->connection),
                             edge_total_queued_bytes(self->edge));
        }
        edge_fixture_turn(self);
    }
    return accepted;
}

/* --- clients --- */

struct edge_client *edge_client_open(struct edge_fixture *fixture, enum edge_transport transport) {
    struct edge_client *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->fixture = fixture;
    self->transport = transport;
    self->in = buffer_make(1 << 26);
    self->fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(edge_port(fixture->edge, transport, false)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(self->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(self->fd, F_SETFL, O_NONBLOCK), 0);
    return self;
}

struct edge_client *edge_client_open_whole(struct edge_fixture *fixture,
                                           enum edge_transport transport) {
    fixture->connection = NULL;
    struct edge_client *self = transport == EDGE_WEBSOCKET ? websocket_open(fixture)
                                                           : edge_client_open(fixture, transport);
    UNTIL(fixture, fixture->connection != NULL);
    return self;
}

void edge_client_close(struct edge_client **self) {
    close((*self)->fd);
    buffer_free(&(*self)->in);
    free(*self);
    *self = NULL;
}

void edge_client_leave(struct edge_client **self) {
    struct edge_fixture *fixture = (*self)->fixture;
    edge_client_close(self);
    UNTIL(fixture, fixture->connection == NULL);
}

void edge_client_write(struct edge_client *self, const void *bytes, size_t length) {
    size_t at = 0;
    while (at < length) {
        ssize_t sent = send(self->fd, (const char *)bytes + at, length - at, MSG_NOSIGNAL);
        if (sent > 0)
            at += (size_t)sent;
        else if (sent < 0 && errno == EAGAIN)
            edge_fixture_turn(self->fixture);
        else
            fail_msg("the client can't write: %s", strerror(errno));
    }
}

void edge_client_write_text(struct edge_client *self, const char *text) {
    edge_client_write(self, text, strlen(text));
}

void edge_client_add(const struct edge_client *self, struct buffer *out, struct slice object) {
    if (self->transport == EDGE_WEBSOCKET)
        websocket_add(out, WEBSOCKET_TEXT, true, object);
    else if (self->transport == EDGE_YOUIM)
        youim_add(out, 5, object);
    else
        assert_int_equal(buffer_add(out, object.data, object.length), 0);
}

void edge_client_send(struct edge_client *self, const char *object) {
    struct buffer out = buffer_make(1 << 20);
    edge_client_add(self, &out, slice_text(object));
    edge_client_write(self, out.data, out.length);
    buffer_free(&out);
}

void edge_client_read(struct edge_client *self) {
    static char bytes[65536];
    ssize_t got;
    while ((got = recv(self->fd, bytes, sizeof bytes, 0)) > 0)
        assert_int_equal(buffer_add(&self->in, bytes, (size_t)got), 0);
    if (got == 0 || (errno != EAGAIN && errno != EINTR))
        self->ended = true;
}

bool edge_client_has(struct edge_client *self, size_t length) {
    edge_client_read(self);
    return self->in.length >= length;
}

bool edge_client_has_ended(struct edge_client *self) {
    edge_client_read(self);
    return self->ended;
}

void edge_client_expect_bytes(struct edge_client *self, const void *bytes, size_t length) {
    UNTIL(self->fixture, edge_client_has(self, length) || self->ended);
    assert_true(self->in.length >= length);
    assert_memory_equal(self->in.data, bytes, length);
    buffer_drop(&self->in, length);
}

void edge_client_expect(struct edge_client *self, const char *text) {
    edge_client_expect_bytes(self, text, strlen(text));
}

struct edge_client *edge_client_exchange(struct edge_fixture *fixture, const char *text,
                                         const char *answer) {
    struct edge_client *client = edge_client_open(fixture, EDGE_TCP);
    edge_client_write_text(client, text);
    edge_client_expect(client, answer);
    return client;
}

void edge_client_drop_all(const struct edge_client *self, bool on) {
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {1, &nothing};
    int option = on ? SO_ATTACH_FILTER : SO_DETACH_FILTER;
    assert_int_equal(setsockopt(self->fd, SOL_SOCKET, option, &program, sizeof program), 0);
}
