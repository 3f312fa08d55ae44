/* Writing JSON; see json.h. */
#include "services/gateway/dialect/json.h"

#include <inttypes.h>
#include <string.h>

void json_raw(struct buffer *out, const char *text) { buffer_add(out, text, strlen(text)); }

void json_text(struct buffer *out, struct slice text) {
    static const char hex[] = "0123456789abcdef";
    static const char short_for[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    buffer_add(out, "\"", 1);
    size_t run = 0; /* the start of the bytes that are still to be added */
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        if (i > run)
            buffer_add(out, text.data + run, i - run);
        run = i + 1;
        char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        char letter = c >= 0x20 ? (char)c : short_for[c];
        if (letter)
            escape[1] = letter;
        buffer_add(out, escape, letter ? 2 : sizeof escape);
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
