/* What requests do, by operation. */
#ifndef PARLEY_GATEWAY_REQUESTS_H
#define PARLEY_GATEWAY_REQUESTS_H

#include <stdint.h>

struct client;
struct gateway;

/* Carries out client->request (busy); ends with client_finish, now or later. */
void operation_start(struct client *client);
/* operations_ask.c: asks again what is to be asked again by now. */
void operation_tick(struct gateway *gateway, int64_t now_ms);
/* The client is gone. */
void operation_drop(struct client *client);

#endif
