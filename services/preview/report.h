/*
 * What the step `look` says of a picture, as a line of text from a process that may have been taken
 * over: the reader checks every value.
 */
#ifndef PARLEY_PREVIEW_REPORT_H
#define PARLEY_PREVIEW_REPORT_H

#include "services/preview/picture_kind.h"

#define PREVIEW_REPORT_BYTES 128

/* Returns its length. `out` is text with a 0 at its end. */
size_t preview_report_write(const struct picture *picture, char out[PREVIEW_REPORT_BYTES]);
/* False: `text` is no such line. */
bool preview_report_read(const char *text, struct picture *picture_r)
    __attribute__((warn_unused_result));

#endif
