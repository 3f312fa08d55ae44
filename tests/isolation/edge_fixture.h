/*
 * For the tests of the edge: a real one on loopback ports that the kernel chose, an owner that
 * echoes and writes down what it is told, and clients on plain sockets that frame by hand. All of
 * it in one thread, on one loop: UNTIL turns it.
 */
#ifndef PARLEY_TESTS_EDGE_FIXTURE_H
#define PARLEY_TESTS_EDGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/log.h"
#include "common/loop.h"
#include "services/gateway/edge/edge.h"
#include "services/gateway/edge/json.h"

#define DEADLINE_MS 60000

struct fixture {
    struct ev_loop *ev;
    ev_timer tick;
    struct edge_settings settings;
    struct edge *edge;
    struct buffer told;                 /* "open;", "object TEXT;", "fault REASON;", ... */
    struct edge_connection *connection; /* the last one that was opened, until it is closed */
    bool quiet;                         /* no echo */
    bool within;                        /* a call into the edge is under way */
    bool lingers;                       /* at the end it does not close */
    bool pauses;                        /* behind each object */
    size_t objects, reached, ends, closed, refused;
};

struct client {
    struct fixture *fixture;
    int fd;
    bool ended; /* the server closed */
    struct buffer in;
};

struct frame {
    unsigned opcode;
    struct slice payload; /* in `bytes` */
    char *bytes;
};

/* Goes on turning the loop until `condition_` holds; fails after DEADLINE_MS. */
#define UNTIL(fixture_, condition_)                                                                \
    do {                                                                                           \
        int64_t end_ = loop_now_ms() + DEADLINE_MS;                                                \
        while (!(condition_)) {                                                                    \
            if (loop_now_ms() >= end_)                                                             \
                fail_msg("waited in vain for %s; told: %s", #condition_, fixture_told(fixture_));  \
            fixture_turn(fixture_);                                                                \
        }                                                                                          \
    } while (0)

/* --- the owner --- */

static inline const char *fixture_told(struct fixture *self) {
    buffer_add(&self->told, "", 1);
    self->told.length--;
    return self->told.data;
}

static inline bool starts(struct slice text, const char *with) {
    return text.length >= strlen(with) && memcmp(text.data, with, strlen(with)) == 0;
}

static inline void owner_open(void *argument, struct edge_connection *connection) {
    struct fixture *self = argument;
    assert_false(self->within);
    assert_true(edge_id(connection) != 0);
    assert_null(edge_owner(connection));
    edge_set_owner(connection, self);
    self->connection = connection;
    buffer_add_text(&self->told, "open;");
}

/* {"pause"..}, {"close"..}, {"bad"..}, {"good"..} do what they say; anything else is echoed. */
static inline void owner_object(void *argument, struct edge_connection *connection,
                                struct slice text) {
    struct fixture *self = argument;
    assert_false(self->within);
    assert_ptr_equal(edge_owner(connection), self);
    self->objects++;
    if (text.length < 100)
        buffer_printf(&self->told, "object %.*s;", (int)text.length, text.data);
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

static inline void owner_fault(void *argument, struct edge_connection *connection,
                               const char *reason) {
    struct fixture *self = argument;
    buffer_printf(&self->told, "fault %s;", reason);
    if (!self->quiet)
        assert_int_equal(edge_send(connection, slice_text("{\"error\":1}")), 0);
}

static inline void owner_reached(void *argument, struct edge_connection *connection) {
    struct fixture *self = argument;
    assert_false(self->within);
    assert_ptr_equal(edge_owner(connection), self);
    self->reached++;
}

static inline void owner_close(void *argument, struct edge_connection *connection) {
    struct fixture *self = argument;
    assert_false(self->within);
    assert_ptr_equal(edge_owner(connection), self);
    assert_int_equal(edge_queued_bytes(connection), 0);
    assert_int_equal(edge_send(connection, slice_text("{}")), -1);
    edge_pause(connection); /* harmless, as all else */
    self->closed++;
    if (self->connection == connection)
        self->connection = NULL;
    buffer_add_text(&self->told, "close;");
}

static inline void owner_end(void *argument, struct edge_connection *connection) {
    struct fixture *self = argument;
    assert_false(self->within);
    self->ends++;
    if (!self->lingers)
        edge_close(connection, 0, NULL);
}

static inline void owner_refused(void *argument) {
    struct fixture *self = argument;
    assert_false(self->within);
    self->refused++;
}

static const struct edge_handlers owner_handlers = {owner_open,    owner_object, owner_fault,
                                                    owner_reached, owner_end,    owner_close,
                                                    owner_refused, NULL};

/* --- the fixture --- */

static inline void on_fixture_tick(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)watcher;
    (void)revents;
}

static inline void fixture_turn(struct fixture *self) { ev_run(self->ev, EVRUN_ONCE); }

static inline void fixture_start(struct fixture *self) {
    self->edge = edge_new(self->ev, &self->settings, &owner_handlers, self);
    assert_non_null(self->edge);
    assert_true(edge_port(self->edge, EDGE_WEBSOCKET) != 0);
    assert_true(edge_port(self->edge, EDGE_TCP) != 0);
    assert_true(edge_port(self->edge, EDGE_YOUIM) != 0);
}

static inline void fixture_stop(struct fixture *self) {
    edge_destroy(&self->edge);
    assert_null(self->edge);
}

/* With settings that suit most tests, not started. */
static inline int fixture_setup(void **state) {
    log_open("edge_test", LOG_LEVEL_ERROR);
    struct fixture *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->ev = ev_loop_new(EVFLAG_AUTO);
    assert_non_null(self->ev);
    ev_timer_init(&self->tick, on_fixture_tick, 0.002, 0.002);
    ev_timer_start(self->ev, &self->tick);
    self->told = buffer_make(1 << 22);
    self->settings = (struct edge_settings){.bind_address = "127.0.0.1",
                                            .ping_interval_ms = 60000,
                                            .vanished_timeout_ms = 60000,
                                            .handshake_timeout_ms = 20000,
                                            .end_timeout_ms = 60000,
                                            .send_queue_bytes = 262144,
                                            .send_queues_bytes = 1 << 30,
                                            .max_connections = 100};
    *state = self;
    return 0;
}

static inline int fixture_setup_started(void **state) {
    fixture_setup(state);
    fixture_start(*state);
    return 0;
}

static inline int fixture_teardown(void **state) {
    struct fixture *self = *state;
    fixture_stop(self);
    ev_timer_stop(self->ev, &self->tick);
    ev_loop_destroy(self->ev);
    buffer_free(&self->told);
    free(self);
    return 0;
}

/* --- clients --- */

static inline struct client *client_open(struct fixture *fixture, enum edge_transport transport) {
    struct client *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->fixture = fixture;
    self->in = buffer_make(1 << 26);
    self->fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(edge_port(fixture->edge, transport)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(self->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(self->fd, F_SETFL, O_NONBLOCK), 0);
    return self;
}

static inline void client_close(struct client **self) {
    close((*self)->fd);
    buffer_free(&(*self)->in);
    free(*self);
    *self = NULL;
}

/* Reads what has come. */
static inline void client_read(struct client *self) {
    static char bytes[65536];
    ssize_t got;
    while ((got = recv(self->fd, bytes, sizeof bytes, 0)) > 0)
        assert_int_equal(buffer_add(&self->in, bytes, (size_t)got), 0);
    if (got == 0 || (errno != EAGAIN && errno != EINTR))
        self->ended = true;
}

static inline void client_write(struct client *self, const void *bytes, size_t length) {
    size_t at = 0;
    while (at < length) {
        ssize_t sent = send(self->fd, (const char *)bytes + at, length - at, MSG_NOSIGNAL);
        if (sent > 0)
            at += (size_t)sent;
        else if (sent < 0 && errno == EAGAIN)
            fixture_turn(self->fixture);
        else
            fail_msg("the client can't write: %s", strerror(errno));
    }
}

static inline void client_say(struct client *self, const char *text) {
    client_write(self, text, strlen(text));
}

static inline bool client_has(struct client *self, size_t length) {
    client_read(self);
    return self->in.length >= length;
}

static inline bool client_ended(struct client *self) {
    client_read(self);
    return self->ended;
}

/* Waits for exactly this text next, and takes it. */
static inline void client_expect(struct client *self, const char *text) {
    UNTIL(self->fixture, client_has(self, strlen(text)) || self->ended);
    assert_true(self->in.length >= strlen(text));
    assert_memory_equal(self->in.data, text, strlen(text));
    buffer_drop(&self->in, strlen(text));
}

/* --- WebSocket --- */

/* Appends a client's frame: masked. */
static inline void frame_add(struct buffer *out, unsigned opcode, bool final, struct slice text) {
    static const unsigned char mask[4] = {0x5a, 0x11, 0xc3, 0x7e};
    unsigned char head[14] = {(unsigned char)((final ? 0x80U : 0U) | opcode)};
    size_t length = 2;
    if (text.length < 126) {
        head[1] = (unsigned char)(0x80 | text.length);
    } else if (text.length < 65536) {
        head[1] = 0x80 | 126;
        head[2] = (unsigned char)(text.length >> 8);
        head[3] = (unsigned char)text.length;
        length = 4;
    } else {
        head[1] = 0x80 | 127;
        uint64_t wide = htobe64(text.length);
        memcpy(head + 2, &wide, sizeof wide);
        length = 10;
    }
    memcpy(head + length, mask, sizeof mask);
    assert_int_equal(buffer_add(out, head, length + sizeof mask), 0);
    for (size_t i = 0; i < text.length; i++) {
        char masked = (char)((unsigned char)text.data[i] ^ mask[i & 3]);
        assert_int_equal(buffer_add(out, &masked, 1), 0);
    }
}

static inline void frame_send(struct client *self, unsigned opcode, bool final, struct slice text) {
    struct buffer out = buffer_make(1 << 24);
    frame_add(&out, opcode, final, text);
    client_write(self, out.data, out.length);
    buffer_free(&out);
}

static inline void text_send(struct client *self, const char *text) {
    frame_send(self, 1, true, slice_text(text));
}

#define HANDSHAKE(more_)                                                                           \
    "GET /any/path HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" more_ "\r\n"

static inline char *headers_end(struct client *self) {
    return self->in.data == NULL ? NULL : memmem(self->in.data, self->in.length, "\r\n\r\n", 4);
}

/* Waits for a whole head of an answer and takes it off; the caller frees it. */
static inline char *client_take_head(struct client *self) {
    UNTIL(self->fixture, (client_read(self), headers_end(self) != NULL || self->ended));
    assert_non_null(headers_end(self));
    size_t length = (size_t)(headers_end(self) - self->in.data) + 4;
    char *head = strndup(self->in.data, length);
    assert_non_null(head);
    buffer_drop(&self->in, length);
    return head;
}

static inline struct client *websocket_open(struct fixture *fixture) {
    struct client *self = client_open(fixture, EDGE_WEBSOCKET);
    client_say(self, HANDSHAKE(""));
    char *head = client_take_head(self);
    assert_non_null(strstr(head, "HTTP/1.1 101 "));
    assert_non_null(strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    free(head);
    return self;
}

/* Whether a whole frame has come; how long it is, and where its payload starts. */
static inline bool frame_has(struct client *self, size_t *head_r, size_t *length_r) {
    client_read(self);
    const unsigned char *bytes = (const unsigned char *)self->in.data;
    if (self->in.length < 2)
        return false;
    assert_int_equal(bytes[1] & 0x80, 0); /* a server doesn't mask */
    *length_r = bytes[1];
    *head_r = *length_r == 126 ? 4 : *length_r == 127 ? 10 : 2;
    if (self->in.length < *head_r)
        return false;
    if (*head_r == 4)
        *length_r = (size_t)bytes[2] << 8 | bytes[3];
    if (*head_r == 10) {
        uint64_t wide;
        memcpy(&wide, bytes + 2, sizeof wide);
        *length_r = be64toh(wide);
    }
    return self->in.length >= *head_r + *length_r;
}

/* The next frame; free its `bytes`. */
static inline struct frame frame_next(struct client *self) {
    size_t head = 0, length = 0;
    UNTIL(self->fixture, frame_has(self, &head, &length) || self->ended);
    if (!frame_has(self, &head, &length))
        fail_msg("the server closed; told: %s", fixture_told(self->fixture));
    assert_int_equal(self->in.data[0] & 0x70, 0);
    struct frame frame = {.opcode = self->in.data[0] & 15U, .bytes = malloc(length + 1)};
    assert_true((self->in.data[0] & 0x80) != 0);
    assert_non_null(frame.bytes);
    memcpy(frame.bytes, self->in.data + head, length);
    frame.bytes[length] = '\0';
    frame.payload = slice_make(frame.bytes, length);
    buffer_drop(&self->in, head + length);
    return frame;
}

static inline void text_expect(struct client *self, const char *text) {
    struct frame frame = frame_next(self);
    assert_int_equal(frame.opcode, 1);
    assert_string_equal(frame.bytes, text);
    free(frame.bytes);
}

/* Waits for a close frame with that status, answers it, and waits for the end. Texts before it are
 * skipped. */
static inline void close_expect(struct client *self, unsigned status, const char *reason) {
    struct frame frame = frame_next(self);
    while (frame.opcode == 1) {
        free(frame.bytes);
        frame = frame_next(self);
    }
    assert_int_equal(frame.opcode, 8);
    assert_true(frame.payload.length >= 2);
    assert_int_equal((unsigned char)frame.bytes[0] << 8 | (unsigned char)frame.bytes[1], status);
    if (reason != NULL)
        assert_string_equal(frame.bytes + 2, reason);
    frame_send(self, 8, true, slice_make(frame.bytes, 2));
    free(frame.bytes);
    UNTIL(self->fixture, client_ended(self));
    assert_int_equal(self->in.length, 0);
}

#endif
