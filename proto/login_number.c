/* The number of a login; see login_number.h. */
#include "proto/login_number.h"

#include <sodium.h>
#include <string.h>

uint64_t login_number(struct slice token) {
    unsigned char hash[crypto_generichash_BYTES_MIN];
    uint64_t number;
    crypto_generichash(hash, sizeof hash, (const unsigned char *)token.data, token.length, NULL, 0);
    memcpy(&number, hash, sizeof number);
    return number != 0 ? number : 1;
}
