/*
 * The event loop that every service runs on: libev, plus ZeroMQ sockets as event sources.
 *
 * A ZeroMQ socket's file descriptor is edge-triggered and shows only that something may have
 * changed, so a plain watcher on it stalls. A loop_socket looks at ZMQ_EVENTS before the loop
 * blocks, and calls `ready` once per turn while input waits: the callback reads a bounded number of
 * messages with ZMQ_DONTWAIT and returns; the others are read in the next turn, behind other
 * events. Whatever else is done with the socket may use up the edge: loop_socket_used says so.
 */
#ifndef PARLEY_COMMON_LOOP_H
#define PARLEY_COMMON_LOOP_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct loop_socket;

/* Called when `socket` can be read. Must read until EAGAIN or until its own budget is used. */
typedef void loop_socket_ready(void *argument, void *socket);

/*
 * Watches `zmq_socket` (a libzmq socket, borrowed; it must outlive the watcher) on `ev`.
 * NULL without memory or when the socket has no descriptor.
 */
struct loop_socket *loop_socket_new(struct ev_loop *ev, void *zmq_socket, loop_socket_ready *ready,
                                    void *argument);
/* After anything was sent on the socket, or done with it other than reading in `ready`. NULL is
 * fine. */
void loop_socket_used(struct loop_socket *self);
/* Stops watching; may be called from within `ready`. */
void loop_socket_destroy(struct loop_socket **self);

/*
 * Starts `timer`, which ev_timer_init has given its callback, anew: it fires once, `delay_ms` from
 * now (0 or less: in the next turn) and never early, however long this turn has taken. Whatever
 * waits for a time has a timer of its own; libev keeps them ordered, so thousands cost nothing
 * while none is due. ev_is_active tells whether it waits, ev_timer_stop ends that.
 */
void loop_timer_start(struct ev_loop *ev, ev_timer *timer, int64_t delay_ms);
/* The same, unless it fires sooner already: for one timer that waits for the first of several
 * moments. */
void loop_timer_hasten(struct ev_loop *ev, ev_timer *timer, int64_t delay_ms);

/* Monotonic milliseconds, and wall-clock milliseconds since 1970. */
int64_t loop_now_ms(void);
int64_t loop_now_us(void); /* the same clock */
int64_t loop_wall_ms(void);
int64_t loop_wall_us(void);

#endif
