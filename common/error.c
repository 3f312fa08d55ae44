/*
 * The words and texts of the errors; both come from the one table in error.h.
 */
#include "common/error.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *word, *text;
} errors[] = {
#define X(name, word, text) {word, text},
    PARLEY_ERRORS(X)
#undef X
};

/* A number that is no error (a slip, or memory gone wrong) is still answered as something. */
static enum err known(enum err err) { return (unsigned)err < ERR_COUNT ? err : ERR_INTERNAL; }

const char *err_word(enum err err) { return errors[known(err)].word; }

const char *err_text(enum err err) { return errors[known(err)].text; }

enum err err_from_word(const char *word, unsigned long length) {
    for (size_t i = 0; i < ERR_COUNT; i++)
        if (strlen(errors[i].word) == length && memcmp(errors[i].word, word, length) == 0)
            return (enum err)i;
    return ERR_INTERNAL;
}
