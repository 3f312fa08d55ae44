/* The key of a client's address; see address_key.h. */
#include "common/address_key.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* The half of an IPv6 address that names the network. */
#define NETWORK_BYTES 8

bool address_key_make(struct slice text, struct address_key *key_r) {
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    char written[INET6_ADDRSTRLEN] = "";
    *key_r = (struct address_key){0};
    if (text.length == 0 || text.length >= sizeof written ||
        memchr(text.data, '\0', text.length) != NULL)
        return false;
    memcpy(written, text.data, text.length);
    if (inet_pton(AF_INET, written, key_r->bytes + sizeof mapped) == 1) {
        memcpy(key_r->bytes, mapped, sizeof mapped);
        return true;
    }
    if (inet_pton(AF_INET6, written, key_r->bytes) != 1) {
        *key_r = (struct address_key){0};
        return false;
    }
    if (memcmp(key_r->bytes, mapped, sizeof mapped) != 0)
        memset(key_r->bytes + NETWORK_BYTES, 0, ADDRESS_KEY_BYTES - NETWORK_BYTES);
    return true;
}
