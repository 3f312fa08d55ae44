/* The time for logging in, and what a client is logged in with. */
#ifndef PARLEY_GATEWAY_LOGIN_H
#define PARLEY_GATEWAY_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "services/gateway/dialect/dialect.h"

struct client;

struct client_login {
    bool awaited;
    int64_t by_ms; /* when that is over */
    struct client *next, *prev;
    uint64_t epoch; /* of the message log, as the login's reply has it */
    char token[CLIENT_TOKEN_BYTES + 1];
    uint64_t number; /* session knows the token by it, wherever it is resumed */
};

/* The time for logging in starts, and is over. */
void client_await_login(struct client *client);
void client_end_login(struct client *client);

#endif
