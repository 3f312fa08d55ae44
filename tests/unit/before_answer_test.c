/* What hook_before answers: verdicts, and what is none. */
#include <string.h>

#include "proto/messages.h"
#include "services/delivery/before_answer.h"
#include "tests/support/test_list.h"

#define TEXT_ROOM (TEXT_MAX_BYTES + 32)

static void assert_answer(long status, const char *body, bool may_be_empty,
                          enum before_verdict expected, const char *words) {
    struct record_arena arena = {0};
    struct slice found;
    enum before_verdict verdict =
        before_answer_read(status, slice_text(body), may_be_empty, &arena, &found);
    if (verdict != expected)
        fail_msg("%ld %s: %d", status, body, (int)verdict);
    if (words != NULL) {
        assert_int_equal(found.length, strlen(words));
        assert_memory_equal(found.data == NULL ? "" : found.data, words, found.length);
    }
    record_arena_free(&arena);
}

TEST(what_allows) {
    assert_answer(204, "", false, BEFORE_ALLOWED, "");
    assert_answer(204, "whatever", false, BEFORE_ALLOWED, "");
    assert_answer(200, "", false, BEFORE_ALLOWED, "");
    assert_answer(200, "{}", false, BEFORE_ALLOWED, "");
    assert_answer(200, "{\"refuse\":false,\"more\":{\"a\":[1]}}", false, BEFORE_ALLOWED, "");
    assert_answer(200, "{\"reason\":\"of nothing\"}", false, BEFORE_ALLOWED, "");
}

TEST(what_changes) {
    assert_answer(200, "{\"text\":\"a\\u00e4\"}", false, BEFORE_CHANGED, "a\xc3\xa4");
    assert_answer(200, "{\"refuse\":false,\"text\":\"a\"}", false, BEFORE_CHANGED, "a");
    assert_answer(200, "{\"text\":\"\"}", true, BEFORE_CHANGED, "");
}

TEST(what_refuses) {
    assert_answer(200, "{\"refuse\":true}", false, BEFORE_REFUSED, "");
    assert_answer(200, "{\"refuse\":true,\"reason\":\"no\",\"text\":\"a\"}", false, BEFORE_REFUSED,
                  "no");
}

TEST(a_reason_is_cut_behind_a_whole_character) {
    char body[BEFORE_REASON_BYTES + 64], words[BEFORE_REASON_BYTES + 1];
    memset(words, 'x', BEFORE_REASON_BYTES);
    words[BEFORE_REASON_BYTES] = '\0';
    snprintf(body, sizeof body, "{\"refuse\":true,\"reason\":\"%s\"}", words);
    assert_answer(200, body, false, BEFORE_REFUSED, words);
    snprintf(body, sizeof body, "{\"refuse\":true,\"reason\":\"%sy\"}", words);
    assert_answer(200, body, false, BEFORE_REFUSED, words);
    words[BEFORE_REASON_BYTES - 1] = '\0';
    snprintf(body, sizeof body, "{\"refuse\":true,\"reason\":\"%s\xc3\xa4\"}", words);
    assert_answer(200, body, false, BEFORE_REFUSED, words);
}

TEST(a_text_has_a_most) {
    static char body[TEXT_ROOM];
    const size_t start = strlen("{\"text\":\"");
    memcpy(body, "{\"text\":\"", start);
    memset(body + start, 'x', TEXT_MAX_BYTES);
    memcpy(body + start + TEXT_MAX_BYTES, "\"}", 3);
    assert_answer(200, body, false, BEFORE_CHANGED, NULL);
    memcpy(body + start + TEXT_MAX_BYTES, "x\"}", 4);
    assert_answer(200, body, false, BEFORE_FAULTY, "the answer's text is too long");
}

TEST(what_is_no_answer) {
    static const char *const bodies[] = {"yes",
                                         "[]",
                                         "{",
                                         "{}{}",
                                         "{\"text\":\"\"}",
                                         "{\"text\":1}",
                                         "{\"text\":null}",
                                         "{\"refuse\":1}",
                                         "{\"refuse\":\"true\"}",
                                         "{\"refuse\":true,\"reason\":1}",
                                         "{\"text\":\"\\u0000\"}",
                                         "{\"text\":\"\xff\"}",
                                         "{\"refuse\":false,\"refuse\":true}",
                                         "{\"a\":[[[[[[[[1]]]]]]]]}"};
    static const long statuses[] = {0, 100, 201, 202, 301, 302, 307, 400, 401, 403, 410, 500, 503};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_answer(200, bodies[i], false, BEFORE_FAULTY, NULL);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        assert_answer(statuses[i], "{\"text\":\"a\"}", false, BEFORE_FAULTY, NULL);
}

int main(void) { return test_run_all(NULL, NULL); }
