/*
 * A socket to one instance of another service: it connects once, and notices when that ends.
 *
 *     struct dealer *dealer = dealer_new(ev, "tcp://10.0.0.4:7104", "gateway-1", &handlers, peer);
 *     if (!dealer_send(dealer, &frame)) ...                  its queue is full
 *     while (dealer_receive(dealer, &message)) ...           in `input`, at most a budget of them
 *     dealer_destroy(&dealer);                               also from within a handler
 *
 * It never connects again by itself: that would lose what was on the way and deliver what was sent
 * behind it. So what the instance has received is always a prefix of what it was sent.
 */
#ifndef PARLEY_COMMON_DEALER_H
#define PARLEY_COMMON_DEALER_H

#include <ev.h>
#include <stdbool.h>
#include <zmq.h>

#include "common/buffer.h"

/* Messages that wait in a ZeroMQ socket for each direction; beyond it dealer_send refuses. */
#define DEALER_HWM 10000

struct dealer;

struct dealer_handlers {
    /* Messages wait: see loop_socket_ready (loop.h). */
    void (*input)(void *argument);
    /* The connection was refused, or has ended. What arrived before can still be received. */
    void (*ended)(void *argument);
};

/* `handlers` and `argument` are borrowed. NULL without memory or descriptors. */
struct dealer *dealer_new(struct ev_loop *ev, const char *address, const char *routing_id,
                          const struct dealer_handlers *handlers, void *argument);
/* What waits in it is dropped. */
void dealer_destroy(struct dealer **self);

bool dealer_send(struct dealer *self, const struct buffer *frame)
    __attribute__((warn_unused_result));
/* Into `message_r`, which is initialised. False: nothing waits. */
bool dealer_receive(struct dealer *self, zmq_msg_t *message_r) __attribute__((warn_unused_result));

#endif
