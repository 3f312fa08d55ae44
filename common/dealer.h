/*
 * A socket to one instance of another service: it connects once, and notices when that ends.
 *
 *     const struct dealer_to to = {"tcp://10.0.0.4:7104", "gateway-1", keys, "delivery", 0};
 *     struct dealer *dealer = dealer_new(ev, &to, &handlers, peer);
 *     if (!dealer_send(dealer, &frame)) ...                  its queue is full
 *     while (dealer_receive(dealer, &message)) ...           in `input`, at most a budget of them
 *     dealer_destroy(&dealer);                               also from within a handler
 *
 * It never connects again by itself: that would lose messages on their way and deliver later ones.
 * So the messages that the instance has received are always a prefix of those sent to it.
 */
#ifndef PARLEY_COMMON_DEALER_H
#define PARLEY_COMMON_DEALER_H

#include <ev.h>
#include <stdbool.h>
#include <zmq.h>

#include "common/buffer.h"
#include "common/keys.h"

/* Messages that wait in a ZeroMQ socket for each direction; beyond it dealer_send refuses. */
#define DEALER_HWM 10000

struct dealer;

struct dealer_handlers {
    /* Messages wait: see loop_socket_ready (loop.h). */
    void (*input)(void *argument);
    /* The connection was refused, or has ended. Messages that arrived before can still be
     * received. */
    void (*ended)(void *argument);
};

struct dealer_to {
    const char *address, *routing_id;
    const struct keys *keys; /* NULL: CURVE is off */
    const char *program;     /* whose instance it is */
    size_t turn;             /* which of its keys is tried: see keys_call */
};

/* `handlers` and `argument` are borrowed. NULL without memory or descriptors, or with errno ENOENT
 * without a key of that program. */
struct dealer *dealer_new(struct ev_loop *ev, const struct dealer_to *to,
                          const struct dealer_handlers *handlers, void *argument);
/* Messages that wait in it are dropped. */
void dealer_destroy(struct dealer **self);

bool dealer_send(struct dealer *self, const struct buffer *frame)
    __attribute__((warn_unused_result));
/* Into `message_r`, which is initialised. False: nothing waits. */
bool dealer_receive(struct dealer *self, zmq_msg_t *message_r) __attribute__((warn_unused_result));

#endif
