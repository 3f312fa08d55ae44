/*
 * Catches the bytes that a test makes the code write to a descriptor.
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

void capture_begin(struct capture *capture, int descriptor);

char *capture_end(struct capture *capture);

#endif
