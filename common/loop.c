/* ZeroMQ sockets on a libev loop. */
#include "common/loop.h"

#include <stdlib.h>
#include <time.h>
#include <zmq.h>

/*
 * Four watchers a socket, as ZeroMQ's edge-triggered descriptor needs: `io` wakes the loop,
 * `prepare` looks before the loop blocks and starts `idle` so that it doesn't when input waits,
 * `check` serves waiting sockets once per turn. Looking costs two system calls, so a socket at
 * which nothing can have changed is left alone.
 */
struct loop_socket {
    struct ev_loop *ev;
    void *zmq_socket;
    loop_socket_ready *ready;
    void *argument;
    bool suspect; /* input may wait, and the descriptor may not show it any more */
    ev_io io;
    ev_prepare prepare;
    ev_check check;
    ev_idle idle;
};

/* Where there is none, the descriptor shows the next. */
static bool has_input(struct loop_socket *self) {
    int events = 0;
    size_t size = sizeof events;
    self->suspect = zmq_getsockopt(self->zmq_socket, ZMQ_EVENTS, &events, &size) == 0 &&
                    (events & ZMQ_POLLIN) != 0;
    return self->suspect;
}

static void on_prepare(struct ev_loop *ev, ev_prepare *watcher, int revents) {
    (void)revents;
    struct loop_socket *self = watcher->data;
    if (self->suspect && has_input(self))
        ev_idle_start(ev, &self->idle);
    else
        ev_idle_stop(ev, &self->idle);
}

static void on_check(struct ev_loop *ev, ev_check *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct loop_socket *self = watcher->data;
    if (self->suspect && has_input(self))
        self->ready(self->argument, self->zmq_socket); /* may destroy self */
}

static void on_wake(struct ev_loop *ev, ev_io *watcher, int revents) {
    (void)ev;
    (void)revents;
    ((struct loop_socket *)watcher->data)->suspect = true;
}

static void on_idle(struct ev_loop *ev, ev_idle *watcher, int revents) {
    (void)ev;
    (void)watcher;
    (void)revents;
}

struct loop_socket *loop_socket_new(struct ev_loop *ev, void *zmq_socket, loop_socket_ready *ready,
                                    void *argument) {
    int fd = -1;
    size_t size = sizeof fd;
    if (zmq_getsockopt(zmq_socket, ZMQ_FD, &fd, &size) != 0)
        return NULL;
    struct loop_socket *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    *self = (struct loop_socket){
        .ev = ev, .zmq_socket = zmq_socket, .ready = ready, .argument = argument};
    ev_io_init(&self->io, on_wake, fd, EV_READ);
    ev_prepare_init(&self->prepare, on_prepare);
    ev_check_init(&self->check, on_check);
    ev_idle_init(&self->idle, on_idle);
    self->io.data = self->prepare.data = self->check.data = self;
    ev_set_priority(&self->io, 1); /* before `check` of the same turn */
    ev_io_start(ev, &self->io);
    ev_prepare_start(ev, &self->prepare);
    ev_check_start(ev, &self->check);
    loop_socket_used(self);
    return self;
}

/* With `idle`, since `prepare` may have been in this turn already. */
void loop_socket_used(struct loop_socket *self) {
    if (self == NULL || self->suspect)
        return;
    self->suspect = true;
    ev_idle_start(self->ev, &self->idle);
}

void loop_socket_destroy(struct loop_socket **self_p) {
    struct loop_socket *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    ev_io_stop(self->ev, &self->io);
    ev_prepare_stop(self->ev, &self->prepare);
    ev_check_stop(self->ev, &self->check);
    ev_idle_stop(self->ev, &self->idle);
    free(self);
}

void loop_timer_start(struct ev_loop *ev, ev_timer *timer, int64_t delay_ms) {
    ev_timer_stop(ev, timer);
    ev_now_update(ev);
    ev_timer_set(timer, delay_ms > 0 ? (double)delay_ms / 1000 : 0, 0);
    ev_timer_start(ev, timer);
}

void loop_timer_hasten(struct ev_loop *ev, ev_timer *timer, int64_t delay_ms) {
    if (!ev_is_active(timer) || ev_timer_remaining(ev, timer) * 1000 > (double)delay_ms)
        loop_timer_start(ev, timer, delay_ms);
}

static int64_t clock_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t clock_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t loop_now_us(void) { return clock_us(CLOCK_MONOTONIC); }

int64_t loop_now_ms(void) { return clock_ms(CLOCK_MONOTONIC); }

int64_t loop_wall_ms(void) { return clock_ms(CLOCK_REALTIME); }

int64_t loop_wall_us(void) { return clock_us(CLOCK_REALTIME); }
