/* Lists of addresses and networks; see address_ranges.h. */
#include "common/address_ranges.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#define ADDRESS_BYTES 16
#define MAPPED_BYTES 12

static const unsigned char mapped[MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};

/* `bits_r`: of the text's own kind of address, 32 or 128. */
static bool read_address(struct slice text, unsigned char bytes_r[ADDRESS_BYTES],
                         unsigned *bits_r) {
    char written[INET6_ADDRSTRLEN] = "";
    if (text.length == 0 || text.length >= sizeof written ||
        memchr(text.data, '\0', text.length) != NULL)
        return false;
    memcpy(written, text.data, text.length);
    *bits_r = 32;
    if (inet_pton(AF_INET, written, bytes_r + MAPPED_BYTES) == 1) {
        memcpy(bytes_r, mapped, sizeof mapped);
        return true;
    }
    *bits_r = 128;
    return inet_pton(AF_INET6, written, bytes_r) == 1;
}

/* `bits_r`: of the 128, how many must be equal. */
static bool read_range(struct slice text, unsigned char bytes_r[ADDRESS_BYTES], unsigned *bits_r) {
    const char *slash = text.length == 0 ? NULL : memchr(text.data, '/', text.length);
    size_t length = slash == NULL ? text.length : (size_t)(slash - text.data);
    unsigned own, wanted = 0;
    if (!read_address(slice_make(text.data, length), bytes_r, &own))
        return false;
    if (slash == NULL) {
        *bits_r = 128;
        return true;
    }
    size_t digits = text.length - length - 1;
    if (digits == 0 || digits > 3)
        return false;
    for (size_t i = 1; i <= digits; i++) {
        if (!isdigit((unsigned char)slash[i]))
            return false;
        wanted = wanted * 10 + (unsigned)(slash[i] - '0');
    }
    *bits_r = wanted + 128 - own;
    return wanted <= own;
}

/* Takes an item off the front. */
static bool take(struct slice *list, struct slice *item_r) {
    if (list->data == NULL)
        return false;
    const char *comma = list->length == 0 ? NULL : memchr(list->data, ',', list->length);
    size_t length = comma == NULL ? list->length : (size_t)(comma - list->data);
    *item_r = slice_make(list->data, length);
    *list = comma == NULL ? slice_make(NULL, 0) : slice_make(comma + 1, list->length - length - 1);
    return true;
}

static bool are_equal(const unsigned char *a, const unsigned char *b, unsigned bits) {
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool address_ranges_are_good(struct slice list, struct slice *wrong_r) {
    unsigned char bytes[ADDRESS_BYTES];
    unsigned bits;
    *wrong_r = slice_make("", 0);
    if (list.length == 0)
        return false;
    while (take(&list, wrong_r))
        if (!read_range(*wrong_r, bytes, &bits))
            return false;
    return true;
}

bool address_ranges_hold(struct slice list, struct slice address) {
    unsigned char range[ADDRESS_BYTES], bytes[ADDRESS_BYTES];
    struct slice item;
    unsigned bits, own;
    if (!read_address(address, bytes, &own))
        return false;
    while (take(&list, &item))
        if (read_range(item, range, &bits) && are_equal(range, bytes, bits))
            return true;
    return false;
}
