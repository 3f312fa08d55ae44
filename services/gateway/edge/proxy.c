/*
 * Clients behind a proxy: what it says of them is read before libwebsockets is given the socket, so
 * that all transports are alike in it. Not a byte of the client's own is taken off the socket.
 */
#include "services/gateway/edge/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/gateway/edge/private.h"

/* A proxy writes its line with the first segment. */
#define LINE_MS 5000

/* A socket that was accepted and whose line has not come, or not all of it. */
struct edge_arrival {
    ev_io io;
    struct edge *edge;
    enum edge_transport transport;
    int64_t deadline_ms;
    size_t length;
    char line[EDGE_PROXY_LINE_BYTES];
    TAILQ_ENTRY(edge_arrival) all;
};

/* --- the line --- */

/* The word at the front, which a space or the end must follow. */
static struct slice take_word(struct slice *text) {
    const char *end = text->length == 0 ? NULL : memchr(text->data, ' ', text->length);
    struct slice word = *text;
    if (end == NULL) {
        *text = slice_make(NULL, 0);
        return word;
    }
    word.length = (size_t)(end - text->data);
    text->data = end + 1;
    text->length -= word.length + 1;
    return word;
}

static bool is_word(struct slice word, const char *text) {
    return slice_equal(word, slice_text(text));
}

/* Writes the address in the usual form. */
static bool take_host(struct slice *text, int family, char host_r[INET6_ADDRSTRLEN]) {
    unsigned char bytes[sizeof(struct in6_addr)];
    char written[INET6_ADDRSTRLEN] = "";
    struct slice word = take_word(text);
    if (word.length == 0 || word.length >= sizeof written)
        return false;
    memcpy(written, word.data, word.length);
    return inet_pton(family, written, bytes) == 1 &&
           inet_ntop(family, bytes, host_r, INET6_ADDRSTRLEN) != NULL;
}

static bool take_port(struct slice *text, unsigned *port_r) {
    struct slice word = take_word(text);
    unsigned port = 0;
    if (word.length == 0 || word.length > 5)
        return false;
    for (size_t i = 0; i < word.length; i++) {
        if (word.data[i] < '0' || word.data[i] > '9')
            return false;
        port = port * 10 + (unsigned)(word.data[i] - '0');
    }
    *port_r = port;
    return port <= UINT16_MAX;
}

bool edge_proxy_parse(struct slice line, struct edge_remote *remote_r) {
    char own_host[INET6_ADDRSTRLEN];
    unsigned own_port;
    *remote_r = (struct edge_remote){0};
    if (line.length < 2 || line.length > EDGE_PROXY_LINE_BYTES ||
        memcmp(line.data + line.length - 2, "\r\n", 2) != 0 ||
        memchr(line.data, '\0', line.length) != NULL)
        return false;
    line.length -= 2;
    if (!is_word(take_word(&line), "PROXY"))
        return false;
    struct slice family = take_word(&line);
    if (is_word(family, "UNKNOWN"))
        return true;
    int number = is_word(family, "TCP4") ? AF_INET : is_word(family, "TCP6") ? AF_INET6 : AF_UNSPEC;
    return number != AF_UNSPEC && take_host(&line, number, remote_r->host) &&
           take_host(&line, number, own_host) && take_port(&line, &remote_r->port) &&
           take_port(&line, &own_port) && line.length == 0;
}

/* --- waiting for it --- */

/* Returns the socket, which is the caller's now. */
static int arrival_end(struct edge_arrival *arrival) {
    struct edge *edge = arrival->edge;
    int fd = arrival->io.fd;
    ev_io_stop(edge->ev, &arrival->io);
    TAILQ_REMOVE(&edge->arrivals, arrival, all);
    edge->arrival_count--;
    free(arrival);
    return fd;
}

static void drop(struct edge_arrival *arrival, const char *reason) {
    log_debug("proxy_line", "reason=\"%s\" bytes=%zu", reason, arrival->length);
    close(arrival_end(arrival));
}

static void on_line(struct edge_arrival *arrival) {
    struct edge *edge = arrival->edge;
    enum edge_transport transport = arrival->transport;
    struct edge_remote remote, *kept = NULL;
    if (!edge_proxy_parse(slice_make(arrival->line, arrival->length), &remote)) {
        drop(arrival, "it is none");
        return;
    }
    if (remote.host[0] != '\0') {
        kept = malloc(sizeof *kept);
        if (kept == NULL) {
            drop(arrival, "no memory");
            return;
        }
        *kept = remote;
    }
    edge_let_in(edge, transport, arrival_end(arrival), kept);
}

/* Looks at what has come, and takes no more of it than the line. */
static void on_readable(struct ev_loop *ev, ev_io *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_arrival *arrival = watcher->data;
    char *at = arrival->line + arrival->length;
    size_t room = sizeof arrival->line - arrival->length;
    ssize_t seen = recv(watcher->fd, at, room, MSG_PEEK);
    if (seen < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (seen <= 0) { /* a proxy that only looks whether somebody is here */
        drop(arrival, "closed");
        return;
    }
    const char *end = memchr(at, '\n', (size_t)seen);
    size_t length = end != NULL ? (size_t)(end - at) + 1 : (size_t)seen;
    ssize_t taken = recv(watcher->fd, at, length, 0);
    if (taken != (ssize_t)length) {
        drop(arrival, "closed");
        return;
    }
    arrival->length += length;
    if (end != NULL)
        on_line(arrival);
    else if (arrival->length == sizeof arrival->line)
        drop(arrival, "too long");
}

void edge_proxy_await(struct edge *edge, enum edge_transport transport, int fd) {
    bool full = edge->sockets + edge->arrival_count >= edge->limit + EDGE_SPARE_SOCKETS;
    struct edge_arrival *arrival = full ? NULL : calloc(1, sizeof *arrival);
    if (arrival == NULL) {
        edge_refused(edge, transport);
        close(fd);
        return;
    }
    arrival->edge = edge;
    arrival->transport = transport;
    arrival->deadline_ms = loop_now_ms() + LINE_MS;
    TAILQ_INSERT_TAIL(&edge->arrivals, arrival, all);
    edge->arrival_count++;
    ev_io_init(&arrival->io, on_readable, fd, EV_READ);
    arrival->io.data = arrival;
    ev_io_start(edge->ev, &arrival->io);
}

void edge_proxy_sweep(struct edge *edge, int64_t now_ms) {
    struct edge_arrival *arrival, *next;
    for (arrival = TAILQ_FIRST(&edge->arrivals); arrival != NULL; arrival = next) {
        next = TAILQ_NEXT(arrival, all);
        if (now_ms < arrival->deadline_ms)
            return;
        drop(arrival, "it did not come");
    }
}

void edge_proxy_stop(struct edge *edge) { edge_proxy_sweep(edge, INT64_MAX); }

void edge_proxy_forget(struct edge *edge, struct lws *wsi) {
    struct edge_remote *remote = lws_get_opaque_user_data(wsi);
    if (remote == edge->adopted)
        edge->adopted = NULL;
    free(remote);
}
