/*
 * Pictures among files: their size, their preview, and what they say of places.
 *
 *     struct preview preview;
 *     if (preview_prepare(&preview, &settings, metrics) != 0) ...           at the start
 *     err = preview_make(&preview, path, preview_path, &result);    any thread, at once; blocks
 *
 * What a file is its bytes tell, never its name or its claim. Its bytes are looked at by
 * parley-preview alone, one process for each step, in a sandbox (services/preview/sandbox.h); so a
 * hostile picture ends or is ended there, and has no preview. A JPEG, PNG, GIF or WebP is rewritten
 * where it says anything but its picture, colours and orientation; in HEIF and AVIF that is
 * blanked. This needs libvips' tools for previews, and for the size of HEIF and AVIF; without them
 * the rest works.
 */
#ifndef PARLEY_FILES_PREVIEW_H
#define PARLEY_FILES_PREVIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/error.h"
#include "common/metrics.h"

/* limit: files | a preview | {PREVIEW_MAX_BYTES}; an animated one that is larger is made of its
 * first frame | there is none */
#define PREVIEW_MAX_BYTES ((uint64_t)2 << 20)
/* limit: files | frames of an animation | {PREVIEW_FRAMES_MAX}, of `preview_pixels` together
 * {preview_pixels:} | the preview shows the first one */
#define PREVIEW_FRAMES_MAX 500
#define PREVIEW_PATH_BYTES 1024

struct preview_settings {
    char *preview_program;
    uint64_t preview_time_ms, preview_memory_mib, preview_pixels;
};
extern const struct config_option preview_options[];

struct preview {
    const struct preview_settings *settings; /* must outlive it */
    char program[PREVIEW_PATH_BYTES];
    bool has_vips;
    struct metric *made, *failed, *cleaned;
};

struct preview_result {
    uint32_t width, height; /* as shown */
    uint32_t bytes;         /* of the preview; 0: there is none */
    const char *mime;       /* what the bytes are, static; NULL: no picture */
    bool is_picture;
    bool changed; /* the file at `path` is another one: its size is another, too */
};

/* Finds the program, and logs once what the sandbox and the previews lack here, if anything. -1:
 * there is no such program, logged. */
int preview_prepare(struct preview *self, const struct preview_settings *settings,
                    struct metrics *metrics) __attribute__((warn_unused_result));

/*
 * `path`: a file that nobody else writes, whose folder can be written. `preview_path` is in the
 * same folder; there is a file then if result_r->bytes is not 0, synced, else none. A fault of the
 * picture is no error. store_full, unavailable: the file is as it was, and it may be tried again.
 */
enum err preview_make(const struct preview *self, const char *path, const char *preview_path,
                      struct preview_result *result_r) __attribute__((warn_unused_result));

#endif
