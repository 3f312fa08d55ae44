/* Lists of networks, and scopes: what is one, and what is in it. */
#include "common/address_ranges.h"
#include "common/scope.h"
#include "tests/support/test_list.h"

#include <string.h>

static bool good(const char *list) {
    struct slice wrong;
    return address_ranges_are_good(slice_text(list), &wrong);
}

static bool hold(const char *list, const char *address) {
    return address_ranges_hold(slice_text(list), slice_text(address));
}

TEST(what_is_a_network) {
    static const char *const fine[] = {
        "192.0.2.7",      "192.0.2.0/24",    "0.0.0.0/0",         "::1", "2001:db8::/32", "::/0",
        "10.0.0.0/8,::1", "::ffff:10.0.0.1", "1.2.3.4/32,::1/128"};
    static const char *const wrong[] = {"",          ",",          "192.0.2.7,", ",::1",
                                        "192.0.2",   "1.2.3.4/33", "::1/129",    "1.2.3.4/",
                                        "1.2.3.4/x", "1.2.3.4/-1", "::1/0128",   "example.org",
                                        "1.2.3.4 ",  "1.2.3.4/8/8"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        if (!good(fine[i]))
            fail_msg("%s", fine[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (good(wrong[i]))
            fail_msg("%s", wrong[i]);
}

TEST(the_first_wrong_item_is_named) {
    struct slice wrong;
    assert_false(address_ranges_are_good(slice_text("::1,nothing,1.2.3.4/99"), &wrong));
    assert_true(slice_equal(wrong, slice_text("nothing")));
}

TEST(what_is_in_a_network) {
    assert_true(hold("192.0.2.0/24", "192.0.2.255"));
    assert_false(hold("192.0.2.0/24", "192.0.3.0"));
    assert_true(hold("192.0.2.128/25", "192.0.2.129"));
    assert_false(hold("192.0.2.128/25", "192.0.2.127"));
    assert_true(hold("192.0.2.7", "192.0.2.7"));
    assert_false(hold("192.0.2.7", "192.0.2.6"));
    assert_true(hold("::1,192.0.2.7", "::ffff:192.0.2.7"));
    assert_true(hold("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(hold("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(hold("0.0.0.0/0", "203.0.113.9"));
    assert_false(hold("0.0.0.0/0", "2001:db8::1"));
    assert_true(hold("::/0", "203.0.113.9"));
    assert_false(hold("", "192.0.2.7"));
    assert_false(hold("::/0", "?"));
    assert_false(hold("::/0", ""));
}

TEST(scopes_are_words) {
    for (unsigned i = 0; i < SCOPE_COUNT; i++) {
        const char *word = scope_word(1u << i);
        assert_int_equal(scopes_of_words(word, strlen(word)), 1u << i);
    }
    assert_string_equal(scope_word(0), "");
    assert_string_equal(scope_word(3), "");
    assert_int_equal(scopes_of_words("files,files", 11), SCOPE_BIT_FILES);
    assert_int_equal(scopes_of_words("files,people", 12), SCOPE_BIT_FILES | SCOPE_BIT_PEOPLE);
    static const char *const wrong[] = {"",     ",",     "files,",      ",files",
                                        "file", "FILES", "files people"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(scopes_of_words(wrong[i], strlen(wrong[i])), 0);
}

int main(void) { return test_run_all(NULL, NULL); }
