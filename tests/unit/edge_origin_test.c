/* Which origins are allowed, and which lists of them are accepted. */
#include "services/gateway/edge/origin.h"
#include "tests/support/test_list.h"

static bool allowed(const char *list, const char *origin, const char *host) {
    return edge_origin_is_allowed(list, slice_text(origin), slice_text(host));
}

TEST(the_same_host_and_port_are_the_same_server) {
    assert_true(allowed("", "http://a:5999", "a:5999"));
    assert_true(allowed("", "https://a", "A"));
    assert_true(allowed("", "http://a:80", "a"));
    assert_true(allowed("", "https://a:443", "a"));
    assert_true(allowed("", "https://[2001:db8::1]", "[2001:db8::1]:443"));
    static const char *const others[] = {"http://a:81",
                                         "http://b",
                                         "http://a.b",
                                         "https://a:80",
                                         "http://a/path",
                                         "http://b@a",
                                         "http://",
                                         "a",
                                         "http://a:port",
                                         "://a",
                                         "",
                                         "null",
                                         "*",
                                         "http://a\t",
                                         "http://[a",
                                         "http://a:"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (allowed("", others[i], "a"))
            fail_msg("%s is taken for the same", others[i]);
    assert_false(allowed("", "http://a", ""));
}

TEST(listed_origins_are_allowed) {
    static const char list[] = "https://app.example.org, http://localhost:3000,null";
    assert_true(allowed(list, "https://app.example.org", "a"));
    assert_true(allowed(list, "https://APP.example.org:443", "a"));
    assert_true(allowed(list, "http://localhost:3000", "a"));
    assert_true(allowed(list, "null", "a"));
    assert_true(allowed(list, "http://a", "a"));
    assert_false(allowed(list, "http://app.example.org", "a"));
    assert_false(allowed(list, "http://localhost", "a"));
    assert_false(allowed(list, "https://app.example.org.evil", "a"));
    assert_true(allowed("https://b,*", "anything at all", "a"));
}

TEST(lists_that_cannot_match_are_refused) {
    static const struct {
        const char *list, *wrong; /* NULL: nothing is */
    } cases[] = {{"", NULL},
                 {"*", NULL},
                 {" https://a , null,http://[::1]:8080 ", NULL},
                 {"a.example", "a.example"},
                 {"https://a/", "https://a/"},
                 {"https://a,https://*.b", "https://*.b"},
                 {"https://a:123456", "https://a:123456"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice wrong;
        assert_int_equal(edge_origins_check(cases[i].list, &wrong), cases[i].wrong == NULL);
        if (cases[i].wrong != NULL)
            assert_true(slice_equal(wrong, slice_text(cases[i].wrong)));
    }
}

int main(void) { return test_run_all(NULL, NULL); }
