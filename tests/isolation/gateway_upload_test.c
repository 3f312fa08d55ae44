/* The gateway alone: uploads over HTTP, by PUT and by tus, with a played files service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/shelf.h"
#include "tests/support/test_list.h"

#define LONG_BYTES ((uint64_t)3000000)
#define PATCH_HEAD                                                                                 \
    "PATCH " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\n"                       \
    "Content-Type: application/offset+octet-stream\r\n"
#define TUS_HEAD "HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\n"

/* One request whose answer has this status and this line. */
static void assert_asked(struct shelf *shelf, const char *request, const char *status,
                         const char *line) {
    struct web *web = web_open(shelf->stage);
    web_say(shelf, web, "%s", request);
    web_assert_answer(shelf, web, status, line);
    web_close(&web);
}

STAGED(a_put_is_appended_piece_by_piece_and_finished) {
    struct shelf shelf = shelf_open(stage, LONG_BYTES);
    struct web *web = web_open(stage);
    web_say(&shelf, web, "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
            (int)LONG_BYTES);
    web_write_content(&shelf, web, 0, LONG_BYTES);
    web_assert_answer(&shelf, web, "201 ", "\r\nConnection: keep-alive\r\n");
    char *body = web_body(&shelf, web, 16);
    assert_string_equal(body, "{\"file\":\"0123456");
    free(body);
    shelf_assert_there(&shelf, LONG_BYTES);
    assert_true(shelf.finished && shelf.appends > 5);
    web_close(&web);
    shelf_close(&shelf);
}

STAGED(a_small_put_takes_one_piece_and_its_socket_the_next_request) {
    struct shelf shelf = shelf_open(stage, 5);
    struct web *web = web_open(stage);
    for (int i = 0; i < 2; i++) {
        web_say(&shelf, web,
                "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        web_write_content(&shelf, web, 0, 5);
        web_assert_whole(&shelf, web, "201 ");
        assert_int_equal(web->in.length, 0);
        assert_int_equal(shelf.appends, 1); /* the second time it is there already */
    }
    web_say(&shelf, web, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    web_assert_head(&shelf, web, "200 ");
    shelf_assert_there(&shelf, 5);
    web_close(&web);
    shelf_close(&shelf);
}

STAGED(a_put_goes_on_behind_what_is_there) {
    struct shelf shelf = shelf_open(stage, 600000);
    struct web *web = web_open(stage);
    web_say(&shelf, web,
            "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n");
    web_write_content(&shelf, web, 0, 400000);
    web_close(&web); /* it vanishes: all that arrived is kept */
    SHELF_UNTIL(&shelf, shelf.bytes.length == 400000);
    shelf_assert_there(&shelf, 400000);
    web = web_open(stage);
    web_say(&shelf, web,
            "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n");
    web_write_content(&shelf, web, 0, 600000);
    web_assert_head(&shelf, web, "201 ");
    shelf_assert_there(&shelf, 600000);
    web_close(&web);
    shelf_close(&shelf);
}

/* Where an append is awaited, a piece and a read more are sent: fewer bytes than a read may wait in
 * the kernel. */
STAGED(tus_resumes_from_the_offset_that_head_tells) {
    struct shelf shelf = shelf_open(stage, 600000);
    struct web *web = web_open(stage);
    web_say(&shelf, web, PATCH_HEAD "Upload-Offset: 0\r\nContent-Length: 600000\r\n\r\n");
    web_write_content(&shelf, web, 0, 400001);
    SHELF_UNTIL(&shelf, shelf.appends > 0);
    web_close(&web);
    web = web_open(stage); /* waits until what arrived is kept */
    web_say(&shelf, web, "HEAD " SHELF_UPLOAD " " TUS_HEAD "\r\n");
    char *head = web_head(&shelf, web);
    assert_non_null(strstr(head, "\r\nUpload-Length: 600000\r\n"));
    assert_non_null(strstr(head, "\r\nTus-Resumable: 1.0.0\r\n"));
    assert_non_null(strstr(head, "\r\nCache-Control: no-store\r\n"));
    uint64_t offset = strtoull(strstr(head, "Upload-Offset: ") + 15, NULL, 10);
    assert_int_equal(offset, shelf.bytes.length);
    free(head);
    web_say(&shelf, web, PATCH_HEAD "Upload-Offset: %d\r\nContent-Length: 1000\r\n\r\n",
            (int)offset);
    web_write_content(&shelf, web, offset, 1000);
    char line[64];
    snprintf(line, sizeof line, "\r\nUpload-Offset: %d\r\n", (int)offset + 1000);
    web_assert_answer(&shelf, web, "204 ", line);
    assert_int_equal(shelf.finishes, 0);
    web_say(&shelf, web, PATCH_HEAD "Upload-Offset: %d\r\nContent-Length: %d\r\n\r\n",
            (int)offset + 1000, 599000 - (int)offset);
    web_write_content(&shelf, web, offset + 1000, 599000 - offset);
    web_assert_answer(&shelf, web, "204 ", "\r\nUpload-Offset: 600000\r\n");
    shelf_assert_there(&shelf, 600000);
    assert_true(shelf.finished);
    web_close(&web);
    shelf_close(&shelf);
}

STAGED(what_is_no_upload_is_refused_with_a_reason) {
    static const struct {
        const char *request, *status, *line;
    } cases[] = {
        {"PUT " SHELF_UPLOAD "x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "404 ", "json"},
        {"PUT /upload/nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "404 ", "json"},
        {"PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n", "413 ", "json"},
        {"PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", "400 ", "json"},
        {"PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: -4\r\n\r\n", "400 ", ""},
        {"PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 5x\r\n\r\n", "400 ", ""},
        {"PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\n\r\n", "411 ", ""},
        {"PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "411 ",
         ""},
        {"GET " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\n\r\n", "405 ", "\r\nAllow: PUT, HEAD"},
        {"POST " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "405 ", "Allow"},
        {"HEAD " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\n\r\n", "412 ", "\r\nTus-Version: 1.0.0\r\n"},
        {"DELETE " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nTus-Resumable: 0.2.2\r\n\r\n", "412 ",
         "\r\nTus-Version: 1.0.0\r\n"},
        {"PATCH " SHELF_UPLOAD " " TUS_HEAD "Upload-Offset: 0\r\nContent-Length: 5\r\n\r\n", "415 ",
         ""},
        {PATCH_HEAD "Content-Length: 5\r\n\r\n", "400 ", ""},
        {PATCH_HEAD "Upload-Offset: -1\r\nContent-Length: 5\r\n\r\n", "400 ", ""},
        {PATCH_HEAD "Upload-Offset: 1\r\nContent-Length: 4\r\n\r\n", "409 ",
         "\r\nUpload-Offset: 0\r\n"},
        {PATCH_HEAD "Upload-Offset: 0\r\nContent-Length: 6\r\n\r\n", "413 ", ""},
        {"HEAD /upload/0123456789abcdef-other " TUS_HEAD "\r\n", "404 ", "Tus-Resumable"},
        {"OPTIONS " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\n\r\n", "204 ",
         "\r\nTus-Extension: termination\r\n"}};
    struct shelf shelf = shelf_open(stage, 5);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_asked(&shelf, cases[i].request, cases[i].status, cases[i].line);
    assert_int_equal(shelf.appends + shelf.finishes + shelf.abandons, 0);
    shelf_close(&shelf);
}

STAGED(termination_abandons_the_upload) {
    struct shelf shelf = shelf_open(stage, 5);
    assert_asked(&shelf, "DELETE " SHELF_UPLOAD " " TUS_HEAD "\r\n", "204 ", "Tus-Resumable");
    assert_int_equal(shelf.abandons, 1);
    assert_asked(&shelf,
                 "POST " SHELF_UPLOAD " " TUS_HEAD
                 "X-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n\r\n",
                 "204 ", "Tus-Resumable");
    assert_int_equal(shelf.abandons, 2);
    shelf_close(&shelf);
}

STAGED(a_client_that_waits_for_100_continue_is_told_to_go_on_once_its_upload_is_known) {
    struct shelf shelf = shelf_open(stage, 5);
    struct web *web = web_open(stage);
    web_say(&shelf, web,
            "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
            "Expect: 100-continue\r\n\r\n");
    web_assert_head(&shelf, web, "100 ");
    web_write_content(&shelf, web, 0, 5);
    web_assert_head(&shelf, web, "201 ");
    web_close(&web);
    web = web_open(stage);
    web_say(&shelf, web,
            "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n"
            "Expect: 100-continue\r\n\r\n");
    web_assert_head(&shelf, web, "413 ");
    web_close(&web);
    shelf_close(&shelf);
}

STAGED(what_files_refuses_the_client_is_told) {
    static const struct {
        enum err err;
        const char *status;
    } cases[] = {{ERR_STORE_FULL, "507 "}, {ERR_QUOTA, "413 "}, {ERR_WRONG_OFFSET, "409 "}};
    struct shelf shelf = shelf_open(stage, 5);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shelf.append_err = cases[i].err;
        assert_asked(&shelf,
                     "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                     cases[i].status, "json");
    }
    shelf.finish_err = ERR_BAD_FILE; /* and the upload begins anew */
    assert_asked(&shelf,
                 "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                 "422 ", "json");
    assert_asked(&shelf,
                 "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                 "201 ", "json");
    shelf_close(&shelf);
}

STAGED(a_refused_body_of_any_length_leaves_the_client_its_answer) {
    struct shelf shelf = shelf_open(stage, 5);
    struct web *web = web_open(stage);
    web_say(&shelf, web,
            "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n");
    web_write_content(&shelf, web, 0, 20000000);
    web_assert_head(&shelf, web, "413 ");
    web_close(&web);
    shelf_close(&shelf);
}

STAGED(an_upload_outlives_files) {
    struct shelf shelf = shelf_open(stage, LONG_BYTES);
    struct web *web = web_open(stage);
    web_say(&shelf, web, "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
            (int)LONG_BYTES);
    web_write_content(&shelf, web, 0, 1000000);
    shelf.deaf = true; /* an append is under way, and is not carried out */
    web_write_content(&shelf, web, 1000000, 600000);
    SHELF_UNTIL(&shelf, played_count(stage->played[FILES], &message_FILES_APPEND) > 0);
    played_destroy(&stage->played[FILES]);
    stage_play(stage, FILES);
    shelf.deaf = false;
    web_write_content(&shelf, web, 1600000, 400000);
    shelf.append_err = ERR_UNAVAILABLE; /* this one neither */
    web_write_content(&shelf, web, 2000000, LONG_BYTES - 2000000);
    web_assert_head(&shelf, web, "201 ");
    shelf_assert_there(&shelf, LONG_BYTES);
    web_close(&web);
    shelf_close(&shelf);
}

STAGED(an_append_whose_answer_is_lost_is_not_done_twice) {
    struct shelf shelf = shelf_open(stage, 600000);
    struct web *web = web_open(stage);
    struct files_append append;
    shelf.deaf = true;
    web_say(&shelf, web,
            "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n");
    web_write_content(&shelf, web, 0, 400000);
    SHELF_UNTIL(&shelf, played_count(stage->played[FILES], &message_FILES_APPEND) > 0);
    struct asked *asked = played_take(stage->played[FILES], &message_FILES_APPEND, &append);
    assert_int_equal(buffer_add(&shelf.bytes, append.data.data, append.data.length), 0);
    played_refuse(&asked, ERR_UNAVAILABLE);
    shelf.deaf = false;
    web_write_content(&shelf, web, 400000, 200000);
    web_assert_head(&shelf, web, "201 ");
    shelf_assert_there(&shelf, 600000);
    web_close(&web);
    shelf_close(&shelf);
}

/* While files does not answer, a client is not read: of what it sends, the gateway takes two
 * pieces and the kernels' buffers. */
STAGED(a_client_that_is_faster_than_files_is_not_read) {
    uint64_t size = (uint64_t)64 << 20;
    struct shelf shelf = shelf_open(stage, size);
    struct web *web = web_open(stage);
    char *bytes = shelf_content(0, 1 << 20);
    int little = 65536;
    setsockopt(web->fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
    shelf.deaf = true;
    web_say(&shelf, web, "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
            (int)size);
    uint64_t sent = 0;
    for (int idle = 0; idle < 300; idle++) { /* turns in which the kernel took nothing more */
        size_t done = web_write_some(web, bytes + sent % (1 << 20), (1 << 20) - sent % (1 << 20));
        sent += done;
        idle = done > 0 ? 0 : idle;
        assert_true(sent < size / 2);
        stage_turn(stage);
        shelf_turn(&shelf);
    }
    assert_int_equal(played_count(stage->played[FILES], &message_FILES_APPEND), 1);
    free(bytes);
    web_close(&web);
    shelf.deaf = false;
    SHELF_UNTIL(&shelf, shelf.bytes.length == sent ||
                            played_unanswered(stage->played[FILES], &message_FILES_APPEND) == 0);
    shelf_close(&shelf);
}

/* A phone that comes back has a second socket, while the first seems to be there still. */
STAGED(a_further_request_ends_the_one_before) {
    struct shelf shelf = shelf_open(stage, 600000);
    struct web *first = web_open(stage), *second = web_open(stage);
    web_say(&shelf, first, PATCH_HEAD "Upload-Offset: 0\r\nContent-Length: 600000\r\n\r\n");
    web_write_content(&shelf, first, 0, 100000);
    stage_let_time_pass(stage);
    web_say(&shelf, second, "HEAD " SHELF_UPLOAD " " TUS_HEAD "\r\n");
    char *head = web_head(&shelf, second);
    uint64_t offset = strtoull(strstr(head, "Upload-Offset: ") + 15, NULL, 10);
    assert_int_equal(offset, shelf.bytes.length);
    free(head);
    SHELF_UNTIL(&shelf, (web_read(first), first->ended));
    web_say(&shelf, second, PATCH_HEAD "Upload-Offset: %d\r\nContent-Length: %d\r\n\r\n",
            (int)offset, 600000 - (int)offset);
    web_write_content(&shelf, second, offset, 600000 - offset);
    web_assert_head(&shelf, second, "204 ");
    shelf_assert_there(&shelf, 600000);
    web_close(&first);
    web_close(&second);
    shelf_close(&shelf);
}

STAGED(without_files_an_upload_is_told_to_try_again) {
    struct shelf shelf = {.stage = stage};
    assert_asked(&shelf,
                 "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                 "503 ", "\r\nRetry-After: ");
    assert_asked(&shelf, "HEAD " SHELF_UPLOAD " " TUS_HEAD "\r\n", "503 ", "\r\nRetry-After: ");
    assert_asked(&shelf, "GET /files/0123456789abcdef/a?until=1&key=2 HTTP/1.1\r\nHost: a\r\n\r\n",
                 "503 ", "\r\nRetry-After: ");
}

static int set_up_with_limits(void **state) {
    const char *const options[] = {"--transfers-max=3", "--transfers-per-address=2",
                                   "--allowed-origins=https://chat.example.org", NULL};
    return stage_set_up_with(state, options);
}

STAGED_WITH(at_the_limit_of_an_address_further_ones_are_told_to_try_again, set_up_with_limits) {
    struct shelf shelf = shelf_open(stage, 600000);
    struct web *webs[2];
    shelf_fill(&shelf);
    shelf.deaf = true;
    for (int i = 0; i < 2; i++) {
        webs[i] = web_open(stage);
        web_say(&shelf, webs[i], "GET %s HTTP/1.1\r\nHost: a\r\n\r\n",
                shelf_address(false, (uint64_t)loop_wall_ms()));
    }
    /* each is asked for the first pieces of its file */
    SHELF_UNTIL(&shelf, played_count(stage->played[FILES], &message_FILES_READ) == 4);
    assert_asked(&shelf, "HEAD " SHELF_UPLOAD " " TUS_HEAD "\r\n", "503 ", "\r\nRetry-After: ");
    web_close(&webs[0]);
    web_close(&webs[1]);
    shelf.deaf = false;
    struct web *web;
    char *head = NULL;
    do { /* until the gateway has noticed that they left */
        free(head);
        web = web_open(stage);
        web_say(&shelf, web, "HEAD " SHELF_UPLOAD " " TUS_HEAD "\r\n");
        head = web_head(&shelf, web);
        web_close(&web);
    } while (strstr(head, " 503 ") != NULL);
    assert_non_null(strstr(head, " 200 "));
    free(head);
    shelf_close(&shelf);
}

STAGED_WITH(only_pages_that_may_connect_may_upload, set_up_with_limits) {
    struct shelf shelf = shelf_open(stage, 5);
    assert_asked(&shelf,
                 "OPTIONS " SHELF_UPLOAD
                 " HTTP/1.1\r\nHost: a\r\nOrigin: https://chat.example.org\r\n\r\n",
                 "204 ", "\r\nAccess-Control-Allow-Origin: https://chat.example.org\r\n");
    assert_asked(&shelf,
                 "OPTIONS " SHELF_UPLOAD
                 " HTTP/1.1\r\nHost: a\r\nOrigin: https://chat.example.org\r\n\r\n",
                 "204 ", "\r\nAccess-Control-Allow-Methods: PUT, HEAD, PATCH");
    assert_asked(&shelf,
                 "OPTIONS " SHELF_UPLOAD
                 " HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example.org\r\n\r\n",
                 "403 ", "json");
    assert_asked(&shelf,
                 "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example.org\r\n"
                 "Content-Length: 5\r\n\r\nhello",
                 "403 ", "json");
    assert_int_equal(shelf.appends, 0);
    assert_asked(&shelf,
                 "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n"
                 "Content-Length: 5\r\n\r\nhello",
                 "201 ", "\r\nAccess-Control-Allow-Origin: http://a\r\n");
    shelf_close(&shelf);
}

int main(void) { return test_run_all(NULL, NULL); }
