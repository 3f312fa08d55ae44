/*
 * Logging: one logfmt line per event on standard error.
 *
 *     log_open("auth", LOG_LEVEL_INFO);
 *     log_info("ready", "address=%s", address);
 *
 * prints `ts=... level=info service=auth event=ready address=tcp://127.0.0.1:7101`. A value that
 * may hold spaces or is from outside is printed with "%s" through log_quote(). Threads may log at
 * once; a line is written with one write(2), is cut at LOG_LINE_BYTES, and is one line whatever its
 * values hold. A line that can't be written is lost. The level and the service's name are
 * process-wide, set once before any thread starts ("parley" and info until then), as is the key of
 * hash tables (hash.h); nothing else in parley is.
 *
 * A trace is a number that a gateway gives to a client's request and that follows it through all
 * services. Each line that a thread logs while it works on one has it as `trace=` and 16 hex
 * digits:
 *
 *     uint64_t before = log_trace_begin(trace);
 *     ...
 *     log_trace_end(before);
 *
 * Nothing may log per message on the hot path above debug level.
 */
#ifndef PARLEY_COMMON_LOG_H
#define PARLEY_COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NONE: not a line, in programs that print faults for people. */
enum log_level { LOG_LEVEL_NONE, LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/*
 * limit: service | a log line; a quoted value | {LOG_LINE_BYTES}; 255 bytes {LOG_QUOTED_BYTES:}
 * | cut
 */
/* The longest line, its newline included. */
#define LOG_LINE_BYTES 2048
/* Enough for any quoted value that log_quote() makes. */
#define LOG_QUOTED_BYTES 256

/* `service` must outlive the process's logging (a literal). */
void log_open(const char *service, enum log_level level);

/* 0 and the level for "error", "warn", "info" or "debug"; -1 for any other word. */
int log_level_parse(const char *word, enum log_level *level_r) __attribute__((warn_unused_result));

bool log_enabled(enum log_level level);

/* The trace that this thread works on; 0: none. log_trace_begin returns the one before, which is
 * given back to log_trace_end. */
uint64_t log_trace(void);
uint64_t log_trace_begin(uint64_t trace);
void log_trace_end(uint64_t before);

/* `event` is a literal in snake_case; `format` gives further key=value pairs. errno is kept. */
void log_write(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `format` is a literal, "" when there is nothing to add: the space before it is there because
 * compilers warn of an empty format, and log_write() drops it. */
#define log_error(event, ...) log_write(LOG_LEVEL_ERROR, event, " " __VA_ARGS__)
#define log_warn(event, ...) log_write(LOG_LEVEL_WARN, event, " " __VA_ARGS__)
#define log_info(event, ...) log_write(LOG_LEVEL_INFO, event, " " __VA_ARGS__)
#define log_debug(event, ...)                                                                      \
    do {                                                                                           \
        if (log_enabled(LOG_LEVEL_DEBUG))                                                          \
            log_write(LOG_LEVEL_DEBUG, event, " " __VA_ARGS__);                                    \
    } while (0)

/*
 * `text` in double quotes, with quotes, backslashes and control characters escaped, cut to fit;
 * written to `out`, which is returned. Bytes that are not text are allowed.
 */
const char *log_quote(char out[LOG_QUOTED_BYTES], const char *text, size_t length);

#endif
