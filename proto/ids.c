/* Checks of numbers and of texts; see ids.h. */
#include "proto/ids.h"

#include <sys/random.h>

#include "common/unicode.h"

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

struct slice id_beside_number(struct slice id) {
    return id_is_decimal(id, NULL) ? slice_make(NULL, 0) : id;
}

uint64_t number_allocate(void) {
    uint64_t number;
    while (getrandom(&number, sizeof number, 0) != sizeof number) /* a signal, early after boot */
        continue;
    /* 2^64 is so many times the range that no number is noticeably likelier than another. */
    return NUMBER_FIRST_ALLOCATED + number % (NUMBER_LAST_ALLOCATED + 1 - NUMBER_FIRST_ALLOCATED);
}

/* Whether `text` is UTF-8, and, with `plain`, holds no control character. */
static bool is_text(struct slice text, bool plain) {
    while (text.length > 0) {
        uint32_t character = 0;
        size_t bytes = unicode_read(text, &character);
        if (bytes == 0 || (plain && unicode_is_control(character)))
            return false;
        text = slice_make(text.data + bytes, text.length - bytes);
    }
    return true;
}

bool text_is_utf8(struct slice text) { return is_text(text, false); }

bool text_is_plain(struct slice text) { return is_text(text, true); }

bool id_may_exist(struct slice text) {
    return text.length > 0 && text.length <= ID_MAX_BYTES && text_is_plain(text);
}
