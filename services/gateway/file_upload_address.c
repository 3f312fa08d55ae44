/* Addresses of uploads; see file_upload_address.h. */
#include "services/gateway/file_upload_address.h"

#include <ctype.h>
#include <string.h>

#define ID_DIGITS ((size_t)16)

bool upload_address_read(struct slice path, struct upload_address *address_r) {
    static const char begin[] = "/upload/";
    size_t at = sizeof begin - 1;
    *address_r = (struct upload_address){0};
    if (path.length < at + ID_DIGITS + 2 || memcmp(path.data, begin, at) != 0)
        return false;
    for (size_t end = at + ID_DIGITS; at < end; at++) {
        char digit = path.data[at];
        if (!isdigit((unsigned char)digit) && (digit < 'a' || digit > 'f'))
            return false;
        address_r->file =
            address_r->file << 4 | (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    size_t length = path.length - at - 1;
    if (path.data[at] != '-' || length > UPLOAD_TOKEN_BYTES)
        return false;
    for (size_t i = 0; i < length; i++) {
        char byte = path.data[at + 1 + i];
        if (!isalnum((unsigned char)byte) && byte != '-' && byte != '_')
            return false;
        address_r->token[i] = byte;
    }
    return true;
}
