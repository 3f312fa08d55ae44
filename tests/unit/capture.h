/*
 * Catches what a test makes the code write to a descriptor.
 *
 *     struct capture capture;
 *     capture_begin(&capture, STDERR_FILENO);
 *     ...
 *     char *text = capture_end(&capture);      the test frees it
 *
 * While it lasts, nothing may assert: the report would be caught too.
 */
#ifndef PARLEY_TESTS_UNIT_CAPTURE_H
#define PARLEY_TESTS_UNIT_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct capture {
    int caught, saved;
    FILE *file;
};

static inline void capture_begin(struct capture *capture, int descriptor) {
    fflush(NULL);
    capture->caught = descriptor;
    capture->saved = dup(descriptor);
    capture->file = tmpfile();
    if (capture->saved < 0 || capture->file == NULL || dup2(fileno(capture->file), descriptor) < 0)
        abort();
}

static inline char *capture_end(struct capture *capture) {
    fflush(NULL);
    if (dup2(capture->saved, capture->caught) < 0)
        abort();
    close(capture->saved);
    off_t length = lseek(fileno(capture->file), 0, SEEK_END);
    char *text = calloc((size_t)length + 1, 1);
    if (text == NULL || pread(fileno(capture->file), text, (size_t)length, 0) != length)
        abort();
    fclose(capture->file);
    return text;
}

#endif
