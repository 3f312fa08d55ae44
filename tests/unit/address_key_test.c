/* The key of a client's address: whole, a /64, or the IPv4 address inside of an IPv6 address. */
#include <string.h>

#include "common/address_key.h"
#include "tests/support/test_list.h"

static struct address_key key_of(const char *text) {
    struct address_key key;
    assert_true(address_key_make(slice_text(text), &key));
    return key;
}

static void assert_same(const char *one, const char *other, bool same) {
    struct address_key first = key_of(one), second = key_of(other);
    if ((memcmp(&first, &second, sizeof first) == 0) != same)
        fail_msg("%s and %s %s", one, other, same ? "differ" : "are the same");
}

TEST(an_ipv4_address_counts_alone) {
    assert_same("192.0.2.7", "192.0.2.7", true);
    assert_same("192.0.2.7", "192.0.2.8", false);
    assert_same("192.0.2.7", "193.0.2.7", false);
}

TEST(a_mapped_address_counts_as_the_ipv4_address_that_it_holds) {
    assert_same("::ffff:192.0.2.7", "192.0.2.7", true);
    assert_same("::FFFF:c000:207", "192.0.2.7", true);
    assert_same("::ffff:192.0.2.8", "192.0.2.7", false);
}

TEST(an_ipv6_address_counts_with_its_64) {
    assert_same("2001:db8:1:2::7", "2001:DB8:1:2:ffff:ffff:ffff:ffff", true);
    assert_same("2001:db8:1:2::7", "2001:db8:1:3::7", false);
    assert_same("::1", "::2", true);
    assert_same("::1", "0.0.0.1", false);
    assert_same("::192.0.2.7", "192.0.2.7", false);
}

TEST(what_is_no_address_has_no_key) {
    static const char *const texts[] = {"",           "?",      "192.0.2",          "192.0.2.7:80",
                                        "[::1]",      "::1%lo", "192.0.2.256",      " ::1",
                                        "echo.local", ":::1",   "::ffff:192.0.2.7 "};
    static const struct address_key none;
    struct address_key key;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        memset(&key, 1, sizeof key);
        if (address_key_make(slice_text(texts[i]), &key))
            fail_msg("\"%s\" has a key", texts[i]);
        assert_memory_equal(&key, &none, sizeof key);
    }
    assert_false(address_key_make(slice_make("::1\0x", 5), &key));
    char longest[64];
    memset(longest, '1', sizeof longest);
    assert_false(address_key_make(slice_make(longest, sizeof longest), &key));
}

int main(void) { return test_run_all(NULL, NULL); }
