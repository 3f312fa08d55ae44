/* Texts that may be ids, and those just beyond the limits. */
#include <stdio.h>
#include <string.h>

#include "proto/ids.h"
#include "proto/messages.h"
#include "tests/support/test_list.h"

TEST(decimal_forms_below_the_limit_are_numbers) {
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

TEST(everything_else_is_no_decimal) {
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

/* Whether a text may be chosen as an id, in its normal form. */
static const char *fault(const char *text) {
    char room[ID_ROOM];
    struct slice given = slice_text(text), id = id_normal(given, room);
    if (given.length > 0 && id.length == 0)
        return "is not UTF-8";
    return id_fault(id);
}

static void assert_fault(const char *text, const char *expected) {
    const char *found = fault(text);
    if (found == NULL || strcmp(found, expected) != 0)
        fail_msg("'%s' %s", text, found == NULL ? "may be chosen" : found);
}

TEST(text_of_any_script_may_be_chosen) {
    static const char *const good[] = {
        "a",
        "123",
        "00",
        "ccc",
        "SYSTEM1",
        "SYSTE",
        "with space",
        "a@b",
        "\xe5\xbc\xa0\xe4\xb8\x89",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "9007199254740992",
        "\xef\xbd\x82\xef\xbd\x85\xef\xbd\x8e",                                 /* full width */
        "a\xe3\x80\x80z",                                                       /* a wide space */
        "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae\xd9\x88\xd8\xa7\xd9\x87\xd9\x85", /* ZWNJ, Persian */
        "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7",                     /* ZWJ, Hindi */
        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",                 /* one picture of two */
        "\xf0\x9f\x91\xa9\xf0\x9f\x8f\xbd\xe2\x80\x8d\xf0\x9f\x92\xbb", /* with a tone */
        "\xe2\x9d\xa4\xef\xb8\x8f",                                     /* a red heart */
        "1\xef\xb8\x8f\xe2\x83\xa3"};                                   /* a key */
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (fault(good[i]) != NULL)
            fail_msg("'%s' %s", good[i], fault(good[i]));
}

TEST(invisible_characters_may_not) {
    static const char *const invisible[] = {"be\xe2\x80\x8bn", /* ZERO WIDTH SPACE */
                                            "ben\xe2\x80\x8b",
                                            "\xe2\x80\x8b",
                                            "ben\xe2\x80\x8c", /* a joiner that joins nothing */
                                            "\xe2\x80\x8d"
                                            "ben",
                                            "b1\xe2\x80\x8d"
                                            "2en",
                                            "be\xe2\x80\x8d\xe2\x80\x8dn",
                                            "ben\xe2\x81\xa0", /* WORD JOINER */
                                            "\xef\xbb\xbf"
                                            "ben", /* BOM */
                                            "b\xe2\x80\xae"
                                            "en", /* right-to-left override */
                                            "b\xe2\x81\xa6"
                                            "en", /* isolate */
                                            "b\xd8\x9c"
                                            "en", /* ARABIC LETTER MARK */
                                            "b\xc2\xad"
                                            "en",                  /* SOFT HYPHEN */
                                            "ben\xef\xb8\x8f",     /* VARIATION SELECTOR-16 */
                                            "ben\xf3\xa0\x84\x80", /* VARIATION SELECTOR-17 */
                                            "ben\xcd\x8f",         /* COMBINING GRAPHEME JOINER */
                                            "\xe3\x85\xa4",        /* HANGUL FILLER */
                                            "ben\xf3\xa0\x81\xa1", /* TAG LATIN SMALL LETTER A */
                                            "ben\xe1\xa0\x8e"};    /* MONGOLIAN VOWEL SEPARATOR */
    for (size_t i = 0; i < sizeof invisible / sizeof invisible[0]; i++)
        assert_fault(invisible[i], "holds an invisible character");
    static const char *const spaces[] = {
        "ben ", " ben", "ben\xc2\xa0", "\u00a0ben", "ben\xe3\x80\x80", " ", "\xc2\xa0"};
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
        assert_fault(spaces[i], "begins or ends with a space");
    assert_fault("b\xe2\x80\xa8"
                 "en",
                 "holds a line separator");
    assert_fault("ben\xe2\x80\xa9", "holds a line separator");
    static const char *const controls[] = {"a\nb", "\x1f", "\x7f", "\xc2\x80", "\xc2\x9f"};
    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++)
        assert_fault(controls[i], "holds a control character");
    assert_string_equal(id_fault(slice_make("a\0b", 3)), "holds a control character");
    assert_fault("", "is empty");
}

TEST(nobody_is_the_server) {
    static const char *const bad[] = {
        "0",
        "SYSTEM",
        "system",
        "SyStEm",
        "SYS TEM",
        "S Y S T E M",
        "SYS\xc2\xa0TEM",
        "\xef\xbc\xb3\xef\xbc\xb9\xef\xbc\xb3\xef\xbc\xb4\xef\xbc\xa5\xef\xbc\xad", /* full width */
        "\xe2\x93\xa2YSTEM", /* a circled s */
        "\xc5\xbfystem",     /* LONG S */
        "\xef\xbc\x90"};     /* full width 0 */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_fault(bad[i], "stands for the server");
    /* These can't be chosen for another reason. */
    assert_non_null(fault("SYSTEM "));
    assert_non_null(fault("SYSTEM\xe2\x80\x8b"));
    assert_null(name_fault(slice_text("0")));
    assert_string_equal(name_fault(slice_text("System")), "stands for the server");
    assert_string_equal(name_fault(slice_text("SYSTEM\xef\xbb\xbf")),
                        "holds an invisible character");
    assert_null(name_fault(slice_text("System administration")));
}

TEST(bytes_that_are_no_utf8_are_nothing) {
    static const char *const bad[] = {"\x80",
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
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fault(bad[i], "is not UTF-8");
        assert_string_equal(id_fault(slice_text(bad[i])), "is not UTF-8");
        assert_false(id_may_exist(slice_text(bad[i])));
    }
}

static void assert_same(const char *a, const char *b, bool same) {
    if (id_same(slice_text(a), slice_text(b)) != same ||
        id_same(slice_text(b), slice_text(a)) != same)
        fail_msg("'%s' and '%s' are %s", a, b, same ? "not the same" : "the same");
}

TEST(other_forms_of_the_same_text_are_the_same) {
    assert_same("ben", "ben", true);
    assert_same("jos\xc3\xa9", "jose\xcc\x81", true);                          /* NFC, NFD */
    assert_same("\xed\x95\x9c", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", true); /* Hangul */
    assert_same("\xe2\x84\xab", "\xc3\x85", true);                             /* ANGSTROM SIGN */
    /* A joiner that changes nothing. */
    assert_same("b\xe2\x80\x8d"
                "en",
                "ben", true);
    assert_same("b\xe2\x80\x8c"
                "en",
                "ben", true);
    assert_same("\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae", "\xd9\x85\xdb\x8c\xd8\xae", false);
    assert_same("ben", "Ben", false);
    assert_same("ben", "b\xc3\xa9n", false);
    assert_same("ben", "\xef\xbd\x82\xef\xbd\x85\xef\xbd\x8e", false); /* full width */
    assert_same("ben@corp.com", "Ben@Corp.COM", true);
    assert_same("\xc3\x84@x", "a\xcc\x88@X", true); /* both at once */
    assert_same("", "ben", false);
    assert_same("", "", true);
}

TEST(addresses_have_no_case) {
    char room[ID_ROOM];
    assert_int_equal(id_address(slice_text("ben"), room).length, 0);
    struct slice address = id_address(slice_text("Vic@Corp.com"), room);
    assert_true(slice_equal(address, slice_text("vic@corp.com")));
    char email_room[EMAIL_ROOM];
    struct slice email = email_normal(slice_text("VIC@corp.COM"), email_room);
    assert_true(slice_equal(email, slice_text("vic@corp.com")));
    assert_null(email_fault(email));
    static const char *const bad[] = {"",
                                      "nobody",
                                      "@x",
                                      "x@",
                                      "a b@c",
                                      "a@b@c",
                                      "a@\xc2\xa0z",
                                      "a\t@c",
                                      "ben\xe2\x80\x8b@corp.com"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(email_fault(slice_text(bad[i])));
}

TEST(forms_that_are_tried) {
    struct id_forms forms;
    id_forms_of(slice_text("ben"), &forms);
    assert_int_equal(forms.count, 1);
    id_forms_of(slice_text("jos\xc3\xa9"), &forms);
    assert_int_equal(forms.count, 2);
    assert_true(slice_equal(forms.items[0], slice_text("jos\xc3\xa9")));
    assert_true(slice_equal(forms.items[1], slice_text("jose\xcc\x81")));
    /* Neither NFC nor NFD. */
    id_forms_of(slice_text("jos\xc3\xa9 jose\xcc\x81"), &forms);
    assert_int_equal(forms.count, 3);
    assert_true(slice_equal(forms.items[0], slice_text("jos\xc3\xa9 jose\xcc\x81")));
    /* Forms of an id that was registered before there were rules. */
    id_forms_of(slice_text("SYSTEM "), &forms);
    assert_int_equal(forms.count, 1);
    id_forms_of(slice_text(""), &forms);
    assert_int_equal(forms.count, 0);
    id_forms_of(slice_text("\xff"), &forms);
    assert_int_equal(forms.count, 0);
    char longest[2 * ID_ROOM];
    memset(longest, 'x', sizeof longest);
    id_forms_of(slice_make(longest, sizeof longest), &forms);
    assert_int_equal(forms.count, 0);
}

TEST(allocated_numbers_are_random) {
    uint64_t before = 0;
    unsigned of_nine_digits = 0, in_order = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t number = number_allocate();
        assert_in_range(number, NUMBER_FIRST_ALLOCATED, NUMBER_LAST_ALLOCATED);
        of_nine_digits += number < 1000000000;
        in_order += number > before && number - before < 1000;
        before = number;
    }
    /* About 909 of 10,000; and 1 in 10^7 stands close behind the one before. */
    assert_in_range(of_nine_digits, 500, 1500);
    assert_in_range(in_order, 0, 10);
}

/* Control characters are no matter here. */
TEST(utf8_of_any_kind) {
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

TEST(ids_end_at_64_bytes) {
    char text[3 * ID_MAX_BYTES], room[ID_ROOM];
    memset(text, 'x', sizeof text);
    assert_null(id_fault(slice_make(text, ID_MAX_BYTES)));
    assert_string_equal(id_fault(slice_make(text, ID_MAX_BYTES + 1)), "is longer than 64 bytes");
    /* A character may end at the limit, not go over it. */
    memcpy(text + ID_MAX_BYTES - 2, "\xc3\xa9", 2);
    assert_null(id_fault(slice_make(text, ID_MAX_BYTES)));
    assert_non_null(id_fault(slice_make(text, ID_MAX_BYTES - 1)));
    /* The limit is that of the normal form: 21 syllables, in 189 bytes. */
    for (int i = 0; i < 21; i++)
        memcpy(text + (ptrdiff_t)i * 9, "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", 9);
    struct slice id = id_normal(slice_make(text, 189), room);
    assert_int_equal(id.length, 63);
    assert_null(id_fault(id));
}

TEST(names_end_at_64_characters) {
    char text[4 * (NAME_MAX_CHARACTERS + 1)];
    for (int i = 0; i < NAME_MAX_CHARACTERS + 1; i++)
        memcpy(text + (ptrdiff_t)i * 4, "\xf0\x9f\x98\x80", 4);
    assert_null(name_fault(slice_make(text, sizeof text - 4)));
    assert_string_equal(name_fault(slice_make(text, sizeof text)), "is longer than 64 characters");
    char about[ABOUT_MAX_CHARACTERS + 1];
    memset(about, 'x', sizeof about);
    assert_null(about_fault(slice_make(about, ABOUT_MAX_CHARACTERS)));
    assert_string_equal(about_fault(slice_make(about, sizeof about)),
                        "is longer than 512 characters");
    assert_null(about_fault(slice_text("the system"))); /* it names nobody */
    assert_string_equal(about_fault(slice_text("a\nb")), "holds a control character");
}

int main(void) { return test_run_all(NULL, NULL); }
