/* The id of a file as an avatar; see avatar.h. */
#include "proto/avatar.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS 16

bool avatar_read(struct slice avatar, uint64_t *file_r, bool *has_preview_r) {
    char digits[DIGITS + 1] = "";
    bool itself = avatar.length == DIGITS + 1 && avatar.data[DIGITS] == '+';
    if (avatar.length != DIGITS && !itself)
        return false;
    memcpy(digits, avatar.data, DIGITS);
    if (strspn(digits, "0123456789abcdef") != DIGITS)
        return false;
    *file_r = strtoull(digits, NULL, 16);
    *has_preview_r = !itself;
    return *file_r != 0;
}
