/* Public addresses; see public_address.h. */
#include "services/webhook/public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

struct range {
    uint8_t bytes[4];
    unsigned bits;
};

/* The IANA's registry of special addresses of IPv4. */
static const struct range special_v4[] = {
    {{0}, 8},
    {{10}, 8},
    {{100, 64}, 10},
    {{127}, 8},
    {{169, 254}, 16},
    {{172, 16}, 12},
    {{192, 0, 0}, 24},
    {{192, 0, 2}, 24},
    {{192, 88, 99}, 24},
    {{192, 168}, 16},
    {{198, 18}, 15},
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
    {{224}, 4},
    {{240}, 4},
};
/* Within 2000::/3, outside of which nothing is public: Teredo and the like, documentation, 6to4. */
static const struct range special_v6[] = {
    {{0x20, 0x01, 0x00}, 23},
    {{0x20, 0x01, 0x0d, 0xb8}, 32},
    {{0x20, 0x02}, 16},
    {{0x3f, 0xff}, 20},
};

static bool is_in(const uint8_t *address, const struct range *range) {
    uint32_t value, start;
    memcpy(&value, address, sizeof value);
    memcpy(&start, range->bytes, sizeof start);
    return (ntohl(value) ^ ntohl(start)) >> (32 - range->bits) == 0;
}

static bool is_in_any(const uint8_t *address, const struct range *ranges, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (is_in(address, &ranges[i]))
            return true;
    return false;
}

bool address_is_public(const struct sockaddr *address) {
    uint8_t bytes[16];
    if (address->sa_family == AF_INET) {
        memcpy(bytes, &((const struct sockaddr_in *)address)->sin_addr, 4);
        return !is_in_any(bytes, special_v4, sizeof special_v4 / sizeof special_v4[0]);
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof bytes);
    return bytes[0] >> 5 == 1 &&
           !is_in_any(bytes, special_v6, sizeof special_v6 / sizeof special_v6[0]);
}
