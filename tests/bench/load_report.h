/*
 * The figures that the load generator measures and prints: latencies, and the CPU time of
 * processes.
 *
 *     report_add_process("gateway", pid);   before
 *     report_begin();  report_add_latency(ns); ...  report_end();
 *     report_print();
 */
#ifndef PARLEY_TESTS_LOAD_REPORT_H
#define PARLEY_TESTS_LOAD_REPORT_H

#include <stddef.h>
#include <stdint.h>

/* Prints one line and ends the program with status 1. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* realloc that never fails. */
void *grow(void *memory, size_t bytes);

/* At most 32. `name` is borrowed. */
void report_add_process(const char *name, long pid);
/* The measured time, from the CPU time of all processes to their CPU time again. */
void report_begin(void);
void report_end(void);
/* A message that arrived in it, so long after it was due. */
void report_add_latency(uint64_t ns);
/* Messages a second, latencies, and CPU time of each process for one message. */
void report_print(void);

#endif
