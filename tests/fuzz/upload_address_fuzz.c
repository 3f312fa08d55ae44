/*
 * Fuzz target of the addresses of uploads: one that is taken is written the same way, and no two
 * are the same upload.
 */
#include "services/gateway/file_upload_address.h"

#include <inttypes.h>
#include <stdio.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct upload_address address, again;
    char text[32 + sizeof address.token];
    const struct slice path = slice_make((const char *)data, size);
    if (!upload_address_read(path, &address))
        return 0;
    require(memchr(address.token, '\0', sizeof address.token) != NULL);
    snprintf(text, sizeof text, "/upload/%016" PRIx64 "-%s", address.file, address.token);
    require(slice_equal(path, slice_text(text)));
    require(upload_address_read(slice_text(text), &again));
    require(memcmp(&address, &again, sizeof address) == 0);
    return 0;
}
