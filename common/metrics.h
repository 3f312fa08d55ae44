/*
 * Counters and gauges of one service, by name, printed in the Prometheus text format.
 *
 * Metrics are made at start, before threads; adding to one is a relaxed atomic and never fails.
 * At most METRICS_MAX per service: beyond that (or without memory) a shared spare that is never
 * printed is returned, and the first time is told in the log.
 */
#ifndef PARLEY_COMMON_METRICS_H
#define PARLEY_COMMON_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/buffer.h"

#define METRICS_MAX 256

struct metrics;
struct metric {
    _Atomic uint64_t value;
};

/* NULL without memory. */
struct metrics *metrics_new(void) __attribute__((warn_unused_result));
void metrics_destroy(struct metrics **self);

/* `name` without prefix, `labels` as `message="auth.login"` or ""; both copied. `help` literal.
 * The same name and labels give the same metric; a name is a counter or a gauge, never both. Never
 * NULL. Owned by `self`. */
struct metric *metrics_counter(struct metrics *self, const char *name, const char *labels,
                               const char *help);
struct metric *metrics_gauge(struct metrics *self, const char *name, const char *labels,
                             const char *help);

static inline void metric_add(struct metric *metric, uint64_t amount) {
    atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}
static inline void metric_set(struct metric *metric, uint64_t value) {
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}
static inline uint64_t metric_get(const struct metric *metric) {
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

/* Appends all of them, each as `parley_<name>{labels} value` with its HELP and TYPE. Safe while
 * others count. `out->failed` tells of a lack of room. */
void metrics_print(const struct metrics *self, struct buffer *out);

#endif
