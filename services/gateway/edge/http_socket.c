/* Requests on one socket. */
#include "services/gateway/edge/http_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "services/gateway/edge/tls.h"

/*
 * limit: client | time to complete an HTTP request | {REQUEST_S}, or `login_timeout_ms` if
 * less | closed
 */
#define REQUEST_S 20
/*
 * limit: client | silence of an HTTP socket that is kept for a further request | {IDLE_S} s |
 * closed
 */
#define IDLE_S 60
/*
 * limit: client | input behind the last answer over HTTP; sockets that read it |
 * {DROPPED_BYTES}, {ENDING_S}; {ENDINGS_MAX} at once | cut; the client may see a reset in place of
 * the answer
 */
#define DROPPED_BYTES ((size_t)1048576)
#define ENDING_S 5
#define ENDINGS_MAX 64

static void on_readable(struct ev_loop *ev, ev_io *watcher, int revents);

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents);

static void set_timeout(struct edge_http_socket *self, uint64_t ms, unsigned most_s) {
    struct ev_loop *ev = self->shared->ev;
    ev_now_update(ev);
    ev_timer_stop(ev, &self->timer);
    ev_timer_set(&self->timer, edge_library_seconds(ms, most_s), 0);
    ev_timer_start(ev, &self->timer);
}

/* --- life --- */

int edge_http_begin(struct edge_shared *shared, struct lws *wsi, edge_http_ask *ask) {
    struct edge_http_socket *self = calloc(1, sizeof *self);
    struct edge_socket *socket = lws_get_opaque_user_data(wsi);
    if (self == NULL)
        return -1;
    self->shared = shared;
    self->wsi = wsi;
    self->ask = ask;
    self->drop_bytes = DROPPED_BYTES;
    self->in = buffer_make(EDGE_HEAD_BYTES);
    self->begun = true; /* from the begin its time runs */
    socket->http = self;
    lws_rx_flow_control(wsi, 0);
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* of the handshake */
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    set_timeout(self, shared->settings->handshake_timeout_ms, REQUEST_S);
    ev_io_init(&self->readable, on_readable, lws_get_socket_fd(wsi), EV_READ);
    self->readable.data = self;
    ev_io_start(shared->ev, &self->readable);
    return 0;
}

static void forget_body(struct edge_http_socket *self) {
    if (self->site != NULL) {
        edge_site_release(&self->site);
        self->shared->downloads--;
    }
    self->rest = slice_make(NULL, 0);
}

void edge_http_free(struct edge_http_socket **self) {
    struct edge_http_socket *socket = *self;
    *self = NULL;
    if (socket == NULL)
        return;
    ev_io_stop(socket->shared->ev, &socket->readable);
    ev_timer_stop(socket->shared->ev, &socket->timer);
    forget_body(socket);
    if (socket->state == EDGE_HTTP_ENDING)
        socket->shared->endings--;
    buffer_free(&socket->in);
    free(socket);
}

void edge_http_leave(struct edge_http_socket *self, struct buffer *rest_r) {
    struct edge_socket *socket = lws_get_opaque_user_data(self->wsi);
    *rest_r = self->in;
    self->in = buffer_make(0);
    edge_http_free(&socket->http);
}

static void close_at_once(struct edge_http_socket *self) {
    if (self->state == EDGE_HTTP_ENDING)
        self->shared->endings--;
    self->state = EDGE_HTTP_OVER;
    ev_io_stop(self->shared->ev, &self->readable);
    ev_timer_stop(self->shared->ev, &self->timer);
    forget_body(self);
    edge_library_close(&self->shared->library, self->wsi);
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)revents;
    close_at_once(watcher->data);
}

/* --- behind the last answer --- */

static void end_output(struct edge_http_socket *self) {
    if (lws_is_ssl(self->wsi) && !edge_tls_end_output(self->wsi))
        lws_callback_on_writable(self->wsi);
    else
        shutdown(self->readable.fd, SHUT_WR);
}

static void end(struct edge_http_socket *self) {
    if (!self->more || self->shared->endings >= ENDINGS_MAX) {
        close_at_once(self);
        return;
    }
    self->state = EDGE_HTTP_ENDING;
    self->shared->endings++;
    buffer_free(&self->in);
    set_timeout(self, UINT64_MAX, ENDING_S);
    end_output(self);
    ev_io_start(self->shared->ev, &self->readable);
}

/* The client's records of TLS, too: nobody wants to know what is in them. */
static void drop_input(struct edge_http_socket *self) {
    char nowhere[16384];
    ssize_t got = recv(self->readable.fd, nowhere, sizeof nowhere, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0)
        self->dropped += (size_t)got;
    if (got <= 0 || self->dropped > self->drop_bytes)
        close_at_once(self);
}

/* --- answers --- */

static void await_client(struct edge_http_socket *self) {
    set_timeout(self, self->shared->settings->vanished_timeout_ms, INT32_MAX);
    lws_callback_on_writable(self->wsi);
}

/* The answer is written, as far as the kernel takes it. */
static void go_on(struct edge_http_socket *self) {
    const struct edge_settings *settings = self->shared->settings;
    if (self->rest.length > 0 || lws_partial_buffered(self->wsi)) {
        await_client(self);
        return;
    }
    forget_body(self);
    if (!self->keep) {
        end(self);
        return;
    }
    self->state = EDGE_HTTP_AWAITING;
    self->begun = false;
    set_timeout(self, settings->idle_timeout_ms, IDLE_S);
}

/* false: the socket is broken. */
static bool write_bytes(struct edge_http_socket *self, const char *bytes, size_t length) {
    bool written = lws_write(self->wsi, (unsigned char *)bytes, length, LWS_WRITE_RAW) >= 0;
    if (!written)
        close_at_once(self);
    return written;
}

void edge_http_write(struct edge_http_socket *self, struct buffer *head,
                     const struct edge_http_body *body, bool keep) {
    struct slice now = body->bytes;
    if (now.length > EDGE_PIECE_BYTES)
        now.length = EDGE_PIECE_BYTES;
    self->keep = keep;
    self->rest = slice_make(body->bytes.data + now.length, body->bytes.length - now.length);
    if (self->rest.length > 0) {
        self->site = edge_site_hold(body->site);
        self->shared->downloads++;
    }
    buffer_add(head, now.data, now.length); /* so that one send takes both */
    if (head->failed)
        close_at_once(self);
    else if (write_bytes(self, head->data, head->length))
        go_on(self);
}

static void write_piece(struct edge_http_socket *self) {
    struct slice now = self->rest;
    if (now.length > EDGE_PIECE_BYTES)
        now.length = EDGE_PIECE_BYTES;
    self->rest = slice_make(now.data + now.length, self->rest.length - now.length);
    if (now.length == 0 || write_bytes(self, now.data, now.length))
        go_on(self);
}

/* --- requests --- */

/* false: nothing is there. */
static bool read_once(struct edge_http_socket *self) {
    char bytes[EDGE_HEAD_BYTES];
    size_t room = sizeof bytes - self->in.length;
    ssize_t got = lws_is_ssl(self->wsi) ? edge_tls_read(self->wsi, bytes, room)
                                        : recv(self->readable.fd, bytes, room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got <= 0 || buffer_add(&self->in, bytes, (size_t)got) != 0) {
        close_at_once(self);
        return false;
    }
    return true;
}

/* false: the socket was left. */
static bool take_request(struct edge_http_socket *self, enum edge_http_verdict verdict,
                         size_t length) {
    struct edge_http_request request = {0};
    if (verdict == EDGE_HTTP_WHOLE)
        request = edge_http_read(slice_make(self->in.data, length));
    self->state = EDGE_HTTP_ANSWERING;
    self->requests++;
    self->more = verdict != EDGE_HTTP_WHOLE || self->in.length > length ||
                 edge_http_has_body(&request) || edge_http_count(&request, "Upgrade") > 0;
    if (!self->ask(self, verdict, &request))
        return false;
    buffer_drop(&self->in, length < self->in.length ? length : self->in.length);
    return true;
}

/* Its time runs from its first byte. */
static void begin_request(struct edge_http_socket *self) {
    if (self->begun || self->in.length == 0)
        return;
    self->begun = true;
    set_timeout(self, self->shared->settings->handshake_timeout_ms, REQUEST_S);
}

/* Answers what has been read. */
static void serve(struct edge_http_socket *self) {
    while (self->state == EDGE_HTTP_AWAITING) {
        size_t length = 0;
        enum edge_http_verdict verdict =
            self->in.length == 0
                ? EDGE_HTTP_PART
                : edge_http_judge(slice_make(self->in.data, self->in.length), &length);
        if (verdict != EDGE_HTTP_PART) {
            ev_io_stop(self->shared->ev, &self->readable);
            if (!take_request(self, verdict, length))
                return;
        } else if (!lws_is_ssl(self->wsi) || !edge_tls_has_more(self->wsi) || !read_once(self)) {
            /* the kernel does not announce what is left of a record */
            break;
        }
    }
    if (self->state != EDGE_HTTP_AWAITING)
        return;
    begin_request(self);
    ev_io_start(self->shared->ev, &self->readable);
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_http_socket *self = watcher->data;
    if (self->state == EDGE_HTTP_ENDING)
        drop_input(self);
    else if (self->state == EDGE_HTTP_AWAITING && read_once(self))
        serve(self);
}

void edge_http_writeable(struct edge_http_socket *self) {
    if (lws_partial_buffered(self->wsi))
        return;
    if (self->state == EDGE_HTTP_ENDING)
        end_output(self);
    if (self->state != EDGE_HTTP_ANSWERING)
        return;
    write_piece(self);
    serve(self);
}

int edge_http_take_back(struct edge_shared *shared, struct lws *wsi, edge_http_ask *ask,
                        struct slice rest, bool keep, size_t drop_bytes) {
    const struct edge_socket *socket = lws_get_opaque_user_data(wsi);
    if (edge_http_begin(shared, wsi, ask) != 0)
        return -1;
    struct edge_http_socket *self = socket->http;
    if (keep && buffer_add(&self->in, rest.data, rest.length) == 0) {
        serve(self);
        return 0;
    }
    ev_io_stop(shared->ev, &self->readable);
    self->state = EDGE_HTTP_ANSWERING;
    self->more = true;
    self->drop_bytes = drop_bytes;
    end(self);
    return 0;
}
