/*
 * Whether the database is there: at once away, back after a calm, and one line for each.
 */
#include "common/db_watch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"
#include "tests/support/capture.h"
#include "tests/support/service_process.h"
#include "tests/support/test_list.h"
#include "tests/support/until.h"

static struct db_watch *watch;
static char out[128];

static int setup(void **state) {
    (void)state;
    log_open("auth", LOG_LEVEL_INFO);
    watch = db_watch_new();
    return watch == NULL ? -1 : 0;
}

static int teardown(void **state) {
    (void)state;
    db_watch_destroy(&watch);
    return watch == NULL ? 0 : -1;
}

#define DB_WATCH_TEST(name_) TEST_WITH(name_, NO_FIXTURE, setup, teardown)

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

static bool is_back(void) {
    db_watch_there(watch);
    return db_watch_fault(watch, out, sizeof out) == NULL;
}

DB_WATCH_TEST(it_is_there_until_somebody_finds_it_away) {
    assert_null(db_watch_fault(watch, out, sizeof out));
    db_watch_away(watch, "it is read-only");
    assert_string_equal(db_watch_fault(watch, out, sizeof out), "no database: it is read-only");
    db_watch_away(watch, "it is gone");
    assert_string_equal(db_watch_fault(watch, out, sizeof out), "no database: it is gone");
}

DB_WATCH_TEST(it_is_back_after_a_calm) {
    for (int round = 0; round < 2; round++) {
        int64_t began_ms = loop_now_ms();
        db_watch_away(watch, "it is read-only");
        TEST_UNTIL(is_back(), "it stays away");
        assert_true(loop_now_ms() - began_ms >= DB_WATCH_CALM_MS);
    }
}

/* Some connections are let in, others are not. */
DB_WATCH_TEST(it_stays_away_while_anybody_finds_it_so) {
    int64_t began_ms = loop_now_ms(), found_ms;
    do {
        found_ms = loop_now_ms();
        db_watch_away(watch, "too many connections");
        /* Unless this thread stood still meanwhile. */
        if (is_back())
            assert_true(loop_now_ms() - found_ms >= DB_WATCH_CALM_MS);
    } while (found_ms - began_ms < 2 * DB_WATCH_CALM_MS);
}

DB_WATCH_TEST(each_change_is_one_line) {
    struct capture capture;
    capture_begin(&capture, STDERR_FILENO);
    bool back = false;
    for (int i = 0; i < 6; i++)
        db_watch_away(watch, "it is read-only");
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (!back && loop_now_ms() < deadline_ms)
        back = is_back();
    db_watch_there(watch);
    char *text = capture_end(&capture);
    assert_true(back);
    assert_int_equal(count_of(text, "level=error service=auth event=database_away "
                                    "reason=\"it is read-only\"\n"),
                     1);
    assert_int_equal(count_of(text, "level=info service=auth event=database_back after_ms="), 1);
    assert_int_equal(count_of(text, "\n"), 2);
    free(text);
}

int main(void) { return test_run_all(NULL, NULL); }
