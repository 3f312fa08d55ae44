/* Listening ports; see listen.h. */
#include "common/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/loop.h"

struct listening {
    ev_io io; /* .fd: -1 when there is none, or none of ours */
    struct listener *owner;
};

struct listener {
    struct ev_loop *ev;
    struct listen_at at;
    const struct listener_events *events;
    void *argument;
    struct addrinfo *addresses[LISTEN_MAX_ADDRESSES];
    struct listening sockets[LISTEN_MAX_ADDRESSES];
    size_t count;
    bool open;
    bool optional; /* addresses may be missing */
    uint16_t port;
    ev_timer timer; /* until it is open: to try again; then: to accept again */
    int64_t deadline_ms, logged_ms;
};

/* --- addresses ------------------------------------------------------------------------------- */

const char *listen_print(char out[LISTEN_TEXT_BYTES], const char *scheme, const char *addresses,
                         unsigned port) {
    size_t length = 0;
    out[0] = '\0';
    for (const char *at = addresses; *at != '\0' && length < LISTEN_TEXT_BYTES;) {
        int size = (int)strcspn(at, ",");
        bool six = memchr(at, ':', (size_t)size) != NULL;
        length += (size_t)snprintf(out + length, LISTEN_TEXT_BYTES - length, "%s%s%s%.*s%s:%u",
                                   length == 0 ? "" : ",", scheme, six ? "[" : "", size, at,
                                   six ? "]" : "", port);
        at += size + (at[size] == ',');
    }
    return out;
}

bool listen_is_local(const char *addresses) {
    for (const char *at = addresses; *at != '\0';) {
        size_t size = strcspn(at, ",");
        bool local = strncmp(at, "127.", 4) == 0 || (size == 3 && strncmp(at, "::1", 3) == 0);
        if (!local)
            return false;
        at += size + (at[size] == ',');
    }
    return true;
}

/* NULL, or why the list makes no sense. */
static const char *read_addresses(struct listener *self) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICHOST};
    const char *fault = NULL;
    char *list = strdup(self->at.addresses), *rest = list;
    if (list == NULL)
        return "out of memory";
    for (char *one; fault == NULL && (one = strsep(&rest, ",")) != NULL;) {
        if (self->count == LISTEN_MAX_ADDRESSES)
            fault = "there are too many addresses";
        else if (*one == '\0' || getaddrinfo(one, NULL, &hints, &self->addresses[self->count]) != 0)
            fault = "bind_address must be a list of numeric addresses";
        else
            self->count++;
    }
    free(list);
    return fault;
}

static bool has_ipv4(const struct listener *self) {
    for (size_t i = 0; i < self->count; i++)
        if (self->addresses[i]->ai_family == AF_INET)
            return true;
    return false;
}

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static void set_port(const struct addrinfo *info, uint16_t port, union address *address_r) {
    memcpy(address_r, info->ai_addr, info->ai_addrlen);
    if (info->ai_family == AF_INET6)
        address_r->in6.sin6_port = htons(port);
    else
        address_r->in.sin_port = htons(port);
}

static uint16_t port_of(int fd) {
    union address bound = {0};
    socklen_t length = sizeof bound;
    if (getsockname(fd, &bound.any, &length) != 0)
        return 0;
    return ntohs(bound.any.sa_family == AF_INET6 ? bound.in6.sin6_port : bound.in.sin_port);
}

/* --- opening --------------------------------------------------------------------------------- */

/* A listening socket, or -1 with errno. */
static int open_socket(struct listener *self, const struct addrinfo *info) {
    const int on = 1, only = has_ipv4(self);
    union address address = {0};
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    set_port(info, self->port, &address);
    if (self->events->prepare != NULL)
        self->events->prepare(self->argument, fd);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (info->ai_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) == 0) &&
        bind(fd, &address.any, info->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static void close_all(struct listener *self) {
    for (size_t i = 0; i < LISTEN_MAX_ADDRESSES; i++) {
        ev_io *io = &self->sockets[i].io;
        if (io->fd < 0)
            continue;
        ev_io_stop(self->ev, io);
        close(io->fd);
        io->fd = -1;
    }
}

/* Opens all sockets: 0, or an error with none open and the address that it is about. */
static int open_all(struct listener *self, size_t *about_r) {
    int missing = 0;
    size_t opened = 0;
    self->port = self->at.port;
    for (size_t i = 0; i < self->count; i++) {
        int fd = open_socket(self, self->addresses[i]);
        if (fd >= 0) {
            ev_io_set(&self->sockets[i].io, fd, EV_READ);
            self->port = port_of(fd);
            opened++;
            continue;
        }
        *about_r = i;
        bool absent = errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT;
        missing = errno;
        if (absent && self->optional)
            continue;
        close_all(self);
        return missing;
    }
    return opened > 0 ? 0 : missing;
}

static void log_failure(const struct listener *self, size_t about, int error) {
    char host[NI_MAXHOST] = "?", address[LISTEN_TEXT_BYTES], more[128] = "";
    const struct addrinfo *info = self->addresses[about];
    (void)getnameinfo(info->ai_addr, info->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST);
    if (error == EADDRINUSE)
        snprintf(more, sizeof more,
                 " (tried for %llu ms); stop what has the port ('ss -tanp sport = :%u' shows it) "
                 "or set another %s",
                 (unsigned long long)self->at.wait_ms, (unsigned)self->at.port, self->at.option);
    log_error("start_failed", "reason=\"cannot listen on %s for %s: %s%s\"",
              listen_print(address, "", host, self->at.port), self->at.option, strerror(error),
              more);
}

static void hand_over(struct listener *self) {
    self->open = true;
    for (size_t i = 0; i < self->count; i++) {
        ev_io *io = &self->sockets[i].io;
        int fd = io->fd;
        if (fd < 0) {
            log_debug("address_missing", "option=%s index=%zu of=%s", self->at.option, i,
                      self->at.addresses);
            continue;
        }
        if (self->events->accepted != NULL) {
            ev_io_start(self->ev, io);
            continue;
        }
        io->fd = -1;
        self->events->opened(self->argument, fd);
    }
}

/* 0: it is open or waits; -1 after a logged line. */
static int try(struct listener *self) {
    size_t about = 0;
    int error = open_all(self, &about);
    if (error == 0) {
        hand_over(self);
        return 0;
    }
    int64_t now_ms = loop_now_ms();
    if (error != EADDRINUSE || now_ms >= self->deadline_ms) {
        log_failure(self, about, error);
        return -1;
    }
    if (self->logged_ms == 0)
        log_warn("port_taken", "option=%s port=%u wait_ms=%llu", self->at.option,
                 (unsigned)self->at.port, (unsigned long long)self->at.wait_ms);
    self->logged_ms = now_ms;
    ev_timer_set(&self->timer, LISTEN_RETRY_MS / 1000.0, 0);
    ev_timer_start(self->ev, &self->timer);
    return 0;
}

/* --- accepting ------------------------------------------------------------------------------- */

/* Whether accept lacks something that any client needs. Any other failure is that one client's. */
static bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void starve(struct listener *self, int error) {
    int64_t now_ms = loop_now_ms();
    if (now_ms - self->logged_ms >= LISTEN_LOG_MS) {
        log_warn("accept_starved", "option=%s error=\"%s\"", self->at.option, strerror(error));
        self->logged_ms = now_ms;
    }
    for (size_t i = 0; i < self->count; i++)
        ev_io_stop(self->ev, &self->sockets[i].io);
    ev_timer_set(&self->timer, LISTEN_STARVED_MS / 1000.0, 0);
    ev_timer_start(self->ev, &self->timer);
}

static void on_accept(struct ev_loop *ev, ev_io *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct listening *listening = watcher->data;
    struct listener *self = listening->owner;
    for (int i = 0; i < LISTEN_BUDGET; i++) {
        int fd = accept4(watcher->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            self->events->accepted(self->argument, fd);
        } else if (is_shortage(errno)) {
            starve(self, errno);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct listener *self = timer->data;
    if (!self->open) {
        if (try(self) != 0)
            self->events->failed(self->argument);
        return;
    }
    for (size_t i = 0; i < self->count; i++)
        if (self->sockets[i].io.fd >= 0)
            ev_io_start(self->ev, &self->sockets[i].io);
}

/* --- life ------------------------------------------------------------------------------------ */

struct listener *listener_new(struct ev_loop *ev, const struct listen_at *at,
                              const struct listener_events *events, void *argument) {
    struct listener *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->ev = ev;
    self->at = *at;
    self->events = events;
    self->argument = argument;
    self->optional = strcmp(at->addresses, LISTEN_DEFAULT) == 0;
    self->deadline_ms = loop_now_ms() + (int64_t)at->wait_ms;
    for (size_t i = 0; i < LISTEN_MAX_ADDRESSES; i++) {
        ev_io_init(&self->sockets[i].io, on_accept, -1, EV_READ);
        self->sockets[i].io.data = &self->sockets[i];
        self->sockets[i].owner = self;
    }
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    const char *fault = read_addresses(self);
    if (fault != NULL)
        log_error("start_failed", "reason=\"cannot listen on '%s': %s\"", at->addresses, fault);
    if (fault != NULL || try(self) != 0)
        listener_destroy(&self);
    return self;
}

void listener_destroy(struct listener **self_p) {
    struct listener *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    ev_timer_stop(self->ev, &self->timer);
    close_all(self);
    for (size_t i = 0; i < LISTEN_MAX_ADDRESSES; i++)
        if (self->addresses[i] != NULL)
            freeaddrinfo(self->addresses[i]);
    free(self);
}

bool listener_is_open(const struct listener *self) { return self->open; }

uint16_t listener_port(const struct listener *self) { return self->open ? self->port : 0; }
