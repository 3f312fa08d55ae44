/*
 * The framing of JSON: the objects in a stream of bytes, however it is cut.
 */
#include "services/gateway/edge/json.h"
#include "tests/support/edge_object.h"
#include "tests/support/test_list.h"

#include <stdlib.h>
#include <string.h>

/* Appends the results of `piece`: objects as they are, a fault as `!`, an over-long object as
 * `#`, each followed by `|`. */
static void feed(struct edge_json *json, const char *piece, size_t length, struct buffer *out) {
    /* A copy of the exact size, so that reading beyond it is noticed. */
    char *copy = malloc(length == 0 ? 1 : length);
    assert_non_null(copy);
    memcpy(copy, piece, length);
    struct slice input = slice_make(copy, length), object;
    const char *fault = NULL;
    enum edge_json_result result;
    while ((result = edge_json_next(json, &input, &object, &fault)) != EDGE_JSON_MORE) {
        if (result == EDGE_JSON_OBJECT) {
            buffer_add(out, object.data, object.length);
        } else {
            assert_non_null(fault);
            buffer_add_text(out, result == EDGE_JSON_FAULT ? "!" : "#");
        }
        buffer_add_text(out, "|");
    }
    assert_int_equal(input.length, 0);
    free(copy);
}

/* Feeds `bytes` in pieces of `size` and compares. */
static void expect_cut(const char *bytes, size_t length, size_t size, const char *expected) {
    struct edge_json json;
    struct buffer out = buffer_make(1 << 20);
    edge_json_init(&json);
    for (size_t at = 0; at < length; at += size)
        feed(&json, bytes + at, length - at < size ? length - at : size, &out);
    buffer_add(&out, "", 1);
    assert_false(out.failed);
    assert_string_equal(out.data, expected);
    edge_json_free(&json);
    buffer_free(&out);
}

static void expect(const char *bytes, const char *expected) {
    size_t length = strlen(bytes);
    for (size_t size = 1; size <= length; size++)
        expect_cut(bytes, length, size, expected);
}

TEST(objects_follow_each_other) {
    expect("{}", "{}|");
    expect("{}{}", "{}|{}|");
    expect(" \t\r\n{\"a\":1}\n\n{\"b\":2} ", "{\"a\":1}|{\"b\":2}|");
    expect("{\"a\":{\"b\":{}},\"c\":[{},{}]}{\"d\":[]}",
           "{\"a\":{\"b\":{}},\"c\":[{},{}]}|{\"d\":[]}|");
    expect("{\"a\":1", "");
    expect("   ", "");
}

TEST(strings_hide_their_brackets) {
    expect("{\"a\":\"}\"}{}", "{\"a\":\"}\"}|{}|");
    expect("{\"{\":\"[[[[\"}", "{\"{\":\"[[[[\"}|");
    expect("{\"a\":\"\\\"}\"}", "{\"a\":\"\\\"}\"}|");
    expect("{\"a\":\"\\\\\"}{}", "{\"a\":\"\\\\\"}|{}|");
    expect("{\"a\":\"\\\\\\\"}\"}", "{\"a\":\"\\\\\\\"}\"}|");
    expect("{\"a\":\"\\u007d\\n\"}", "{\"a\":\"\\u007d\\n\"}|");
}

TEST(garbage_is_one_fault_a_run) {
    expect("hello", "!|");
    expect("hello you\n{}", "!|{}|");
    expect("hello{}", "!|{}|");
    expect("a\nb\nc\n", "!|!|!|");
    expect("{}x{}", "{}|!|{}|");
    expect("[{}]", "!|{}|!|");
    expect("}", "!|");
    expect("\"a\"\n17\n{}", "!|!|{}|");
}

TEST(a_wrong_object_is_one_fault_or_the_parsers) {
    /* Braces balance: framing lets them pass, the parser refuses them. */
    expect("{a}{}", "{a}|{}|");
    expect("{\"a\":]}{}", "{\"a\":]}|{}|");
    expect("{\"a\":[}{}", "{\"a\":[}|{}|");
    /* A raw control character in a string. */
    expect("{\"a\":\"\n\"}{}", "!|{}|");
    expect_cut("{\"a\":\"\0\"}{}", 11, 1, "!|{}|");
    expect("{\"a\":\"\x1f\"}{\"a\":\"\x7f\"}", "!|{\"a\":\"\x7f\"}|");
    expect("{\"a\":\"\\\n\"}", "!|");
}

/* An object that is nested that deep, and the bytes behind it. */
static const char *nested(struct buffer *out, unsigned depth, const char *open, const char *close,
                          const char *behind) {
    buffer_clear(out);
    buffer_add_text(out, "{\"a\":");
    for (unsigned i = 1; i < depth; i++)
        buffer_add_text(out, open);
    buffer_add_text(out, "1");
    for (unsigned i = 1; i < depth; i++)
        buffer_add_text(out, close);
    buffer_printf(out, "}%s", behind);
    buffer_add(out, "", 1);
    assert_false(out->failed);
    return out->data;
}

TEST(nesting_has_a_limit) {
    struct buffer text = buffer_make(1000), expected = buffer_make(1000);
    expect(nested(&text, EDGE_MAX_DEPTH, "{\"a\":", "}", ""),
           nested(&expected, EDGE_MAX_DEPTH, "{\"a\":", "}", "|"));
    expect(nested(&text, EDGE_MAX_DEPTH, "[", "]", ""),
           nested(&expected, EDGE_MAX_DEPTH, "[", "]", "|"));
    expect(nested(&text, EDGE_MAX_DEPTH + 1, "{\"a\":", "}", ""), "!|");
    expect(nested(&text, EDGE_MAX_DEPTH + 1, "[", "]", "{}"), "!|{}|");
    buffer_free(&text);
    buffer_free(&expected);
    /* Siblings don't add up. */
    expect("{\"a\":[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]}",
           "{\"a\":[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]}|");
}

TEST(size_has_a_limit) {
    static const size_t sizes[] = {1, 1000, 4096, EDGE_MAX_OBJECT, EDGE_MAX_OBJECT * 2};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *text = edge_object_of(EDGE_MAX_OBJECT);
        char *expected = malloc(EDGE_MAX_OBJECT + 2);
        assert_non_null(expected);
        memcpy(expected, text, EDGE_MAX_OBJECT);
        memcpy(expected + EDGE_MAX_OBJECT, "|", 2);
        expect_cut(text, EDGE_MAX_OBJECT, sizes[i], expected);
        free(text);
        free(expected);
        text = edge_object_of(EDGE_MAX_OBJECT + 1);
        expect_cut(text, EDGE_MAX_OBJECT + 1, sizes[i], "#|");
        free(text);
    }
    /* Nothing is handed over after an over-long one. */
    char *text = edge_object_of(EDGE_MAX_OBJECT + 4);
    memcpy(text + EDGE_MAX_OBJECT, "\"}{}", 4);
    expect_cut(text, EDGE_MAX_OBJECT + 4, EDGE_MAX_OBJECT + 4, "#|");
    free(text);
}

TEST(memory_is_held_only_within_an_object) {
    struct edge_json json;
    struct buffer out = buffer_make(1000);
    edge_json_init(&json);
    feed(&json, "{}{}", 4, &out);
    assert_null(json.kept.data);
    feed(&json, "{\"a\":", 5, &out);
    assert_non_null(json.kept.data);
    feed(&json, "1}", 2, &out);
    assert_null(json.kept.data);
    edge_json_free(&json);
    buffer_free(&out);
}

static const struct {
    const char *bytes;
    bool valid;
} texts[] = {
    {"\x7f", true},
    {"\xc2\x80", true},
    {"\xdf\xbf", true},
    {"\xe0\xa0\x80", true},
    {"\xe4\xbd\xa0\xe5\xa5\xbd", true},
    {"\xed\x9f\xbf", true},
    {"\xee\x80\x80", true},
    {"\xef\xbf\xbf", true},
    {"\xf0\x90\x80\x80", true},
    {"\xf0\x9f\x98\x80", true},
    {"\xf4\x8f\xbf\xbf", true},
    {"\x80", false},             /* a continuation alone */
    {"\xbf", false},             /* the same */
    {"\xc0\x80", false},         /* overlong */
    {"\xc1\xbf", false},         /* overlong */
    {"\xe0\x80\x80", false},     /* overlong */
    {"\xe0\x9f\xbf", false},     /* overlong */
    {"\xf0\x80\x80\x80", false}, /* overlong */
    {"\xf0\x8f\xbf\xbf", false}, /* overlong */
    {"\xed\xa0\x80", false},     /* a surrogate */
    {"\xed\xbf\xbf", false},     /* the same */
    {"\xf4\x90\x80\x80", false}, /* beyond U+10FFFF */
    {"\xf5\x80\x80\x80", false}, /* the same */
    {"\xff", false},
    {"\xfe", false},
    {"\xc3", false}, /* cut short by the next byte */
    {"\xe4\xbd", false},
    {"\xf0\x9f\x98", false},
    {"\xe4\xc3\xa4", false},
};

TEST(text_must_be_utf8) {
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[64], expected[80];
        snprintf(text, sizeof text, "{\"a\":\"%s\"}{}", texts[i].bytes);
        snprintf(expected, sizeof expected, "{\"a\":\"%s\"}|{}|", texts[i].bytes);
        expect(text, texts[i].valid ? expected : "!|{}|");
        struct slice object;
        /* Without the second object. */
        const char *fault = edge_json_check(slice_make(text, strlen(text) - 2), &object);
        assert_ptr_equal(fault, texts[i].valid ? NULL : edge_json_not_utf8);
    }
    expect("{\xff}{}", "!|{}|");
    expect("{\"a\":\"\\\xc3\xa4\"}", "{\"a\":\"\\\xc3\xa4\"}|");
}

TEST(a_message_is_exactly_one_object) {
    struct slice object;
    assert_null(edge_json_check(slice_text(" {\"a\":1}\r\n"), &object));
    assert_int_equal(object.length, 7);
    assert_memory_equal(object.data, "{\"a\":1}", 7);
    static const char *const faulty[] = {"",     "  ",    "x",      "{",    "{}x", "{}{}", "x\n{}",
                                         "[{}]", "\"a\"", "{\"a\"", "{} }", "17",  "null", "{\"}"};
    for (size_t i = 0; i < sizeof faulty / sizeof faulty[0]; i++) {
        const char *fault = edge_json_check(slice_text(faulty[i]), &object);
        assert_non_null(fault);
        assert_ptr_not_equal(fault, edge_json_not_utf8);
    }
    /* Wherever the bytes stand, the encoding is the fault. */
    assert_ptr_equal(edge_json_check(slice_text("{} \xff"), &object), edge_json_not_utf8);
    assert_ptr_equal(edge_json_check(slice_text("\xff"), &object), edge_json_not_utf8);
    assert_ptr_equal(edge_json_check(slice_text("{\xff"), &object), edge_json_not_utf8);
    assert_ptr_equal(edge_json_check(slice_text("{\"a\":\"\xc3"), &object), edge_json_not_utf8);
}

int main(void) { return test_run_all(NULL, NULL); }
