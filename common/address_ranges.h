/*
 * Lists of addresses and networks, such as "192.0.2.7,2001:db8::/32". An IPv4 address that is
 * written as one of IPv6 (::ffff:192.0.2.7) is the IPv4 address. Pure.
 */
#ifndef PARLEY_COMMON_ADDRESS_RANGES_H
#define PARLEY_COMMON_ADDRESS_RANGES_H

#include <stdbool.h>

#include "common/record.h"

/* Whether each item is an address or a network; an empty list is none. `wrong_r`: the first that is
 * not. */
bool address_ranges_are_good(struct slice list, struct slice *wrong_r);
/* Whether the address, in numbers, is in one of them. */
bool address_ranges_hold(struct slice list, struct slice address);

#endif
