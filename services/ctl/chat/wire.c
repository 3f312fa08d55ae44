/* The TCP connection, with TLS or without; see wire.h. */
#include "services/ctl/chat/wire.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/loop.h"
#include "services/ctl/chat/lines.h"

/* limit: tool | an object that `chat` takes from the server | {OBJECT_MAX_BYTES} | it connects anew
 */
/* A 304 has 256 KiB, or one text alone, of which JSON may write each byte as six. */
#define OBJECT_MAX_BYTES ((size_t)1 << 20)
/* limit: tool | output of `chat` that the kernel has not taken yet | {OUTPUT_MAX_BYTES} | further
 * requests wait */
#define OUTPUT_MAX_BYTES ((size_t)131072)
#define REQUEST_MAX_BYTES ((size_t)65537)
/* What TLS adds to all of it. */
#define TLS_ADDED_BYTES ((size_t)8192)
/* limit: tool | a connection of `chat` to one address | {CONNECT_MS} | the next address */
#define CONNECT_MS 10000
/* limit: tool | a server that acknowledges nothing | {SILENCE_MS}; asked after {IDLE_S} of silence
 * | `chat` connects anew */
#define SILENCE_MS 30000
#define IDLE_S 15
#define PROBE_S 5
#define READ_BYTES 65536

struct chat_wire {
    struct ev_loop *ev;
    const char *host, *port;
    struct chat_tls_trust *trust; /* NULL: without TLS */
    const struct chat_wire_events *events;
    void *argument;
    struct addrinfo *found, *next; /* the addresses, and the one to try next */
    int fd;
    struct chat_tls *tls; /* from its handshake on */
    bool open;
    ev_io reads, writes;
    ev_timer timer; /* of connecting, and of a failure that is reported in the next turn */
    char reason[256];
    struct chat_lines lines;
    struct buffer output;
    char input[READ_BYTES];
};

void chat_wire_close(struct chat_wire *self) {
    ev_timer_stop(self->ev, &self->timer);
    ev_io_stop(self->ev, &self->reads);
    ev_io_stop(self->ev, &self->writes);
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
    chat_tls_destroy(&self->tls);
    self->open = false;
    chat_lines_clear(&self->lines);
    buffer_clear(&self->output);
    if (self->found != NULL)
        freeaddrinfo(self->found);
    self->found = self->next = NULL;
}

static void fail(struct chat_wire *self, const char *reason) {
    char text[sizeof self->reason];
    snprintf(text, sizeof text, "%s", reason);
    chat_wire_close(self);
    self->events->closed(self->argument, text);
}

/* --- connecting ------------------------------------------------------------------------------ */

/* Notices a server that has vanished, as the server notices a client. */
static void set_probes(int fd) {
    const int on = 1, idle = IDLE_S, probe = PROBE_S, probes = 4, silence = SILENCE_MS;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe, sizeof probe);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof silence);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Begins with the next address that there is a socket for. Without one the timer reports it. */
static void try_next(struct chat_wire *self) {
    ev_io_stop(self->ev, &self->writes);
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
    chat_tls_destroy(&self->tls);
    ev_io_stop(self->ev, &self->reads);
    buffer_clear(&self->output);
    while (self->next != NULL && self->fd < 0) {
        const struct addrinfo *address = self->next;
        self->next = address->ai_next;
        int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) != 0 &&
            errno != EINPROGRESS) {
            snprintf(self->reason, sizeof self->reason, "%s", strerror(errno));
            close(fd);
            fd = -1;
        }
        self->fd = fd;
    }
    if (self->fd < 0) {
        loop_timer_start(self->ev, &self->timer, 0);
        return;
    }
    set_probes(self->fd);
    ev_io_set(&self->writes, self->fd, EV_WRITE);
    ev_io_start(self->ev, &self->writes);
    loop_timer_start(self->ev, &self->timer, CONNECT_MS);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct chat_wire *self = timer->data;
    if (self->fd < 0) {
        fail(self, self->reason);
        return;
    }
    snprintf(self->reason, sizeof self->reason, "no answer within %d s", CONNECT_MS / 1000);
    try_next(self);
}

void chat_wire_connect(struct chat_wire *self) {
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    chat_wire_close(self);
    int status = getaddrinfo(self->host, self->port, &hints, &self->found);
    if (status != 0)
        self->found = NULL;
    snprintf(self->reason, sizeof self->reason, "%s", status != 0 ? gai_strerror(status) : "");
    self->next = self->found;
    try_next(self);
}

static void set_open(struct chat_wire *self) {
    ev_timer_stop(self->ev, &self->timer);
    self->open = true;
    self->events->opened(self->argument);
}

static void give(struct chat_wire *self) {
    chat_tls_give(self->tls, &self->output);
    if (self->output.length > 0)
        ev_io_start(self->ev, &self->writes);
}

/* false: the handshake is not done. */
static bool shake(struct chat_wire *self) {
    char reason[CHAT_TLS_REASON_BYTES] = "the server closed the connection";
    enum chat_tls_result result = chat_tls_shake(self->tls, reason);
    give(self);
    if (result == CHAT_TLS_DONE)
        set_open(self);
    else if (result != CHAT_TLS_MORE)
        fail(self, reason);
    return self->open;
}

static void finish_connecting(struct chat_wire *self) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error != 0) {
        snprintf(self->reason, sizeof self->reason, "%s", strerror(error));
        try_next(self);
        return;
    }
    ev_io_stop(self->ev, &self->writes);
    ev_io_set(&self->reads, self->fd, EV_READ);
    ev_io_start(self->ev, &self->reads);
    if (self->trust == NULL) {
        set_open(self);
        return;
    }
    self->tls = chat_tls_new(self->trust, self->host);
    if (self->tls == NULL)
        fail(self, "memory is short");
    else
        (void)shake(self);
}

/* --- an open connection ---------------------------------------------------------------------- */

static void hand_lines(struct chat_wire *self, struct slice input) {
    enum chat_lines_result result;
    struct slice line;
    while ((result = chat_lines_next(&self->lines, &input, &line)) == CHAT_LINES_LINE) {
        self->events->line(self->argument, line);
        if (!self->open)
            return;
    }
    if (result == CHAT_LINES_TOO_LONG)
        fail(self, "the server sent too long a line");
}

/* What has arrived in TLS. */
static void read_tls(struct chat_wire *self, struct slice input) {
    char bytes[READ_BYTES], reason[CHAT_TLS_REASON_BYTES] = "the server closed the connection";
    enum chat_tls_result result = CHAT_TLS_DONE;
    chat_tls_take(self->tls, input);
    if (!self->open && !shake(self))
        return;
    while (result == CHAT_TLS_DONE && self->open) {
        size_t length = sizeof bytes;
        result = chat_tls_read(self->tls, bytes, &length, reason);
        if (result == CHAT_TLS_DONE)
            hand_lines(self, slice_make(bytes, length));
        else if (result != CHAT_TLS_MORE)
            fail(self, reason);
    }
    if (self->open)
        give(self); /* answers of TLS' own */
}

static void on_readable(struct ev_loop *ev, ev_io *io, int revents) {
    (void)ev;
    (void)revents;
    struct chat_wire *self = io->data;
    ssize_t length = read(self->fd, self->input, sizeof self->input);
    if (length > 0 && self->tls != NULL)
        read_tls(self, slice_make(self->input, (size_t)length));
    else if (length > 0)
        hand_lines(self, slice_make(self->input, (size_t)length));
    else if (length == 0)
        fail(self, "the server closed the connection");
    else if (errno != EAGAIN && errno != EINTR)
        fail(self, strerror(errno));
}

/* Gives the kernel what it takes. False when the connection is broken: reading reports that. */
static bool write_some(struct chat_wire *self) {
    while (self->output.length > 0) {
        ssize_t done = send(self->fd, self->output.data, self->output.length, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno == EAGAIN;
        buffer_drop(&self->output, (size_t)done);
    }
    return true;
}

static void on_writable(struct ev_loop *ev, ev_io *io, int revents) {
    (void)revents;
    struct chat_wire *self = io->data;
    if (!self->open && self->tls == NULL) {
        finish_connecting(self);
        return;
    }
    if (!write_some(self))
        buffer_clear(&self->output);
    if (self->output.length > 0)
        return;
    ev_io_stop(ev, &self->writes);
    if (self->open)
        self->events->drained(self->argument);
}

bool chat_wire_is_open(const struct chat_wire *self) { return self->open; }

bool chat_wire_has_room(const struct chat_wire *self) {
    return self->open && self->output.length + REQUEST_MAX_BYTES <= OUTPUT_MAX_BYTES;
}

void chat_wire_send(struct chat_wire *self, const char *bytes, size_t length) {
    if (!self->open)
        return;
    if (self->tls == NULL)
        (void)buffer_add(&self->output, bytes, length);
    else if (chat_tls_write(self->tls, bytes, length))
        give(self);
    if (self->output.length > 0)
        ev_io_start(self->ev, &self->writes);
}

/* --- its life -------------------------------------------------------------------------------- */

struct chat_wire *chat_wire_new(struct ev_loop *ev, const char *host, const char *port,
                                struct chat_tls_trust *trust, const struct chat_wire_events *events,
                                void *argument) {
    struct chat_wire *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    *self = (struct chat_wire){.ev = ev,
                               .host = host,
                               .port = port,
                               .trust = trust,
                               .events = events,
                               .argument = argument,
                               .fd = -1,
                               .output = buffer_make(OUTPUT_MAX_BYTES + TLS_ADDED_BYTES)};
    chat_lines_init(&self->lines, OBJECT_MAX_BYTES);
    ev_init(&self->reads, on_readable);
    ev_init(&self->writes, on_writable);
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->reads.data = self->writes.data = self->timer.data = self;
    return self;
}

void chat_wire_destroy(struct chat_wire **self_p) {
    struct chat_wire *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    chat_wire_close(self);
    chat_lines_free(&self->lines);
    buffer_free(&self->output);
    free(self);
}
