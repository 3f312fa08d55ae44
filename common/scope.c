/* What an API key may be used for; see scope.h. */
#include "common/scope.h"

#include <stddef.h>
#include <string.h>

static const char *const known[SCOPE_COUNT] = {
#define X(name_, word_, text_) [SCOPE_##name_] = (word_),
    PARLEY_SCOPES(X)
#undef X
};

const char *scope_word(unsigned bit) {
    for (size_t i = 0; i < SCOPE_COUNT; i++)
        if (bit == 1u << i)
            return known[i];
    return "";
}

static unsigned bit_of(const char *word, size_t length) {
    for (size_t i = 0; i < SCOPE_COUNT; i++)
        if (strlen(known[i]) == length && memcmp(known[i], word, length) == 0)
            return 1u << i;
    return 0;
}

unsigned scopes_of_words(const char *words, unsigned long length) {
    unsigned bits = 0;
    for (size_t at = 0, end; at < length; at = end + 1) {
        for (end = at; end < length && words[end] != ','; end++)
            ;
        unsigned bit = bit_of(words + at, end - at);
        if (bit == 0 || end + 1 == length)
            return 0;
        bits |= bit;
    }
    return bits;
}
