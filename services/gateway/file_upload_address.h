/* The address of an upload, `/upload/0123456789abcdef-TOKEN`, whose token lets it go on. Pure. */
#ifndef PARLEY_GATEWAY_FILE_UPLOAD_ADDRESS_H
#define PARLEY_GATEWAY_FILE_UPLOAD_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/record.h"

#define UPLOAD_TOKEN_BYTES 64

/* Of the same upload all bytes are the same: `token` has zeroes behind its end, and fills it up. */
struct upload_address {
    uint64_t file;
    char token[UPLOAD_TOKEN_BYTES + 8];
};

/* false: it is none. A token has letters, digits, `-` and `_`. */
bool upload_address_read(struct slice path, struct upload_address *address_r);

#endif
