/* A client's texts on their way to the message log; see outbox.c. */
#ifndef PARLEY_GATEWAY_OUTBOX_H
#define PARLEY_GATEWAY_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

#include "services/gateway/dialect/dialect.h"

struct client;
struct gateway;

/* Texts per connection that may wait to be stored; beyond it nothing more is read. */
#define CLIENT_MAX_SENDS 64

struct outgoing;

struct client_outbox {
    struct outgoing *texts; /* in the order in which they were read */
    size_t count;
    int64_t stored_ms; /* when the last was; 0: none, or its copy is written */
};

/* Takes the request over and stores its text; answers when that is done. `to`: the number. */
void send_start(struct client *client, struct dialect_request *request, uint64_t to);
/* Texts that wait go to a delivery, in order; those whose time is over fail. */
void send_tick(struct gateway *gateway, int64_t now_ms);
/* The client is gone: what no delivery has is dropped. */
void send_drop_all(struct client *client);

#endif
