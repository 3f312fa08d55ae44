/* What pictures say of themselves, and copies of them that say nothing but the picture. */
#include <string.h>

#include "services/preview/picture.h"
#include "services/preview/picture_exif.h"
#include "services/preview/report.h"
#include "tests/support/test_list.h"
#include "tests/support/test_pictures.h"

static bool append(void *context, const uint8_t *bytes, size_t size) {
    return buffer_add(context, bytes, size) == 0;
}

static bool refuse(void *context, const uint8_t *bytes, size_t size) {
    (void)context;
    (void)bytes;
    (void)size;
    return false;
}

static bool look(const struct buffer *bytes, struct picture *picture_r) {
    return picture_read((const uint8_t *)bytes->data, bytes->length, NULL, NULL, picture_r);
}

/* The copy; its own copy equals it. */
static struct buffer copy(const struct buffer *bytes) {
    struct buffer out = buffer_make(TEST_PICTURE_MAX_BYTES),
                  again = buffer_make(TEST_PICTURE_MAX_BYTES);
    struct picture picture;
    assert_true(picture_read((const uint8_t *)bytes->data, bytes->length, append, &out, &picture));
    assert_int_equal(picture.kept_bytes, out.length);
    assert_true(picture_read((const uint8_t *)out.data, out.length, append, &again, &picture));
    assert_false(picture.removed);
    assert_int_equal(again.length, out.length);
    assert_memory_equal(again.data, out.data, out.length);
    buffer_free(&again);
    return out;
}

static void assert_same_pixels(const struct buffer *a, const struct buffer *b) {
    struct buffer left = test_picture_pixels(a), right = test_picture_pixels(b);
    assert_int_equal(left.length, right.length);
    assert_memory_equal(left.data, right.data, left.length);
    buffer_free(&left);
    buffer_free(&right);
}

static void assert_size(const struct buffer *bytes, uint32_t width, uint32_t height) {
    struct picture picture;
    assert_true(look(bytes, &picture));
    assert_int_equal(picture.width, width);
    assert_int_equal(picture.height, height);
}

TEST(no_place_is_left_in_a_jpeg_and_its_pixels_are_equal) {
    struct buffer plain = test_picture("jpg", 120, 80, 1);
    struct buffer jpeg = test_jpeg_with_places(&plain, 1, false), copied = copy(&jpeg);
    struct picture picture;
    assert_true(test_bytes_have(&jpeg, TEST_PLACE));
    assert_true(look(&jpeg, &picture) && picture.removed && picture.whole && !picture.profile);
    assert_false(test_bytes_have(&copied, TEST_PLACE));
    assert_false(test_bytes_have(&copied, "Exif"));
    assert_int_equal(copied.length, plain.length);
    assert_memory_equal(copied.data, plain.data, plain.length);
    assert_same_pixels(&copied, &jpeg);
    buffer_free(&plain);
    buffer_free(&jpeg);
    buffer_free(&copied);
}

TEST(a_jpegs_orientation_and_profile_stay) {
    struct buffer plain = test_picture("jpg", 120, 80, 1);
    for (uint8_t orientation = 2; orientation <= 8; orientation++) {
        struct buffer jpeg = test_jpeg_with_places(&plain, orientation, true), copied = copy(&jpeg);
        const uint8_t *exif = memmem(copied.data, copied.length, "Exif\0", 6);
        struct picture picture;
        assert_non_null(exif);
        assert_int_equal(picture_exif_orientation(exif + 6, PICTURE_EXIF_BYTES), orientation);
        assert_size(&copied, orientation >= 5 ? 80 : 120, orientation >= 5 ? 120 : 80);
        assert_true(test_bytes_have(&copied, "a profile"));
        assert_false(test_bytes_have(&copied, TEST_PLACE));
        assert_true(look(&copied, &picture) && picture.profile);
        assert_int_equal(copied.length, plain.length + 36 + 27);
        buffer_free(&jpeg);
        buffer_free(&copied);
    }
    buffer_free(&plain);
}

TEST(broken_exif_is_none) {
    static const struct {
        const char *bytes;
        size_t size;
    } broken[] = {
        {"", 0},
        {"MM\0*", 4},
        {"II*\0\xff\xff\xff\xff", 8},
        {"II*\0\x08\0\0\0\xff\xff", 10},
        {"XX*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", 22},
        {"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0", 22}, /* no orientation 9 */
        {"II*\0\x08\0\0\0\x01\0\x12\x01\x04\0\x01\0\0\0\x06\0\0\0", 22}, /* not a short */
    };
    struct buffer plain = test_picture("jpg", 120, 80, 1);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct buffer jpeg = test_jpeg_with_exif(&plain, broken[i].bytes, broken[i].size);
        struct buffer copied = copy(&jpeg);
        assert_int_equal(copied.length, plain.length);
        assert_memory_equal(copied.data, plain.data, plain.length);
        buffer_free(&jpeg);
        buffer_free(&copied);
    }
    buffer_free(&plain);
}

TEST(other_kinds_lose_their_places_too) {
    static const struct {
        const char *name;
        uint32_t width, height;
        enum picture_kind kind;
    } kept[] = {{"png", 16, 24, PICTURE_PNG}, {"webp", 16, 24, PICTURE_WEBP},
                {"gif", 24, 16, PICTURE_GIF}, {"heic", 0, 0, PICTURE_HEIC},
                {"avif", 0, 0, PICTURE_AVIF}, {"jpg", 16, 24, PICTURE_JPEG}};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        struct buffer picture = test_picture_kept(kept[i].name), copied = copy(&picture);
        struct picture found;
        assert_true(test_bytes_have(&picture, "Wien"));
        assert_false(test_bytes_have(&copied, "Wien"));
        assert_true(look(&copied, &found));
        assert_int_equal(found.kind, kept[i].kind);
        assert_size(&copied, kept[i].width, kept[i].height);
        assert_same_pixels(&picture, &copied);
        buffer_free(&picture);
        buffer_free(&copied);
    }
}

TEST(the_heads_of_bombs_tell_their_size) {
    struct buffer bombs[] = {test_png_bomb(), test_gif_bomb(), test_webp_bomb()};
    assert_size(&bombs[0], 50000, 50000);
    assert_size(&bombs[1], 50000, 50000);
    assert_size(&bombs[2], 16383, 16383);
    assert_true(bombs[1].length < 10240 && bombs[2].length < 10240);
    for (size_t i = 0; i < 3; i++)
        buffer_free(&bombs[i]);
}

TEST(frames_are_counted) {
    struct buffer gif = test_picture("gif", 40, 30, 7), webp = test_picture("webp", 40, 30, 7);
    struct buffer many = test_gif_of_frames(5000);
    struct picture picture;
    assert_true(look(&gif, &picture) && picture.frames == 7 && picture.height == 30);
    assert_true(look(&webp, &picture) && picture.frames == 7 && picture.height == 30);
    assert_true(look(&many, &picture) && picture.frames == 5000 && picture.whole);
    buffer_free(&gif);
    buffer_free(&webp);
    buffer_free(&many);
}

/* At every length: it is looked at without a fault, and is never whole. */
TEST(a_picture_that_was_cut_off_is_not_whole) {
    static const char *const types[] = {"jpg", "png", "gif", "webp"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct buffer made = test_picture(types[i], 40, 30, 1), bytes = copy(&made);
        struct picture picture;
        assert_true(look(&bytes, &picture) && picture.whole && !picture.removed);
        size_t heads = 0;
        for (size_t length = 0; length < bytes.length; length++) {
            struct buffer piece = buffer_make(bytes.length);
            assert_int_equal(buffer_add(&piece, bytes.data, length), 0);
            if (look(&piece, &picture)) {
                assert_false(picture.whole);
                assert_int_equal(picture.width, 40);
                heads++;
            }
            buffer_free(&piece);
        }
        assert_true(heads > 0);
        buffer_free(&made);
        buffer_free(&bytes);
    }
}

TEST(what_only_claims_to_be_a_picture_is_none) {
    static const char *const texts[] = {"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
                                        "push graphic-context\nimage over 0,0 0,0",
                                        "%PDF-1.4 and more",
                                        "<html><script>alert(1)</script>",
                                        "GIF88a and more of it",
                                        "II*\0 TIFF is not for browsers",
                                        "\xff\xd8\xff\xe0 a JPEG without a picture",
                                        "RIFF....WAVEfmt ...."};
    struct picture picture;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(
            picture_read((const uint8_t *)texts[i], strlen(texts[i]), NULL, NULL, &picture));
    assert_false(picture_read((const uint8_t *)"", 0, NULL, NULL, &picture));
}

TEST(a_copy_ends_where_its_taker_wants_no_more) {
    struct buffer plain = test_picture("jpg", 40, 30, 1);
    struct picture picture;
    assert_false(picture_read((const uint8_t *)plain.data, plain.length, refuse, NULL, &picture));
    buffer_free(&plain);
}

TEST(a_report_is_read_as_it_was_written_and_no_other_text_is) {
    const struct picture picture = {.kind = PICTURE_GIF,
                                    .width = 1,
                                    .height = UINT32_MAX,
                                    .frames = 3,
                                    .kept_bytes = UINT64_MAX,
                                    .removed = true};
    static const char *const wrong[] = {"",
                                        "1 2 3",
                                        "0 1 1 1 1 0 0 0\n",
                                        "99 1 1 1 1 0 0 0\n",
                                        "1 1 1 1 1 2 0 0\n",
                                        "1 1 1 1 1 0 0 0",
                                        "x 1 1 1 1 0 0 0\n"};
    char text[PREVIEW_REPORT_BYTES];
    struct picture read;
    size_t length = preview_report_write(&picture, text);
    assert_int_equal(length, strlen(text));
    assert_true(preview_report_read(text, &read));
    assert_true(read.kind == PICTURE_GIF && read.width == 1 && read.height == UINT32_MAX &&
                read.frames == 3 && read.kept_bytes == UINT64_MAX && read.removed && !read.whole);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(preview_report_read(wrong[i], &read));
}

TEST(each_kind_has_a_media_type_that_browsers_only_show) {
    assert_null(picture_mime(PICTURE_NONE));
    for (int kind = PICTURE_NONE + 1; kind < PICTURE_KINDS; kind++)
        assert_memory_equal(picture_mime((enum picture_kind)kind), "image/", 6);
}

int main(void) { return test_run_all(NULL, NULL); }
