/* Whether a text holds the words of a search; see match.h. */
#include "services/delivery/match.h"

#include <string.h>

#include "common/unicode.h"
#include "proto/messages.h"

/* No text grows to more when case and forms are folded; one that did would match nothing. */
#define ROOM_BYTES (UNICODE_ROOM(TEXT_MAX_BYTES))

bool match_begin(struct match *match, struct record_arena *arena, struct slice words) {
    match->room = record_arena_alloc(arena, ROOM_BYTES);
    if (match->room == NULL)
        return false;
    match->words =
        record_arena_copy(arena, unicode_convert(words, UNICODE_CASELESS, match->room, ROOM_BYTES));
    return match->words.data != NULL;
}

/* Bytes of an ideograph (U+4000 to U+9FFF): it has no case and one form, alone and beside others.
 */
static size_t ideograph(const unsigned char *text, size_t length) {
    return length >= 3 && text[0] >= 0xe4 && text[0] <= 0xe9 ? 3 : 0;
}

/* Folds a text of ASCII and ideographs alone, as most are, some ten times as fast as any; false: it
 * holds something else. */
static bool fold_simple(struct slice text, char *out) {
    const unsigned char *bytes = (const unsigned char *)text.data;
    for (size_t i = 0; i < text.length;) {
        unsigned char byte = bytes[i];
        size_t length = byte < 0x80 ? 1 : ideograph(bytes + i, text.length - i);
        if (length == 0)
            return false;
        if (length == 1)
            out[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
        else
            memcpy(out + i, bytes + i, length);
        i += length;
    }
    return true;
}

bool match_text(const struct match *match, struct slice text) {
    if (text.length == 0 || text.length > ROOM_BYTES)
        return false;
    struct slice folded = fold_simple(text, match->room)
                              ? slice_make(match->room, text.length)
                              : unicode_convert(text, UNICODE_CASELESS, match->room, ROOM_BYTES);
    return folded.length > 0 &&
           memmem(folded.data, folded.length, match->words.data, match->words.length) != NULL;
}
