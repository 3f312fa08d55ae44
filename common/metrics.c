/*
 * The metrics: a fixed array, so that a metric's address holds for as long as the set lives and
 * printing needs no lock against those who count.
 */
#include "common/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

struct entry {
    struct metric metric;
    char *name, *labels;
    const char *help;
    const char *type; /* as Prometheus calls it */
};

struct metrics {
    struct entry entries[METRICS_MAX];
    size_t count;
    struct metric spare; /* counts for all that found no room; never printed */
    bool spare_told;
};

struct metrics *metrics_new(void) {
    return calloc(1, sizeof(struct metrics));
}

void metrics_destroy(struct metrics **self) {
    if (*self == NULL)
        return;
    for (size_t i = 0; i < (*self)->count; i++) {
        free((*self)->entries[i].name);
        free((*self)->entries[i].labels);
    }
    free(*self);
    *self = NULL;
}

/* Says once that metrics are missing: the first name is enough to see what is wrong. */
static struct metric *spare(struct metrics *self, const char *name, const char *why) {
    if (!self->spare_told)
        log_warn("metric_left_out", "name=%s reason=%s", name, why);
    self->spare_told = true;
    return &self->spare;
}

static struct metric *find_or_make(struct metrics *self, const char *name, const char *labels,
                                   const char *help, const char *type) {
    for (size_t i = 0; i < self->count; i++) {
        struct entry *entry = &self->entries[i];
        if (strcmp(entry->name, name) != 0)
            continue;
        assert(strcmp(entry->type, type) == 0); /* one name is a counter or a gauge, not both */
        if (strcmp(entry->labels, labels) == 0)
            return &entry->metric;
    }
    if (self->count == METRICS_MAX)
        return spare(self, name, "too_many");
    struct entry *entry = &self->entries[self->count];
    entry->name = strdup(name);
    entry->labels = strdup(labels);
    if (entry->name == NULL || entry->labels == NULL) {
        free(entry->name);
        free(entry->labels);
        return spare(self, name, "no_memory");
    }
    entry->help = help;
    entry->type = type;
    self->count++;
    return &entry->metric;
}

struct metric *metrics_counter(struct metrics *self, const char *name, const char *labels,
                               const char *help) {
    return find_or_make(self, name, labels, help, "counter");
}

struct metric *metrics_gauge(struct metrics *self, const char *name, const char *labels,
                             const char *help) {
    return find_or_make(self, name, labels, help, "gauge");
}

static void print_entry(const struct entry *entry, struct buffer *out) {
    bool labelled = entry->labels[0] != '\0';
    buffer_printf(out, "parley_%s%s%s%s %" PRIu64 "\n", entry->name, labelled ? "{" : "",
                  entry->labels, labelled ? "}" : "", metric_get(&entry->metric));
}

static bool name_is_printed(const struct metrics *self, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (strcmp(self->entries[i].name, self->entries[index].name) == 0)
            return true;
    return false;
}

/* The text format wants all lines of one name together, whatever the order they were made in. */
void metrics_print(const struct metrics *self, struct buffer *out) {
    for (size_t i = 0; i < self->count; i++) {
        const struct entry *first = &self->entries[i];
        if (name_is_printed(self, i))
            continue;
        buffer_printf(out, "# HELP parley_%s %s\n# TYPE parley_%s %s\n", first->name, first->help,
                      first->name, first->type);
        for (size_t j = i; j < self->count; j++)
            if (strcmp(self->entries[j].name, first->name) == 0)
                print_entry(&self->entries[j], out);
    }
}
