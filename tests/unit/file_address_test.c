/* Signed addresses of files: written here they are good here, until their time, and no others. */
#include "services/gateway/file_address.h"
#include "tests/support/test_list.h"

#include <stdlib.h>
#include <string.h>

#define FILE_ID UINT64_C(0x0123456789abcdef)
#define NOW_MS UINT64_C(1798000000000)
#define HOUR_MS UINT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

static const char key[] = "0123456789abcdef0123456789abcdef";

static struct file_address *with_key(const char *public_url) {
    struct file_address *self = file_address_new(public_url);
    assert_non_null(self);
    file_address_set_key(self, slice_text(key));
    return self;
}

static const char *written(const struct file_address *self, bool preview, const char *name,
                           uint64_t now_ms) {
    static char out[FILE_ADDRESS_BYTES];
    assert_true(
        file_address_write(self, FILE_ID, preview, slice_text(name), now_ms, out, sizeof out));
    return out;
}

struct found {
    uint64_t file;
    bool good, preview, expired;
};

static struct found check(const struct file_address *self, const char *text, uint64_t now_ms) {
    struct found found = {0};
    const char *mark = strchr(text, '?');
    struct slice path = mark == NULL ? slice_text(text) : slice_make(text, (size_t)(mark - text));
    struct slice query = slice_text(mark == NULL ? NULL : mark + 1);
    found.good =
        file_address_check(self, path, query, now_ms, &found.file, &found.preview, &found.expired);
    return found;
}

TEST(what_was_signed_here_is_good_for_a_week) {
    struct file_address *self = with_key("");
    for (int preview = 0; preview < 2; preview++) {
        char *text = strdup(written(self, preview != 0, "a.jpg", NOW_MS));
        struct found found = check(self, text, NOW_MS);
        assert_true(found.good);
        assert_false(found.expired);
        assert_int_equal(found.file, FILE_ID);
        assert_int_equal(found.preview, preview);
        assert_false(check(self, text, NOW_MS + 7 * DAY_MS - 1).expired);
        found = check(self, text, NOW_MS + 7 * DAY_MS + HOUR_MS);
        assert_true(found.good);
        assert_true(found.expired);
        free(text);
    }
    file_address_destroy(&self);
    assert_null(self);
}

TEST(all_who_ask_within_an_hour_get_the_same_text) {
    struct file_address *self = with_key("");
    uint64_t hour_ms = NOW_MS / HOUR_MS * HOUR_MS;
    char *first = strdup(written(self, false, "a.jpg", hour_ms + 1000));
    assert_string_equal(first, written(self, false, "a.jpg", hour_ms + HOUR_MS));
    assert_string_not_equal(first, written(self, false, "a.jpg", hour_ms + HOUR_MS + 1000));
    free(first);
    file_address_destroy(&self);
}

TEST(nothing_that_is_signed_can_be_changed) {
    struct file_address *self = with_key("");
    char *text = strdup(written(self, false, "a.jpg", NOW_MS));
    const char *mark = strchr(text, '?');
    for (char *at = text; *at != '\0'; at++) {
        char before = *at;
        bool is_name = at > text + 23 && at < mark; /* "/files/", 16 digits, and the slash */
        *at = before == '0' ? '1' : '0';
        assert_int_equal(check(self, text, NOW_MS).good, is_name);
        *at = before;
    }
    assert_true(check(self, text, NOW_MS).good);
    free(text);
    file_address_destroy(&self);
}

TEST(a_preview_is_not_the_file_and_another_key_is_another) {
    struct file_address *self = with_key(""), *other = file_address_new("");
    char text[FILE_ADDRESS_BYTES];
    const char *whole = written(self, false, "a", NOW_MS);
    snprintf(text, sizeof text, "/preview/%.16s%s", whole + 7, strchr(whole, '?'));
    assert_false(check(self, text, NOW_MS).good);
    assert_false(check(other, whole, NOW_MS).good); /* no key yet */
    file_address_set_key(other, slice_text("another key of thirty-two bytes!"));
    assert_false(check(other, whole, NOW_MS).good);
    file_address_destroy(&self);
    file_address_destroy(&other);
}

TEST(no_other_text_is_an_address) {
    static const char *const texts[] = {
        "",
        "/",
        "/files",
        "/files/",
        "/files/0123456789abcdef",
        "/files/0123456789abcdef/a",
        "/files/0123456789abcdef/a?",
        "/files/0123456789abcdef/a?until=",
        "/preview/?until=1&key=",
        "/files/0123456789abcdef/a?until=1798761600&key=",
        "/files/0123456789abcdef/a?until=1798761600&key=00000000000000000000000000000000",
        "/files/0123456789abcdef/a?until=18446744073709551616&key=00000000000000000000000000000000",
        "/files/0123456789ABCDEF/a?until=1798761600&key=00000000000000000000000000000000",
        "/files/0123456789abcdef0/a?until=1798761600&key=00000000000000000000000000000000"};
    struct file_address *self = with_key("");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(check(self, texts[i], NOW_MS).good);
    file_address_destroy(&self);
}

TEST(a_name_stays_one_part_of_the_path) {
    static const struct {
        const char *name, *path;
    } names[] = {{"a b.jpg", "/files/0123456789abcdef/a%20b.jpg?"},
                 {"../../etc/passwd", "/files/0123456789abcdef/.._.._etc_passwd?"},
                 {"..", "/files/0123456789abcdef/file?"},
                 {".", "/files/0123456789abcdef/file?"},
                 {"?#%&\"<\\", "/files/0123456789abcdef/%3F%23%25%26%22%3C_?"},
                 {"\r\nx", "/files/0123456789abcdef/__x?"},
                 {"\xe7\x8c\xab", "/files/0123456789abcdef/%E7%8C%AB?"}};
    struct file_address *self = with_key("");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *text = written(self, false, names[i].name, NOW_MS);
        assert_memory_equal(text, names[i].path, strlen(names[i].path));
        assert_true(check(self, text, NOW_MS).good);
    }
    file_address_destroy(&self);
}

TEST(the_longest_name_has_room_behind_the_longest_url) {
    char name[256] = "", url[FILE_PUBLIC_URL_BYTES + 1] = "https://";
    memset(name, '\xff', 255);
    memset(url + 8, 'a', FILE_PUBLIC_URL_BYTES - 8);
    assert_true(file_public_url_is_good(url));
    struct file_address *self = with_key(url);
    assert_memory_equal(written(self, false, name, NOW_MS), url, strlen(url));
    char little[64];
    assert_false(
        file_address_write(self, FILE_ID, false, slice_text(name), NOW_MS, little, sizeof little));
    file_address_destroy(&self);
}

TEST(without_a_key_nothing_is_written) {
    char out[FILE_ADDRESS_BYTES];
    struct file_address *self = file_address_new("");
    assert_false(file_address_has_key(self));
    assert_false(
        file_address_write(self, FILE_ID, false, slice_text("a"), NOW_MS, out, sizeof out));
    file_address_destroy(&self);
}

TEST(only_an_origin_is_a_public_url) {
    static const char *const good[] = {"", "https://chat.example.org", "http://127.0.0.1:5999",
                                       "https://example.org/chat", "http://[::1]:5999"};
    static const char *const bad[] = {"chat.example.org", "https://",     "https://a/", "ftp://a",
                                      "https://a b",      "https://a\"b", "https:///a", "/"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(file_public_url_is_good(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(file_public_url_is_good(bad[i]));
}

int main(void) { return test_run_all(NULL, NULL); }
