/*
 * How `parleyctl chat` reads lines, shows other people's texts, and understands the user's input.
 */
#include "services/ctl/chat/commands.h"
#include "services/ctl/chat/events.h"
#include "services/ctl/chat/files.h"
#include "services/ctl/chat/lines.h"
#include "services/ctl/chat/show.h"
#include "services/ctl/chat/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- lines ----------------------------------------------------------------------------------- */

/* All lines of `bytes`, fed in pieces, each with a `|` behind it; `#` for one that is too long. */
static void expect_lines(const char *bytes, size_t most, const char *expected) {
    size_t length = strlen(bytes);
    for (size_t cut = 1; cut <= length; cut++) {
        struct chat_lines lines;
        struct buffer out = buffer_make(4096);
        struct slice line;
        enum chat_lines_result result;
        chat_lines_init(&lines, most);
        for (size_t at = 0; at < length; at += cut) {
            struct slice input = slice_make(bytes + at, length - at < cut ? length - at : cut);
            while ((result = chat_lines_next(&lines, &input, &line)) != CHAT_LINES_MORE)
                buffer_printf(&out, "%.*s|", result == CHAT_LINES_LINE ? (int)line.length : 1,
                              result == CHAT_LINES_LINE ? line.data : "#");
        }
        if (chat_lines_last(&lines, &line))
            buffer_printf(&out, "%.*s.", (int)line.length, line.data);
        buffer_add(&out, "", 1);
        assert_string_equal(out.data, expected);
        buffer_free(&out);
        chat_lines_free(&lines);
    }
}

static void lines_are_cut_at_line_feeds(void **state) {
    (void)state;
    expect_lines("one\ntwo\n", 8, "one|two|");
    expect_lines("\n\nlast", 8, "||last.");
    expect_lines("12345678\n", 8, "12345678|");
    expect_lines("123456789\nab\n", 8, "#|ab|");
    expect_lines("a\n123456789012345678901234567890\n\nb", 8, "a|#||b.");
}

/* --- other people's texts -----------------------------------------------------------------------
 */

static void expect_shown(void (*show)(struct buffer *out, struct slice text), const char *text,
                         const char *expected) {
    struct buffer out = buffer_make(4096);
    show(&out, slice_text(text));
    buffer_add(&out, "", 1);
    assert_string_equal(out.data, expected);
    buffer_free(&out);
}

static void texts_are_harmless(void **state) {
    (void)state;
    expect_shown(chat_show_text, "hello", "hello");
    expect_shown(chat_show_text, "你好 👨‍👩‍👧 ❤️",
                 "你好 👨‍👩‍👧 ❤️");
    expect_shown(chat_show_text, "a\x1b[2Jb\x07", "a<U+001B>[2Jb<U+0007>");
    expect_shown(chat_show_text,
                 "\xc2\x9b"
                 "31m",
                 "<U+009B>31m"); /* CSI in one character */
    expect_shown(chat_show_text,
                 "a\nb\r\nc\rd\xe2\x80\xa8"
                 "e\x0b",
                 "a\n    | b\n    | c\n    | d\n    | e\n    | ");
    expect_shown(chat_show_text, "a\tb", "a    b");
    expect_shown(chat_show_text, "\xe2\x80\xaeolleh\xe2\x81\xa6x", "<U+202E>olleh<U+2066>x");
    expect_shown(chat_show_text, "\xff\xc0\xafz\xe4\xbd", "<FF><C0><AF>z<E4><BD>");
    expect_shown(chat_show_text, "\xf3\xa0\x80\xa1", "<U+E0021>"); /* a tag, which is invisible */
}

static void ids_cannot_be_mistaken(void **state) {
    (void)state;
    expect_shown(chat_show_id, "anna@example.org", "anna@example.org");
    expect_shown(chat_show_id, "小明", "小明");
    expect_shown(chat_show_id, "", "\"\"");
    expect_shown(chat_show_id, "ben: hi", "\"ben: hi\"");
    expect_shown(chat_show_id, "a\"b\\", "\"a\\\"b\\\\\"");
    expect_shown(chat_show_id, "a\nb", "\"a b\"");
    expect_shown(chat_show_id, "#ccc", "\"#ccc\"");
}

static void excerpts_have_an_end(void **state) {
    (void)state;
    struct buffer out = buffer_make(64);
    chat_show_excerpt(&out, slice_text("你好\n吗 abc"), 4);
    assert_int_equal(out.length, strlen("你好 吗..."));
    assert_memory_equal(out.data, "你好 吗...", out.length);
    buffer_free(&out);
}

/* --- words --------------------------------------------------------------------------------------
 */

static void expect_words(const char *line, size_t most, const char *expected) {
    struct chat_words words;
    struct buffer out = buffer_make(256);
    assert_true(chat_words_split(slice_text(line), most, &words));
    for (size_t i = 0; i < words.count; i++)
        buffer_printf(&out, "%s|", words.items[i]);
    buffer_add(&out, "", 1);
    assert_string_equal(out.data, expected);
    buffer_free(&out);
    chat_words_free(&words);
}

static void words_are_cut_at_spaces(void **state) {
    (void)state;
    expect_words("to ben", 4, "to|ben|");
    expect_words("  to \t ben  ", 4, "to|ben|");
    expect_words("", 4, "");
    expect_words("edit 5 all the  rest ", 3, "edit|5|all the  rest |");
    expect_words("to \"my friend\" x", 4, "to|my friend|x|");
    expect_words("to \"a\\\"b\\\\\"", 4, "to|a\"b\\|");
    expect_words("to \"open", 4, "to|\"open|");
    expect_words("to \"open\\", 4, "to|\"open\\|");
    expect_words("reply 5 \"quoted\" text", 3, "reply|5|\"quoted\" text|");
}

/* --- commands ------------------------------------------------------------------------------------
 */

struct scene {
    struct chat chat;
    struct chat_files files;
    struct chat_http *http;
    int fd;
};

static void forget(struct chat *chat) { (void)chat; }

static int begin(void **state) {
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    scene->chat.ev = ev_loop_new(0);
    ev_init(&scene->chat.confirm, NULL);
    snprintf(scene->chat.id, sizeof scene->chat.id, "anna");
    static const struct chat_http_options http = {
        .server = "http://localhost:5999", .issuers = "", .verify = true};
    scene->http = chat_http_new(scene->chat.ev, &http);
    assert_non_null(scene->http);
    chat_files_init(&scene->files, &scene->chat, scene->http, forget);
    scene->chat.files = &scene->files;
    scene->chat.file_server = http.server;
    chat_screen_init(&scene->chat.screen, scene->fd);
    *state = scene;
    return 0;
}

static int end(void **state) {
    struct scene *scene = *state;
    ev_timer_stop(scene->chat.ev, &scene->chat.confirm);
    chat_files_free(&scene->files);
    chat_http_destroy(&scene->http);
    chat_requests_free(&scene->chat.requests);
    chat_marks_clear(&scene->chat.marks);
    chat_screen_free(&scene->chat.screen);
    ev_loop_destroy(scene->chat.ev);
    close(scene->fd);
    free(scene);
    return 0;
}

/* Types a line; the one request that it makes, as JSON, is compared and taken away. NULL: none. */
static void expect_request(struct chat *chat, const char *line, const char *expected) {
    chat_commands_take(chat, slice_text(line));
    struct chat_request *request = chat->requests.first;
    if (expected == NULL) {
        assert_null(request);
        return;
    }
    assert_non_null(request);
    assert_int_equal(chat->requests.count, 1);
    struct buffer out = buffer_make(4096);
    assert_true(chat_requests_write(&out, request->number, NULL, NULL, request->body));
    buffer_add(&out, "", 1);
    char wanted[1024];
    snprintf(wanted, sizeof wanted, "%s\n", expected);
    assert_string_equal(out.data, wanted);
    buffer_free(&out);
    chat_requests_remove(&chat->requests, request);
}

static void lines_become_requests(void **state) {
    struct chat *chat = &((struct scene *)*state)->chat;
    expect_request(chat, "", NULL);
    expect_request(chat, "to nobody yet", NULL);
    assert_int_equal(chat->refusals, 1);
    expect_request(chat, "/to ben\r", NULL);
    expect_request(chat, "hello",
                   "{\"msgType\":5,\"msgBody\":{\"fromUserId\":\"anna\",\"toUserId\":\"ben\","
                   "\"msg\":\"hello\"}}");
    expect_request(chat, "//help",
                   "{\"msgType\":5,\"msgBody\":{\"fromUserId\":\"anna\",\"toUserId\":\"ben\","
                   "\"msg\":\"/help\"}}");
    expect_request(chat, "/reply 128 yes, \"that\"",
                   "{\"msgType\":5,\"msgBody\":{\"fromUserId\":\"anna\",\"toUserId\":\"ben\","
                   "\"msg\":\"yes, \\\"that\\\"\",\"reply\":128}}");
    expect_request(chat, "/edit 128 a new text",
                   "{\"msgType\":327,\"msgBody\":{\"peer\":{\"user\":\"ben\"},\"cid\":128,"
                   "\"msg\":\"a new text\"}}");
    expect_request(chat, "/history 5",
                   "{\"msgType\":303,\"msgBody\":{\"peer\":{\"user\":\"ben\"},\"limit\":5}}");
    expect_request(chat, "/accept \"my friend\"",
                   "{\"msgType\":104,\"msgBody\":{\"fromUserId\":\"anna\",\"toUserId\":"
                   "\"my friend\",\"confirmResult\":true}}");
    expect_request(chat, "/refuse ben ccc",
                   "{\"msgType\":106,\"msgBody\":{\"handleAdministratorId\":\"anna\",\"toUserId\":"
                   "\"ben\",\"groupId\":\"ccc\",\"confirmResult\":false}}");
    expect_request(chat, "/group ccc", NULL);
    expect_request(
        chat, "/title The club",
        "{\"msgType\":325,\"msgBody\":{\"of\":{\"group\":\"ccc\"},\"name\":\"The club\"}}");
    expect_request(chat, "/name Anna K.",
                   "{\"msgType\":325,\"msgBody\":{\"of\":\"me\",\"name\":\"Anna K.\"}}");
    assert_int_equal(chat->refusals, 1);
}

static void faulty_lines_are_refused(void **state) {
    struct chat *chat = &((struct scene *)*state)->chat;
    static const char *const lines[] = {
        "/",        "/ ",       "/nothing", "/to",        "/to a b", "/history x", "/edit 5 x",
        "/members", "/reply 5", "/to \"\"", "/to a\x01z", "\xff",    "/leave",     "/edit 5"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        unsigned before = chat->refusals;
        expect_request(chat, lines[i], NULL);
        if (chat->refusals != before + 1)
            fail_msg("'%s' was not refused", lines[i]);
    }
    unsigned before = chat->refusals;
    chat_commands_open(chat, false, "ben");
    expect_request(chat, "/members", NULL);
    expect_request(chat, "/edit five x", NULL);
    chat_commands_take(chat, slice_make("a\0b", 3));
    assert_int_equal(chat->refusals, before + 3);
}

/* Every row that is a request makes one of the right words. */
static void every_command_makes_something(void **state) {
    struct chat *chat = &((struct scene *)*state)->chat;
    const char *name, *arguments, *help;
    char line[128], path[64];
    snprintf(path, sizeof path, "/tmp/parley-chat-test-%d", (int)getpid());
    for (size_t i = 0; chat_commands_row(i, &name, &arguments, &help); i++) {
        chat_commands_open(chat, true, "ccc");
        assert_true(strlen(help) > 0);
        bool number = strncmp(arguments, "NUMBER", 6) == 0;
        const char *second = strchr(arguments, ' ');
        snprintf(line, sizeof line, "/%s %s %s", name,
                 arguments[0] == '\0'  ? ""
                 : number              ? "128"
                 : arguments[0] == 'P' ? "/proc/self/exe"
                                       : "ben",
                 second == NULL                 ? ""
                 : strcmp(second, " PATH") == 0 ? path
                                                : "7");
        unsigned before = chat->refusals;
        chat_commands_take(chat, slice_text(line));
        if (chat->refusals != before)
            fail_msg("'%s' was refused: %s", line, chat->refused);
        chat_requests_free(&chat->requests);
    }
    assert_true(chat->leaving); /* /quit */
}

static void files_have_a_limit(void **state) {
    struct chat *chat = &((struct scene *)*state)->chat;
    chat_commands_open(chat, false, "ben");
    for (size_t i = 0; i < CHAT_FILES_MAX; i++)
        chat_commands_take(chat, slice_text("/send /proc/self/exe \"the words\" beside it"));
    assert_int_equal(chat->refusals, 0);
    assert_false(chat_files_have_room(chat));
    assert_int_equal(chat->requests.count, 1); /* one at a time */
    chat_commands_take(chat, slice_text("/send /proc/self/exe"));
    assert_int_equal(chat->refusals, 1);
    /* The next is announced once the first is refused. */
    for (size_t left = CHAT_FILES_MAX; left > 0; left--) {
        struct chat_request *request = chat->requests.first;
        assert_int_equal(request->number, 323);
        assert_string_equal(chat_text_of(request->body, "name"), "exe");
        char ref[CHAT_REF_BYTES];
        snprintf(ref, sizeof ref, "%s", request->ref);
        chat_requests_remove(&chat->requests, request);
        chat_files_refused(chat, ref);
    }
    assert_false(chat_files_wait(chat));
    assert_int_equal(chat->requests.count, 0);
}

static void requests_have_a_limit(void **state) {
    struct chat *chat = &((struct scene *)*state)->chat;
    chat_commands_open(chat, false, "ben");
    for (size_t i = 0; i < CHAT_REQUESTS_MAX; i++)
        chat_commands_take(chat, slice_text("text"));
    assert_int_equal(chat->requests.count, CHAT_REQUESTS_MAX);
    assert_int_equal(chat->refusals, 0);
    chat_commands_take(chat, slice_text("text"));
    assert_int_equal(chat->requests.count, CHAT_REQUESTS_MAX);
    assert_int_equal(chat->refusals, 1);
}

static void an_object_has_a_limit(void **state) {
    (void)state;
    char *text = malloc(CHAT_OBJECT_MAX_BYTES + 1);
    struct buffer out = buffer_make(CHAT_OBJECT_MAX_BYTES + 1);
    assert_non_null(text);
    memset(text, 'x', CHAT_OBJECT_MAX_BYTES);
    size_t around = strlen("{\"msgType\":5,\"msgBody\":{\"msg\":\"\"}}");
    for (size_t over = 0; over < 2; over++) {
        text[CHAT_OBJECT_MAX_BYTES - around + over] = '\0';
        cJSON *body = cJSON_CreateObject();
        assert_non_null(cJSON_AddStringToObject(body, "msg", text));
        assert_int_equal(chat_requests_write(&out, 5, NULL, NULL, body), over == 0);
        assert_int_equal(out.length, over == 0 ? CHAT_OBJECT_MAX_BYTES + 1 : 0);
        buffer_clear(&out);
        cJSON_Delete(body);
        text[CHAT_OBJECT_MAX_BYTES - around + over] = 'x';
    }
    buffer_free(&out);
    free(text);
}

/* --- marks ---------------------------------------------------------------------------------------
 */

static bool note_mark(void *argument, int number, const struct chat_peer *peer, uint64_t cid) {
    buffer_printf(argument, "%d %s %d|", number, peer->id, (int)cid);
    return true;
}

static void expect_marks(struct chat *chat, const char *expected) {
    struct buffer out = buffer_make(4096);
    chat_marks_flush(&chat->marks, &chat->open, note_mark, &out);
    buffer_add(&out, "", 1);
    assert_string_equal(out.data, expected);
    buffer_free(&out);
}

static void marks_are_sent_once(void **state) {
    struct chat *chat = &((struct scene *)*state)->chat;
    const struct chat_peer ben = {.id = "ben"}, group = {.group = true, .id = "ben"};
    assert_true(chat_marks_see(&chat->marks, &ben, 128));
    assert_true(chat_marks_see(&chat->marks, &ben, 256));
    assert_true(chat_marks_see(&chat->marks, &group, 128));
    expect_marks(chat, "301 ben 256|301 ben 128|");
    expect_marks(chat, "");
    chat->open = ben;
    expect_marks(chat, "302 ben 256|");
    expect_marks(chat, "");
    /* A repeat is not shown, and is confirmed again: the first time may have been in vain. */
    assert_false(chat_marks_see(&chat->marks, &group, 128));
    expect_marks(chat, "301 ben 128|");
    chat_marks_show(&chat->marks, &ben, 512);
    expect_marks(chat, "");
}

static void own_copies_are_waited_for(void **state) {
    struct chat *chat = &((struct scene *)*state)->chat;
    const struct chat_peer ben = {.id = "ben"};
    assert_true(chat_marks_complete(&chat->marks));
    chat_marks_own(&chat->marks, &ben, 256);
    assert_false(chat_marks_complete(&chat->marks));
    assert_true(chat_marks_see(&chat->marks, &ben, 128));
    assert_false(chat_marks_complete(&chat->marks));
    assert_true(chat_marks_see(&chat->marks, &ben, 256));
    assert_true(chat_marks_complete(&chat->marks));
}

static void marks_have_a_limit(void **state) {
    struct chat *chat = &((struct scene *)*state)->chat;
    struct chat_peer peer = {.id = "0"};
    for (unsigned i = 0; i <= 4096; i++) {
        snprintf(peer.id, sizeof peer.id, "%u", i);
        assert_true(chat_marks_see(&chat->marks, &peer, 1));
    }
    assert_false(chat_marks_see(&chat->marks, &peer, 1));
    snprintf(peer.id, sizeof peer.id, "1");
    assert_false(chat_marks_see(&chat->marks, &peer, 1));
    snprintf(peer.id, sizeof peer.id, "0");
    assert_true(chat_marks_see(&chat->marks, &peer, 1));
}

/* --- arriving objects ----------------------------------------------------------------------- */

static void expect_line(struct chat *chat, const char *json, const char *expected) {
    cJSON *message = cJSON_Parse(json);
    assert_non_null(message);
    buffer_clear(&chat->screen.line);
    chat_events_take(chat, message);
    cJSON_Delete(message);
    struct buffer *line = &chat->screen.line;
    /* Without the time, which is five characters. */
    size_t skip = line->length < 6 ? line->length : 5;
    assert_int_equal(line->length - skip, strlen(expected));
    assert_memory_equal(line->data + skip, expected, strlen(expected));
}

static void entries_become_lines(void **state) {
    struct chat *chat = &((struct scene *)*state)->chat;
    expect_line(chat, "{\"msgType\":6,\"msg\":\"hi\",\"fromUserId\":\"ben\",\"cid\":128}",
                " [128] ben: hi\n");
    expect_line(chat, "{\"msgType\":6,\"msg\":\"hi\",\"fromUserId\":\"ben\",\"cid\":128}", "");
    expect_line(
        chat, "{\"msgType\":8,\"msg\":\"hi\",\"fromUserId\":\"a b\",\"toGroup\":\"c\",\"cid\":128}",
        " [128] #c \"a b\": hi\n");
    expect_line(chat,
                "{\"msgType\":4,\"confirmResult\":true,\"groupId\":\"c\",\"toUserId\":\"ben\"}",
                " -- ben is a member of #c\n");
    expect_line(chat,
                "{\"msgType\":4,\"confirmResult\":false,\"groupId\":\"c\",\"toUserId\":\"anna\"}",
                " -- the request of anna to join #c was refused\n");
    expect_line(chat, "{\"msgType\":103,\"fromUserId\":\"ben\",\"cid\":128}",
                " [128] -- ben asks for friendship: /accept ben or /refuse ben\n");
    expect_line(chat,
                "{\"msgType\":327,\"peer\":{\"user\":\"ben\"},\"user\":\"ben\",\"target\":128,"
                "\"msg\":\"a\\nb\",\"cid\":256}",
                " [256] -- ben has edited [128]: a\n    | b\n");
    expect_line(chat,
                "{\"msgType\":329,\"peer\":{\"user\":\"ben\"},\"user\":\"ben\",\"target\":128,"
                "\"emoji\":\"👍\",\"on\":true,\"cid\":384}",
                " [384] -- ben reacts to [128]: 👍\n");
    expect_line(chat,
                "{\"msgType\":6,\"msg\":\"mine\",\"fromUserId\":\"anna\",\"toUserId\":\"ben\","
                "\"cid\":385}",
                " [385] anna -> ben: mine\n");
    expect_line(chat,
                "{\"msgType\":6,\"fromUserId\":\"ben\",\"cid\":386,\"file\":{\"kind\":\"image\","
                "\"name\":\"a\\u001b b.png\",\"size\":12,\"url\":\"/files/1/\\u202ex\"}}",
                " [386] ben: (picture \"a<U+001B> b.png\", 12 bytes: "
                "http://localhost:5999/files/1/<U+202E>x)\n");
    expect_line(chat,
                "{\"msgType\":6,\"fromUserId\":\"ben\",\"cid\":387,\"msg\":\"mine\",\"file\":{"
                "\"kind\":\"sticker\",\"name\":\"b\",\"size\":1,\"url\":\"https://a.org/b\"}}",
                " [387] ben: (sticker b, 1 bytes: https://a.org/b) mine\n");
    expect_line(chat, "{\"msgType\":301,\"peer\":{\"user\":\"ben\"},\"cid\":1}", "");
    expect_line(chat, "{\"msgType\":318,\"peer\":{\"group\":\"c\"},\"cid\":9,\"skipped\":412}",
                " [9] -- 412 older entries are left out of #c: see /history\n");
    chat_commands_open(chat, false, "ben");
    expect_line(chat, "{\"msgType\":313,\"peer\":{\"user\":\"ben\"},\"user\":\"ben\"}",
                " -- ben is typing\n");
    expect_line(chat, "{\"msgType\":313,\"peer\":{\"user\":\"ben\"},\"user\":\"ben\"}", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_cut_at_line_feeds),
        cmocka_unit_test(texts_are_harmless),
        cmocka_unit_test(ids_cannot_be_mistaken),
        cmocka_unit_test(excerpts_have_an_end),
        cmocka_unit_test(words_are_cut_at_spaces),
        cmocka_unit_test_setup_teardown(lines_become_requests, begin, end),
        cmocka_unit_test_setup_teardown(faulty_lines_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(every_command_makes_something, begin, end),
        cmocka_unit_test_setup_teardown(files_have_a_limit, begin, end),
        cmocka_unit_test_setup_teardown(requests_have_a_limit, begin, end),
        cmocka_unit_test(an_object_has_a_limit),
        cmocka_unit_test_setup_teardown(marks_are_sent_once, begin, end),
        cmocka_unit_test_setup_teardown(own_copies_are_waited_for, begin, end),
        cmocka_unit_test_setup_teardown(marks_have_a_limit, begin, end),
        cmocka_unit_test_setup_teardown(entries_become_lines, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
