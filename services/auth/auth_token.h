/*
 * The token of a login: made when a login was found right, and void after auth.logout.
 */
#ifndef PARLEY_AUTH_TOKEN_H
#define PARLEY_AUTH_TOKEN_H

#include "services/auth/auth.h"

/* A login that was found right. */
struct auth_login_made {
    uint64_t account;
    struct slice password; /* as the account had it then; empty: none */
    size_t tokens;         /* that the account has; auth_try_begin counts them */
    struct slice device, address;
    uint64_t transport;
};

/* Fills the token and the epoch of `reply_r`. ERR_OK without a token: the account was changed, or
 * disabled, since it was read. */
enum err auth_token_issue(const struct auth *auth, struct db *db,
                          const struct auth_login_made *login, struct record_arena *arena,
                          struct auth_login_reply *reply_r) __attribute__((warn_unused_result));

#endif
