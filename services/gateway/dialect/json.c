/* Writing JSON; see json.h. */
#include "services/gateway/dialect/json.h"

#include <inttypes.h>
#include <string.h>

#include "common/unicode.h"

void json_raw(struct buffer *out, const char *text) { buffer_add(out, text, strlen(text)); }

/* The length of the character at `at` when it stands in JSON as it is, else 0. */
static size_t plain_length(struct slice text, size_t at) {
    unsigned char c = (unsigned char)text.data[at];
    uint32_t character;
    if (c < 0x80)
        return c >= 0x20 && c != '"' && c != '\\';
    return unicode_read(slice_make(text.data + at, text.length - at), &character);
}

/* In place of a byte that does not stand as it is. */
static void write_other(unsigned char c, struct buffer *out) {
    static const char hex[] = "0123456789abcdef";
    static const char short_for[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    char letter = c >= 0x20 ? (char)c : short_for[c];
    if (letter)
        escape[1] = letter;
    if (c < 0x80)
        buffer_add(out, escape, letter ? 2 : sizeof escape);
    else
        json_raw(out, "\xef\xbf\xbd"); /* U+FFFD */
}

void json_text(struct buffer *out, struct slice text) {
    buffer_add(out, "\"", 1);
    size_t run = 0, length; /* the start of the bytes that are still to be added */
    for (size_t i = 0; i < text.length; i += length) {
        length = plain_length(text, i);
        if (length > 0)
            continue;
        if (i > run)
            buffer_add(out, text.data + run, i - run);
        write_other((unsigned char)text.data[i], out);
        length = 1;
        run = i + 1;
    }
    if (text.length > run)
        buffer_add(out, text.data + run, text.length - run);
    buffer_add(out, "\"", 1);
}

/* printf is too slow for every message. */
void json_number(struct buffer *out, uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    buffer_add(out, digits + at, sizeof digits - at);
}

void json_string_id(struct buffer *out, uint64_t number, struct slice id) {
    if (id.length > 0) {
        json_text(out, id);
        return;
    }
    if (number == 0) {
        json_raw(out, "\"SYSTEM\"");
        return;
    }
    json_raw(out, "\"");
    json_number(out, number);
    json_raw(out, "\"");
}

void json_id(struct buffer *out, bool string_ids, uint64_t number, struct slice id) {
    if (string_ids)
        json_string_id(out, number, id);
    else
        json_number(out, number);
}

void json_hex_id(struct buffer *out, uint64_t id) { buffer_printf(out, "\"%016" PRIx64 "\"", id); }
