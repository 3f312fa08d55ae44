/*
 * The number of a login: the same wherever its token is used, so that session finds the connection
 * that has it. It tells nothing of the token.
 */
#ifndef PARLEY_PROTO_LOGIN_NUMBER_H
#define PARLEY_PROTO_LOGIN_NUMBER_H

#include "common/record.h"

/* Never 0, which means none. */
uint64_t login_number(struct slice token);

#endif
