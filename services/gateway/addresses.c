/* Addresses as dialects write them; see addresses.h. */
#include "services/gateway/addresses.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/gateway/file_address.h"
#include "services/gateway/gateway.h"

_Static_assert(FILE_ADDRESS_BYTES <= DIALECT_ADDRESS_BYTES, "there is room for any address");

static bool write_file(const void *context, uint64_t file, bool preview, struct slice name,
                       char out[DIALECT_ADDRESS_BYTES]) {
    const struct gateway *gateway = context;
    return file_address_write(gateway->file_address, file, preview, name, (uint64_t)loop_wall_ms(),
                              out, DIALECT_ADDRESS_BYTES);
}

static void write_upload(const void *context, uint64_t file, struct slice token,
                         char out[DIALECT_ADDRESS_BYTES]) {
    const struct gateway *gateway = context;
    snprintf(out, DIALECT_ADDRESS_BYTES, "%s/upload/%016" PRIx64 "-%.*s",
             gateway->settings.public_url, file, (int)token.length, token.data);
}

struct dialect_addresses addresses_of(const struct gateway *gateway) {
    return (struct dialect_addresses){write_file, write_upload, gateway};
}
