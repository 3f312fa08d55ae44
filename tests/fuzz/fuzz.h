/*
 * The parts that every fuzz target needs: the function that libFuzzer calls, and a check that ends
 * the run.
 */
#ifndef PARLEY_TESTS_FUZZ_H
#define PARLEY_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(holds_)                                                                            \
    do {                                                                                           \
        if (!(holds_))                                                                             \
            abort();                                                                               \
    } while (0)

/* The piece of `cut` bytes that begins at `at`; a shorter one at the end. */
static inline struct slice piece_at(const uint8_t *bytes, size_t size, size_t at, size_t cut) {
    return slice_make((const char *)bytes + at, size - at < cut ? size - at : cut);
}

/* Takes a line off the front of `rest`, without its end. */
static inline struct slice take_line(struct slice *rest) {
    const char *end = rest->length == 0 ? NULL : memchr(rest->data, '\n', rest->length);
    size_t length = end == NULL ? rest->length : (size_t)(end - rest->data);
    struct slice line = slice_make(rest->data, length);
    *rest = end == NULL ? slice_make("", 0) : slice_make(end + 1, rest->length - length - 1);
    return line;
}

/* That `run` gives the same results for bytes in one piece and in pieces of `cut`. */
static inline void require_same_however_cut(struct buffer (*run)(const uint8_t *bytes, size_t size,
                                                                 size_t cut),
                                            const uint8_t *bytes, size_t size, size_t cut) {
    struct buffer whole = run(bytes, size, size), pieces = run(bytes, size, cut);
    require(whole.length == pieces.length && !whole.failed && !pieces.failed);
    require(whole.length == 0 || memcmp(whole.data, pieces.data, whole.length) == 0);
    buffer_free(&whole);
    buffer_free(&pieces);
}

#endif
