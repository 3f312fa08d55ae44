/* The gateway alone: downloads over HTTP, with a played files service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "services/gateway/file_answer.h"
#include "services/gateway/file_download.h"
#include "tests/support/shelf.h"
#include "tests/support/test_list.h"

#define LONG_BYTES ((uint64_t)3000000)
#define DAY_MS (24 * UINT64_C(3600000))

static uint64_t now_ms(void) { return (uint64_t)loop_wall_ms(); }

static void ask(struct shelf *shelf, struct web *web, const char *method, bool preview,
                const char *headers) {
    web_say(shelf, web, "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method,
            shelf_address(preview, now_ms()), headers);
}

/* The head; it has this status, and each of these lines. */
static char *take_head(struct shelf *shelf, struct web *web, const char *status,
                       const char *const *lines) {
    char *head = web_head(shelf, web);
    if (strncmp(head + 9, status, strlen(status)) != 0)
        fail_msg("%s is not %s", head, status);
    for (; lines != NULL && *lines != NULL; lines++)
        if (strstr(head, *lines) == NULL)
            fail_msg("%s lacks %s", head, *lines);
    return head;
}

static void assert_body(struct shelf *shelf, struct web *web, uint64_t from, uint64_t length) {
    char *body = web_body(shelf, web, (size_t)length);
    assert_false(web->ended);
    assert_memory_equal(body, shelf->bytes.data + from, (size_t)length);
    assert_int_equal(web->in.length, 0);
    free(body);
}

#define LINES(...)                                                                                 \
    (const char *const[]) { __VA_ARGS__, NULL }

static struct shelf full_shelf(struct stage *stage, uint64_t size) {
    struct shelf shelf = shelf_open(stage, size);
    shelf_fill(&shelf);
    return shelf;
}

STAGED(a_file_is_given_whole_with_all_that_guards_it) {
    static const char disposition[] = "\r\nContent-Disposition: inline; filename=\"caf__.jpg\"; "
                                      "filename*=UTF-8''caf%C3%A9.jpg\r\n";
    struct shelf shelf = full_shelf(stage, LONG_BYTES);
    struct web *web = web_open(stage);
    for (int i = 0; i < 2; i++) { /* over one socket */
        ask(&shelf, web, "GET", false, "");
        free(take_head(&shelf, web, "200 ",
                       LINES("\r\nContent-Length: 3000000\r\n", "\r\nContent-Type: image/jpeg\r\n",
                             "\r\nETag: \"0123456789abcdef\"\r\n", "\r\nAccept-Ranges: bytes\r\n",
                             "\r\nCache-Control: private, immutable, max-age=60",
                             "\r\nX-Content-Type-Options: nosniff\r\n", "; sandbox\r\n",
                             disposition, "\r\nCross-Origin-Resource-Policy: same-origin\r\n",
                             "\r\nConnection: keep-alive\r\n")));
        assert_body(&shelf, web, 0, LONG_BYTES);
    }
    ask(&shelf, web, "HEAD", false, "");
    free(take_head(&shelf, web, "200 ", LINES("\r\nContent-Length: 3000000\r\n")));
    web_say(&shelf, web, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    free(take_head(&shelf, web, "200 ", LINES("\r\nContent-Length: 3\r\n")));
    web_close(&web);
    shelf_close(&shelf);
}

STAGED(only_safe_types_are_shown_in_place) {
    static const struct {
        const char *mime, *type, *disposition;
    } cases[] = {{"image/png", "image/png", "inline"},
                 {"VIDEO/MP4; codecs=\"avc1\"", "video/mp4", "inline"},
                 {"audio/ogg", "audio/ogg", "inline"},
                 {"image/svg+xml", "application/octet-stream", "attachment"},
                 {"text/html", "application/octet-stream", "attachment"},
                 {"application/xhtml+xml", "application/octet-stream", "attachment"},
                 {"text/xml", "application/octet-stream", "attachment"},
                 {"application/pdf", "application/octet-stream", "attachment"},
                 {"text/plain", "application/octet-stream", "attachment"},
                 {"image/png\r\nX: y", "application/octet-stream", "attachment"},
                 {"", "application/octet-stream", "attachment"}};
    struct shelf shelf = full_shelf(stage, 5);
    struct web *web = web_open(stage);
    shelf.name = "a\"b\\c\r\nd;e'f%.html";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char lines[2][256];
        shelf.mime = cases[i].mime;
        snprintf(lines[0], sizeof lines[0], "\r\nContent-Type: %s\r\n", cases[i].type);
        snprintf(lines[1], sizeof lines[1],
                 "\r\nContent-Disposition: %s; filename=\"a_b_c__d;e'f_.html\"; "
                 "filename*=UTF-8''a%%22b%%5Cc%%0D%%0Ad%%3Be%%27f%%25.html\r\n",
                 cases[i].disposition);
        ask(&shelf, web, "GET", false, "");
        free(take_head(&shelf, web, "200 ", LINES(lines[0], lines[1])));
        assert_body(&shelf, web, 0, 5);
    }
    web_close(&web);
    shelf_close(&shelf);
}

STAGED(a_preview_is_a_webp) {
    static const char *const methods[] = {"GET", "HEAD"};
    struct shelf shelf = full_shelf(stage, 1000);
    struct web *web = web_open(stage);
    shelf.preview = 500;
    for (size_t i = 0; i < 2; i++) { /* given whole */
        ask(&shelf, web, methods[i], true, "Range: bytes=1-2\r\n");
        free(take_head(&shelf, web, "200 ",
                       LINES("\r\nContent-Length: 500\r\n", "\r\nContent-Type: image/webp\r\n",
                             "\r\nContent-Disposition: inline\r\n",
                             "\r\nETag: \"0123456789abcdef-preview\"\r\n")));
        assert_body(&shelf, web, 0, i == 0 ? 500 : 0);
    }
    shelf.preview = 0;
    ask(&shelf, web, "GET", true, "");
    free(take_head(&shelf, web, "404 ", NULL));
    web_close(&web);
    shelf_close(&shelf);
}

STAGED(ranges_and_conditions) {
    static const struct {
        const char *headers, *status, *line;
        uint64_t from, length;
    } cases[] = {
        {"Range: bytes=0-0\r\n", "206 ", "\r\nContent-Range: bytes 0-0/600000\r\n", 0, 1},
        {"Range: bytes=300000-\r\n", "206 ", "bytes 300000-599999/600000\r\n", 300000, 300000},
        {"Range: bytes=-5\r\n", "206 ", "bytes 599995-599999/600000\r\n", 599995, 5},
        {"Range: bytes=-700000\r\n", "206 ", "bytes 0-599999/600000\r\n", 0, 600000},
        {"Range: bytes=599999-900000\r\n", "206 ", "bytes 599999-599999/600000\r\n", 599999, 1},
        {"Range: bytes=600000-\r\n", "416 ", "\r\nContent-Range: bytes */600000\r\n", 0, 0},
        {"Range: bytes=-0\r\n", "416 ", "bytes */600000\r\n", 0, 0},
        {"Range: bytes=1-2,4-5\r\n", "200 ", "", 0, 600000},
        {"Range: pages=1-2\r\n", "200 ", "", 0, 600000},
        {"Range: bytes=5-1\r\n", "200 ", "", 0, 600000},
        {"Range: bytes=1-2\r\nIf-Range: \"0123456789abcdef\"\r\n", "206 ", "bytes 1-2/", 1, 2},
        {"Range: bytes=1-2\r\nIf-Range: \"other\"\r\n", "200 ", "", 0, 600000},
        {"Range: bytes=1-2\r\nIf-Range: W/\"0123456789abcdef\"\r\n", "200 ", "", 0, 600000},
        {"Range: bytes=1-2\r\nIf-Range: \"a tag that is longer than any of this server's\"\r\n",
         "200 ", "", 0, 600000},
        {"If-None-Match: \"0123456789abcdef\"\r\n", "304 ", "\r\nETag: \"0123", 0, 0},
        {"Range: bytes=600000-\r\nIf-None-Match: *\r\n", "304 ", "\r\nETag: \"0123", 0, 0},
        {"If-None-Match: \"other\"\r\n", "200 ", "", 0, 600000}};
    struct shelf shelf = full_shelf(stage, 600000);
    struct web *web = web_open(stage);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask(&shelf, web, "GET", false, cases[i].headers);
        free(take_head(&shelf, web, cases[i].status, LINES(cases[i].line)));
        assert_body(&shelf, web, cases[i].from, cases[i].length);
    }
    web_close(&web);
    shelf_close(&shelf);
}

STAGED(what_was_not_signed_is_refused) {
    struct shelf shelf = full_shelf(stage, 5);
    struct web *web = web_open(stage);
    char *address = strdup(shelf_address(false, now_ms()));
    address[strlen(address) - 1] ^= 1;
    web_say(&shelf, web, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", address);
    free(take_head(&shelf, web, "403 ", LINES("json")));
    free(web_body(&shelf, web, web->in.length));
    web_say(&shelf, web, "GET /files/0123456789abcdef/a HTTP/1.1\r\nHost: a\r\n\r\n");
    free(take_head(&shelf, web, "403 ", NULL));
    free(web_body(&shelf, web, web->in.length));
    web_say(&shelf, web, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n",
            shelf_address(false, now_ms() - 9 * DAY_MS));
    free(take_head(&shelf, web, "410 ", NULL));
    free(web_body(&shelf, web, web->in.length));
    assert_int_equal(shelf.reads, 0);
    shelf.finished = false;
    ask(&shelf, web, "GET", false, "");
    free(take_head(&shelf, web, "404 ", NULL));
    free(address);
    web_close(&web);
    shelf_close(&shelf);
}

STAGED(a_download_outlives_files) {
    struct shelf shelf = full_shelf(stage, LONG_BYTES);
    struct web *web = web_open(stage);
    shelf.deaf = true;
    ask(&shelf, web, "GET", false, "");
    SHELF_UNTIL(&shelf, played_count(stage->played[FILES], &message_FILES_READ) > 0);
    played_destroy(&stage->played[FILES]);
    stage_play(stage, FILES);
    shelf.deaf = false;
    free(take_head(&shelf, web, "200 ", NULL));
    shelf.read_err = ERR_UNAVAILABLE;
    assert_body(&shelf, web, 0, LONG_BYTES);
    web_close(&web);
    shelf_close(&shelf);
}

STAGED(a_file_that_goes_meanwhile_ends_the_download) {
    struct shelf shelf = full_shelf(stage, LONG_BYTES);
    struct web *web = web_open(stage);
    ask(&shelf, web, "GET", false, "");
    free(take_head(&shelf, web, "200 ", NULL));
    shelf.read_err = ERR_NO_FILE;
    SHELF_UNTIL(&shelf, (web_read(web), web->ended));
    assert_true(web->in.length < LONG_BYTES); /* never the whole, so never taken for it */
    web_close(&web);
    shelf_close(&shelf);
}

/* The next of the reads that files was asked for. */
static struct asked *take_read(struct stage *stage) {
    struct files_read read;
    struct asked *asked = played_take(stage->played[FILES], &message_FILES_READ, &read);
    assert_non_null(asked);
    return asked;
}

/* Two pieces are asked for; whichever fails first is told, and what comes of the other goes
 * nowhere. */
STAGED(a_file_whose_bytes_are_gone_is_not_begun) {
    struct shelf shelf = full_shelf(stage, LONG_BYTES);
    struct web *web = web_open(stage);
    shelf.deaf = true;
    for (size_t failing = 0; failing < 3; failing++) { /* the first, the second, both */
        ask(&shelf, web, "GET", false, "");
        SHELF_UNTIL(&shelf, played_count(stage->played[FILES], &message_FILES_READ) == 2);
        struct asked *reads[2];
        for (size_t i = 0; i < 2; i++)
            reads[i] = take_read(stage);
        const struct files_read_reply reply = {
            .data = slice_make(shelf.bytes.data, FILE_TRANSFER_PIECE)};
        size_t first = failing == 1;
        played_refuse(&reads[first], ERR_NO_FILE);
        if (failing == 2)
            played_refuse(&reads[1], ERR_NO_FILE);
        else
            played_answer(&reads[!first], &reply);
        char *head = take_head(&shelf, web, "404 ", LINES("json", "keep-alive"));
        const char *length = strstr(head, "Content-Length: ");
        free(web_body(&shelf, web, strtoul(length + strlen("Content-Length: "), NULL, 10)));
        free(head);
    }
    shelf.deaf = false;
    ask(&shelf, web, "GET", false, "");
    free(take_head(&shelf, web, "200 ", NULL));
    assert_body(&shelf, web, 0, LONG_BYTES);
    web_close(&web);
    shelf_close(&shelf);
}

/* The client reads nothing: no more is read of the file than the kernels take and some pieces. */
STAGED(a_slow_client_costs_some_pieces) {
    struct shelf shelf = full_shelf(stage, (uint64_t)32 << 20);
    struct web *web = web_open(stage);
    unsigned before = 0;
    ask(&shelf, web, "GET", false, "");
    SHELF_UNTIL(&shelf, shelf.reads >= FILE_DOWNLOAD_PIECES);
    for (int idle = 0; idle < 300; idle++) {
        stage_turn(stage);
        shelf_turn(&shelf);
        idle = shelf.reads > before ? 0 : idle;
        before = shelf.reads;
        assert_true(shelf.reads * shelf.largest < ((size_t)16 << 20));
    }
    free(take_head(&shelf, web, "200 ", NULL));
    assert_body(&shelf, web, 0, (uint64_t)32 << 20);
    web_close(&web);
    shelf_close(&shelf);
}

static int set_up_impatient(void **state) {
    return stage_set_up_with(state, (const char *const[]){"--vanished-timeout-ms=2000", NULL});
}

STAGED_WITH(a_client_that_takes_nothing_is_cut, set_up_impatient) {
    struct shelf shelf = full_shelf(stage, (uint64_t)32 << 20);
    struct web *web = web_open(stage);
    unsigned before;
    ask(&shelf, web, "GET", false, "");
    do { /* its socket ends without its having read */
        before = shelf.reads;
        for (int i = 0; i < 100; i++) {
            stage_turn(stage);
            shelf_turn(&shelf);
        }
    } while (shelf.reads != before);
    STAGE_UNTIL(stage, send(web->fd, "x", 1, MSG_NOSIGNAL) < 0);
    web_close(&web);
    shelf_close(&shelf);
}

static int set_up_with_origins(void **state) {
    return stage_set_up_with(
        state, (const char *const[]){"--allowed-origins=https://chat.example.org", NULL});
}

STAGED_WITH(pages_that_may_connect_may_read, set_up_with_origins) {
    struct shelf shelf = full_shelf(stage, 5);
    struct web *web = web_open(stage);
    ask(&shelf, web, "GET", false, "Origin: https://chat.example.org\r\n");
    free(take_head(&shelf, web, "200 ",
                   LINES("\r\nAccess-Control-Allow-Origin: https://chat.example.org\r\n",
                         "\r\nVary: Origin\r\n",
                         "\r\nCross-Origin-Resource-Policy: cross-origin\r\n")));
    assert_body(&shelf, web, 0, 5);
    ask(&shelf, web, "GET", false, "Origin: https://evil.example.org\r\n");
    char *head = take_head(&shelf, web, "200 ", NULL);
    assert_null(strstr(head, "Access-Control-Allow-Origin"));
    free(head);
    assert_body(&shelf, web, 0, 5);
    ask(&shelf, web, "OPTIONS", false, "Origin: https://chat.example.org\r\n");
    free(take_head(&shelf, web, "204 ", LINES("\r\nAccess-Control-Allow-Methods: GET, HEAD\r\n")));
    ask(&shelf, web, "DELETE", false, "");
    free(take_head(&shelf, web, "405 ", LINES("\r\nAllow: GET, HEAD, OPTIONS\r\n")));
    web_close(&web);
    shelf_close(&shelf);
}

int main(void) { return test_run_all(NULL, NULL); }
