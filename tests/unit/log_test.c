/*
 * Log lines: their form, their limits, and that threads don't mix them.
 */
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "common/loop.h"
#include "tests/support/capture.h"
#include "tests/support/test_list.h"

/* Behind the time stamp of a line: "ts=" and 24 characters and a space. */
#define HEAD_BYTES 28

TEST(a_line_has_its_form) {
    struct capture capture;
    log_open("auth", LOG_LEVEL_INFO);
    time_t before = loop_wall_ms() / 1000; /* by the log's clock: that of time() lags behind */
    capture_begin(&capture, STDERR_FILENO);
    log_info("ready", "address=%s port=%d", "tcp://127.0.0.1:7101", 7);
    char *line = capture_end(&capture);
    assert_string_equal(line + HEAD_BYTES, "level=info service=auth event=ready "
                                           "address=tcp://127.0.0.1:7101 port=7\n");
    struct tm utc = {0};
    const char *rest = strptime(line, "ts=%Y-%m-%dT%H:%M:%S", &utc);
    assert_non_null(rest);
    assert_int_equal(rest[0], '.');
    assert_int_equal(strspn(rest + 1, "0123456789"), 3);
    assert_memory_equal(rest + 4, "Z ", 2);
    time_t logged = timegm(&utc);
    assert_true(logged >= before && logged <= loop_wall_ms() / 1000);
    free(line);
}

TEST(nothing_to_add_leaves_no_space) {
    struct capture capture;
    log_open("auth", LOG_LEVEL_INFO);
    capture_begin(&capture, STDERR_FILENO);
    log_warn("stopped", "");
    char *line = capture_end(&capture);
    assert_string_equal(line + HEAD_BYTES, "level=warn service=auth event=stopped\n");
    free(line);
}

TEST(levels_hold_back) {
    struct capture capture;
    log_open("auth", LOG_LEVEL_WARN);
    assert_true(log_enabled(LOG_LEVEL_ERROR));
    assert_false(log_enabled(LOG_LEVEL_INFO));
    capture_begin(&capture, STDERR_FILENO);
    log_info("left_out", "");
    log_debug("left_out", "a=%d", 1);
    log_error("told", "a=%d", 2);
    char *line = capture_end(&capture);
    assert_string_equal(line + HEAD_BYTES, "level=error service=auth event=told a=2\n");
    free(line);

    log_open("auth", LOG_LEVEL_DEBUG);
    capture_begin(&capture, STDERR_FILENO);
    log_debug("told", "a=%d", 3);
    line = capture_end(&capture);
    assert_string_equal(line + HEAD_BYTES, "level=debug service=auth event=told a=3\n");
    free(line);
}

static void *trace_here(void *trace_r) {
    *(uint64_t *)trace_r = log_trace();
    return NULL;
}

TEST(a_trace_is_logged_while_it_lasts) {
    struct capture capture;
    pthread_t thread;
    uint64_t there = 1;
    log_open("auth", LOG_LEVEL_INFO);
    assert_true(log_trace() == 0);
    uint64_t outer = log_trace_begin(0xabc);
    uint64_t inner = log_trace_begin(UINT64_MAX);
    assert_int_equal(pthread_create(&thread, NULL, trace_here, &there), 0);
    pthread_join(thread, NULL);
    assert_true(there == 0); /* each thread has its own */
    log_trace_end(inner);
    capture_begin(&capture, STDERR_FILENO);
    log_info("told", "a=%d", 1);
    char *line = capture_end(&capture);
    assert_string_equal(line + HEAD_BYTES,
                        "level=info service=auth event=told trace=0000000000000abc a=1\n");
    free(line);
    log_trace_end(outer);
    assert_true(log_trace() == 0);
}

TEST(level_words) {
    enum log_level level = LOG_LEVEL_ERROR;
    assert_int_equal(log_level_parse("debug", &level), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_parse("error", &level), 0);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_int_equal(log_level_parse("warning", &level), -1);
    assert_int_equal(log_level_parse("INFO", &level), -1);
    assert_int_equal(log_level_parse("", &level), -1);
    assert_int_equal(level, LOG_LEVEL_ERROR);
}

/* A datagram is one write. */
TEST(a_long_line_is_cut_and_one_write) {
    int ends[2];
    char text[5000], got[8192];
    log_open("auth", LOG_LEVEL_INFO);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    int saved = dup(STDERR_FILENO);
    size_t head = HEAD_BYTES + strlen("level=info service=auth event=long ");
    /* One byte less than fits, exactly as many as fit, one more, far more. */
    size_t room = LOG_LINE_BYTES - 1 - head;
    size_t lengths[] = {room - 1, room, room + 1, sizeof text - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        memset(text, 'x', sizeof text);
        text[lengths[i]] = '\0';
        dup2(ends[0], STDERR_FILENO);
        log_info("long", "%s", text);
        dup2(saved, STDERR_FILENO);
        ssize_t length = recv(ends[1], got, sizeof got, MSG_DONTWAIT);
        size_t expected = head + (lengths[i] < room ? lengths[i] : room) + 1;
        assert_int_equal(length, expected);
        assert_int_equal(got[length - 1], '\n');
        assert_int_equal(got[length - 2], 'x');
        assert_int_equal(recv(ends[1], got, sizeof got, MSG_DONTWAIT), -1);
    }
    close(saved);
    close(ends[0]);
    close(ends[1]);
}

TEST(a_value_cannot_forge_a_line) {
    struct capture capture;
    log_open("auth", LOG_LEVEL_INFO);
    capture_begin(&capture, STDERR_FILENO);
    log_info("said", "text=%s", "a\nts=forged\x1b[0m");
    char *line = capture_end(&capture);
    assert_string_equal(line + HEAD_BYTES,
                        "level=info service=auth event=said text=a ts=forged [0m\n");
    free(line);
}

TEST(errno_is_kept) {
    struct capture capture;
    log_open("auth", LOG_LEVEL_INFO);
    capture_begin(&capture, STDERR_FILENO);
    errno = ENOENT;
    log_info("said", "reason=\"%m\"");
    int after = errno;
    char *line = capture_end(&capture);
    assert_int_equal(after, ENOENT);
    assert_non_null(strstr(line, "reason=\"No such file or directory\"\n"));
    free(line);
}

#define THREADS 8
#define LINES 500

static void *write_lines(void *argument) {
    char text[1000];
    memset(text, *(const char *)argument, sizeof text);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < LINES; i++)
        log_info("many", "text=%s", text);
    return NULL;
}

TEST(threads_do_not_mix_lines) {
    struct capture capture;
    pthread_t threads[THREADS];
    char letters[] = "abcdefgh";
    int started = 0, count = 0;
    log_open("auth", LOG_LEVEL_INFO);
    capture_begin(&capture, STDERR_FILENO);
    while (started < THREADS &&
           pthread_create(&threads[started], NULL, write_lines, &letters[started]) == 0)
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    char *text = capture_end(&capture), *next = text, *line;
    assert_int_equal(started, THREADS);
    while ((line = strsep(&next, "\n")) != NULL && *line != '\0') {
        const char *value = strstr(line, " event=many text=");
        assert_non_null(value);
        value += strlen(" event=many text=");
        char same[2] = {*value, '\0'};
        assert_int_equal(strspn(value, same), 999);
        assert_int_equal(strlen(value), 999);
        count++;
    }
    assert_int_equal(count, THREADS * LINES);
    free(text);
}

TEST(quoting_escapes) {
    char out[LOG_QUOTED_BYTES];
    assert_string_equal(log_quote(out, NULL, 0), "\"\"");
    assert_string_equal(log_quote(out, "a b", 3), "\"a b\"");
    assert_string_equal(log_quote(out, "\"\\\n\r\t", 5), "\"\\\"\\\\\\n\\r\\t\"");
    assert_string_equal(log_quote(out, "\0\x1f\x7f", 3), "\"\\x00\\x1f\\x7f\"");
    assert_string_equal(log_quote(out, "\xc3\xa9\xff", 3), "\"\xc3\xa9\xff\"");
    assert_ptr_equal(log_quote(out, "x", 1), out);
}

TEST(quoting_cuts_to_fit) {
    char out[LOG_QUOTED_BYTES], text[1000];
    memset(text, 'x', sizeof text);
    for (size_t length = LOG_QUOTED_BYTES - 5; length < LOG_QUOTED_BYTES + 5; length++) {
        size_t kept = length < LOG_QUOTED_BYTES - 3 ? length : LOG_QUOTED_BYTES - 3;
        log_quote(out, text, length);
        assert_int_equal(strlen(out), kept + 2);
        assert_int_equal(out[kept + 1], '"');
    }
    /* An escape is never cut in two: 63 of 4 bytes fit in 253. */
    memset(text, 1, sizeof text);
    log_quote(out, text, sizeof text);
    assert_int_equal(strlen(out), 63 * 4 + 2);
    assert_string_equal(out + 63 * 4 - 3, "\\x01\"");
}

int main(void) { return test_run_all(NULL, NULL); }
