/* See capture.h. */
#include "tests/support/capture.h"

void capture_begin(struct capture *capture, int descriptor) {
    fflush(NULL);
    capture->caught = descriptor;
    capture->saved = dup(descriptor);
    capture->file = tmpfile();
    if (capture->saved < 0 || capture->file == NULL || dup2(fileno(capture->file), descriptor) < 0)
        abort();
}

char *capture_end(struct capture *capture) {
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
