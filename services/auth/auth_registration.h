/*
 * Whether somebody may make an account, by the option `registration` and the tokens for it.
 *
 *     err = auth_registration_check(auth, db, token, address);    before anything else, reads
 *     ... it made its account before: no guess:
 *     auth_registration_forgive(auth, err, address);
 *
 *     err = auth_registration_use(auth, db, token);               in the account's transaction
 *
 * ERR_REGISTRATION_CLOSED: nobody may. ERR_REGISTRATION_TOKEN: the token is none, has expired, or
 * has made as many accounts as it may. ERR_THROTTLED: the address guessed too often.
 */
#ifndef PARLEY_AUTH_REGISTRATION_H
#define PARLEY_AUTH_REGISTRATION_H

#include "services/auth/auth.h"

enum err auth_registration_check(const struct auth *auth, struct db *db, struct slice token,
                                 struct slice address) __attribute__((warn_unused_result));
/* The outcome of a check counts as no guess of the address. */
void auth_registration_forgive(const struct auth *auth, enum err err, struct slice address);
/* Takes one use of the token. What was checked before may have changed since. */
enum err auth_registration_use(const struct auth *auth, struct db *db, struct slice token)
    __attribute__((warn_unused_result));

#endif
