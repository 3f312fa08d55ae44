/* The addresses of files, and of uploads, as dialects write them (file_address.h signs them). */
#ifndef PARLEY_GATEWAY_ADDRESSES_H
#define PARLEY_GATEWAY_ADDRESSES_H

#include "services/gateway/dialect/request.h"

struct gateway;

/* Borrows the gateway. */
struct dialect_addresses addresses_of(const struct gateway *gateway);

#endif
