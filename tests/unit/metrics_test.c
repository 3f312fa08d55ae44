/*
 * Metrics: the printed form, the limit, and counting from several threads.
 */
#include "common/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/capture.h"

static void assert_prints(const struct metrics *metrics, const char *expected) {
    struct buffer out = buffer_make(1 << 20);
    metrics_print(metrics, &out);
    assert_false(out.failed);
    assert_int_equal(buffer_add(&out, "", 1), 0);
    assert_string_equal(out.data, expected);
    buffer_free(&out);
}

static void they_print_in_the_text_format(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    struct metric *login =
        metrics_counter(metrics, "requests_total", "message=\"auth.login\"", "requests answered");
    struct metric *open = metrics_gauge(metrics, "connections", "", "connections open");
    struct metric *ping =
        metrics_counter(metrics, "requests_total", "message=\"ping\"", "requests answered");
    metric_add(login, 2);
    metric_add(login, 3);
    metric_set(open, UINT64_MAX);
    metric_add(ping, 1);
    assert_int_equal(metric_get(login), 5);
    assert_prints(metrics, "# HELP parley_requests_total requests answered\n"
                           "# TYPE parley_requests_total counter\n"
                           "parley_requests_total{message=\"auth.login\"} 5\n"
                           "parley_requests_total{message=\"ping\"} 1\n"
                           "# HELP parley_connections connections open\n"
                           "# TYPE parley_connections gauge\n"
                           "parley_connections 18446744073709551615\n");
    metrics_destroy(&metrics);
    assert_null(metrics);
    metrics_destroy(&metrics);
}

static void the_same_name_and_labels_are_the_same(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    char name[] = "a", labels[] = "b=\"1\"";
    struct metric *first = metrics_counter(metrics, name, labels, "help");
    name[0] = labels[0] = 'x'; /* both are copied */
    assert_ptr_equal(metrics_counter(metrics, "a", "b=\"1\"", "help"), first);
    assert_ptr_not_equal(metrics_counter(metrics, "a", "b=\"2\"", "help"), first);
    assert_ptr_not_equal(metrics_counter(metrics, "a", "", "help"), first);
    metrics_destroy(&metrics);
}

static void nothing_prints_nothing(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    assert_prints(metrics, "");
    metrics_destroy(&metrics);
}

static void too_many_share_a_spare_and_are_told_once(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    struct metric *last = NULL;
    char name[32];
    for (int i = 0; i < METRICS_MAX; i++) {
        snprintf(name, sizeof name, "m%d", i);
        struct metric *made = metrics_counter(metrics, name, "", "help");
        assert_ptr_not_equal(made, last);
        last = made;
    }
    struct capture capture;
    capture_begin(&capture, STDERR_FILENO);
    struct metric *one = metrics_counter(metrics, "one_more", "", "help");
    struct metric *two = metrics_gauge(metrics, "two_more", "", "help");
    char *told = capture_end(&capture);
    assert_non_null(one);
    assert_ptr_equal(one, two);
    assert_ptr_not_equal(one, last);
    assert_non_null(strstr(told, "level=warn"));
    assert_non_null(strstr(told, "event=metric_left_out name=one_more reason=too_many\n"));
    assert_null(strstr(told, "two_more"));
    free(told);

    /* Those that found room are still found, and the spare is not printed. */
    assert_ptr_equal(metrics_counter(metrics, name, "", "help"), last);
    metric_add(one, 7);
    struct buffer out = buffer_make(1 << 20);
    metrics_print(metrics, &out);
    assert_int_equal(buffer_add(&out, "", 1), 0);
    assert_null(strstr(out.data, "more"));
    assert_non_null(strstr(out.data, "parley_m255 0\n"));
    buffer_free(&out);
    metrics_destroy(&metrics);
}

static void a_small_buffer_is_told(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    metrics_counter(metrics, "a", "", "help");
    struct buffer out = buffer_make(10);
    metrics_print(metrics, &out);
    assert_true(out.failed);
    buffer_free(&out);
    metrics_destroy(&metrics);
}

#define THREADS 4
#define ADDITIONS 100000

static void *count(void *argument) {
    for (int i = 0; i < ADDITIONS; i++)
        metric_add(argument, 1);
    return NULL;
}

static void threads_lose_nothing(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    struct metric *metric = metrics_counter(metrics, "a", "", "help");
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, metric), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metric_get(metric), THREADS * ADDITIONS);
    metrics_destroy(&metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_print_in_the_text_format),
        cmocka_unit_test(the_same_name_and_labels_are_the_same),
        cmocka_unit_test(nothing_prints_nothing),
        cmocka_unit_test(too_many_share_a_spare_and_are_told_once),
        cmocka_unit_test(a_small_buffer_is_told),
        cmocka_unit_test(threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
