/*
 * A line that the user types, as a command and its arguments.
 */
#ifndef PARLEY_CTL_CHAT_WORDS_H
#define PARLEY_CTL_CHAT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/record.h"

/* no limit: the command, what it takes at most, and one too many */
#define CHAT_WORDS_MAX 4

struct chat_words {
    size_t count;
    char *items[CHAT_WORDS_MAX];
    char *memory; /* that they lie in */
};

/*
 * `line` without its slash, cut at white space into at most `most` words; the last of so many is
 * all that is left of the line, as it stands. Another word may stand in quotes, with a backslash
 * before a quote or a backslash in it, as ids are shown. False without memory. chat_words_free
 * afterwards, in any case.
 */
bool chat_words_split(struct slice line, size_t most, struct chat_words *words_r);
void chat_words_free(struct chat_words *words);

/* Why a line can't be sent: "it is not UTF-8"; NULL when it can. */
const char *chat_words_fault(struct slice line);

#endif
