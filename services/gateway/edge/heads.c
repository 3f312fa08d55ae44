/* The head of a socket's first request over HTTP, as long as it is not there; see heads.h. */
#include "services/gateway/edge/heads.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "services/gateway/edge/http_header.h"

/*
 * limit: client | input behind a head that is refused | {REFUSED_BYTES}, {REFUSED_S} | cut; the
 * client may see a reset in place of the answer
 */
/* Input that nobody reads would make the kernel cut the connection before the client has the
 * answer. */
#define REFUSED_BYTES ((size_t)1048576)
#define REFUSED_S 5
#define ANSWER_BYTES 512

struct edge_head {
    ev_io io;
    ev_timer timer;
    struct edge_heads *heads;
    struct edge_socket *socket;
    size_t seen;  /* bytes that wait in the kernel; once refused: that were read since */
    bool refused; /* the answer is written, and input goes nowhere */
    LIST_ENTRY(edge_head) all;
};

/* `fd`: -1 closes it. */
static void end(struct edge_head *head, int fd) {
    struct edge_heads *self = head->heads;
    struct edge_socket *socket = head->socket;
    ev_io_stop(self->ev, &head->io);
    ev_timer_stop(self->ev, &head->timer);
    LIST_REMOVE(head, all);
    if (fd < 0)
        close(head->io.fd);
    free(head);
    self->on_end(self->argument, socket, fd);
}

/* The socket is readable once it has more than `seen` bytes, or ended. */
static void wait_for_more_than(int fd, size_t seen) {
    int least = (int)seen + 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
}

static void restart_timer(struct edge_head *head, unsigned seconds) {
    struct ev_loop *ev = head->heads->ev;
    ev_now_update(ev);
    ev_timer_stop(ev, &head->timer);
    ev_timer_set(&head->timer, seconds, 0);
    ev_timer_start(ev, &head->timer);
}

/* --- a head that is refused --- */

static void drain(struct edge_head *head) {
    char nowhere[16384];
    ssize_t got = recv(head->io.fd, nowhere, sizeof nowhere, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0)
        head->seen += (size_t)got;
    if (got <= 0 || head->seen > REFUSED_BYTES)
        end(head, -1);
}

static void refuse(struct edge_head *head, const char *status, const char *text) {
    char answer[ANSWER_BYTES];
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                          "Content-Length: %zu\r\nCache-Control: no-store\r\n"
                          "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n%s",
                          status, strlen(text), text);
    log_debug("http_refused", "status=\"%s\" bytes=%zu", status, head->seen);
    if (send(head->io.fd, answer, (size_t)length, MSG_NOSIGNAL) != length ||
        shutdown(head->io.fd, SHUT_WR) != 0) {
        end(head, -1);
        return;
    }
    head->refused = true;
    head->seen = 0;
    wait_for_more_than(head->io.fd, 0);
    restart_timer(head, REFUSED_S);
}

/* --- waiting --- */

static void look(struct edge_head *head) {
    char bytes[EDGE_HEAD_BYTES];
    int fd = head->io.fd;
    ssize_t seen = recv(fd, bytes, sizeof bytes, MSG_PEEK);
    if (seen < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (seen <= 0 || (size_t)seen == head->seen) { /* no more will come */
        end(head, -1);
        return;
    }
    head->seen = (size_t)seen;
    switch (edge_http_judge(slice_make(bytes, head->seen))) {
    case EDGE_HTTP_PART:
        wait_for_more_than(fd, head->seen);
        return;
    case EDGE_HTTP_WHOLE:
        wait_for_more_than(fd, 0);
        end(head, fd);
        return;
    case EDGE_HTTP_TOO_LARGE:
        refuse(head, "431 Request Header Fields Too Large",
               "At most 8192 bytes of a request line and headers are taken, and at most 64 headers "
               "and parameters.\n");
        return;
    case EDGE_HTTP_BAD:
        refuse(head, "400 Bad Request",
               "A request begins with a line such as \"GET / HTTP/1.1\" and has one header on each "
               "line; lines end with CR LF and have no other control characters.\n");
        return;
    }
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_head *head = watcher->data;
    if (head->refused)
        drain(head);
    else
        look(head);
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)revents;
    end(watcher->data, -1);
}

void edge_heads_start(struct edge_heads *self, struct ev_loop *ev, unsigned wait_s,
                      edge_heads_end *on_end, void *argument) {
    *self = (struct edge_heads){.ev = ev, .wait_s = wait_s, .on_end = on_end, .argument = argument};
    LIST_INIT(&self->all);
}

void edge_heads_await(struct edge_heads *self, int fd, struct edge_socket *socket) {
    struct edge_head *head = calloc(1, sizeof *head);
    if (head == NULL) {
        close(fd);
        self->on_end(self->argument, socket, -1);
        return;
    }
    head->heads = self;
    head->socket = socket;
    LIST_INSERT_HEAD(&self->all, head, all);
    ev_io_init(&head->io, on_readable, fd, EV_READ);
    head->io.data = head;
    ev_io_start(self->ev, &head->io);
    ev_timer_init(&head->timer, on_timer, 0, 0);
    head->timer.data = head;
    restart_timer(head, self->wait_s);
}

void edge_heads_stop(struct edge_heads *self) {
    struct edge_head *head, *next;
    for (head = LIST_FIRST(&self->all); head != NULL; head = next) {
        next = LIST_NEXT(head, all);
        end(head, -1);
    }
}
