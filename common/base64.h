/* Base64 (RFC 4648) of others, read strictly. */
#ifndef PARLEY_COMMON_BASE64_H
#define PARLEY_COMMON_BASE64_H

#include <sodium.h>
#include <stdbool.h>

#include "common/record.h"

/* Exactly: no character that is not of the `variant` (sodium_base64_VARIANT_...), no bits left
 * over, padding as the variant has it. `room` takes `room_bytes`, three quarters of the text at
 * most. False, too, where `text` is empty or there is no room.
 *
 * Libsodium alone takes every byte from 0x80 on for some character. */
static inline bool base64_read(struct slice text, int variant, unsigned char *room,
                               size_t room_bytes, size_t *length_r) {
    const char *end = NULL;
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] >= 0x80)
            return false;
    return text.length > 0 &&
           sodium_base642bin(room, room_bytes, text.data, text.length, NULL, length_r, &end,
                             variant) == 0 &&
           end == text.data + text.length;
}

#endif
