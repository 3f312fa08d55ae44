/*
 * The metrics: a fixed array, so that a metric's address holds for as long as the set lives and
 * printing needs no lock against the threads that count.
 */
#include "common/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#define MICROSECONDS UINT64_C(1000000)

static const uint64_t second_bounds[HISTOGRAM_BOUNDS] = {
    100,   250,    500,    1000,   2500,    5000,    10000,   25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};
static const uint64_t count_bounds[HISTOGRAM_BOUNDS] = {1,  2,   4,   8,   16,   24,   32,   64,
                                                        96, 128, 256, 512, 1024, 2048, 3072, 4096};

struct series {
    struct metric metric;
    struct histogram *histogram; /* in place of `metric` */
    bool kept_apart;             /* it is a histogram, also one without memory */
    char *name, *labels;
    const char *help;
    const char *type; /* as Prometheus calls it */
    size_t family;    /* the first series of this name */
};

struct metrics {
    struct series series[METRICS_MAX];
    size_t count;
    /* Count for all that found no room; never printed. */
    struct metric spare;
    struct histogram spare_histogram;
    bool spare_told;
};

struct metrics *metrics_new(void) {
    struct metrics *self = calloc(1, sizeof *self);
    if (self != NULL)
        self->spare_histogram.bounds = second_bounds;
    return self;
}

void metrics_destroy(struct metrics **self) {
    if (*self == NULL)
        return;
    for (size_t i = 0; i < (*self)->count; i++) {
        free((*self)->series[i].name);
        free((*self)->series[i].labels);
        free((*self)->series[i].histogram);
    }
    free(*self);
    *self = NULL;
}

/* Logs once that metrics are missing: the first name is enough to see what is wrong. */
static struct series *left_out(struct metrics *self, const char *name, const char *why) {
    if (!self->spare_told)
        log_warn("metric_left_out", "name=%s reason=%s", name, why);
    self->spare_told = true;
    return NULL;
}

/* NULL when there is no room. */
static struct series *find_or_make(struct metrics *self, const char *name, const char *labels,
                                   const char *help, const char *type) {
    size_t family = self->count;
    for (size_t i = 0; i < self->count; i++) {
        struct series *series = &self->series[i];
        if (strcmp(series->name, name) != 0)
            continue;
        assert(strcmp(series->type, type) == 0); /* one name is of one kind */
        family = series->family;
        if (strcmp(series->labels, labels) == 0)
            return series;
    }
    if (self->count == METRICS_MAX)
        return left_out(self, name, "too_many");
    struct series *series = &self->series[self->count];
    *series =
        (struct series){.name = strdup(name), .labels = strdup(labels), .help = help, .type = type};
    series->family = family;
    if (series->name == NULL || series->labels == NULL) {
        free(series->name);
        free(series->labels);
        return left_out(self, name, "no_memory");
    }
    self->count++;
    return series;
}

struct metric *metrics_counter(struct metrics *self, const char *name, const char *labels,
                               const char *help) {
    struct series *series = find_or_make(self, name, labels, help, "counter");
    return series == NULL ? &self->spare : &series->metric;
}

struct metric *metrics_gauge(struct metrics *self, const char *name, const char *labels,
                             const char *help) {
    struct series *series = find_or_make(self, name, labels, help, "gauge");
    return series == NULL ? &self->spare : &series->metric;
}

struct histogram *metrics_histogram(struct metrics *self, const char *name, const char *labels,
                                    enum histogram_scale scale, const char *help) {
    struct series *series = find_or_make(self, name, labels, help, "histogram");
    if (series == NULL)
        return &self->spare_histogram;
    if (series->histogram != NULL)
        return series->histogram;
    series->kept_apart = true;
    series->histogram = calloc(1, sizeof *series->histogram);
    if (series->histogram == NULL) {
        (void)left_out(self, name, "no_memory");
        return &self->spare_histogram;
    }
    series->histogram->scale = scale;
    series->histogram->bounds = scale == HISTOGRAM_SECONDS ? second_bounds : count_bounds;
    return series->histogram;
}

void metrics_errors(struct metrics *self, const char *name, const char *help,
                    struct metric *counters_r[ERR_COUNT]) {
    counters_r[ERR_OK] = NULL;
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
        char labels[64];
        snprintf(labels, sizeof labels, "error=\"%s\"", err_word((enum err)err));
        counters_r[err] = metrics_counter(self, name, labels, help);
    }
}

uint64_t histogram_count(const struct histogram *histogram) {
    uint64_t count = 0;
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
    return count;
}

/* --- printing -------------------------------------------------------------------------------- */

/* Its labels, and one more if there is one, in braces. */
static void print_name(const struct series *series, const char *suffix, const char *label,
                       struct buffer *out) {
    bool labelled = series->labels[0] != '\0', more = label[0] != '\0';
    buffer_printf(out, "parley_%s%s%s%s%s%s%s ", series->name, suffix, labelled || more ? "{" : "",
                  series->labels, labelled && more ? "," : "", label, labelled || more ? "}" : "");
}

/* A value in the unit that is printed, without zeros at its end. */
static const char *in_unit(const struct histogram *histogram, uint64_t value, char out[32]) {
    if (histogram->scale != HISTOGRAM_SECONDS) {
        snprintf(out, 32, "%" PRIu64, value);
        return out;
    }
    int length =
        snprintf(out, 32, "%" PRIu64 ".%06" PRIu64, value / MICROSECONDS, value % MICROSECONDS);
    while (out[length - 1] == '0')
        out[--length] = '\0';
    if (out[length - 1] == '.')
        out[--length] = '\0';
    return out;
}

/* The count is that of the buckets, so that they agree whatever is observed meanwhile. */
static void print_histogram(const struct series *series, struct buffer *out) {
    const struct histogram *histogram = series->histogram;
    uint64_t count = 0;
    char label[48], number[32];
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        snprintf(label, sizeof label, "le=\"%s\"",
                 i == HISTOGRAM_BOUNDS ? "+Inf" : in_unit(histogram, histogram->bounds[i], number));
        print_name(series, "_bucket", label, out);
        buffer_printf(out, "%" PRIu64 "\n", count);
    }
    uint64_t sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    print_name(series, "_sum", "", out);
    buffer_printf(out, "%s\n", in_unit(histogram, sum, number));
    print_name(series, "_count", "", out);
    buffer_printf(out, "%" PRIu64 "\n", count);
}

static void print_series(const struct series *series, struct buffer *out) {
    if (series->histogram != NULL)
        print_histogram(series, out);
    if (series->kept_apart)
        return;
    print_name(series, "", "", out);
    buffer_printf(out, "%" PRIu64 "\n", metric_get(&series->metric));
}

/* The text format wants all lines of one name together, whatever the order they were made in. */
void metrics_print(const struct metrics *self, struct buffer *out) {
    for (size_t i = 0; i < self->count; i++) {
        const struct series *first = &self->series[i];
        if (first->family != i)
            continue;
        buffer_printf(out, "# HELP parley_%s %s\n# TYPE parley_%s %s\n", first->name, first->help,
                      first->name, first->type);
        for (size_t j = i; j < self->count; j++)
            if (self->series[j].family == i)
                print_series(&self->series[j], out);
    }
}
