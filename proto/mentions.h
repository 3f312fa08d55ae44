/* The accounts that a text mentions as they are stored, and sent to be stored: 8 bytes each,
 * big-endian; 0 stands for all members. */
#ifndef PARLEY_PROTO_MENTIONS_H
#define PARLEY_PROTO_MENTIONS_H

#include <string.h>

#include "proto/messages.h"

/* no limit: of one account */
#define MENTION_BYTES 8

static inline size_t mentions_count(struct slice packed) { return packed.length / MENTION_BYTES; }

static inline uint64_t mentions_get(struct slice packed, size_t i) {
    uint64_t account;
    memcpy(&account, packed.data + i * MENTION_BYTES, sizeof account);
    return __builtin_bswap64(account);
}

/* `out` has room for as many. */
static inline struct slice mentions_pack(const uint64_t *accounts, size_t count, char *out) {
    for (size_t i = 0; i < count; i++) {
        uint64_t account = __builtin_bswap64(accounts[i]);
        memcpy(out + i * MENTION_BYTES, &account, sizeof account);
    }
    return slice_make(out, count * MENTION_BYTES);
}

#endif
