/* Scripts and sheets without comments that take up whole lines. */
#include "services/gateway/edge/lean.h"

#include <string.h>

/* Whole lines, without the last one's line break. */
struct part {
    const char *end;
    bool is_comment;
};

static const char *skip_blanks(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
        at++;
    return at;
}

static const char *line_end(const char *at, const char *end) {
    const char *found = memchr(at, '\n', (size_t)(end - at));
    return found == NULL ? end : found;
}

static bool begins(const char *at, const char *end, const char *two) {
    return end - at >= 2 && memcmp(at, two, 2) == 0;
}

/* The line at `at`, and those after it that a comment at its beginning reaches. */
static struct part take_part(const char *at, const char *end, bool slashes) {
    const char *first = skip_blanks(at, end);
    if (slashes && begins(first, end, "//"))
        return (struct part){line_end(first, end), true};
    if (!begins(first, end, "/*"))
        return (struct part){line_end(first, end), false};
    const char *close = memmem(first + 2, (size_t)(end - first) - 2, "*/", 2);
    if (close == NULL)
        return (struct part){end, false};
    const char *last = line_end(close, end);
    return (struct part){last, skip_blanks(close + 2, last) == last};
}

size_t edge_lean_text(char *text, size_t length, bool slashes) {
    const char *at = text, *end = text + length;
    char *out = text;
    while (at < end) {
        struct part part = take_part(at, end, slashes);
        for (; at < part.end; at++)
            if (!part.is_comment || *at == '\n')
                *out++ = *at;
        if (at < end)
            *out++ = *at++;
    }
    return (size_t)(out - text);
}
