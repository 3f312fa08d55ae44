/*
 * Counters, gauges and histograms of one service, by name, printed in the Prometheus text format.
 *
 * Metrics are made and printed on the loop's thread, at start or later; they are never removed, so
 * any thread may keep its pointer to one. Adding to one is a relaxed atomic and never fails. At
 * most METRICS_MAX per service: beyond that (or without memory) a shared spare that is never
 * printed is returned, and the first time is logged.
 *
 * Names follow Prometheus: without the prefix `parley_`, which is printed; counters end in
 * `_total`, times in `_seconds`, sizes in their unit.
 */
#ifndef PARLEY_COMMON_METRICS_H
#define PARLEY_COMMON_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"

/*
 * limit: service | counters and histograms | {METRICS_MAX} | counted into a spare that is not
 * shown, logged once
 */
#define METRICS_MAX 512

struct metrics;
struct metric {
    _Atomic uint64_t value;
};

/* The unit of a histogram's values, which gives its buckets. */
enum histogram_scale {
    HISTOGRAM_SECONDS, /* observed in microseconds, printed in seconds: 100 us to 10 s */
    HISTOGRAM_COUNT    /* of things: 1 to 4096 */
};
/* Bounds of a scale; values larger than the last have a bucket of their own. */
#define HISTOGRAM_BOUNDS 16

struct histogram {
    const uint64_t *bounds; /* ascending, HISTOGRAM_BOUNDS of them */
    enum histogram_scale scale;
    _Atomic uint64_t buckets[HISTOGRAM_BOUNDS + 1]; /* each without those below */
    _Atomic uint64_t sum;
};

/* NULL without memory. */
struct metrics *metrics_new(void) __attribute__((warn_unused_result));
void metrics_destroy(struct metrics **self);

/* `name` without prefix, `labels` as `message="auth.login"` or ""; both copied. `help` literal.
 * The same name and labels give the same metric; a name is of one kind, never of two. Never
 * NULL. Owned by `self`. */
struct metric *metrics_counter(struct metrics *self, const char *name, const char *labels,
                               const char *help);
struct metric *metrics_gauge(struct metrics *self, const char *name, const char *labels,
                             const char *help);
struct histogram *metrics_histogram(struct metrics *self, const char *name, const char *labels,
                                    enum histogram_scale scale, const char *help);
/* A counter for each error, by the label `error`; that of ERR_OK is NULL. */
void metrics_errors(struct metrics *self, const char *name, const char *help,
                    struct metric *counters_r[ERR_COUNT]);

static inline void metric_add(struct metric *metric, uint64_t amount) {
    atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}
static inline void metric_set(struct metric *metric, uint64_t value) {
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}
static inline uint64_t metric_get(const struct metric *metric) {
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}
static inline void histogram_observe(struct histogram *histogram, uint64_t value) {
    unsigned bucket = 0;
    while (bucket < HISTOGRAM_BOUNDS && value > histogram->bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}
/* How many values were observed. */
uint64_t histogram_count(const struct histogram *histogram);

/* Appends all of them, each as `parley_<name>{labels} value` with its HELP and TYPE; a histogram as
 * its buckets, its sum and its count. Safe while others count. `out->failed`: there is no
 * room. */
void metrics_print(const struct metrics *self, struct buffer *out);

#endif
