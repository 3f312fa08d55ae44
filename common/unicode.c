/* Forms of texts and kinds of characters; see unicode.h. */
#include "common/unicode.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* --- forms ----------------------------------------------------------------------------------- */

static bool is_ascii(struct slice text) {
    for (size_t i = 0; i < text.length; i++)
        if (((unsigned char)text.data[i] & 0x80) != 0)
            return false;
    return true;
}

static utf8proc_option_t options_of(enum unicode_form form) {
    switch (form) {
    case UNICODE_NFC:
        return UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    case UNICODE_NFD:
        return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
    case UNICODE_CASELESS:
        return UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD;
    case UNICODE_SKELETON:
        return UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
               UTF8PROC_IGNORE;
    }
    return UTF8PROC_STABLE;
}

struct slice unicode_convert(struct slice text, enum unicode_form form, char *room,
                             size_t room_bytes) {
    utf8proc_uint8_t *converted = NULL;
    if (text.length == 0 || ((form == UNICODE_NFC || form == UNICODE_NFD) && is_ascii(text)))
        return text;
    utf8proc_ssize_t length =
        utf8proc_map((const utf8proc_uint8_t *)text.data, (utf8proc_ssize_t)text.length, &converted,
                     options_of(form));
    struct slice result = slice_make(NULL, 0);
    if (length > 0 && (size_t)length <= room_bytes) {
        memcpy(room, converted, (size_t)length);
        result = slice_make(room, (size_t)length);
    }
    free(converted);
    return result;
}

/* --- characters ------------------------------------------------------------------------------ */

size_t unicode_read(struct slice text, uint32_t *character_r) {
    utf8proc_int32_t character;
    utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)text.data,
                                               (utf8proc_ssize_t)text.length, &character);
    if (length <= 0 || character < 0)
        return 0;
    *character_r = (uint32_t)character;
    return (size_t)length;
}

size_t unicode_count(struct slice text) {
    size_t count = 0, length;
    uint32_t character;
    for (; (length = unicode_read(text, &character)) > 0; count++)
        text = slice_make(text.data + length, text.length - length);
    return count;
}

static const utf8proc_property_t *property_of(uint32_t character) {
    return utf8proc_get_property((utf8proc_int32_t)character);
}

bool unicode_is_control(uint32_t character) {
    return property_of(character)->category == UTF8PROC_CATEGORY_CC;
}

bool unicode_is_line_end(uint32_t character) {
    utf8proc_propval_t category = property_of(character)->category;
    return category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool unicode_is_space(uint32_t character) {
    return property_of(character)->category == UTF8PROC_CATEGORY_ZS ||
           unicode_is_line_end(character) || (character >= '\t' && character <= '\r') ||
           character == 0x85;
}

bool unicode_is_invisible(uint32_t character) {
    const utf8proc_property_t *property = property_of(character);
    return property->category == UTF8PROC_CATEGORY_CF || property->ignorable;
}

bool unicode_is_letter(uint32_t character) {
    switch ((utf8proc_category_t)property_of(character)->category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return !unicode_is_invisible(character);
    default:
        return false;
    }
}

bool unicode_is_pictograph(uint32_t character) {
    return property_of(character)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

bool unicode_is_joiner(uint32_t character) { return character == 0x200c || character == 0x200d; }

bool unicode_may_join(uint32_t letter) {
    /* The blocks whose letters take other shapes beside a joiner: Arabic and its kin, the scripts
     * of India and South-East Asia, Mongolian. */
    static const struct {
        uint32_t first, last;
    } blocks[] = {{0x0600, 0x109f}, {0x1700, 0x1cff},   {0xa800, 0xaaff},
                  {0xabc0, 0xabff}, {0x10a00, 0x11fff}, {0x1e900, 0x1e95f}};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if (letter >= blocks[i].first && letter <= blocks[i].last)
            return true;
    return false;
}
