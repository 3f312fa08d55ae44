/* The user's lines, cut into words; see words.h. */
#include "services/ctl/chat/words.h"

#include <stdlib.h>
#include <string.h>

#include "proto/ids.h"

static char *skip_space(char *at) {
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* Ends a word in quotes, without them; returns the rest behind it. A quote that nothing closes is
 * part of a plain word. */
static char *cut_quoted(char *at, char **word_r) {
    char *to = at, *from = at + 1;
    while (*from != '"') {
        from += *from == '\\' && from[1] != '\0';
        *to++ = *from++;
    }
    *to = '\0';
    *word_r = at;
    return from + 1;
}

static bool is_quoted(const char *at) {
    if (*at++ != '"')
        return false;
    for (; *at != '\0' && *at != '"'; at++)
        at += *at == '\\' && at[1] != '\0';
    return *at == '"';
}

static char *cut_plain(char *at, char **word_r) {
    *word_r = at;
    at += strcspn(at, " \t");
    if (*at != '\0')
        *at++ = '\0';
    return at;
}

bool chat_words_split(struct slice line, size_t most, struct chat_words *words_r) {
    *words_r = (struct chat_words){.memory = slice_copy(line)};
    if (words_r->memory == NULL)
        return false;
    char *at = skip_space(words_r->memory);
    while (*at != '\0' && words_r->count < most) {
        char **word = &words_r->items[words_r->count++];
        if (words_r->count == most) {
            *word = at;
            break;
        }
        at = skip_space(is_quoted(at) ? cut_quoted(at, word) : cut_plain(at, word));
    }
    return true;
}

void chat_words_free(struct chat_words *words) {
    free(words->memory);
    *words = (struct chat_words){0};
}

const char *chat_words_fault(struct slice line) {
    if (memchr(line.data, '\0', line.length) != NULL)
        return "it holds a NUL";
    return text_is_utf8(line) ? NULL : "it is not UTF-8";
}
