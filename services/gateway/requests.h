/*
 * Requests of clients: whether each is allowed, its group's and person's numbers, and the module
 * that carries it out. A new request gets its row in the table of requests.c.
 */
#ifndef PARLEY_GATEWAY_REQUESTS_H
#define PARLEY_GATEWAY_REQUESTS_H

#include "services/gateway/dialect/dialect.h"

struct client;

/* Takes the request over and answers it, now or later. Those of a connection are carried out one
 * after the other, but for texts, which wait in the outbox. */
void requests_take(struct client *client, struct dialect_request *request);
/* Answers one that is not in progress, and frees it. */
void requests_answer(struct client *client, struct dialect_request *request, enum err err,
                     const char *reason);
/* The client need not wait any longer (client_continue): starts the request that waits for the
 * texts before it, or else reads on. */
void requests_go_on(struct client *client);

#endif
