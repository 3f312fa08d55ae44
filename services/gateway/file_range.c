/* The header Range; see file_range.h. */
#include "services/gateway/file_range.h"

#include <ctype.h>
#include <string.h>

/* As many digits as fit. */
#define RANGE_DIGITS 18

/* Takes a number off the front. false: there is none, or it is too large. */
static bool take_number(struct slice *rest, uint64_t *number_r) {
    size_t length = 0;
    *number_r = 0;
    while (length < rest->length && isdigit((unsigned char)rest->data[length])) {
        if (length == RANGE_DIGITS)
            return false;
        *number_r = *number_r * 10 + (uint64_t)(rest->data[length++] - '0');
    }
    *rest = slice_make(rest->data + length, rest->length - length);
    return length > 0;
}

static enum file_range_result part(uint64_t first, uint64_t last, uint64_t size, uint64_t *from_r,
                                   uint64_t *end_r) {
    if (first >= size)
        return FILE_RANGE_NONE;
    *from_r = first;
    *end_r = last < size ? last + 1 : size;
    return FILE_RANGE_PART;
}

enum file_range_result file_range_read(struct slice range, uint64_t size, uint64_t *from_r,
                                       uint64_t *end_r) {
    static const char unit[] = "bytes=";
    size_t length = sizeof unit - 1;
    uint64_t first, last = UINT64_MAX;
    *from_r = 0;
    *end_r = size;
    if (range.length <= length || memcmp(range.data, unit, length) != 0)
        return FILE_RANGE_WHOLE;
    range = slice_make(range.data + length, range.length - length);
    bool has_first = take_number(&range, &first);
    if (range.length == 0 || range.data[0] != '-')
        return FILE_RANGE_WHOLE;
    range = slice_make(range.data + 1, range.length - 1);
    bool has_last = range.length > 0 && take_number(&range, &last);
    if (range.length > 0 || (!has_first && !has_last) || (has_first && has_last && last < first))
        return FILE_RANGE_WHOLE;
    if (!has_first) /* so many at the end */
        return last == 0 ? FILE_RANGE_NONE
                         : part(last < size ? size - last : 0, size, size, from_r, end_r);
    return part(first, has_last ? last : UINT64_MAX, size, from_r, end_r);
}
