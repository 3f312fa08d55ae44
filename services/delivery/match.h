/*
 * Whether a text holds the words of a search, in whatever case and form of Unicode either is
 * written.
 *
 *     struct match match;
 *     if (!match_begin(&match, arena, words)) ... no UTF-8, or no memory
 *     match_text(&match, text)
 */
#ifndef PARLEY_DELIVERY_MATCH_H
#define PARLEY_DELIVERY_MATCH_H

#include <stdbool.h>

#include "common/record.h"

struct match {
    struct slice words; /* caseless, in NFC; in the arena */
    char *room;         /* for one text in that form; in the arena */
};

bool match_begin(struct match *match, struct record_arena *arena, struct slice words);
bool match_text(const struct match *match, struct slice text);

#endif
