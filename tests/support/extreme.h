/*
 * Messages with numbers at the ends of their range, made from a record's description alone.
 *
 *     struct record_arena arena = {0};
 *     void *body = extreme_record(desc, EXTREME_ALL, extreme_numbers[i], &arena);
 *     ... send it ...
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

#endif
