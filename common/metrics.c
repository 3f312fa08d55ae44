/*
 * The metrics: a fixed array, so that a metric's address holds for as long as the set lives and
 * printing needs no lock against those who count.
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

struct entry {
    struct metric metric;
    struct histogram *histogram; /* in place of `metric` */
    bool kept_apart;             /* it is a histogram, also one without memory */
    char *name, *labels;
    const char *help;
    const char *type; /* as Prometheus calls it */
    size_t family;    /* the first entry of this name */
};

struct metrics {
    struct entry entries[METRICS_MAX];
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
        free((*self)->entries[i].name);
        free((*self)->entries[i].labels);
        free((*self)->entries[i].histogram);
    }
    free(*self);
    *self = NULL;
}

/* Logs once that metrics are missing: the first name is enough to see what is wrong. */
static struct entry *left_out(struct metrics *self, const char *name, const char *why) {
    if (!self->spare_told)
        log_warn("metric_left_out", "name=%s reason=%s", name, why);
    self->spare_told = true;
    return NULL;
}

/* NULL when there is no room. */
static struct entry *find_or_make(struct metrics *self, const char *name, const char *labels,
                                  const char *help, const char *type) {
    size_t family = self->count;
    for (size_t i = 0; i < self->count; i++) {
        struct entry *entry = &self->entries[i];
        if (strcmp(entry->name, name) != 0)
            continue;
        assert(strcmp(entry->type, type) == 0); /* one name is of one kind */
        family = entry->family;
        if (strcmp(entry->labels, labels) == 0)
            return entry;
    }
    if (self->count == METRICS_MAX)
        return left_out(self, name, "too_many");
    struct entry *entry = &self->entries[self->count];
    *entry =
        (struct entry){.name = strdup(name), .labels = strdup(labels), .help = help, .type = type};
    entry->family = family;
    if (entry->name == NULL || entry->labels == NULL) {
        free(entry->name);
        free(entry->labels);
        return left_out(self, name, "no_memory");
    }
    self->count++;
    return entry;
}

struct metric *metrics_counter(struct metrics *self, const char *name, const char *labels,
                               const char *help) {
    struct entry *entry = find_or_make(self, name, labels, help, "counter");
    return entry == NULL ? &self->spare : &entry->metric;
}

struct metric *metrics_gauge(struct metrics *self, const char *name, const char *labels,
                             const char *help) {
    struct entry *entry = find_or_make(self, name, labels, help, "gauge");
    return entry == NULL ? &self->spare : &entry->metric;
}

struct histogram *metrics_histogram(struct metrics *self, const char *name, const char *labels,
                                    enum histogram_scale scale, const char *help) {
    struct entry *entry = find_or_make(self, name, labels, help, "histogram");
    if (entry == NULL)
        return &self->spare_histogram;
    if (entry->histogram != NULL)
        return entry->histogram;
    entry->kept_apart = true;
    entry->histogram = calloc(1, sizeof *entry->histogram);
    if (entry->histogram == NULL) {
        (void)left_out(self, name, "no_memory");
        return &self->spare_histogram;
    }
    entry->histogram->scale = scale;
    entry->histogram->bounds = scale == HISTOGRAM_SECONDS ? second_bounds : count_bounds;
    return entry->histogram;
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

/* The entry's labels, and one more if there is one, in braces. */
static void print_name(const struct entry *entry, const char *suffix, const char *label,
                       struct buffer *out) {
    bool labelled = entry->labels[0] != '\0', more = label[0] != '\0';
    buffer_printf(out, "parley_%s%s%s%s%s%s%s ", entry->name, suffix, labelled || more ? "{" : "",
                  entry->labels, labelled && more ? "," : "", label, labelled || more ? "}" : "");
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
static void print_histogram(const struct entry *entry, struct buffer *out) {
    const struct histogram *histogram = entry->histogram;
    uint64_t count = 0;
    char label[48], number[32];
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        snprintf(label, sizeof label, "le=\"%s\"",
                 i == HISTOGRAM_BOUNDS ? "+Inf" : in_unit(histogram, histogram->bounds[i], number));
        print_name(entry, "_bucket", label, out);
        buffer_printf(out, "%" PRIu64 "\n", count);
    }
    uint64_t sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    print_name(entry, "_sum", "", out);
    buffer_printf(out, "%s\n", in_unit(histogram, sum, number));
    print_name(entry, "_count", "", out);
    buffer_printf(out, "%" PRIu64 "\n", count);
}

static void print_entry(const struct entry *entry, struct buffer *out) {
    if (entry->histogram != NULL)
        print_histogram(entry, out);
    if (entry->kept_apart)
        return;
    print_name(entry, "", "", out);
    buffer_printf(out, "%" PRIu64 "\n", metric_get(&entry->metric));
}

/* The text format wants all lines of one name together, whatever the order they were made in. */
void metrics_print(const struct metrics *self, struct buffer *out) {
    for (size_t i = 0; i < self->count; i++) {
        const struct entry *first = &self->entries[i];
        if (first->family != i)
            continue;
        buffer_printf(out, "# HELP parley_%s %s\n# TYPE parley_%s %s\n", first->name, first->help,
                      first->name, first->type);
        for (size_t j = i; j < self->count; j++)
            if (self->entries[j].family == i)
                print_entry(&self->entries[j], out);
    }
}
