/*
 * A step of parley-preview, run to its end: a process of its own, without this one's descriptors,
 * environment, signals or group. It is started with vfork's means (posix_spawn), so other threads
 * don't matter, and whatever it does it is gone when preview_child_run returns.
 */
#ifndef PARLEY_FILES_PREVIEW_CHILD_H
#define PARLEY_FILES_PREVIEW_CHILD_H

#include <stddef.h>
#include <stdint.h>

/* limit: files | what a step says of a picture | {PREVIEW_CHILD_TEXT_BYTES} | the rest is left out
 */
#define PREVIEW_CHILD_TEXT_BYTES 256

struct preview_child {
    const char *program;    /* its path */
    const char *step;       /* of services/preview/steps.h */
    const char *options[3]; /* ends with NULL */
    int input, output;      /* files; output -1: text_r gets what it prints, else it is empty */
    uint64_t memory_bytes, output_bytes;
    int64_t until_ms; /* of loop_now_ms */
};

enum preview_end {
    PREVIEW_END_DONE,
    PREVIEW_END_NO_PICTURE,  /* it said so, or came to grief: a signal, a bound, a fault */
    PREVIEW_END_LATE,        /* it was ended */
    PREVIEW_END_NOT_WRITTEN, /* its output took no more */
    PREVIEW_END_NOT_RUN      /* it could not be started, or not be shut in */
};

enum preview_end preview_child_run(const struct preview_child *child,
                                   char text_r[PREVIEW_CHILD_TEXT_BYTES])
    __attribute__((warn_unused_result));

#endif
