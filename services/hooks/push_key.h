/* The private key of Web Push, which all instances share: made when it is first needed. */
#ifndef PARLEY_HOOKS_PUSH_KEY_H
#define PARLEY_HOOKS_PUSH_KEY_H

#include "common/db.h"
#include "services/hooks/web_push_crypto.h"

enum err push_key_get(struct db *db, unsigned char secret_r[WEB_PUSH_SECRET_BYTES])
    __attribute__((warn_unused_result));

#endif
