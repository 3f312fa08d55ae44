/* What may be an id, at its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/messages.h"

static void decimal_forms_below_the_limit_are_numbers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t number;
    } good[] = {{"0", 0},
                {"1", 1},
                {"10", 10},
                {"100000000", 100000000},
                {"9007199254740991", 9007199254740991}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t number = 77;
        assert_true(id_is_decimal(slice_text(good[i].text), &number));
        assert_int_equal(number, good[i].number);
        assert_true(id_is_decimal(slice_text(good[i].text), NULL));
    }
}

static void everything_else_is_no_decimal(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "00",
                                      "01",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "1e3",
                                      "0x1",
                                      "abc",
                                      "12a",
                                      "9007199254740992",
                                      "9999999999999999",
                                      "10000000000000000",
                                      "18446744073709551617",
                                      "\xd9\xa1" /* ARABIC-INDIC DIGIT ONE */};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t number = 77;
        assert_false(id_is_decimal(slice_text(bad[i]), &number));
        assert_int_equal(number, 77);
    }
    assert_false(id_is_decimal(slice_make("1\0", 2), NULL));
}

static void text_of_any_script_is_acceptable(void **state) {
    (void)state;
    static const char *const good[] = {"a",
                                       "123",
                                       "00",
                                       "ccc",
                                       "SYSTEM1",
                                       "SYSTE",
                                       "with space",
                                       "a@b",
                                       "\xe5\xbc\xa0\xe4\xb8\x89",
                                       "\xc2\xa0",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "9007199254740992"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(id_is_acceptable(slice_text(good[i])));
}

static void reserved_and_broken_text_is_not(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "0",
                                      "SYSTEM",
                                      "system",
                                      "SyStEm",
                                      "a\nb",
                                      "\x1f",
                                      "\x7f",
                                      "\xc2\x80",
                                      "\xc2\x9f",
                                      "\x80",
                                      "\xbf",
                                      "\xc3",
                                      "\xc3(",
                                      "\xe5\xbc",
                                      "\xf0\x9f\x98",
                                      "\xc0\xaf",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(id_is_acceptable(slice_text(bad[i])));
    assert_false(id_is_acceptable(slice_make("a\0b", 3)));
}

/* Control characters are no matter here. */
static void utf8_of_any_kind(void **state) {
    (void)state;
    assert_true(text_is_utf8(slice_make(NULL, 0)));
    assert_true(text_is_utf8(slice_make("a\0\n\t\x7f\xc2\x80", 7)));
    assert_true(text_is_utf8(slice_text("\xe5\xbc\xa0 \xf0\x90\x80\x80\xef\xbf\xbf")));
    static const char *const bad[] = {
        "\x80",  "a\xc3", "\xc3(", "\xe5\xbc", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "ok\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(text_is_utf8(slice_text(bad[i])));
    assert_false(text_is_utf8(slice_make("\xe5\xbc\xa0", 2)));
}

static void ids_end_at_64_bytes(void **state) {
    (void)state;
    char text[ID_MAX_BYTES + 1];
    memset(text, 'x', sizeof text);
    assert_true(id_is_acceptable(slice_make(text, ID_MAX_BYTES)));
    assert_false(id_is_acceptable(slice_make(text, ID_MAX_BYTES + 1)));
    /* A character may end at the limit, not go over it. */
    memcpy(text + ID_MAX_BYTES - 2, "\xc3\xa9", 2);
    assert_true(id_is_acceptable(slice_make(text, ID_MAX_BYTES)));
    assert_false(id_is_acceptable(slice_make(text, ID_MAX_BYTES - 1)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimal_forms_below_the_limit_are_numbers),
        cmocka_unit_test(everything_else_is_no_decimal),
        cmocka_unit_test(text_of_any_script_is_acceptable),
        cmocka_unit_test(utf8_of_any_kind),
        cmocka_unit_test(reserved_and_broken_text_is_not),
        cmocka_unit_test(ids_end_at_64_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
