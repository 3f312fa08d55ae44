/*
 * Log lines: put together on the stack of the caller and written at once, so that lines of several
 * threads never mix and no lock is held around a write that may block.
 */
#include "common/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND_NS 1000000

static const char *const level_words[] = {[LOG_LEVEL_ERROR] = "error",
                                          [LOG_LEVEL_WARN] = "warn",
                                          [LOG_LEVEL_INFO] = "info",
                                          [LOG_LEVEL_DEBUG] = "debug"};
#define LEVELS (sizeof level_words / sizeof level_words[0])

static const char *log_service = "parley";
static enum log_level log_threshold = LOG_LEVEL_INFO;
static _Thread_local uint64_t current_trace;

void log_open(const char *service, enum log_level level) {
    log_service = service;
    log_threshold = level;
}

int log_level_parse(const char *word, enum log_level *level_r) {
    for (size_t i = LOG_LEVEL_ERROR; i < LEVELS; i++) {
        if (strcmp(word, level_words[i]) == 0) {
            *level_r = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

bool log_enabled(enum log_level level) { return level <= log_threshold; }

uint64_t log_trace(void) { return current_trace; }

uint64_t log_trace_begin(uint64_t trace) {
    uint64_t before = current_trace;
    current_trace = trace;
    return before;
}

void log_trace_end(uint64_t before) { current_trace = before; }

/* Appends to a line of LOG_LINE_BYTES that holds `length`; gives the new length, which leaves room
 * for the line's end. */
__attribute__((format(printf, 3, 0))) static size_t append(char *line, size_t length,
                                                           const char *format, va_list args) {
    size_t room = LOG_LINE_BYTES - length;
    int written = vsnprintf(line + length, room, format, args);
    if (written < 0)
        return length;
    return (size_t)written < room ? length + (size_t)written : LOG_LINE_BYTES - 1;
}

__attribute__((format(printf, 2, 3))) static size_t begin(char *line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t length = append(line, 0, format, args);
    va_end(args);
    return length;
}

static size_t begin_line(char *line, enum log_level level, const char *event) {
    struct timespec now;
    struct tm utc;
    char date[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    if (strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc) == 0)
        date[0] = '\0';
    char trace[32] = "";
    if (current_trace != 0)
        snprintf(trace, sizeof trace, " trace=%016" PRIx64, current_trace);
    return begin(line, "ts=%s.%03ldZ level=%s service=%s event=%s%s", date,
                 now.tv_nsec / MILLISECOND_NS, level_words[level], log_service, event, trace);
}

void log_write(enum log_level level, const char *event, const char *format, ...) {
    if (!log_enabled(level))
        return;
    int saved_errno = errno; /* for %m in the format, and for the caller */
    char line[LOG_LINE_BYTES];
    size_t length = begin_line(line, level, event);
    while (*format == ' ') /* the macros' */
        format++;
    if (*format != '\0' && length < LOG_LINE_BYTES - 1) {
        line[length++] = ' ';
        va_list args;
        va_start(args, format);
        errno = saved_errno;
        length = append(line, length, format, args);
        va_end(args);
    }
    /* A value that should have been quoted must not be able to forge a second line. */
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = ' ';
    line[length++] = '\n';
    while (write(STDERR_FILENO, line, length) < 0 && errno == EINTR)
        continue;
    errno = saved_errno;
}

/* The escaped form of one byte, at most 4 bytes and a 0. */
static void escape(unsigned char byte, char out[8]) {
    if (byte == '"' || byte == '\\')
        snprintf(out, 8, "\\%c", byte);
    else if (byte == '\n')
        snprintf(out, 8, "\\n");
    else if (byte == '\r')
        snprintf(out, 8, "\\r");
    else if (byte == '\t')
        snprintf(out, 8, "\\t");
    else if (byte < ' ' || byte == 0x7f)
        snprintf(out, 8, "\\x%02x", byte);
    else
        snprintf(out, 8, "%c", byte);
}

const char *log_quote(char out[LOG_QUOTED_BYTES], const char *text, size_t length) {
    size_t used = 0;
    out[used++] = '"';
    for (size_t i = 0; i < length; i++) {
        char escaped[8];
        escape((unsigned char)text[i], escaped);
        size_t bytes = strlen(escaped);
        if (used + bytes > LOG_QUOTED_BYTES - 2) /* the closing quote and the 0 */
            break;
        memcpy(out + used, escaped, bytes);
        used += bytes;
    }
    out[used++] = '"';
    out[used] = '\0';
    return out;
}
