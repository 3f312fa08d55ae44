/* Previews of real pictures and of hostile ones, by the real parley-preview; and how it is run. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/loop.h"
#include "services/files/preview.h"
#include "services/files/preview_child.h"
#include "services/preview/picture.h"
#include "services/preview/steps.h"
#include "tests/support/service_process.h"
#include "tests/support/test_list.h"
#include "tests/support/test_pictures.h"
#include "tests/support/until.h"

#define SEED 20261129u

struct bench {
    char folder[64];
    const char *path, *preview_path;
    struct preview_settings settings;
    struct preview preview;
    struct metrics *metrics;
    struct preview_result result;
};

static int set_up(void **state) {
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    strcpy(b->folder, "/tmp/parley-preview-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    b->path = test_text("%s/whole", b->folder);
    b->preview_path = test_text("%s/preview", b->folder);
    const char *bin = getenv("PARLEY_BIN");
    b->settings = (struct preview_settings){
        .preview_program = (char *)test_text("%s/parley-preview", bin == NULL ? "build/bin" : bin),
        .preview_time_ms = TEST_DEADLINE_MS,
        .preview_memory_mib = 1024,
        .preview_pixels = 200000000};
    b->metrics = metrics_new();
    assert_non_null(b->metrics);
    assert_int_equal(preview_prepare(&b->preview, &b->settings, b->metrics), 0);
    assert_true(b->preview.has_vips);
    *state = b;
    return 0;
}

static int tear_down(void **state) {
    struct bench *b = *state;
    unlink(b->path);
    unlink(b->preview_path);
    assert_int_equal(rmdir(b->folder), 0);
    metrics_destroy(&b->metrics);
    free(b);
    return 0;
}

#define PREVIEW_TEST(name_) TEST_WITH(name_, struct bench *b, set_up, tear_down)

static struct picture look_at(const char *path) {
    struct buffer bytes = test_read_file(path);
    struct picture picture;
    if (!picture_read((const uint8_t *)bytes.data, bytes.length, NULL, NULL, &picture))
        fail_msg("%s is no picture", path);
    buffer_free(&bytes);
    return picture;
}

/* What there is of a preview is a right one, and is what was said of it. */
static void assert_consistent(const struct bench *b) {
    struct stat file;
    if (b->result.bytes == 0) {
        assert_int_equal(stat(b->preview_path, &file), -1);
        return;
    }
    assert_int_equal(stat(b->preview_path, &file), 0);
    assert_int_equal(file.st_size, b->result.bytes);
    assert_int_equal(file.st_mode & 07777, 0600);
    assert_true(b->result.is_picture && b->result.bytes <= PREVIEW_MAX_BYTES);
    struct picture picture = look_at(b->preview_path);
    assert_true(picture.kind == PICTURE_WEBP && picture.whole && !picture.profile);
    assert_true(picture.width <= PREVIEW_SIDE_PIXELS && picture.height <= PREVIEW_SIDE_PIXELS);
    assert_true(picture.width <= b->result.width && picture.height <= b->result.height);
}

/* Makes a preview of these bytes, which it frees. */
static void make(struct bench *b, struct buffer bytes) {
    test_write_file(b->path, bytes.data, bytes.length);
    assert_int_equal(preview_make(&b->preview, b->path, b->preview_path, &b->result), ERR_OK);
    assert_consistent(b);
    buffer_free(&bytes);
}

static void assert_no_picture(const struct bench *b) {
    assert_false(b->result.is_picture || b->result.changed);
    assert_true(b->result.bytes == 0 && b->result.width == 0 && b->result.height == 0);
    assert_null(b->result.mime);
}

static void assert_size(const struct bench *b, uint32_t width, uint32_t height) {
    assert_true(b->result.is_picture);
    assert_int_equal(b->result.width, width);
    assert_int_equal(b->result.height, height);
}

/* --- pictures ------------------------------------------------------------------------------ */

PREVIEW_TEST(each_kind_has_a_preview_that_is_small_and_says_nothing) {
    static const struct {
        const char *type, *mime;
    } types[] = {
        {"jpg", "image/jpeg"}, {"png", "image/png"}, {"gif", "image/gif"}, {"webp", "image/webp"}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        make(b, test_picture(types[i].type, 1200, 800, 1));
        assert_size(b, 1200, 800);
        assert_string_equal(b->result.mime, types[i].mime);
        struct picture picture = look_at(b->preview_path);
        assert_true(picture.width == 480 && picture.height == 320 && !picture.removed);
    }
    assert_int_equal(metric_get(b->preview.made), 4);
}

PREVIEW_TEST(heif_and_avif_have_previews_where_vips_reads_them) {
    make(b, test_picture_kept("heic"));
    assert_size(b, 24, 16);
    assert_string_equal(b->result.mime, "image/heic");
    assert_true(b->result.bytes > 0 && b->result.changed);
    make(b, test_picture_kept("avif"));
    assert_size(b, 24, 16);
    assert_string_equal(b->result.mime, "image/avif");
    assert_true(b->result.bytes > 0 && b->result.changed);
}

PREVIEW_TEST(a_small_picture_is_not_made_larger) {
    make(b, test_picture("png", 30, 20, 1));
    struct picture picture = look_at(b->preview_path);
    assert_true(picture.width == 30 && picture.height == 20);
}

PREVIEW_TEST(an_animation_stays_one) {
    static const char *const types[] = {"gif", "webp"};
    for (size_t i = 0; i < 2; i++) {
        make(b, test_picture(types[i], 600, 300, 5));
        assert_size(b, 600, 300);
        struct picture picture = look_at(b->preview_path);
        assert_true(picture.frames == 5 && picture.width == 480 && picture.height == 240);
    }
}

PREVIEW_TEST(orientation_is_applied_and_places_are_gone) {
    struct buffer plain = test_picture("jpg", 1200, 800, 1);
    make(b, test_jpeg_with_places(&plain, 6, false));
    assert_size(b, 800, 1200);
    assert_true(b->result.changed);
    struct picture picture = look_at(b->preview_path);
    assert_true(picture.width == 320 && picture.height == 480 && !picture.removed);
    struct buffer file = test_read_file(b->path), preview = test_read_file(b->preview_path);
    assert_false(test_bytes_have(&file, TEST_PLACE) || test_bytes_have(&preview, TEST_PLACE));
    /* Once more changes nothing, as when a finish is repeated. */
    make(b, file);
    assert_false(b->result.changed);
    assert_size(b, 800, 1200);
    buffer_free(&plain);
    buffer_free(&preview);
    assert_int_equal(metric_get(b->preview.cleaned), 1);
}

PREVIEW_TEST(a_phones_picture_is_taken_whole) {
    make(b, test_picture("jpg", 4000, 3000, 1));
    assert_size(b, 4000, 3000);
    assert_true(b->result.bytes > 0 && !b->result.changed);
}

/* --- hostile ones -------------------------------------------------------------------------- */

/* The largest of the processes so far had less memory than the bound, and a little. */
static void assert_memory_bounded(const struct bench *b) {
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
    assert_true((uint64_t)usage.ru_maxrss <= (b->settings.preview_memory_mib + 64) * 1024);
}

PREVIEW_TEST(bombs_have_a_size_and_no_preview) {
    make(b, test_png_bomb());
    assert_size(b, 50000, 50000);
    assert_int_equal(b->result.bytes, 0);
    make(b, test_gif_bomb());
    assert_size(b, 50000, 50000);
    assert_int_equal(b->result.bytes, 0);
    make(b, test_webp_bomb());
    assert_size(b, 16383, 16383);
    assert_int_equal(b->result.bytes, 0);
    assert_int_equal(metric_get(b->preview.failed), 3);
    assert_memory_bounded(b);
}

/* Where the number of pixels doesn't keep them out, memory and time do. */
PREVIEW_TEST(bombs_end_at_the_bounds_of_their_process) {
    b->settings.preview_pixels = UINT64_MAX;
    b->settings.preview_memory_mib = 300;
    make(b, test_gif_bomb());
    assert_size(b, 50000, 50000);
    assert_int_equal(b->result.bytes, 0);
    make(b, test_webp_bomb());
    assert_int_equal(b->result.bytes, 0);
    /* Where this machine stands still for so long, the first look at it is over, too. */
    b->settings.preview_time_ms = 1500;
    struct buffer png = test_png_bomb();
    test_write_file(b->path, png.data, png.length);
    buffer_free(&png);
    enum err err = preview_make(&b->preview, b->path, b->preview_path, &b->result);
    assert_true(err == ERR_OK || err == ERR_UNAVAILABLE);
    assert_int_equal(b->result.bytes, 0);
    assert_memory_bounded(b);
}

PREVIEW_TEST(of_thousands_of_frames_the_first_is_shown) {
    make(b, test_gif_of_frames(PREVIEW_FRAMES_MAX));
    assert_int_equal(look_at(b->preview_path).frames, PREVIEW_FRAMES_MAX);
    make(b, test_gif_of_frames(PREVIEW_FRAMES_MAX + 1));
    assert_int_equal(look_at(b->preview_path).frames, 1);
    make(b, test_gif_of_frames(5000));
    assert_size(b, 8, 8);
    assert_int_equal(look_at(b->preview_path).frames, 1);
}

PREVIEW_TEST(the_pixels_of_all_frames_count) {
    b->settings.preview_pixels = 40 * 30 * 5 - 1;
    make(b, test_picture("gif", 40, 30, 5));
    assert_int_equal(look_at(b->preview_path).frames, 1);
    b->settings.preview_pixels = 40 * 30 - 1;
    make(b, test_picture("gif", 40, 30, 5));
    assert_size(b, 40, 30);
    assert_int_equal(b->result.bytes, 0);
}

PREVIEW_TEST(a_cut_off_picture_has_its_size_and_no_preview) {
    static const char *const types[] = {"jpg", "png", "gif", "webp"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct buffer whole = test_picture(types[i], 300, 200, 1);
        whole.length /= 2;
        make(b, whole);
        assert_size(b, 300, 200);
        assert_int_equal(b->result.bytes, 0);
    }
}

/* Bytes are changed at random (the seed is fixed): whatever it is then, this process stays, and
 * what is said of it is consistent. */
PREVIEW_TEST(spoiled_bytes_do_no_harm) {
    static const char *const types[] = {"jpg", "png", "gif", "webp", "heic", "avif"};
    unsigned seed = SEED;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct buffer right =
            i < 4 ? test_picture(types[i], 60, 40, i >= 2 ? 3 : 1) : test_picture_kept(types[i]);
        for (int turn = 0; turn < 3; turn++) {
            struct buffer bytes = buffer_make(right.length);
            assert_int_equal(buffer_add(&bytes, right.data, right.length), 0);
            for (int spoiled = 0; spoiled < 2 << (2 * turn); spoiled++) {
                size_t at = (size_t)rand_r(&seed) % (right.length - PICTURE_KIND_BYTES);
                bytes.data[PICTURE_KIND_BYTES + at] = (char)rand_r(&seed);
            }
            make(b, bytes);
        }
        buffer_free(&right);
    }
}

/* Among them what ImageMagick would follow. No process is started for them. */
PREVIEW_TEST(what_claims_to_be_a_picture_and_is_none_is_a_file) {
    static const char *const texts[] = {
        "<?xml version=\"1.0\"?><svg xmlns:xlink=\"x\"><image "
        "xlink:href=\"file:///etc/passwd\"/></svg>",
        "push graphic-context\nfill 'url(https://127.0.0.1/\"|touch \"/tmp/x)'\npop "
        "graphic-context",
        "<image authenticate='ff\" `touch /tmp/x`;\"'><read filename=\"pdf:/etc/passwd\"/></image>",
        "%!PS\n(/etc/passwd) (r) file",
        "%PDF-1.4 /Launch",
        "GIF8",
        "",
        "\xff\xd8\xff",
        "<html><script>alert(1)</script></html>"};
    b->preview.program[0] = '\0';
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buffer bytes = buffer_make(4096);
        assert_int_equal(buffer_add_text(&bytes, texts[i]), 0);
        make(b, bytes);
        assert_no_picture(b);
    }
}

PREVIEW_TEST(links_are_not_followed) {
    struct buffer bytes = test_picture("png", 30, 20, 1);
    const char *target = test_text("%s/target", b->folder);
    test_write_file(target, bytes.data, bytes.length);
    assert_int_equal(symlink(target, b->path), 0);
    assert_int_equal(preview_make(&b->preview, b->path, b->preview_path, &b->result),
                     ERR_UNAVAILABLE);
    /* A link where the preview is to be is replaced. */
    unlink(b->path);
    assert_int_equal(symlink(target, b->preview_path), 0);
    make(b, bytes);
    assert_true(b->result.bytes > 0);
    assert_int_equal(look_at(target).kind, PICTURE_PNG);
    unlink(target);
}

/* --- the process --------------------------------------------------------------------------- */

/* A program of the test's own in place of parley-preview. */
static const char *write_script(const struct bench *b, const char *text) {
    const char *path = test_text("%s/script", b->folder);
    test_write_file(path, text, strlen(text));
    assert_int_equal(chmod(path, 0700), 0);
    return path;
}

static enum preview_end run_script(const struct bench *b, const char *text, int64_t time_ms,
                                   char out[PREVIEW_CHILD_TEXT_BYTES]) {
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct preview_child child = {.program = write_script(b, text),
                                  .step = "look",
                                  .options = {b->folder},
                                  .input = input,
                                  .output = -1,
                                  .memory_bytes = 1,
                                  .output_bytes = 1,
                                  .until_ms = loop_now_ms() + time_ms};
    enum preview_end end = preview_child_run(&child, out);
    close(input);
    unlink(child.program);
    return end;
}

/* Nobody reaps it but the first process, which may never do so. */
static bool has_ended(pid_t pid) {
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return true;
    bool gone = fgets(text, sizeof text, file) == NULL;
    fclose(file);
    return gone || strstr(text, ") Z") != NULL;
}

PREVIEW_TEST(a_process_that_takes_too_long_is_ended_with_what_it_started) {
    char text[PREVIEW_CHILD_TEXT_BYTES];
    assert_int_equal(run_script(b, "#!/bin/sh\nsleep 1000 &\necho $!\nsleep 1000\n", 3000, text),
                     PREVIEW_END_LATE);
    pid_t started = (pid_t)strtol(text, NULL, 10);
    assert_true(started > 1);
    TEST_UNTIL(has_ended(started), "what it started goes on");
    /* It has ended, but what it started has its output. */
    assert_int_equal(run_script(b, "#!/bin/sh\nsleep 1000 &\necho $!\n", TEST_DEADLINE_MS, text),
                     PREVIEW_END_DONE);
}

PREVIEW_TEST(a_process_has_nothing_of_ours) {
    char text[PREVIEW_CHILD_TEXT_BYTES];
    int secret = open("/dev/zero", O_RDONLY);
    assert_int_equal(setenv("PARLEY_DB_PASSWORD", "secret", 1), 0);
    assert_int_equal(
        run_script(
            b,
            "#!/bin/sh\nfor i in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$i ] && echo open; done\nset\n",
            TEST_DEADLINE_MS, text),
        PREVIEW_END_DONE);
    unsetenv("PARLEY_DB_PASSWORD");
    close(secret);
    assert_null(strstr(text, "secret"));
    assert_null(strstr(text, "open"));
}

PREVIEW_TEST(the_ends_of_a_process_are_told_apart) {
    char text[PREVIEW_CHILD_TEXT_BYTES];
    assert_int_equal(run_script(b, "#!/bin/sh\nexit 1\n", TEST_DEADLINE_MS, text),
                     PREVIEW_END_NO_PICTURE);
    assert_int_equal(run_script(b, "#!/bin/sh\nkill -9 $$\n", TEST_DEADLINE_MS, text),
                     PREVIEW_END_NO_PICTURE);
    assert_int_equal(run_script(b, "#!/bin/sh\nexit 2\n", TEST_DEADLINE_MS, text),
                     PREVIEW_END_NOT_WRITTEN);
    assert_int_equal(run_script(b, "#!/bin/sh\nexit 3\n", TEST_DEADLINE_MS, text),
                     PREVIEW_END_NOT_RUN);
    assert_int_equal(run_script(b, "#!/no/such/program\n", TEST_DEADLINE_MS, text),
                     PREVIEW_END_NOT_RUN);
    /* More than there is room for is left out. */
    assert_int_equal(
        run_script(b, "#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8 9; do printf '%099d' 0; done\n",
                   TEST_DEADLINE_MS, text),
        PREVIEW_END_DONE);
    assert_int_equal(strlen(text), PREVIEW_CHILD_TEXT_BYTES - 1);
}

/* Whether it names places can't be told: so it isn't taken. */
PREVIEW_TEST(a_picture_that_cannot_be_looked_at_now_stays_as_it_is) {
    struct buffer plain = test_picture("jpg", 30, 20, 1),
                  jpeg = test_jpeg_with_places(&plain, 1, false);
    test_write_file(b->path, jpeg.data, jpeg.length);
    strcpy(b->preview.program, "/no/such/program");
    assert_int_equal(preview_make(&b->preview, b->path, b->preview_path, &b->result),
                     ERR_UNAVAILABLE);
    const char *script = write_script(b, "#!/bin/sh\nexec sleep 1000\n");
    strcpy(b->preview.program, script);
    b->settings.preview_time_ms = 300;
    assert_int_equal(preview_make(&b->preview, b->path, b->preview_path, &b->result),
                     ERR_UNAVAILABLE);
    unlink(script);
    struct buffer left = test_read_file(b->path);
    assert_int_equal(left.length, jpeg.length);
    assert_memory_equal(left.data, jpeg.data, jpeg.length);
    buffer_free(&left);
    buffer_free(&jpeg);
    buffer_free(&plain);
}

PREVIEW_TEST(without_its_program_files_does_not_start) {
    struct preview preview;
    b->settings.preview_program = (char *)"/no/such/program";
    assert_int_equal(preview_prepare(&preview, &b->settings, b->metrics), -1);
}

int main(void) { return test_run_all(NULL, NULL); }
