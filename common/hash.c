/* The hash of a key; see hash.h. */
#include "common/hash.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static unsigned char process_key[crypto_shorthash_KEYBYTES];

/* Before main and before any thread, so that reading the key needs no lock. */
__attribute__((constructor)) static void make_key(void) {
    if (getrandom(process_key, sizeof process_key, 0) != (ssize_t)sizeof process_key)
        abort();
}

uint32_t hash_bytes(const void *bytes, size_t length) {
    unsigned char long_hash[crypto_shorthash_BYTES];
    uint32_t hash;
    crypto_shorthash(long_hash, bytes, length, process_key);
    memcpy(&hash, long_hash, sizeof hash);
    return hash;
}
