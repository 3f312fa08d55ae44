/* What may be an id; see messages.h. */
#include <string.h>
#include <strings.h>

#include "proto/messages.h"

bool id_is_decimal(struct slice text, uint64_t *number_r) {
    /* NUMBER_LIMIT has 16 digits, so 16 of them cannot overflow. */
    if (text.length == 0 || text.length > 16 || (text.data[0] == '0' && text.length > 1))
        return false;
    uint64_t number = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (number >= NUMBER_LIMIT)
        return false;
    if (number_r)
        *number_r = number;
    return true;
}

/* The character at the front of `text` and its length in bytes; 0 when it is no UTF-8: cut short,
 * longer than need be, a surrogate, or beyond U+10FFFF. */
static size_t utf8_read(const unsigned char *text, size_t length, uint32_t *character_r) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t bytes = text[0] < 0x80             ? 1
                   : (text[0] & 0xe0) == 0xc0 ? 2
                   : (text[0] & 0xf0) == 0xe0 ? 3
                   : (text[0] & 0xf8) == 0xf0 ? 4
                                              : 0;
    if (bytes == 0 || bytes > length)
        return 0;
    uint32_t character = bytes == 1 ? text[0] : text[0] & (0x7fU >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (text[i] & 0x3fU);
    }
    if (character < smallest[bytes] || (character >= 0xd800 && character < 0xe000) ||
        character > 0x10ffff)
        return 0;
    *character_r = character;
    return bytes;
}

bool text_is_utf8(struct slice text) {
    for (size_t at = 0, bytes; at < text.length; at += bytes) {
        uint32_t character;
        bytes = utf8_read((const unsigned char *)text.data + at, text.length - at, &character);
        if (bytes == 0)
            return false;
    }
    return true;
}

/* text_is_plain, and how many characters it has. */
static bool is_plain(struct slice text, size_t *characters_r) {
    *characters_r = 0;
    for (size_t at = 0; at < text.length; ++*characters_r) {
        uint32_t character = 0;
        size_t bytes =
            utf8_read((const unsigned char *)text.data + at, text.length - at, &character);
        if (bytes == 0 || character < 0x20 || (character >= 0x7f && character < 0xa0))
            return false;
        at += bytes;
    }
    return true;
}

bool text_is_plain(struct slice text) {
    size_t characters;
    return is_plain(text, &characters);
}

bool id_is_acceptable(struct slice text) {
    if (text.length == 0 || text.length > ID_MAX_BYTES)
        return false;
    /* Both name SYSTEM, in one dialect or the other. */
    if ((text.length == 6 && strncasecmp(text.data, "SYSTEM", 6) == 0) ||
        (text.length == 1 && text.data[0] == '0'))
        return false;
    return text_is_plain(text);
}

bool name_is_acceptable(struct slice text) {
    size_t characters;
    return text.length > 0 && is_plain(text, &characters) && characters <= NAME_MAX_CHARACTERS;
}
