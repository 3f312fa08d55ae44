/* libcurl on libev; see curl_loop.h. */
#include "common/curl_loop.h"

#include <stdlib.h>
#include <utlist.h>

#include "common/loop.h"

/* A socket that libcurl waits for. */
struct waiter {
    struct curl_loop *loop;
    ev_io io;
    struct waiter *next, *prev;
};

struct curl_loop {
    struct ev_loop *ev;
    curl_loop_ended *ended;
    CURLM *multi;
    ev_timer timer;
    struct waiter *waiters;
};

static void take_ended(struct curl_loop *self) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(self->multi, &left)) != NULL) {
        void *transfer = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        self->ended(transfer, code);
    }
}

static void act(struct curl_loop *self, curl_socket_t socket, int events) {
    int running;
    curl_multi_socket_action(self->multi, socket, events, &running);
    take_ended(self);
}

static void on_io(struct ev_loop *ev, ev_io *io, int revents) {
    (void)ev;
    struct waiter *waiter = io->data;
    act(waiter->loop, io->fd,
        ((revents & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
            ((revents & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* It must not call libcurl, so the timer fires in the next turn at the soonest. */
static int set_timer(CURLM *multi, long timeout_ms, void *argument) {
    struct curl_loop *self = argument;
    (void)multi;
    if (timeout_ms < 0)
        ev_timer_stop(self->ev, &self->timer);
    else
        loop_timer_start(self->ev, &self->timer, timeout_ms);
    return 0;
}

static void stop_waiting(struct curl_loop *self, struct waiter *waiter) {
    ev_io_stop(self->ev, &waiter->io);
    DL_DELETE(self->waiters, waiter);
    free(waiter);
}

static int set_socket(CURL *curl, curl_socket_t socket, int what, void *argument, void *known) {
    struct curl_loop *self = argument;
    struct waiter *waiter = known;
    (void)curl;
    if (what == CURL_POLL_REMOVE) {
        if (waiter != NULL)
            stop_waiting(self, waiter);
        return 0;
    }
    if (waiter == NULL) {
        waiter = calloc(1, sizeof *waiter);
        if (waiter == NULL)
            return -1; /* libcurl ends its requests */
        waiter->loop = self;
        waiter->io.data = waiter;
        ev_init(&waiter->io, on_io);
        DL_APPEND(self->waiters, waiter);
        curl_multi_assign(self->multi, socket, waiter);
    }
    ev_io_stop(self->ev, &waiter->io);
    ev_io_set(&waiter->io, socket,
              ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                  ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
    ev_io_start(self->ev, &waiter->io);
    return 0;
}

struct curl_loop *curl_loop_new(struct ev_loop *ev, long connections, curl_loop_ended *ended) {
    struct curl_loop *self = calloc(1, sizeof *self);
    if (self == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (self->multi = curl_multi_init()) == NULL) {
        free(self);
        return NULL;
    }
    self->ev = ev;
    self->ended = ended;
    ev_init(&self->timer, on_timer);
    self->timer.data = self;
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_MAXCONNECTS, connections);
    return self;
}

void curl_loop_destroy(struct curl_loop **self_p) {
    struct curl_loop *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    curl_multi_cleanup(self->multi);
    struct waiter *waiter, *following;
    DL_FOREACH_SAFE(self->waiters, waiter, following) { stop_waiting(self, waiter); }
    ev_timer_stop(self->ev, &self->timer);
    free(self);
}

bool curl_loop_start(struct curl_loop *self, CURL *curl) {
    return curl_multi_add_handle(self->multi, curl) == CURLM_OK;
}

void curl_loop_stop(struct curl_loop *self, CURL *curl) {
    curl_multi_remove_handle(self->multi, curl);
}
