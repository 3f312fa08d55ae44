/*
 * The account of a client: registering, logging in, resuming, logging out, and the time within
 * which a connection has to log in.
 */
#ifndef PARLEY_GATEWAY_LOGIN_H
#define PARLEY_GATEWAY_LOGIN_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

#include "services/gateway/dialect/dialect.h"

struct client;

struct client_login {
    ev_timer timer;  /* closes the connection of a client that does not log in */
    bool bound_late; /* its binding had to be tried again */
    uint64_t epoch;  /* of the message log, as the login's reply has it */
    char token[CLIENT_TOKEN_BYTES + 1];
};

/* Of a new client: its time for logging in starts. */
void login_init(struct client *client);
/* The connection is gone. */
void login_stop(struct client *client);

/* Each asks for the request in progress (request.h). */
void login_register(struct client *client);
void login_ask(struct client *client);
void login_resume(struct client *client);
void login_enter(struct client *client);
void login_end(struct client *client);
/* Before a login or a resumption; false: the client is logged in, and got that as its answer. */
bool login_begin(struct client *client);

/* Why auth has refused a password, where that is not the error's usual text; else "". */
const char *login_reason(enum err err);

/* From here on nothing is read for the account, and session does not count the connection, which is
 * about to be closed. */
void login_stop_serving(struct client *client);
/* Closes the connection in favour of another one of its account, after a sentence with the reason.
 */
void login_give_way(struct client *client, const char *reason);

#endif
