/* base64url without padding (RFC 7515, 2), as a JWT and a JWK have it. */
#ifndef PARLEY_JWT_BASE64URL_H
#define PARLEY_JWT_BASE64URL_H

#include <sodium.h>
#include <stdbool.h>

#include "common/record.h"

/* Exactly: no other character, no padding, no bits left over. `room` takes `room_bytes`, three
 * quarters of the text at most. False, too, where `text` is empty. */
static inline bool base64url_read(struct slice text, unsigned char *room, size_t room_bytes,
                                  size_t *length_r) {
    const char *end = NULL;
    return text.length > 0 &&
           sodium_base642bin(room, room_bytes, text.data, text.length, NULL, length_r, &end,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
           end == text.data + text.length;
}

#endif
