/* The steps from a file to what is known of it as a picture. */
#include "services/files/preview.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/files/preview_child.h"
#include "services/preview/number.h"
#include "services/preview/report.h"
#include "services/preview/steps.h"

#define PROGRAM_NAME "parley-preview"
/* A copy without metadata may have a few bytes more: an orientation that is written anew. */
#define COPY_MORE_BYTES 4096

const struct config_option preview_options[] = {
    CONFIG_STRING(struct preview_settings, preview_program, "",
                  "the program that looks at pictures; empty: " PROGRAM_NAME
                  " beside this program"),
    /* limit: files | time for a picture: its look, its copy without metadata, its preview |
     * {preview_time_ms} | it has no preview */
    CONFIG_U64(struct preview_settings, preview_time_ms, 60000, 100, 600000, "ms",
               "how long making a preview may take"),
    /* limit: files | memory for decoding a picture | {preview_memory_mib} for each of
     * `finish_threads` | it has no preview */
    CONFIG_U64(struct preview_settings, preview_memory_mib, 768, 256, 65536, "MiB",
               "address space of a process that decodes a picture"),
    /* limit: files | pixels of a picture of which a preview is made | {preview_pixels} | it has
     * none */
    CONFIG_U64(struct preview_settings, preview_pixels, 200000000, 1, 100000000000, "pixels",
               "how many pixels a picture with a preview may have, in all frames"),
    CONFIG_END};

/* One file on its way. */
struct work {
    const struct preview *self;
    const char *path, *preview_path;
    int64_t until_ms;
    struct picture picture;
};

/* --- the start ----------------------------------------------------------------------------- */

static bool find_program(struct preview *self) {
    const char *name = self->settings->preview_program;
    if (name != NULL && name[0] != '\0') {
        int length = snprintf(self->program, sizeof self->program, "%s", name);
        return length >= 0 && (size_t)length < sizeof self->program;
    }
    ssize_t length = readlink("/proc/self/exe", self->program, sizeof self->program - 1);
    if (length <= 0)
        return false;
    self->program[length] = '\0';
    char *folder_end = strrchr(self->program, '/');
    if (folder_end == NULL ||
        sizeof self->program - (size_t)(folder_end + 1 - self->program) < sizeof PROGRAM_NAME)
        return false;
    memcpy(folder_end + 1, PROGRAM_NAME, sizeof PROGRAM_NAME);
    return true;
}

static void log_means(const struct preview *self, uint64_t landlock, uint64_t seccomp) {
    if (landlock == 0)
        log_warn(
            "sandbox_lacks",
            "what=landlock effect=\"pictures are looked at by a process that can read files of "
            "this user\"");
    if (seccomp == 0)
        log_warn("sandbox_lacks", "what=seccomp effect=\"pictures are looked at by a process that "
                                  "can use the network and start others\"");
    if (!self->has_vips)
        log_warn("previews_off", "reason=\"vipsthumbnail is missing (libvips-tools)\"");
    log_info("sandbox", "landlock=%" PRIu64 " seccomp=%" PRIu64 " vips=%u", landlock, seccomp,
             (unsigned)self->has_vips);
}

static struct preview_child child_of(const struct preview *self, const char *step, int input,
                                     int64_t until_ms) {
    return (struct preview_child){.program = self->program,
                                  .step = step,
                                  .input = input,
                                  .output = -1,
                                  .memory_bytes = self->settings->preview_memory_mib << 20,
                                  .until_ms = until_ms};
}

int preview_prepare(struct preview *self, const struct preview_settings *settings,
                    struct metrics *metrics) {
    char text[PREVIEW_CHILD_TEXT_BYTES] = "";
    uint64_t landlock, seccomp, vips;
    *self = (struct preview){.settings = settings};
    self->made = metrics_counter(metrics, "previews_made_total", "", "Previews that were made.");
    self->failed = metrics_counter(metrics, "previews_failed_total", "",
                                   "Pictures of which no preview could be made.");
    self->cleaned = metrics_counter(metrics, "pictures_cleaned_total", "",
                                    "Pictures that were rewritten without metadata.");
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    enum preview_end end = PREVIEW_END_NOT_RUN;
    if (find_program(self) && nothing >= 0) {
        struct preview_child child =
            child_of(self, "means", nothing, loop_now_ms() + (int64_t)settings->preview_time_ms);
        end = preview_child_run(&child, text);
    }
    if (nothing >= 0)
        close(nothing);
    const char *at = text;
    if (end != PREVIEW_END_DONE || !preview_take_number(&at, UINT32_MAX, &landlock) ||
        !preview_take(&at, " ") || !preview_take_number(&at, 1, &seccomp) ||
        !preview_take(&at, " ") || !preview_take_number(&at, 1, &vips)) {
        char quoted[LOG_QUOTED_BYTES];
        log_error("start_failed",
                  "reason=\"the program that looks at pictures does not run\" program=%s",
                  log_quote(quoted, self->program, strlen(self->program)));
        return -1;
    }
    self->has_vips = vips == 1;
    log_means(self, landlock, seccomp);
    return 0;
}

/* --- the steps ----------------------------------------------------------------------------- */

static int open_input(const char *path) {
    return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* A new file for what a step writes. */
static int open_output(const char *path) {
    if (unlink(path) != 0 && errno != ENOENT)
        return -1;
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static enum err error_of_disk(int fault) {
    return fault == ENOSPC || fault == EDQUOT || fault == EFBIG ? ERR_STORE_FULL : ERR_UNAVAILABLE;
}

/* Runs a step of the file at `path` that prints something. */
static enum preview_end ask(const struct work *work, const char *path, const char *step,
                            char text_r[PREVIEW_CHILD_TEXT_BYTES]) {
    text_r[0] = '\0';
    int input = open_input(path);
    if (input < 0)
        return PREVIEW_END_NOT_RUN;
    struct preview_child child = child_of(work->self, step, input, work->until_ms);
    struct stat file;
    /* It is mapped. */
    if (strcmp(step, "look") == 0 && fstat(input, &file) == 0)
        child.memory_bytes += (uint64_t)file.st_size;
    enum preview_end end = preview_child_run(&child, text_r);
    close(input);
    return end;
}

/* What the file at `path` is: of the kind PICTURE_NONE, if no picture. unavailable: that cannot be
 * told now, so neither whether it names places. */
static enum err look(const struct work *work, const char *path, struct picture *picture_r) {
    char text[PREVIEW_CHILD_TEXT_BYTES];
    *picture_r = (struct picture){.kind = PICTURE_NONE};
    enum preview_end end = ask(work, path, "look", text);
    if (end == PREVIEW_END_NO_PICTURE)
        return ERR_OK;
    return end == PREVIEW_END_DONE && preview_report_read(text, picture_r) ? ERR_OK
                                                                           : ERR_UNAVAILABLE;
}

/* Runs a step from one file to another, of which it may write `most` bytes. An error: of the disk,
 * or of this process. */
static enum err carry_out(struct preview_child *child, int input, int output, uint64_t most,
                          bool *done_r) {
    char text[PREVIEW_CHILD_TEXT_BYTES];
    child->input = input;
    child->output = output;
    child->output_bytes = most;
    enum preview_end end = preview_child_run(child, text);
    *done_r = end == PREVIEW_END_DONE;
    if (end == PREVIEW_END_NOT_RUN)
        return ERR_UNAVAILABLE;
    return end == PREVIEW_END_NOT_WRITTEN ? ERR_STORE_FULL : ERR_OK;
}

/* Makes the file at preview_path a copy without metadata of what `input` is, of `bytes` or fewer;
 * its size is 0 where that failed. */
static enum err copy(const struct work *work, int input, const char *as_preview, uint64_t bytes,
                     uint64_t *copied_r) {
    struct preview_child child = child_of(work->self, "clean", -1, work->until_ms);
    struct stat file;
    bool done = false;
    *copied_r = 0;
    int output = open_output(work->preview_path);
    if (output < 0)
        return error_of_disk(errno);
    child.options[0] = as_preview;
    child.memory_bytes += bytes;
    enum err err = carry_out(&child, input, output, bytes + COPY_MORE_BYTES, &done);
    if (err == ERR_OK && done && (fsync(output) != 0 || fstat(output, &file) != 0))
        err = error_of_disk(errno);
    else if (err == ERR_OK && done)
        *copied_r = (uint64_t)file.st_size;
    close(output);
    return err;
}

/* Puts a copy without metadata in the file's place. */
static enum err clean(const struct work *work, uint64_t file_bytes) {
    uint64_t bytes;
    int input = open_input(work->path);
    if (input < 0)
        return error_of_disk(errno);
    enum err err = copy(work, input, "0", file_bytes, &bytes);
    close(input);
    if (err == ERR_OK && bytes != work->picture.kept_bytes)
        err = ERR_UNAVAILABLE;
    if (err == ERR_OK && rename(work->preview_path, work->path) != 0)
        err = error_of_disk(errno);
    if (err != ERR_OK)
        unlink(work->preview_path);
    else
        metric_add(work->self->cleaned, 1);
    return err;
}

/* The size of a picture whose head `look` doesn't read. */
static bool find_size(struct work *work) {
    char text[PREVIEW_CHILD_TEXT_BYTES];
    const char *at = text;
    uint64_t width, height;
    struct picture *picture = &work->picture;
    if (picture->width > 0)
        return true;
    if (!work->self->has_vips || ask(work, work->path, "head", text) != PREVIEW_END_DONE ||
        !preview_take_number(&at, UINT32_MAX, &width) || !preview_take(&at, "x") ||
        !preview_take_number(&at, UINT32_MAX, &height) || width == 0 || height == 0)
        return false;
    picture->width = (uint32_t)width;
    picture->height = (uint32_t)height;
    return true;
}

/* What was made is looked at like anything else from outside. */
static bool is_preview(const struct work *work) {
    struct picture made;
    return look(work, work->preview_path, &made) == ERR_OK && made.kind == PICTURE_WEBP &&
           made.whole && made.width <= PREVIEW_SIDE_PIXELS && made.height <= PREVIEW_SIDE_PIXELS;
}

/* Makes a preview in `memory`, a file without a name, and the file at preview_path of it: libvips
 * leaves metadata in what it writes. */
static uint32_t shrink_by_way_of(const struct work *work, int input, int memory, bool animated) {
    struct preview_child child = child_of(work->self, "shrink", -1, work->until_ms);
    uint64_t bytes = 0;
    bool done;
    child.options[0] = animated ? "-1" : "1";
    child.options[1] = work->picture.profile ? "1" : "0";
    if (carry_out(&child, input, memory, PREVIEW_MAX_BYTES, &done) == ERR_OK && done &&
        copy(work, memory, "1", PREVIEW_MAX_BYTES, &bytes) == ERR_OK && bytes > 0 &&
        bytes <= PREVIEW_MAX_BYTES && is_preview(work))
        return (uint32_t)bytes;
    unlink(work->preview_path);
    return 0;
}

static uint32_t shrink(const struct work *work, bool animated) {
    uint32_t bytes = 0;
    int input = open_input(work->path), memory = memfd_create("preview", MFD_CLOEXEC);
    if (input >= 0 && memory >= 0)
        bytes = shrink_by_way_of(work, input, memory, animated);
    if (memory >= 0)
        close(memory);
    if (input >= 0)
        close(input);
    return bytes;
}

static bool can_be_animated(const struct work *work) {
    const struct picture *picture = &work->picture;
    return (picture->kind == PICTURE_GIF || picture->kind == PICTURE_WEBP) && picture->frames > 1 &&
           picture->frames <= PREVIEW_FRAMES_MAX &&
           picture->frames <=
               work->self->settings->preview_pixels / picture->width / picture->height;
}

static uint32_t make_preview(const struct work *work) {
    const struct picture *picture = &work->picture;
    uint32_t bytes = 0;
    if (work->self->has_vips && picture->whole &&
        picture->height <= work->self->settings->preview_pixels / picture->width) {
        if (can_be_animated(work))
            bytes = shrink(work, true);
        if (bytes == 0 && loop_now_ms() < work->until_ms)
            bytes = shrink(work, false);
    }
    metric_add(bytes > 0 ? work->self->made : work->self->failed, 1);
    return bytes;
}

/* Whether the first bytes are those of a picture, which costs no process. */
static enum err find_kind(const char *path, bool *is_picture_r, uint64_t *bytes_r) {
    uint8_t first[PICTURE_KIND_BYTES];
    struct stat file;
    int fd = open_input(path);
    if (fd < 0 || fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
        if (fd >= 0)
            close(fd);
        return ERR_UNAVAILABLE;
    }
    ssize_t got = pread(fd, first, sizeof first, 0);
    close(fd);
    if (got < 0)
        return ERR_UNAVAILABLE;
    *bytes_r = (uint64_t)file.st_size;
    *is_picture_r = picture_kind(first, (size_t)got) != PICTURE_NONE;
    return ERR_OK;
}

enum err preview_make(const struct preview *self, const char *path, const char *preview_path,
                      struct preview_result *result_r) {
    struct work work = {.self = self,
                        .path = path,
                        .preview_path = preview_path,
                        .until_ms = loop_now_ms() + (int64_t)self->settings->preview_time_ms};
    bool is_picture;
    uint64_t bytes;
    *result_r = (struct preview_result){.is_picture = false};
    if (unlink(preview_path) != 0 && errno != ENOENT)
        return error_of_disk(errno);
    enum err err = find_kind(path, &is_picture, &bytes);
    if (err == ERR_OK && is_picture)
        err = look(&work, path, &work.picture);
    if (err != ERR_OK || work.picture.kind == PICTURE_NONE)
        return err;
    if (work.picture.removed) {
        err = clean(&work, bytes);
        if (err != ERR_OK)
            return err;
        result_r->changed = true;
    }
    if (!find_size(&work))
        return ERR_OK;
    result_r->is_picture = true;
    result_r->mime = picture_mime(work.picture.kind);
    result_r->width = work.picture.width;
    result_r->height = work.picture.height;
    result_r->bytes = make_preview(&work);
    return ERR_OK;
}
