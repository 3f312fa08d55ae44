/*
 * The key under which limits per address count a client's address. An IPv4 address is a key of its
 * own, also where it is written as an IPv6 address that holds it (::ffff:192.0.2.7). An IPv6
 * address counts with its /64, since a single host may use any address of that.
 *
 *     struct address_key key;
 *     if (address_key_make(slice_text("2001:db8::7"), &key))
 *         HASH_FIND(hh, table, &key, sizeof key, counted);
 */
#ifndef PARLEY_COMMON_ADDRESS_KEY_H
#define PARLEY_COMMON_ADDRESS_KEY_H

#include <stdbool.h>

#include "common/record.h"

#define ADDRESS_KEY_BYTES 16

/* Equal addresses have equal bytes. */
struct address_key {
    unsigned char bytes[ADDRESS_KEY_BYTES];
};

/* Of an address in numbers, without port or brackets; false: the text is none ("?", ""), and the
 * key is all 0. */
bool address_key_make(struct slice text, struct address_key *key_r)
    __attribute__((warn_unused_result));

#endif
