/*
 * A terminal client: one account, one connection, plain lines on standard input and output.
 *
 *     struct chat_options options = {.login = "anna", .server = "127.0.0.1:54088", ...};
 *     switch (chat_run(&options, reason)) ...
 *
 * It ends at the end of the input, once everything that was typed is answered.
 */
#ifndef PARLEY_CTL_CHAT_H
#define PARLEY_CTL_CHAT_H

#include "services/ctl/chat/http.h"
#include "services/ctl/chat/state.h"

struct chat_options {
    const char *login, *password; /* of the account; "": none */
    const char *server, *host, *port;
    struct chat_tls_trust *trust; /* NULL: without TLS; borrowed */
    struct chat_http_options http;
    const char *to, *group; /* which conversation is open at first; "": none */
    bool registers;
    const char *registration_token; /* for that; "": none */
};

enum chat_result {
    CHAT_DONE,
    CHAT_FAILED,        /* or something was refused, which nobody at a terminal saw */
    CHAT_NEEDS_PASSWORD /* the account has one; no input was read */
};

enum chat_result chat_run(const struct chat_options *options, char reason_r[CHAT_REASON_BYTES]);

#endif
