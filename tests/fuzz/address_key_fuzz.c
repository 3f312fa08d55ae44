/*
 * Fuzz target of the key under which limits count an address: every way of writing an address gives
 * the same key, an IPv4 address gives that of the IPv6 address that holds it, and the last half of
 * any other IPv6 address doesn't matter.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "common/address_key.h"
#include "tests/fuzz/fuzz.h"

#define MAPPED "::ffff:"

static void require_key(const char *text, const struct address_key *expected) {
    struct address_key key;
    require(address_key_make(slice_text(text), &key));
    require(memcmp(&key, expected, sizeof key) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct address_key none;
    struct slice text = slice_make((const char *)data, size);
    struct address_key key;
    char again[INET6_ADDRSTRLEN], mapped[INET6_ADDRSTRLEN + sizeof MAPPED];
    if (!address_key_make(text, &key)) {
        require(memcmp(&key, &none, sizeof key) == 0);
        return 0;
    }
    require(inet_ntop(AF_INET6, key.bytes, again, sizeof again) != NULL);
    require_key(again, &key);
    if (memchr(data, ':', size) == NULL) {
        snprintf(mapped, sizeof mapped, MAPPED "%.*s", (int)size, text.data);
        require_key(mapped, &key);
    } else if (strncmp(again, MAPPED, strlen(MAPPED)) != 0) {
        memset(key.bytes + sizeof key.bytes / 2, 0xa5, sizeof key.bytes / 2);
        require(inet_ntop(AF_INET6, key.bytes, again, sizeof again) != NULL);
        memset(key.bytes + sizeof key.bytes / 2, 0, sizeof key.bytes / 2);
        require_key(again, &key);
    }
    return 0;
}
