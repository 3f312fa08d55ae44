/* The gateway alone: transfers of files that take too long or are too many, and those behind a
 * proxy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/support/shelf.h"
#include "tests/support/test_list.h"

#define TUS_HEAD "HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\n"

static int set_up_silence(void **state) {
    const char *const options[] = {"--transfer-silence-ms=2000", "--transfer-least-bytes=0", NULL};
    return stage_set_up_with(state, options);
}

/* What has arrived is kept. */
STAGED_WITH(a_body_of_which_nothing_arrives_is_ended, set_up_silence) {
    struct shelf shelf = shelf_open(stage, 600000);
    struct web *web = web_open(stage);
    web_say(&shelf, web,
            "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n");
    web_write_content(&shelf, web, 0, 300000);
    SHELF_UNTIL(&shelf, (web_read(web), web->ended));
    SHELF_UNTIL(&shelf, shelf.bytes.length == 300000);
    web_close(&web);
    shelf_close(&shelf);
}

static int set_up_impatient(void **state) {
    const char *const options[] = {"--transfer-silence-ms=100", "--transfer-least-bytes=100000000",
                                   "--transfer-rate-ms=200", NULL};
    return stage_set_up_with(state, options);
}

/* Each byte comes in time, but all of them are too few. */
STAGED_WITH(a_body_that_drips_is_ended, set_up_impatient) {
    struct shelf shelf = shelf_open(stage, 600000);
    struct web *web = web_open(stage);
    uint64_t sent = 0;
    web_say(&shelf, web,
            "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n");
    const int64_t began_ms = loop_now_ms();
    do {
        char byte = shelf_byte(sent);
        sent += web_write_some(web, &byte, 1);
        stage_turn(stage);
        shelf_turn(&shelf);
        web_read(web);
    } while (!web->ended);
    assert_true(loop_now_ms() - began_ms >= 200 && sent < 600000);
    SHELF_UNTIL(&shelf, shelf.bytes.length > 0);
    shelf_assert_there(&shelf, shelf.bytes.length);
    web_close(&web);
    shelf_close(&shelf);
}

static int set_up_patient(void **state) {
    const char *const options[] = {"--transfer-silence-ms=2000", "--transfer-least-bytes=0", NULL};
    return stage_set_up_with(state, options);
}

/* The kernel announces whole pieces; fewer bytes count all the same. The next request's head is
 * shorter than a piece. */
STAGED_WITH(a_body_that_comes_byte_by_byte_is_waited_for, set_up_patient) {
    struct shelf shelf = shelf_open(stage, 600000);
    struct web *web = web_open(stage);
    const int64_t began_ms = loop_now_ms();
    uint64_t sent = 0;
    web_say(&shelf, web,
            "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n");
    while (loop_now_ms() < began_ms + 5000) {
        if (loop_now_ms() >= began_ms + (int64_t)sent * 10) {
            web_write_content(&shelf, web, sent, 1);
            sent++;
        }
        stage_turn(stage);
        shelf_turn(&shelf);
        web_read(web);
        assert_false(web->ended);
    }
    web_write_content(&shelf, web, sent, 600000 - sent);
    web_assert_whole(&shelf, web, "201 ");
    shelf_assert_there(&shelf, 600000);
    web_say(&shelf, web, "HEAD " SHELF_UPLOAD " " TUS_HEAD "\r\n");
    web_assert_head(&shelf, web, "200 ");
    web_close(&web);
    shelf_close(&shelf);
}

static int set_up_small(void **state) {
    const char *const options[] = {"--transfers-max=2", NULL};
    return stage_set_up_with(state, options);
}

STAGED_WITH(at_the_limit_of_all_further_ones_are_told_to_try_again, set_up_small) {
    struct shelf shelf = shelf_open(stage, 600000);
    struct web *webs[2], *further = web_open(stage);
    shelf_fill(&shelf);
    shelf.deaf = true;
    for (int i = 0; i < 2; i++) {
        webs[i] = web_open(stage);
        web_say(&shelf, webs[i], "GET %s HTTP/1.1\r\nHost: a\r\n\r\n",
                shelf_address(false, (uint64_t)loop_wall_ms()));
    }
    SHELF_UNTIL(&shelf, played_count(stage->played[FILES], &message_FILES_READ) == 4);
    web_say(&shelf, further, "HEAD " SHELF_UPLOAD " " TUS_HEAD "\r\n");
    web_assert_answer(&shelf, further, "503 ", "\r\nRetry-After: ");
    shelf.deaf = false;
    for (int i = 0; i < 2; i++) {
        web_assert_head(&shelf, webs[i], "200 ");
        free(web_body(&shelf, webs[i], 600000));
        web_close(&webs[i]);
    }
    web_say(&shelf, further, "HEAD " SHELF_UPLOAD " " TUS_HEAD "\r\n");
    web_assert_head(&shelf, further, "200 ");
    web_close(&further);
    shelf_close(&shelf);
}

static int set_up_behind_a_proxy(void **state) {
    const char *const options[] = {"--proxy-protocol=true", "--transfers-per-address=1",
                                   "--connections-per-address=10", NULL};
    return stage_set_up_with(state, options);
}

static struct web *open_from(struct shelf *shelf, const char *address) {
    struct web *web = web_open(shelf->stage);
    web_say(shelf, web, "PROXY TCP4 %s 192.0.2.1 40000 443\r\n", address);
    return web;
}

/* Each address that the proxy names has its own limit. */
STAGED_WITH(the_clients_of_a_proxy_upload, set_up_behind_a_proxy) {
    struct shelf shelf = shelf_open(stage, 600000);
    struct web *one = open_from(&shelf, "203.0.113.1"), *same = open_from(&shelf, "203.0.113.1"),
               *other = open_from(&shelf, "203.0.113.2");
    web_say(&shelf, one,
            "PUT " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n");
    web_write_content(&shelf, one, 0, 400000);
    SHELF_UNTIL(&shelf, shelf.appends > 0);
    web_say(&shelf, same, "HEAD " SHELF_UPLOAD " " TUS_HEAD "\r\n");
    web_assert_head(&shelf, same, "503 ");
    web_say(&shelf, other, "HEAD /upload/0123456789abcdef-other " TUS_HEAD "\r\n");
    web_assert_head(&shelf, other, "404 ");
    web_write_content(&shelf, one, 400000, 200000);
    web_assert_head(&shelf, one, "201 ");
    shelf_assert_there(&shelf, 600000);
    web_close(&one);
    web_close(&same);
    web_close(&other);
    shelf_close(&shelf);
}

int main(void) { return test_run_all(NULL, NULL); }
