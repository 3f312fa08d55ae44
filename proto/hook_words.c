/* Words of hooks; see hook_words.h. */
#include "proto/hook_words.h"

#include <stdio.h>
#include <string.h>

struct word {
    uint64_t bit;
    const char *word;
};

static const struct word families[] = {
#define X(name, bit, word) {bit, word},
    HOOK_FAMILIES(X){0}
#undef X
};

static const struct word kinds[] = {
#define X(name, bit, word) {bit, word},
    HOOK_KINDS(X){0}
#undef X
};

static uint64_t find(const struct word *words, const char *text, size_t length) {
    for (; words->word != NULL; words++)
        if (strlen(words->word) == length && memcmp(words->word, text, length) == 0)
            return words->bit;
    return 0;
}

static bool read_words(const struct word *words, const char *text, uint64_t *bits_r) {
    *bits_r = 0;
    for (;;) {
        size_t length = strcspn(text, ",");
        uint64_t bit = find(words, text, length);
        if (bit == 0)
            return false;
        *bits_r |= bit;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}

static void write_words(const struct word *words, uint64_t bits, char out[HOOK_WORDS_BYTES]) {
    size_t length = 0;
    out[0] = '\0';
    for (; words->word != NULL; words++)
        if ((bits & words->bit) != 0)
            length += (size_t)snprintf(out + length, HOOK_WORDS_BYTES - length, "%s%s",
                                       length == 0 ? "" : ",", words->word);
}

bool hook_families_read(const char *text, uint64_t *bits_r) {
    return read_words(families, text, bits_r);
}

bool hook_kinds_read(const char *text, uint64_t *bits_r) { return read_words(kinds, text, bits_r); }

void hook_families_write(uint64_t bits, char out[HOOK_WORDS_BYTES]) {
    write_words(families, bits, out);
}

void hook_kinds_write(uint64_t bits, char out[HOOK_WORDS_BYTES]) { write_words(kinds, bits, out); }
