/*
 * Secret keys that all instances share, in the table file_key: one signs addresses, and gateways
 * get it; the other one, which nobody gets, makes the tokens of uploads.
 */
#ifndef PARLEY_FILES_KEYS_H
#define PARLEY_FILES_KEYS_H

#include <stdbool.h>

#include "common/db.h"

#define FILES_KEY_BYTES 32

/* The key of this number, made where there is none yet: one for addresses, one for tokens. */
enum files_key_number { FILES_KEY_ADDRESS = 1, FILES_KEY_TOKEN = 2 };
enum err files_find_key(struct db *db, enum files_key_number number, char key_r[FILES_KEY_BYTES])
    __attribute__((warn_unused_result));

#endif
