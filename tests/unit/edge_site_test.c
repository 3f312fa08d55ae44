/*
 * A page's files in memory, and the headers that choose between their forms.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "services/gateway/edge/http_header.h"
#include "services/gateway/edge/site.h"
#include "tests/support/test_list.h"

static int drop(const char *path, const struct stat *about, int kind, struct FTW *place) {
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static int setup(void **state) {
    char path[] = "/tmp/edge_site_test.XXXXXX";
    log_open("edge_site_test", LOG_LEVEL_NONE);
    assert_non_null(mkdtemp(path));
    *state = strdup(path);
    return 0;
}

static int teardown(void **state) {
    nftw(*state, drop, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return 0;
}

/* An empty folder, removed behind the test. */
#define SITE_TEST(name_) TEST_WITH(name_, const char *folder, setup, teardown)

static void in_folder(char path[256], const char *folder, const char *name) {
    snprintf(path, 256, "%s/%s", folder, name);
}

static void put_text(const char *folder, const char *name, const char *text) {
    char path[256];
    in_folder(path, folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void put(const char *folder, const char *name, size_t length) {
    char path[256];
    in_folder(path, folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(fputc('a' + (int)(i % 20), file), 'a' + (int)(i % 20));
    assert_int_equal(fclose(file), 0);
}

static void make_folder(const char *folder, const char *name) {
    char path[256];
    in_folder(path, folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static const struct edge_site_file *find(const struct edge_site *site, const char *path) {
    return edge_site_find(site, slice_text(path));
}

SITE_TEST(paths_are_found_as_they_are) {
    char path[256], outside[256];
    put(folder, "index.html", 1000);
    put(folder, "a.js", 0);
    put(folder, "a.jsx", 3);
    make_folder(folder, "app");
    put(folder, "app/a.css", 3);
    put(folder, "app/.b.css", 3);
    make_folder(folder, ".git");
    put(folder, ".git/c.css", 3);
    in_folder(path, folder, "link.css");
    in_folder(outside, folder, "app/a.css");
    assert_int_equal(symlink(outside, path), 0);
    snprintf(path, sizeof path, "%s//", folder);
    struct edge_site *site = edge_site_read(path);
    assert_non_null(site);
    assert_ptr_equal(find(site, "/"), find(site, "/index.html"));
    assert_string_equal(find(site, "/")->type, "text/html; charset=utf-8");
    assert_int_equal(find(site, "/")->plain.bytes.length, 1000);
    assert_true(find(site, "/")->gzip.bytes.length > 0);
    assert_true(find(site, "/")->brotli.bytes.length > 0);
    assert_string_not_equal(find(site, "/")->brotli.tag, find(site, "/")->gzip.tag);
    assert_int_equal(find(site, "/a.js")->plain.bytes.length, 0);
    assert_int_equal(find(site, "/a.js")->gzip.bytes.length, 0);
    assert_int_equal(find(site, "/a.js")->brotli.bytes.length, 0);
    assert_string_equal(find(site, "/app/a.css")->type, "text/css; charset=utf-8");
    assert_string_not_equal(find(site, "/app/a.css")->plain.tag, find(site, "/")->plain.tag);
    static const char *const absent[] = {
        "",       "/a.jsx",      "/app",       "/app/",     "/app/.b.css", "/a.j",
        "/a.js/", "/.git/c.css", "index.html", "/link.css", "/app/a.cs",   "/app/a.csss"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        assert_null(find(site, absent[i]));
    assert_null(edge_site_find(site, slice_make("/a.js\0", 6)));
    /* Whoever holds it keeps it. */
    struct edge_site *held = edge_site_hold(site);
    edge_site_release(&site);
    assert_null(site);
    assert_non_null(find(held, "/a.js"));
    edge_site_release(&held);
}

SITE_TEST(scripts_and_sheets_are_served_without_comments) {
    static const struct {
        const char *name, *served;
    } files[] = {{"index.html", "// a\n/* b */\nc"}, {"a.js", "\n\nc"}, {"a.css", "// a\n\nc"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        put_text(folder, files[i].name, files[0].served);
    struct edge_site *site = edge_site_read(folder);
    assert_non_null(site);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[32];
        snprintf(path, sizeof path, "/%s", files[i].name);
        assert_true(slice_equal(find(site, path)->plain.bytes, slice_text(files[i].served)));
    }
    edge_site_release(&site);
}

SITE_TEST(there_are_so_many_files) {
    char name[32];
    put(folder, "index.html", 1);
    for (int i = 1; i < EDGE_SITE_MAX_FILES; i++) {
        snprintf(name, sizeof name, "%d.js", i);
        put(folder, name, 1);
    }
    put(folder, "README.md", 1); /* is none of them */
    struct edge_site *site = edge_site_read(folder);
    assert_non_null(site);
    edge_site_release(&site);
    put(folder, "more.js", 1);
    assert_null(edge_site_read(folder));
}

SITE_TEST(they_have_so_many_bytes) {
    put(folder, "index.html", 1000);
    put(folder, "a.js", EDGE_SITE_MAX_BYTES - 1000);
    struct edge_site *site = edge_site_read(folder);
    assert_non_null(site);
    edge_site_release(&site);
    put(folder, "b.js", 1);
    assert_null(edge_site_read(folder));
}

SITE_TEST(a_page_begins_with_its_index) {
    assert_null(edge_site_read(folder));
    put(folder, "a.html", 1);
    assert_null(edge_site_read(folder));
    assert_null(edge_site_read("/nonexistent"));
}

TEST(compressed_forms_are_taken_as_they_are_offered) {
    static const char *const taken[] = {
        "gzip",       "GZIP",         "br, gzip",        "deflate,gzip;q=0.1",
        "*",          "gzip ; q=1.0", "br;q=0, *;q=0.5", "x-gzip",
        "*;q=0, gzip"};
    static const char *const refused[] = {"",         "br",          "gzip;q=0",    "gzip; q=0.000",
                                          "*;q=0",    "gzip;q=0, *", "gzipped",     ",;,",
                                          "identity", "gzi",         " ; q=1,gz ip"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        assert_true(edge_http_takes(slice_text(taken[i]), "gzip"));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_false(edge_http_takes(slice_text(refused[i]), "gzip"));
    assert_true(edge_http_takes(slice_text("gzip, deflate, BR ; q=0.1"), "br"));
    assert_true(edge_http_takes(slice_text("gzip;q=0, *"), "br"));
    assert_false(edge_http_takes(slice_text("gzip, br;q=0, *"), "br"));
    assert_false(edge_http_takes(slice_text("gzip, x-br"), "br"));
}

TEST(tags_are_compared_whole) {
    struct slice tag = slice_text("\"12ab\"");
    static const char *const has[] = {"\"12ab\"", "W/\"12ab\"", " \"x\" ,\"12ab\"", "*"};
    static const char *const not [] = {"",           "12ab", "\"12ab", "\"12ab-gzip\"",
                                       "w/\"12ab\"", "W/",   ","};
    for (size_t i = 0; i < sizeof has / sizeof has[0]; i++)
        assert_true(edge_http_has_tag(slice_text(has[i]), tag));
    for (size_t i = 0; i < sizeof not / sizeof not [0]; i++)
        assert_false(edge_http_has_tag(slice_text(not [i]), tag));
}

int main(void) { return test_run_all(NULL, NULL); }
