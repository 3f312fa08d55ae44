/* Latencies and CPU time; see load_report.h. */
#include "tests/bench/load_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCESSES 32

struct process {
    const char *name;
    long pid;
    uint64_t ticks; /* at the beginning; at the end, since then */
};

static struct process processes[MAX_PROCESSES];
static size_t process_count;
static uint32_t *latencies; /* in microseconds */
static size_t latency_count, latency_size;
static double seconds;

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *grow(void *memory, size_t bytes) {
    memory = realloc(memory, bytes);
    if (memory == NULL)
        die("out of memory");
    return memory;
}

/* --- measuring ------------------------------------------------------------------------------- */

void report_add_process(const char *name, long pid) {
    if (process_count == MAX_PROCESSES)
        die("more than %d processes", MAX_PROCESSES);
    processes[process_count++] = (struct process){.name = name, .pid = pid};
}

/* CPU time of all of a process's threads, in clock ticks. */
static uint64_t cpu_ticks(const struct process *process) {
    static const char format[] = " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu";
    char path[64], line[1024] = "";
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", process->pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL)
        die("%s (pid %ld) has ended", process->name, process->pid);
    fclose(file);
    /* The name, in brackets, may hold spaces. */
    const char *rest = strrchr(line, ')');
    if (rest == NULL || sscanf(rest + 1, format, &user, &kernel) != 2)
        die("%s cannot be read", path);
    return user + kernel;
}

/* Takes the time and all CPU times, less their values at the last call. */
static void take_times(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    seconds = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - seconds;
    for (size_t i = 0; i < process_count; i++)
        processes[i].ticks = cpu_ticks(&processes[i]) - processes[i].ticks;
}

void report_begin(void) { take_times(); }

void report_end(void) { take_times(); }

void report_add_latency(uint64_t ns) {
    if (latency_count == latency_size) {
        latency_size = latency_size == 0 ? 1 << 20 : 2 * latency_size;
        latencies = grow(latencies, latency_size * sizeof *latencies);
    }
    latencies[latency_count++] = (uint32_t)(ns / 1000);
}

/* --- printing -------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double percentile_ms(double part) {
    return latencies[(size_t)((double)(latency_count - 1) * part)] / 1000.0;
}

void report_print(void) {
    if (latency_count == 0)
        die("nothing has arrived in the measured time");
    double count = (double)latency_count, sum = 0;
    qsort(latencies, latency_count, sizeof *latencies, compare);
    printf("messages/s  %10.0f\n", count / seconds);
    printf("latency ms  p50 %.2f  p90 %.2f  p99 %.2f", percentile_ms(0.5), percentile_ms(0.9),
           percentile_ms(0.99));
    printf("  p99.9 %.2f  max %.2f\n\n", percentile_ms(0.999), percentile_ms(1));
    printf("%-12s %14s %12s\n", "process", "us a message", "% of a core");
    for (size_t i = 0; i < process_count; i++) {
        double us = (double)processes[i].ticks * 1e6 / (double)sysconf(_SC_CLK_TCK);
        printf("%-12s %14.1f %12.1f\n", processes[i].name, us / count, us / seconds / 1e4);
        sum += us;
    }
    printf("%-12s %14.1f %12.1f\n", "all", sum / count, sum / seconds / 1e4);
}
