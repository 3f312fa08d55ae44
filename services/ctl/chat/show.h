/*
 * Other people's texts and ids as a terminal may have them: no escape sequence, no other control or
 * invisible character (bidirectional ones too) reaches it, and none of them can look like a line of
 * its own. A character that is left out is shown by its number: <U+202E>, or <FF> for a byte that
 * is no UTF-8.
 */
#ifndef PARLEY_CTL_CHAT_SHOW_H
#define PARLEY_CTL_CHAT_SHOW_H

#include "common/buffer.h"
#include "common/record.h"

/* A whole text. Its further lines begin with "    | ". */
void chat_show_text(struct buffer *out, struct slice text);
/* The first `most` characters of a text, on one line. */
void chat_show_excerpt(struct buffer *out, struct slice text, size_t most);
/* An id or a name, on one line. One that holds more than letters, digits and "._-@+" stands in
 * quotes, with a backslash before a quote or a backslash. */
void chat_show_id(struct buffer *out, struct slice id);
/* When it was: the time of today, else with the date, in the local zone. */
void chat_show_time(struct buffer *out, int64_t time_ms, int64_t now_ms);

#endif
