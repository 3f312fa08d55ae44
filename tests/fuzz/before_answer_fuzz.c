/*
 * Fuzz target of answers of hook_before: each has one verdict, and no words that could not be
 * stored or shown.
 */
#include "proto/messages.h"
#include "services/delivery/before_answer.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const bool may_be_empty = size > 0 && (data[0] & 1) != 0;
    const struct slice body = slice_make((const char *)data + (size > 0), size - (size > 0));
    struct record_arena arena = {0};
    struct slice words;
    switch (before_answer_read(200, body, may_be_empty, &arena, &words)) {
    case BEFORE_ALLOWED:
        require(words.length == 0);
        break;
    case BEFORE_CHANGED:
        require(words.length <= TEXT_MAX_BYTES && (words.length > 0 || may_be_empty));
        break;
    case BEFORE_REFUSED:
        require(words.length <= BEFORE_REASON_BYTES);
        break;
    case BEFORE_FAULTY:
        require(words.length > 0);
        break;
    }
    record_arena_free(&arena);
    return 0;
}
