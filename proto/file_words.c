/* What a file may be called; see file_words.h. */
#include "proto/file_words.h"

#include <string.h>

#include "common/unicode.h"

/* Embeddings, overrides and isolates, by which a name looks as if it had another ending. Marks of
 * direction stay: right-to-left names have them. */
static bool turns_direction(uint32_t character) {
    return (character >= 0x202a && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069);
}

bool file_name_is_valid(struct slice name) {
    const struct slice whole = name;
    while (name.length > 0) {
        uint32_t character;
        size_t length = unicode_read(name, &character);
        if (length == 0 || character == '/' || character == '\\' || unicode_is_control(character) ||
            unicode_is_line_end(character) || turns_direction(character))
            return false;
        name = slice_make(name.data + length, name.length - length);
    }
    return whole.length > 0 && !slice_equal(whole, slice_text(".")) &&
           !slice_equal(whole, slice_text(".."));
}

bool file_mime_is_valid(struct slice mime) {
    static const char signs[] = "!#$&-^_.+";
    size_t slashes = 0, part = 0;
    for (size_t i = 0; i < mime.length; i++) {
        const char c = mime.data[i];
        if (c == '/') {
            if (part == 0 || ++slashes > 1)
                return false;
            part = 0;
        } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   (part > 0 && c != '\0' && strchr(signs, c) != NULL)) {
            part++;
        } else {
            return false;
        }
    }
    return slashes == 1 && part > 0;
}
