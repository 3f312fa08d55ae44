/*
 * Messages with numbers at the ends of their range, made from a record's description alone.
 *
 *     struct record_arena arena = {0};
 *     void *body = extreme_record(desc, EXTREME_ALL, extreme_numbers[i], &arena);
 *     void *reply = extreme_shaped(desc, EXTREME_FULL, &arena);
 *     ... send them ...
 *     record_arena_free(&arena);
 */
#ifndef PARLEY_TESTS_EXTREME_H
#define PARLEY_TESTS_EXTREME_H

#include "common/record.h"

#define EXTREME_COUNT ((size_t)7)
extern const uint64_t extreme_numbers[EXTREME_COUNT];

/* In place of a field's index: all fields. */
#define EXTREME_ALL SIZE_MAX

/* A record whose field `chosen` holds the number where it is a number, each item where it is a list
 * of them, and the same in records within it. All other numbers are 1, texts and lists have one
 * item. NULL: the field holds no number. Lives as long as the arena. */
void *extreme_record(const struct record_desc *desc, size_t chosen, uint64_t number,
                     struct record_arena *arena);

/* What a record holds, and each record within it. A `bytes` that may be as long as an entry is
 * packed, is a packed entry of that shape. */
enum extreme_shape {
    EXTREME_EMPTY,   /* nothing: 0, "", no items */
    EXTREME_ONE,     /* 1, "a", one item */
    EXTREME_MOST,    /* the largest numbers, true, one item */
    EXTREME_SIGN,    /* 2^63 where it may be, else 2^52 */
    EXTREME_OVER,    /* too much for its description: a number of 2^53, a text of a byte too many */
    EXTREME_FULL,    /* lists and texts as long as they may be, the largest numbers */
    EXTREME_COUNTED, /* lists as long as they may be, each item another; entries of all types, and
                        with each of extreme_numbers in each field */
    EXTREME_UNEVEN,  /* the same, but lists of few items, and of different lengths in one record */
    EXTREME_STRANGE, /* bytes that are no UTF-8, quotes, control characters, line ends */
    EXTREME_SHAPES
};
extern const char *const extreme_shape_names[EXTREME_SHAPES];

/* Lives as long as the arena. All its lists together have at most EXTREME_ROOM bytes packed, less
 * than a message may have. */
#define EXTREME_ROOM ((size_t)4 << 20)
void *extreme_shaped(const struct record_desc *desc, enum extreme_shape shape,
                     struct record_arena *arena);

#endif
