/* parley-preview: looks at one picture in a sandbox, and ends. steps.h has its command line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/preview/number.h"
#include "services/preview/picture.h"
#include "services/preview/report.h"
#include "services/preview/sandbox.h"
#include "services/preview/steps.h"

#define VIPSHEADER "/usr/bin/vipsheader"
#define VIPSTHUMBNAIL "/usr/bin/vipsthumbnail"
/* A preview's quality from 0 to 100, and how much time its coder takes, from 0 to 6. */
#define QUALITY "75"
#define EFFORT "2"

/* An argument that is a whole number. */
static bool read_number(const char *text, uint64_t *value_r) {
    return preview_take_number(&text, UINT64_MAX, value_r) && *text == '\0';
}

static bool write_all(const uint8_t *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, size);
        if (written <= 0 && errno != EINTR)
            return false;
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        }
    }
    return true;
}

/* Collects what readers keep in small pieces. */
struct output {
    uint8_t bytes[65536];
    size_t length;
    bool failed;
};

static bool flush_output(struct output *output) {
    output->failed = output->failed || !write_all(output->bytes, output->length);
    output->length = 0;
    return !output->failed;
}

static bool write_output(void *context, const uint8_t *bytes, size_t size) {
    struct output *output = context;
    if (size > sizeof output->bytes - output->length && !flush_output(output))
        return false;
    if (size > sizeof output->bytes) {
        output->failed = !write_all(bytes, size);
        return !output->failed;
    }
    memcpy(output->bytes + output->length, bytes, size);
    output->length += size;
    return true;
}

/* Maps standard input; NULL: it is no file, or empty. */
static const uint8_t *map_picture(size_t *size_r) {
    struct stat file;
    if (fstat(STDIN_FILENO, &file) != 0 || !S_ISREG(file.st_mode) || file.st_size <= 0)
        return NULL;
    *size_r = (size_t)file.st_size;
    void *bytes = mmap(NULL, *size_r, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

static enum preview_status look(void) {
    char text[PREVIEW_REPORT_BYTES];
    struct picture picture = {.kind = PICTURE_NONE};
    size_t size;
    const uint8_t *bytes = map_picture(&size);
    if (bytes == NULL || !picture_read(bytes, size, NULL, NULL, &picture))
        return PREVIEW_STATUS_NO_PICTURE;
    size_t length = preview_report_write(&picture, text);
    return write_all((const uint8_t *)text, length) ? PREVIEW_STATUS_DONE
                                                    : PREVIEW_STATUS_NOT_WRITTEN;
}

static enum preview_status clean(bool preview) {
    static struct output output;
    struct picture picture = {.kind = PICTURE_NONE};
    size_t size;
    const uint8_t *bytes = map_picture(&size);
    if (bytes == NULL)
        return PREVIEW_STATUS_NO_PICTURE;
    bool read = (preview ? picture_read_preview : picture_read)(bytes, size, write_output, &output,
                                                                &picture);
    if (output.failed || !flush_output(&output))
        return PREVIEW_STATUS_NOT_WRITTEN;
    return read ? PREVIEW_STATUS_DONE : PREVIEW_STATUS_NO_PICTURE;
}

/* Becomes a tool of libvips, with an environment of its own: only loaders that are held to be safe
 * with hostile input, one thread of decoding, one heap, no code made at run time, and nothing put
 * into temporary files, which it couldn't write. */
static enum preview_status run_tool(char *const *arguments) {
    static char *const environment[] = {"LC_ALL=C",
                                        "VIPS_BLOCK_UNTRUSTED=1",
                                        "VIPS_CONCURRENCY=1",
                                        "VIPS_NOVECTOR=1",
                                        "MALLOC_ARENA_MAX=1",
                                        "VIPS_DISC_THRESHOLD=1000g",
                                        "G_SLICE=always-malloc",
                                        NULL};
    execve(arguments[0], arguments, environment);
    return PREVIEW_STATUS_NO_PICTURE;
}

static enum preview_status head(void) {
    char *const arguments[] = {VIPSHEADER, "stdin", NULL};
    return run_tool(arguments);
}

/* A cut off picture has no preview. */
static enum preview_status shrink(const char *pages, const char *srgb) {
    char input[64], side[32];
    if (strcmp(pages, "1") == 0)
        (void)snprintf(input, sizeof input, "stdin[fail_on=truncated]");
    else
        (void)snprintf(input, sizeof input, "stdin[n=-1,fail_on=truncated]");
    (void)snprintf(side, sizeof side, "%dx%d>", PREVIEW_SIDE_PIXELS, PREVIEW_SIDE_PIXELS);
    char *arguments[] = {VIPSTHUMBNAIL, input,      "--size",
                         side,          "--output", ".webp[Q=" QUALITY ",effort=" EFFORT ",strip]",
                         NULL,          NULL,       NULL};
    if (strcmp(srgb, "1") == 0) {
        arguments[6] = "--export-profile";
        arguments[7] = "srgb";
    }
    return run_tool(arguments);
}

static enum preview_status print_means(const struct sandbox_means *means) {
    bool vips = access(VIPSHEADER, X_OK) == 0 && access(VIPSTHUMBNAIL, X_OK) == 0;
    char text[64];
    int length = snprintf(text, sizeof text, PREVIEW_MEANS_FORMAT, means->landlock,
                          (unsigned)means->seccomp, (unsigned)vips);
    return write_all((const uint8_t *)text, (size_t)length) ? PREVIEW_STATUS_DONE
                                                            : PREVIEW_STATUS_NOT_WRITTEN;
}

static enum preview_status run(int argc, char **argv) {
    struct sandbox_limits limits;
    struct sandbox_means means;
    uint64_t parent;
    if (argc < 6 || !read_number(argv[2], &parent) || !read_number(argv[3], &limits.memory_bytes) ||
        !read_number(argv[4], &limits.cpu_seconds) || !read_number(argv[5], &limits.file_bytes))
        return PREVIEW_STATUS_USAGE;
    limits.parent = (pid_t)parent;
    const char *step = argv[1];
    bool shrinks = strcmp(step, "shrink") == 0 && argc == 8;
    bool runs_tool = shrinks || strcmp(step, "head") == 0 || strcmp(step, "means") == 0;
    if (!sandbox_enter(&limits, runs_tool, &means))
        return PREVIEW_STATUS_NO_SANDBOX;
    if (strcmp(step, "means") == 0)
        return print_means(&means);
    if (strcmp(step, "look") == 0)
        return look();
    if (strcmp(step, "clean") == 0 && argc == 7)
        return clean(strcmp(argv[6], "1") == 0);
    if (strcmp(step, "head") == 0)
        return head();
    return shrinks ? shrink(argv[6], argv[7]) : PREVIEW_STATUS_USAGE;
}

int main(int argc, char **argv) {
    /* Nothing is to run at the end: the calls that it would need are not there. */
    _exit(run(argc, argv));
}
