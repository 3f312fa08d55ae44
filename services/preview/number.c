/* Whole numbers, digit by digit. */
#include "services/preview/number.h"

#include <string.h>

bool preview_take_number(const char **text, uint64_t most, uint64_t *value_r) {
    const char *at = *text;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (value > (most - digit) / 10 || digit > most)
            return false;
        value = value * 10 + digit;
    }
    if (at == *text)
        return false;
    *text = at;
    *value_r = value;
    return true;
}

bool preview_take(const char **text, const char *wanted) {
    size_t length = strlen(wanted);
    if (strncmp(*text, wanted, length) != 0)
        return false;
    *text += length;
    return true;
}
