/* Whole numbers in texts from outside. */
#ifndef PARLEY_PREVIEW_NUMBER_H
#define PARLEY_PREVIEW_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Takes a number of decimal digits from the front of `*text`, of `most` at most. False: there is
 * none, and `*text` is as it was. */
bool preview_take_number(const char **text, uint64_t most, uint64_t *value_r)
    __attribute__((warn_unused_result));
/* Takes these very characters. */
bool preview_take(const char **text, const char *wanted) __attribute__((warn_unused_result));

#endif
