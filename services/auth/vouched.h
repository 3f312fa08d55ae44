/*
 * Logins that the operator's own backend vouches for, in place of a password that is kept here.
 *
 *     struct vouched who = {.id = id, .name = name, .device = device, ...};
 *     err = vouched_enter(auth, db, arena, &who, reply);
 *
 * An account that is made for one has PASSWORD_ELSEWHERE in place of a password's hash, so nobody
 * enters it with a password or without any; so has one that the operator makes without a password
 * while there are such logins. Accounts that people registered themselves have not: whoever took a
 * likely id beforehand would share it with the one who is vouched for. They are entered only by the
 * option `jwt_existing`.
 */
#ifndef PARLEY_AUTH_VOUCHED_H
#define PARLEY_AUTH_VOUCHED_H

#include "services/auth/auth.h"

extern const struct config_option vouched_options[];

/* Somebody who is vouched for. */
struct vouched {
    struct slice id;   /* the account's, exactly as it is written */
    struct slice name; /* its nickname, if it is made; may be empty */
    struct slice device, address;
    uint64_t transport;
};

/*
 * Finds the account, or makes it, and issues a token. ERR_BAD_REQUEST: the id or the name can't be
 * one here. ERR_TAKEN: the id is another's in another form. ERR_NO_ACCOUNT: it is not made.
 * ERR_OWN_LOGIN: it is not one of these. ERR_DISABLED.
 */
enum err vouched_enter(const struct auth *auth, struct db *db, struct record_arena *arena,
                       const struct vouched *who, struct auth_login_reply *reply_r)
    __attribute__((warn_unused_result));
/* The same for somebody whom the answer of auth_url names: one that can't be is that answer's
 * fault, so ERR_NO_BACKEND in place of ERR_BAD_REQUEST and ERR_TAKEN, after a logged line. */
enum err vouched_enter_answered(const struct auth *auth, struct db *db, struct record_arena *arena,
                                const struct vouched *who, struct auth_login_reply *reply_r)
    __attribute__((warn_unused_result));

#endif
