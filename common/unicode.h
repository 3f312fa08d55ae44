/*
 * Unicode's forms of a text, by libutf8proc: for comparing texts that people may write in several
 * ways.
 *
 *     char room[UNICODE_ROOM(64)];
 *     struct slice nfc = unicode_convert(text, UNICODE_NFC, room, sizeof room);
 *
 * The result lies in `room`, or is `text` itself where that is in the form already. It is empty
 * where `text` is: is no UTF-8, is longer in that form than `room`, or memory is short.
 */
#ifndef PARLEY_COMMON_UNICODE_H
#define PARLEY_COMMON_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/record.h"

/* Enough for the NFC and NFD of so many bytes: no text grows to more than the threefold. */
#define UNICODE_ROOM(bytes_) ((size_t)3 * (bytes_))

enum unicode_form {
    UNICODE_NFC,
    UNICODE_NFD,
    UNICODE_CASELESS, /* NFC of the case folding: the same for texts that differ in case alone */
    UNICODE_SKELETON  /* compatibility forms and case folded, invisible characters left out */
};
struct slice unicode_convert(struct slice text, enum unicode_form form, char *room,
                             size_t room_bytes);

/* The character at the front of `text` and its length in bytes; 0 when it is no UTF-8 (cut short,
 * longer than need be, a surrogate, or beyond U+10FFFF), and at the end. */
size_t unicode_read(struct slice text, uint32_t *character_r);
/* How many characters a text has, up to where it is no UTF-8. */
size_t unicode_count(struct slice text);

/* The kind of a character. */
bool unicode_is_control(uint32_t character);
bool unicode_is_line_end(uint32_t character); /* a line or paragraph separator */
bool unicode_is_space(uint32_t character);
/* Of format (zero-width, bidirectional), or shown by nothing of its own (variation selectors,
 * fillers). */
bool unicode_is_invisible(uint32_t character);
bool unicode_is_letter(uint32_t character); /* or a mark, which belongs to one */
bool unicode_is_pictograph(uint32_t character);
/* The joiners, and where they make a difference to how letters look. */
bool unicode_is_joiner(uint32_t character);
bool unicode_may_join(uint32_t letter);

#endif
