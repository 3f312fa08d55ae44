/* URLs are shown without a password. */
#include "common/url.h"
#include "tests/support/test_list.h"

#include <string.h>

static void assert_shown(const char *url, const char *expected) {
    char room[URL_ROOM];
    struct slice shown = url_without_password(slice_text(url), room);
    assert_int_equal(shown.length, strlen(expected));
    assert_memory_equal(shown.data, expected, shown.length);
}

TEST(what_stands_before_the_host_is_hidden) {
    assert_shown("https://anna:secret@host/path?a=b", "https://***@host/path?a=b");
    assert_shown("https://token@host", "https://***@host");
    assert_shown("http://a:b@c@[::1]:80/d@e", "http://***@[::1]:80/d@e");
    assert_shown("https://:@host?x", "https://***@host?x");
}

TEST(any_other_text_stays) {
    static const char *const texts[] = {"",
                                        "hook",
                                        "anna@example.org",
                                        "https://host/a@b",
                                        "https://host?a@b",
                                        "https://host#a@b",
                                        "https://",
                                        "://"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_shown(texts[i], texts[i]);
}

TEST(one_that_has_no_room_is_hidden_as_a_whole) {
    char url[URL_ROOM + 64] = "https://secret@host/";
    memset(url + strlen(url), 'x', URL_ROOM - 4 - strlen(url));
    assert_int_equal(strlen(url), URL_ROOM - 4);
    char room[URL_ROOM];
    assert_true(url_without_password(slice_text(url), room).length > 3);
    strcat(url, "x");
    assert_shown(url, "***");
}

int main(void) { return test_run_all(NULL, NULL); }
