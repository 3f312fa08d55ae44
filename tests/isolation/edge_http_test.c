/*
 * The page that the edge serves over HTTP, from the client's end of a real socket.
 */
#include "tests/support/edge_fixture.h"
#include "tests/support/edge_frames.h"

#include <brotli/decode.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "services/gateway/edge/http_answer.h"
#include "services/gateway/edge/site.h"

#define LONG_BYTES ((size_t)3 << 20)

static const char index_text[] = "<!doctype html><title>a page</title>";

/* --- the folder --- */

static void put(const char *folder, const char *name, const void *bytes, size_t length) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void put_text(const char *folder, const char *name, const char *text) {
    put(folder, name, text, strlen(text));
}

/* Does not get smaller. */
static char *noise(size_t length) {
    char *bytes = malloc(length);
    uint32_t state = 1;
    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (char)(state >> 24);
    }
    return bytes;
}

static int drop(const char *path, const struct stat *about, int kind, struct FTW *place) {
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static char *folder_of(const struct edge_fixture *f) { return (char *)f->settings.web_root; }

static int setup(void **state) {
    char path[] = "/tmp/edge_http_test.XXXXXX";
    edge_fixture_setup(state);
    struct edge_fixture *f = *state;
    assert_non_null(mkdtemp(path));
    f->settings.web_root = strdup(path);
    f->settings.info = "{\"name\":\"here\"}";
    put_text(path, "index.html", index_text);
    put_text(path, "secret.key", "hidden");
    put_text(path, ".hidden.html", "hidden");
    char *script = calloc(1, 30001);
    memset(script, 'x', 30000);
    put_text(path, "main.js", script);
    free(script);
    char *bytes = noise(LONG_BYTES);
    put(path, "long.png", bytes, LONG_BYTES);
    free(bytes);
    edge_fixture_start(f);
    return 0;
}

static int teardown(void **state) {
    struct edge_fixture *f = *state;
    char *folder = folder_of(f);
    edge_fixture_teardown(state);
    nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
    free(folder);
    return 0;
}

/* `f`, with an edge that serves the folder. */
#define HTTP_TEST(name_) TEST_WITH(name_, struct edge_fixture *f, setup, teardown)

/* --- asking --- */

struct answer {
    char *head;
    struct buffer body;
};

static const char *field(const struct answer *answer, const char *name) {
    const char *at = strcasestr(answer->head, name);
    return at == NULL ? NULL : at + strlen(name);
}

static bool says(const struct answer *answer, const char *line) {
    return strstr(answer->head, line) != NULL;
}

static struct answer take_answer(struct edge_client *client, bool body) {
    struct answer answer = {.head = http_take_head(client), .body = buffer_make(1 << 24)};
    const char *length = field(&answer, "\r\nContent-Length: ");
    size_t bytes = body && length != NULL ? strtoul(length, NULL, 10) : 0;
    UNTIL(client->fixture, edge_client_has(client, bytes) || client->ended);
    assert_true(client->in.length >= bytes);
    assert_int_equal(buffer_add(&answer.body, client->in.data, bytes), 0);
    buffer_drop(&client->in, bytes);
    return answer;
}

static void drop_answer(struct answer *answer) {
    free(answer->head);
    buffer_free(&answer->body);
}

static struct answer ask(struct edge_client *client, const char *line, const char *headers) {
    char request[1024];
    snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: a\r\n%s\r\n", line, headers);
    edge_client_write_text(client, request);
    return take_answer(client, strncmp(line, "HEAD", 4) != 0);
}

static void assert_body(const struct answer *answer, const char *text) {
    assert_int_equal(answer->body.length, strlen(text));
    assert_memory_equal(answer->body.data, text, strlen(text));
}

static void expect(struct edge_client *client, const char *line, const char *headers,
                   const char *status, const char *body) {
    struct answer answer = ask(client, line, headers);
    if (!says(&answer, status))
        fail_msg("%s %s: not %s but %s", line, headers, status, answer.head);
    if (body != NULL)
        assert_body(&answer, body);
    drop_answer(&answer);
}

/* --- served files --- */

HTTP_TEST(files_have_their_type_and_guards) {
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    struct answer answer = ask(client, "GET /?as=anna", "");
    assert_body(&answer, index_text);
    assert_true(says(&answer, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"));
    assert_true(says(&answer, "\r\nCache-Control: no-cache\r\nETag: \""));
    assert_true(says(&answer, "\r\nVary: Accept-Encoding\r\n"));
    assert_true(says(&answer, "\r\nContent-Security-Policy: default-src 'none';"));
    assert_true(says(&answer, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_true(says(&answer, "\r\nConnection: keep-alive\r\n"));
    assert_false(says(&answer, "Content-Encoding"));
    drop_answer(&answer);
    expect(client, "GET /index.html", "", " 200 OK\r\n", index_text);
    expect(client, "GET /api/info", "", "\r\nCache-Control: no-store\r\n", f->settings.info);
    expect(client, "GET /healthz", "", " 200 OK\r\n", "ok\n");
    static const char *const absent[] = {"/secret.key",  "/.hidden.html",  "/index.htm",
                                         "/index.html/", "/../secret.key", "/%2e%2e/secret.key"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "GET %s", absent[i]);
        expect(client, line, "", " 404 Not Found\r\n", "There is nothing here.\n");
    }
    assert_string_equal(edge_fixture_events(f), "");
    edge_client_close(&client);
}

HTTP_TEST(known_files_are_not_sent_again) {
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    struct answer answer = ask(client, "HEAD /main.js", "");
    char tag[EDGE_SITE_TAG_BYTES], headers[128];
    assert_int_equal(sscanf(field(&answer, "\r\nETag: "), "%39s", tag), 1);
    assert_int_equal(strtoul(field(&answer, "\r\nContent-Length: "), NULL, 10), 30000);
    drop_answer(&answer);
    snprintf(headers, sizeof headers, "If-None-Match: \"other\", W/%s\r\n", tag);
    answer = ask(client, "GET /main.js", headers);
    assert_true(says(&answer, " 304 Not Modified\r\n") && says(&answer, tag));
    assert_false(says(&answer, "Content-Length"));
    drop_answer(&answer);
    expect(client, "GET /main.js", "If-None-Match: \"other\"\r\n", " 200 OK\r\n", NULL);
    /* The compressed file has another tag. */
    snprintf(headers, sizeof headers, "If-None-Match: %s\r\nAccept-Encoding: gzip\r\n", tag);
    expect(client, "GET /main.js", headers, " 200 OK\r\n", NULL);
    edge_client_close(&client);
}

HTTP_TEST(compressible_files_are_compressed) {
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    struct answer plain = ask(client, "GET /main.js", "Accept-Encoding: br;q=0, gzip;q=0\r\n");
    struct answer small = ask(client, "GET /main.js", "Accept-Encoding: gzip, deflate\r\n");
    struct answer smallest = ask(client, "GET /main.js", "Accept-Encoding: gzip, deflate, br\r\n");
    assert_false(says(&plain, "Content-Encoding"));
    assert_true(says(&small, "\r\nContent-Encoding: gzip\r\n"));
    assert_true(small.body.length < plain.body.length);
    assert_true(says(&smallest, "\r\nContent-Encoding: br\r\n"));
    assert_true(says(&smallest, "-br\"\r\nVary: Accept-Encoding\r\n"));
    assert_true(smallest.body.length < small.body.length);
    char *bytes = malloc(plain.body.length + 1);
    size_t length = plain.body.length + 1;
    assert_int_equal(BrotliDecoderDecompress(smallest.body.length,
                                             (const uint8_t *)smallest.body.data, &length,
                                             (uint8_t *)bytes),
                     BROTLI_DECODER_RESULT_SUCCESS);
    assert_int_equal(length, plain.body.length);
    assert_memory_equal(bytes, plain.body.data, length);
    z_stream stream = {.next_in = (Bytef *)small.body.data,
                       .avail_in = (uInt)small.body.length,
                       .next_out = (Bytef *)bytes,
                       .avail_out = (uInt)plain.body.length + 1};
    assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.total_out, plain.body.length);
    assert_memory_equal(bytes, plain.body.data, plain.body.length);
    inflateEnd(&stream);
    free(bytes);
    drop_answer(&plain);
    drop_answer(&small);
    drop_answer(&smallest);
    small = ask(client, "HEAD /long.png", "Accept-Encoding: gzip, br\r\n");
    assert_false(says(&small, "Content-Encoding"));
    drop_answer(&small);
    edge_client_close(&client);
}

HTTP_TEST(other_methods_are_refused) {
    static const char *const methods[] = {"POST /", "PUT /main.js", "DELETE /", "OPTIONS /"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
        expect(client, methods[i], "Content-Length: 2\r\n", "\r\nAllow: GET, HEAD\r\n", NULL);
        UNTIL(f, edge_client_has_ended(client));
        edge_client_close(&client);
    }
}

HTTP_TEST(long_files_follow_each_other) {
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    char *bytes = noise(LONG_BYTES);
    /* All at once, and the short one last. */
    for (int i = 0; i < 3; i++)
        edge_client_write_text(client, "GET /long.png HTTP/1.1\r\nHost: a\r\n\r\n");
    edge_client_write_text(client, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        struct answer answer = take_answer(client, true);
        assert_true(says(&answer, "\r\nContent-Type: image/png\r\n"));
        assert_int_equal(answer.body.length, LONG_BYTES);
        assert_memory_equal(answer.body.data, bytes, LONG_BYTES);
        drop_answer(&answer);
    }
    struct answer last = take_answer(client, true);
    assert_body(&last, "ok\n");
    drop_answer(&last);
    /* A request that arrives in the middle of it is answered behind it. */
    edge_client_write_text(client, "GET /long.png HTTP/1.1\r\nHost: a\r\n\r\n");
    UNTIL(f, edge_client_has(client, 1000));
    edge_client_write_text(client, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    struct answer answer = take_answer(client, true);
    assert_memory_equal(answer.body.data, bytes, LONG_BYTES);
    drop_answer(&answer);
    last = take_answer(client, true);
    assert_body(&last, "ok\n");
    drop_answer(&last);
    free(bytes);
    edge_client_close(&client);
    /* Its client leaves in the middle of it. */
    client = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(client, "GET /long.png HTTP/1.1\r\nHost: a\r\n\r\n");
    UNTIL(f, edge_client_has(client, 1000));
    edge_client_close(&client);
    UNTIL(f, edge_downloads(f->edge) == 0);
}

/* --- limits --- */

static struct edge_client *slow_reader(struct edge_fixture *f) {
    size_t before = edge_downloads(f->edge);
    struct edge_client *client = edge_client_open(f, EDGE_WEBSOCKET);
    edge_client_write_text(client, "GET /long.png HTTP/1.1\r\nHost: a\r\n\r\n");
    UNTIL(f, edge_downloads(f->edge) == before + 1);
    return client;
}

HTTP_TEST(a_client_that_reads_nothing_is_cut) {
    edge_fixture_stop(f);
    f->settings.vanished_timeout_ms = 2000;
    edge_fixture_start(f);
    struct edge_client *slow = slow_reader(f);
    struct edge_client *other = edge_client_open(f, EDGE_WEBSOCKET);
    expect(other, "GET /", "", " 200 OK\r\n", index_text);
    UNTIL(f, edge_downloads(f->edge) == 0);
    UNTIL(f, edge_client_has_ended(slow));
    assert_true(slow->in.length < LONG_BYTES);
    edge_client_close(&slow);
    edge_client_close(&other);
}

HTTP_TEST(so_many_long_files_are_on_their_way) {
    struct edge_client *slow[EDGE_DOWNLOADS_MAX], *other = edge_client_open(f, EDGE_WEBSOCKET);
    for (size_t i = 0; i < EDGE_DOWNLOADS_MAX; i++)
        slow[i] = slow_reader(f);
    expect(other, "HEAD /long.png", "", " 200 OK\r\n", NULL);
    edge_client_close(&other);
    other = edge_client_open(f, EDGE_WEBSOCKET);
    expect(other, "GET /long.png", "", "\r\nRetry-After: 5\r\n", "Too many clients are reading.\n");
    edge_client_close(&other);
    other = edge_client_open(f, EDGE_WEBSOCKET);
    expect(other, "GET /", "", " 200 OK\r\n", index_text);
    edge_client_close(&slow[0]);
    UNTIL(f, edge_downloads(f->edge) == EDGE_DOWNLOADS_MAX - 1);
    edge_client_close(&other);
    other = edge_client_open(f, EDGE_WEBSOCKET);
    expect(other, "GET /long.png", "", " 200 OK\r\n", NULL);
    edge_client_close(&other);
    for (size_t i = 1; i < EDGE_DOWNLOADS_MAX; i++)
        edge_client_close(&slow[i]);
}

/* Sockets that are kept for further requests, and long files, leave all clients their places. */
HTTP_TEST(http_takes_no_clients_place) {
    struct edge_client *kept[2 * EDGE_SPARE_SOCKETS], *slow[EDGE_DOWNLOADS_MAX], *client[3];
    size_t still_open = 0;
    edge_fixture_stop(f);
    f->settings.max_connections = 3;
    edge_fixture_start(f);
    for (size_t i = 0; i < EDGE_DOWNLOADS_MAX; i++)
        slow[i] = slow_reader(f);
    for (size_t i = 0; i < 2 * EDGE_SPARE_SOCKETS; i++) {
        kept[i] = edge_client_open(f, EDGE_WEBSOCKET);
        expect(kept[i], "GET /", "", " 200 OK\r\n", index_text);
    }
    for (size_t i = 0; i < 3; i++) {
        client[i] = websocket_open(f);
        websocket_send_text(client[i], "{}");
        websocket_expect_text(client[i], "{}");
    }
    assert_int_equal(edge_count(f->edge), 3);
    assert_int_equal(f->refused, 0);
    /* All places are taken, and the page is still served. */
    struct edge_client *other = edge_client_open(f, EDGE_WEBSOCKET);
    expect(other, "GET /", "", " 200 OK\r\n", index_text);
    edge_client_close(&other);
    for (size_t i = 0; i < 2 * EDGE_SPARE_SOCKETS; i++) {
        still_open += !edge_client_has_ended(kept[i]);
        edge_client_close(&kept[i]);
    }
    assert_true(still_open <= EDGE_KEPT_SOCKETS);
    for (size_t i = 0; i < EDGE_DOWNLOADS_MAX; i++)
        edge_client_close(&slow[i]);
    for (size_t i = 0; i < 3; i++)
        edge_client_close(&client[i]);
}

/* --- reading the folder --- */

HTTP_TEST(a_folder_is_read_again) {
    struct edge_client *slow = slow_reader(f), *client = edge_client_open(f, EDGE_WEBSOCKET);
    char path[256];
    put_text(folder_of(f), "index.html", "new");
    expect(client, "GET /", "", " 200 OK\r\n", index_text);
    edge_read_site(f->edge);
    expect(client, "GET /", "", " 200 OK\r\n", "new");
    /* A folder without index.html changes nothing. */
    snprintf(path, sizeof path, "%s/index.html", folder_of(f));
    assert_int_equal(unlink(path), 0);
    edge_read_site(f->edge);
    expect(client, "GET /", "", " 200 OK\r\n", "new");
    /* A file that is on its way stays what it was. */
    char *bytes = noise(LONG_BYTES);
    struct answer answer = take_answer(slow, true);
    assert_memory_equal(answer.body.data, bytes, LONG_BYTES);
    drop_answer(&answer);
    free(bytes);
    edge_client_close(&slow);
    edge_client_close(&client);
}

HTTP_TEST(a_bad_folder_ends_the_start) {
    char *folder = folder_of(f);
    edge_fixture_stop(f);
    f->settings.web_root = "/nonexistent";
    assert_null(edge_new(f->ev, &f->settings, &edge_fixture_handlers, f));
    f->settings.web_root = "/proc/version";
    assert_null(edge_new(f->ev, &f->settings, &edge_fixture_handlers, f));
    f->settings.web_root = folder;
    edge_fixture_start(f);
}

int main(void) { return test_run_all(NULL, NULL); }
