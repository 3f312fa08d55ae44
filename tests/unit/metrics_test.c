/*
 * Metrics: the printed form, the limit, and counting from several threads.
 */
#include "common/metrics.h"
#include "common/record.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/capture.h"
#include "tests/support/test_list.h"

/* All of it as text; the caller frees it. */
static char *printed(const struct metrics *metrics) {
    struct buffer out = buffer_make(1 << 20);
    metrics_print(metrics, &out);
    assert_false(out.failed);
    char *text = slice_copy(slice_make(out.data, out.length));
    assert_non_null(text);
    buffer_free(&out);
    return text;
}

static void assert_prints(const struct metrics *metrics, const char *expected) {
    char *text = printed(metrics);
    assert_string_equal(text, expected);
    free(text);
}

TEST(they_print_in_the_text_format) {
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

static void observe_all(struct histogram *histogram, const uint64_t *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        histogram_observe(histogram, values[i]);
}

/* Bounds belong to the bucket below them; a value beyond all has a bucket of its own. */
TEST(histograms_print_their_buckets_in_seconds) {
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    struct histogram *calls =
        metrics_histogram(metrics, "call_seconds", "message=\"ping\"", HISTOGRAM_SECONDS, "Time.");
    const uint64_t values[] = {0, 100, 101, 1000, 20000, 10000000, 10000001};
    observe_all(calls, values, sizeof values / sizeof values[0]);
    assert_int_equal(histogram_count(calls), 7);
#define BUCKET "parley_call_seconds_bucket{message=\"ping\",le="
    assert_prints(metrics,
                  "# HELP parley_call_seconds Time.\n"
                  "# TYPE parley_call_seconds histogram\n" BUCKET "\"0.0001\"} 2\n" BUCKET
                  "\"0.00025\"} 3\n" BUCKET "\"0.0005\"} 3\n" BUCKET "\"0.001\"} 4\n" BUCKET
                  "\"0.0025\"} 4\n" BUCKET "\"0.005\"} 4\n" BUCKET "\"0.01\"} 4\n" BUCKET
                  "\"0.025\"} 5\n" BUCKET "\"0.05\"} 5\n" BUCKET "\"0.1\"} 5\n" BUCKET
                  "\"0.25\"} 5\n" BUCKET "\"0.5\"} 5\n" BUCKET "\"1\"} 5\n" BUCKET
                  "\"2.5\"} 5\n" BUCKET "\"5\"} 5\n" BUCKET "\"10\"} 6\n" BUCKET "\"+Inf\"} 7\n"
                  "parley_call_seconds_sum{message=\"ping\"} 20.021202\n"
                  "parley_call_seconds_count{message=\"ping\"} 7\n");
#undef BUCKET
    metrics_destroy(&metrics);
}

TEST(a_histogram_may_count_things) {
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    struct histogram *sizes = metrics_histogram(metrics, "sizes", "", HISTOGRAM_COUNT, "help");
    assert_ptr_equal(metrics_histogram(metrics, "sizes", "", HISTOGRAM_COUNT, "help"), sizes);
    const uint64_t values[] = {1, 2, 128, 5000};
    observe_all(sizes, values, sizeof values / sizeof values[0]);
    char *text = printed(metrics);
    assert_non_null(strstr(text, "parley_sizes_bucket{le=\"1\"} 1\n"));
    assert_non_null(strstr(text, "parley_sizes_bucket{le=\"2\"} 2\n"));
    assert_non_null(strstr(text, "parley_sizes_bucket{le=\"96\"} 2\n"));
    assert_non_null(strstr(text, "parley_sizes_bucket{le=\"128\"} 3\n"));
    assert_non_null(strstr(text, "parley_sizes_bucket{le=\"4096\"} 3\n"));
    assert_non_null(strstr(text, "parley_sizes_bucket{le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(text, "parley_sizes_sum 5131\nparley_sizes_count 4\n"));
    free(text);
    metrics_destroy(&metrics);
}

TEST(errors_are_counted_by_their_word) {
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    struct metric *counters[ERR_COUNT];
    metrics_errors(metrics, "refused_total", "help", counters);
    assert_null(counters[ERR_OK]);
    metric_add(counters[ERR_OVERLOADED], 3);
    char *text = printed(metrics);
    assert_non_null(strstr(text, "parley_refused_total{error=\"overloaded\"} 3\n"));
    assert_non_null(strstr(text, "parley_refused_total{error=\"not_member\"} 0\n"));
    assert_null(strstr(text, "\"ok\""));
    free(text);
    metrics_destroy(&metrics);
}

/* A family stays together, whatever was made in between. */
TEST(labels_of_one_name_stand_together) {
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    metrics_counter(metrics, "a", "x=\"1\"", "help");
    metrics_counter(metrics, "b", "", "help");
    metrics_counter(metrics, "a", "x=\"2\"", "help");
    assert_prints(metrics, "# HELP parley_a help\n# TYPE parley_a counter\n"
                           "parley_a{x=\"1\"} 0\nparley_a{x=\"2\"} 0\n"
                           "# HELP parley_b help\n# TYPE parley_b counter\nparley_b 0\n");
    metrics_destroy(&metrics);
}

TEST(the_same_name_and_labels_are_the_same) {
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

TEST(nothing_prints_nothing) {
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    assert_prints(metrics, "");
    metrics_destroy(&metrics);
}

TEST(too_many_share_a_spare_and_are_reported_once) {
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
    struct histogram *three =
        metrics_histogram(metrics, "three_more", "", HISTOGRAM_SECONDS, "help");
    char *output = capture_end(&capture);
    assert_non_null(one);
    assert_ptr_equal(one, two);
    histogram_observe(three, 1);
    assert_ptr_not_equal(one, last);
    assert_non_null(strstr(output, "level=warn"));
    assert_non_null(strstr(output, "event=metric_left_out name=one_more reason=too_many\n"));
    assert_null(strstr(output, "two_more"));
    free(output);

    /* Those that found room are still found, and the spare is not printed. */
    assert_ptr_equal(metrics_counter(metrics, name, "", "help"), last);
    metric_add(one, 7);
    char *text = printed(metrics);
    assert_null(strstr(text, "more"));
    assert_non_null(strstr(text, "parley_m255 0\n"));
    free(text);
    metrics_destroy(&metrics);
}

TEST(a_small_buffer_is_reported) {
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

struct counted {
    struct metric *metric;
    struct histogram *histogram;
};

static void *count(void *argument) {
    const struct counted *counted = argument;
    for (int i = 0; i < ADDITIONS; i++) {
        metric_add(counted->metric, 1);
        histogram_observe(counted->histogram, (uint64_t)i);
    }
    return NULL;
}

TEST(threads_lose_nothing) {
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);
    struct counted counted = {metrics_counter(metrics, "a", "", "help"),
                              metrics_histogram(metrics, "b", "", HISTOGRAM_SECONDS, "help")};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, &counted), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metric_get(counted.metric), THREADS * ADDITIONS);
    assert_int_equal(histogram_count(counted.histogram), THREADS * ADDITIONS);
    metrics_destroy(&metrics);
}

int main(void) { return test_run_all(NULL, NULL); }
