/*
 * Fuzz target of `parleyctl chat`: lines don't depend on how the input is cut; objects
 * from the server are shown without a control or bidirectional character, whatever they hold.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/unicode.h"
#include "services/ctl/chat/answers.h"
#include "services/ctl/chat/commands.h"
#include "services/ctl/chat/events.h"
#include "services/ctl/chat/files.h"
#include "services/ctl/chat/lines.h"
#include "services/ctl/chat/show.h"
#include "tests/fuzz/fuzz.h"

#define NEXT_LINE "\n    | "

static struct buffer run(const uint8_t *bytes, size_t size, size_t cut) {
    struct chat_lines lines;
    struct buffer log = buffer_make((size_t)1 << 24);
    struct slice line;
    chat_lines_init(&lines, 65536);
    for (size_t at = 0; at < size; at += cut) {
        struct slice input = piece_at(bytes, size, at, cut);
        enum chat_lines_result result;
        while ((result = chat_lines_next(&lines, &input, &line)) != CHAT_LINES_MORE) {
            buffer_printf(&log, "%d:", (int)result);
            if (result == CHAT_LINES_LINE)
                buffer_add(&log, line.data, line.length);
        }
    }
    if (chat_lines_last(&lines, &line))
        buffer_add(&log, line.data, line.length);
    chat_lines_free(&lines);
    return log;
}

/* Whole characters, none of which moves the cursor or turns the text, but for its own line ends. */
static void require_harmless(const struct buffer *shown) {
    struct slice text = slice_make(shown->data, shown->length);
    if (text.length > 0 && text.data[text.length - 1] == '\n')
        text.length--;
    while (text.length > 0) {
        uint32_t character = 0;
        size_t length = unicode_read(text, &character);
        require(length > 0);
        if (character == '\n')
            require(text.length > strlen(NEXT_LINE) - 1 &&
                    memcmp(text.data, NEXT_LINE, strlen(NEXT_LINE)) == 0);
        else
            require(!unicode_is_control(character) && !unicode_is_line_end(character) &&
                    !(character >= 0x202a && character <= 0x202e) &&
                    !(character >= 0x2066 && character <= 0x2069));
        text = slice_make(text.data + length, text.length - length);
    }
}

/* The bytes as an object of the server's, and as a line that the user types. */
static void play(struct slice bytes, int fd) {
    /* There is no room: nothing of this machine is sent or saved. */
    struct chat_files files = {.count = CHAT_FILES_MAX};
    struct chat chat = {.ev = ev_loop_new(0),
                        .id = "anna",
                        .open = {.id = "ben"},
                        .files = &files,
                        .file_server = "http://localhost"};
    cJSON *message = cJSON_ParseWithLength(bytes.data, bytes.length);
    chat_screen_init(&chat.screen, fd);
    ev_init(&chat.confirm, NULL);
    if (cJSON_IsObject(message) && !chat_answers_show(&chat, message))
        chat_events_take(&chat, message);
    require_harmless(&chat.screen.line);
    chat_commands_take(&chat, bytes);
    require_harmless(&chat.screen.line);
    cJSON_Delete(message);
    ev_timer_stop(chat.ev, &chat.confirm);
    chat_requests_free(&chat.requests);
    chat_marks_clear(&chat.marks);
    chat_screen_free(&chat.screen);
    ev_loop_destroy(chat.ev);
}

/* The first byte says how to cut the bytes behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    require_same_however_cut(run, data + 1, size - 1, (size_t)data[0] + 1);
    struct slice bytes = slice_make((const char *)data + 1, size - 1);
    struct buffer shown = buffer_make((size_t)1 << 21);
    chat_show_text(&shown, bytes);
    require_harmless(&shown);
    buffer_free(&shown);
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    require(fd >= 0);
    play(bytes, fd);
    close(fd);
    return 0;
}
