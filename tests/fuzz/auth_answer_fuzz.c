/* Any bytes as the answer of auth_url: it is refused, or names somebody, in UTF-8 without a NUL. */
#include "common/unicode.h"
#include "services/auth/callback_answer.h"
#include "tests/fuzz/fuzz.h"

static bool is_text(struct slice text) {
    uint32_t character;
    for (size_t length; text.length > 0;
         text = slice_make(text.data + length, text.length - length)) {
        length = unicode_read(text, &character);
        if (length == 0 || character == 0)
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct record_arena arena = {0};
    struct slice id, name;
    if (callback_answer_read(slice_make((const char *)data, size), &arena, &id, &name))
        require(id.length > 0 && id.length < size && name.length < size && is_text(id) &&
                is_text(name));
    record_arena_free(&arena);
    return 0;
}
