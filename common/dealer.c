/* A socket to one instance of another service; see dealer.h. */
#include "common/dealer.h"

#include <czmq.h>
#include <errno.h>
#include <inttypes.h>

#include "common/envelope.h"
#include "common/loop.h"

/* After how long ZeroMQ would connect again by itself. The socket is closed long before that; with
 * reconnecting switched off, it drops messages that were received but not read when a connection
 * ends. */
#define NEVER_MS (24 * 3600 * 1000)

struct dealer {
    const struct dealer_handlers *handlers;
    void *argument;
    zsock_t *socket;
    void *monitor; /* PAIR: reports the connection's end */
    struct loop_socket *input, *monitor_input;
};

static void on_input(void *argument, void *socket) {
    (void)socket;
    struct dealer *self = argument;
    self->handlers->input(self->argument);
}

static void on_monitor(void *argument, void *socket) {
    struct dealer *self = argument;
    zmq_msg_t part;
    bool ended = false;
    for (zmq_msg_init(&part); zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) >= 0; ended = true)
        ;
    zmq_msg_close(&part);
    if (ended)
        self->handlers->ended(self->argument);
}

static int watch(struct dealer *self, struct ev_loop *ev) {
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "inproc://dealer-%p-%" PRId64, (void *)self, loop_now_us());
    if (zmq_socket_monitor(zsock_resolve(self->socket), endpoint,
                           ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED) != 0)
        return -1;
    self->monitor = zmq_socket(zsys_init(), ZMQ_PAIR);
    if (self->monitor == NULL || zmq_connect(self->monitor, endpoint) != 0)
        return -1;
    self->monitor_input = loop_socket_new(ev, self->monitor, on_monitor, self);
    return self->monitor_input == NULL ? -1 : 0;
}

struct dealer *dealer_new(struct ev_loop *ev, const struct dealer_to *to,
                          const struct dealer_handlers *handlers, void *argument) {
    int failure;
    struct dealer *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    *self = (struct dealer){
        .handlers = handlers, .argument = argument, .socket = zsock_new(ZMQ_DEALER)};
    if (self->socket == NULL)
        goto failed;
    zsock_set_identity(self->socket, to->routing_id);
    zsock_set_sndhwm(self->socket, DEALER_HWM);
    zsock_set_rcvhwm(self->socket, DEALER_HWM);
    zsock_set_maxmsgsize(self->socket, ENVELOPE_MAX_BYTES);
    zsock_set_linger(self->socket, 0);
    zsock_set_ipv6(self->socket, 1);
    zsock_set_reconnect_ivl(self->socket, NEVER_MS);
    if (keys_call(to->keys, zsock_resolve(self->socket), to->program, to->turn) != 0 ||
        watch(self, ev) != 0 || zsock_connect(self->socket, "%s", to->address) != 0)
        goto failed;
    self->input = loop_socket_new(ev, zsock_resolve(self->socket), on_input, self);
    if (self->input != NULL)
        return self;
failed:
    failure = errno;
    dealer_destroy(&self);
    errno = failure;
    return NULL;
}

void dealer_destroy(struct dealer **self_p) {
    struct dealer *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    loop_socket_destroy(&self->input);
    loop_socket_destroy(&self->monitor_input);
    if (self->socket != NULL)
        (void)zmq_socket_monitor(zsock_resolve(self->socket), NULL, 0);
    if (self->monitor != NULL)
        zmq_close(self->monitor);
    zsock_destroy(&self->socket);
    free(self);
}

bool dealer_send(struct dealer *self, const struct buffer *frame) {
    loop_socket_used(self->input);
    return !frame->failed &&
           zmq_send(zsock_resolve(self->socket), frame->data, frame->length, ZMQ_DONTWAIT) >= 0;
}

bool dealer_receive(struct dealer *self, zmq_msg_t *message_r) {
    return zmq_msg_recv(message_r, zsock_resolve(self->socket), ZMQ_DONTWAIT) >= 0;
}
