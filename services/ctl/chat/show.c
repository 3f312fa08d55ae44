/* Texts and ids of others, made harmless; see show.h. */
#include "services/ctl/chat/show.h"

#include <string.h>
#include <time.h>

#include "common/unicode.h"

#define NEXT_LINE "\n    | "
#define TIME_BYTES 32

/* Variation selectors choose between a sign and an emoji; joiners make one emoji of several, and
 * shape letters. None of them moves or hides anything else. */
static bool is_needed(uint32_t character) {
    return unicode_is_joiner(character) || character == 0xfe0e || character == 0xfe0f;
}

static bool ends_line(uint32_t character) {
    return character == '\n' || character == '\r' || character == 0x85 || character == 0x0b ||
           character == 0x0c || unicode_is_line_end(character);
}

/* Shows the first character of `text`, a line's end as `line_end`; how many bytes it has. */
static size_t show_one(struct buffer *out, struct slice text, const char *line_end) {
    uint32_t character = 0;
    size_t length = unicode_read(text, &character);
    if (length == 0) {
        buffer_printf(out, "<%02X>", (unsigned)(unsigned char)text.data[0]);
        return 1;
    }
    if (ends_line(character)) {
        buffer_add_text(out, line_end);
        return text.length > 1 && memcmp(text.data, "\r\n", 2) == 0 ? 2 : length;
    }
    if (character == '\t')
        buffer_add_text(out, "    ");
    else if (unicode_is_control(character) ||
             (unicode_is_invisible(character) && !is_needed(character)))
        buffer_printf(out, "<U+%04X>", (unsigned)character);
    else
        buffer_add(out, text.data, length);
    return length;
}

static struct slice behind(struct slice text, size_t length) {
    return slice_make(text.data + length, text.length - length);
}

void chat_show_text(struct buffer *out, struct slice text) {
    while (text.length > 0)
        text = behind(text, show_one(out, text, NEXT_LINE));
}

void chat_show_excerpt(struct buffer *out, struct slice text, size_t most) {
    for (size_t i = 0; i < most && text.length > 0; i++)
        text = behind(text, show_one(out, text, " "));
    if (text.length > 0)
        buffer_add_text(out, "...");
}

static bool is_plain(struct slice id) {
    if (id.length == 0)
        return false;
    while (id.length > 0) {
        uint32_t character = 0;
        size_t length = unicode_read(id, &character);
        if (length == 0)
            return false;
        if (character < 0x80
                ? strchr("._-@+0123456789", (int)character) == NULL && !unicode_is_letter(character)
                : !unicode_is_letter(character))
            return false;
        id = behind(id, length);
    }
    return true;
}

void chat_show_id(struct buffer *out, struct slice id) {
    if (is_plain(id)) {
        buffer_add(out, id.data, id.length);
        return;
    }
    buffer_add_text(out, "\"");
    while (id.length > 0) {
        if (id.data[0] == '"' || id.data[0] == '\\')
            buffer_add_text(out, "\\");
        id = behind(id, show_one(out, id, " "));
    }
    buffer_add_text(out, "\"");
}

void chat_show_time(struct buffer *out, int64_t time_ms, int64_t now_ms) {
    time_t then = (time_t)(time_ms / 1000), now = (time_t)(now_ms / 1000);
    struct tm tm_then, tm_now;
    char text[TIME_BYTES] = "";
    if (localtime_r(&then, &tm_then) == NULL || localtime_r(&now, &tm_now) == NULL)
        return;
    bool today = tm_then.tm_year == tm_now.tm_year && tm_then.tm_yday == tm_now.tm_yday;
    if (strftime(text, sizeof text, today ? "%H:%M" : "%Y-%m-%d %H:%M", &tm_then) > 0)
        buffer_add_text(out, text);
}
