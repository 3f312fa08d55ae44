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

TEST(hooks_may_be_told_at_an_http_url) {
    static const char *const good[] = {"http://host", "https://host/path?a=b", "HTTP://host/",
                                       "http://[::1]:9/", "https://anna:secret@host:8443/"};
    static const char *const bad[] = {"",
                                      "host/path",
                                      "//host",
                                      "http://",
                                      "http://[::1",
                                      "http://host:99999/",
                                      "http://ho\\st/",
                                      "http://host/ a",
                                      "http://host/\r\nX: y",
                                      "http://h\xc3\xb6st/",
                                      "ftp://host/",
                                      "file:///etc/passwd",
                                      "javascript:1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(url_is_http(slice_text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(url_is_http(slice_text(bad[i])));
    char longest[URL_ROOM + 1] = "http://host/";
    memset(longest + strlen(longest), 'x', URL_ROOM - 1 - strlen(longest));
    assert_true(url_is_http(slice_text(longest)));
    strcat(longest, "x");
    assert_false(url_is_http(slice_text(longest)));
}

int main(void) { return test_run_all(NULL, NULL); }
