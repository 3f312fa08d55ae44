/* Pictures for tests. */
#include "tests/support/test_pictures.h"

#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zlib.h>
#include <cmocka.h>

#include "tests/support/service_process.h"

extern char **environ;

static void add(struct buffer *out, const void *bytes, size_t size) {
    assert_int_equal(buffer_add(out, bytes, size), 0);
}

static void add_be(struct buffer *out, uint64_t value, int bytes) {
    while (bytes-- > 0)
        add(out, &(uint8_t){(uint8_t)(value >> (8 * bytes))}, 1);
}

static void add_le(struct buffer *out, uint64_t value, int bytes) {
    for (; bytes > 0; bytes--, value >>= 8)
        add(out, &(uint8_t){(uint8_t)value}, 1);
}

void test_write_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    if (size > 0)
        assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

struct buffer test_read_file(const char *path) {
    struct buffer bytes = buffer_make(TEST_PICTURE_MAX_BYTES);
    char piece[65536];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    for (size_t got; (got = fread(piece, 1, sizeof piece, file)) > 0;)
        add(&bytes, piece, got);
    (void)fclose(file);
    return bytes;
}

bool test_bytes_have(const struct buffer *bytes, const char *text) {
    return memmem(bytes->data, bytes->length, text, strlen(text)) != NULL;
}

/* --- real pictures --- */

static void run_vips(const char *const *arguments) {
    pid_t pid;
    int status;
    assert_int_equal(
        posix_spawn(&pid, "/usr/bin/vips", NULL, NULL, (char *const *)arguments, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        fail_msg("vips %s %s failed", arguments[1], arguments[2]);
}

#define VIPS(...) run_vips((const char *const[]){"vips", __VA_ARGS__, NULL})

/* Names of files in a folder of this call's own. */
struct folder {
    char path[64];
};

static struct folder make_folder(void) {
    struct folder folder = {"/tmp/parley-pictures-XXXXXX"};
    assert_non_null(mkdtemp(folder.path));
    return folder;
}

static const char *in(const struct folder *folder, const char *name) {
    return test_text("%s/%s", folder->path, name);
}

static void remove_folder(const struct folder *folder, const char *const *names) {
    for (; *names != NULL; names++)
        unlink(in(folder, *names));
    assert_int_equal(rmdir(folder->path), 0);
}

struct buffer test_picture(const char *type, unsigned width, unsigned height, unsigned frames) {
    struct folder folder = make_folder();
    const char *name = test_text("picture.%s", type), *made = in(&folder, name);
    struct buffer noise = buffer_make(TEST_PICTURE_MAX_BYTES), picture;
    unsigned seed = 1;
    assert_int_equal(buffer_printf(&noise, "P5 %u %u 255\n", width, height * frames), 0);
    for (unsigned i = 0; i < width * height * frames; i++)
        add(&noise, &(uint8_t){(uint8_t)(rand_r(&seed) >> 8)}, 1);
    test_write_file(in(&folder, "noise.pgm"), noise.data, noise.length);
    if (frames > 1)
        VIPS(test_text("%ssave", type), in(&folder, "noise.pgm"), made, "--page-height",
             test_text("%u", height));
    else
        VIPS("copy", in(&folder, "noise.pgm"), test_text("%s[strip]", made));
    picture = test_read_file(made);
    remove_folder(&folder, (const char *const[]){"noise.pgm", name, NULL});
    buffer_free(&noise);
    return picture;
}

struct buffer test_picture_kept(const char *name) {
    return test_read_file(test_text("tests/fuzz/corpus/picture_fuzz/%s", name));
}

struct buffer test_picture_pixels(const struct buffer *picture) {
    struct folder folder = make_folder();
    test_write_file(in(&folder, "picture"), picture->data, picture->length);
    VIPS("rawsave", in(&folder, "picture"), in(&folder, "pixels"));
    struct buffer pixels = test_read_file(in(&folder, "pixels"));
    remove_folder(&folder, (const char *const[]){"picture", "pixels", NULL});
    return pixels;
}

/* --- what a JPEG says --- */

static void add_segment(struct buffer *out, uint8_t marker, const char *head, size_t head_size,
                        const void *body, size_t size) {
    add_be(out, 0xff00 | marker, 2);
    add_be(out, 2 + head_size + size, 2);
    add(out, head, head_size);
    add(out, body, size);
}

/* Big-endian TIFF: a description, the orientation, and a directory of GPS that names the place. */
static struct buffer places_exif(uint8_t orientation) {
    struct buffer tiff = buffer_make(4096);
    const uint32_t text = (uint32_t)sizeof TEST_PLACE, first = 8, gps = first + 2 + 3 * 12 + 4;
    const uint32_t data = gps + 2 + 2 * 12 + 4;
    add(&tiff, "MM\0*", 4);
    add_be(&tiff, first, 4);
    add_be(&tiff, 3, 2);
    add_be(&tiff, 0x010e0002, 4); /* ImageDescription */
    add_be(&tiff, text, 4);
    add_be(&tiff, data, 4);
    add_be(&tiff, 0x01120003, 4); /* Orientation */
    add_be(&tiff, 1, 4);
    add_be(&tiff, (uint32_t)orientation << 16, 4);
    add_be(&tiff, 0x88250004, 4); /* GPSInfo */
    add_be(&tiff, 1, 4);
    add_be(&tiff, gps, 4);
    add_be(&tiff, 0, 4);
    add_be(&tiff, 2, 2);
    add_be(&tiff, 0x00010002, 4); /* GPSLatitudeRef */
    add_be(&tiff, 2, 4);
    add_be(&tiff, (uint32_t)'N' << 24, 4);
    add_be(&tiff, 0x001c0002, 4); /* GPSAreaInformation */
    add_be(&tiff, text, 4);
    add_be(&tiff, data, 4);
    add_be(&tiff, 0, 4);
    add(&tiff, TEST_PLACE, text);
    return tiff;
}

struct buffer test_jpeg_with_exif(const struct buffer *jpeg, const void *bytes, size_t size) {
    struct buffer out = buffer_make(TEST_PICTURE_MAX_BYTES);
    add(&out, jpeg->data, 2);
    add_segment(&out, 0xe1, "Exif\0", 6, bytes, size);
    add(&out, jpeg->data + 2, jpeg->length - 2);
    return out;
}

struct buffer test_jpeg_with_places(const struct buffer *jpeg, uint8_t orientation, bool profile) {
    struct buffer out = buffer_make(TEST_PICTURE_MAX_BYTES), exif = places_exif(orientation);
    static const char xmp[] = "<x:xmpmeta><City>" TEST_PLACE "</City></x:xmpmeta>";
    add(&out, jpeg->data, 2);
    add_segment(&out, 0xe1, "Exif\0", 6, exif.data, exif.length);
    add_segment(&out, 0xe1, "http://ns.adobe.com/xap/1.0/", 29, xmp, sizeof xmp - 1);
    if (profile)
        add_segment(&out, 0xe2, "ICC_PROFILE\0\1\1", 14, "a profile", 9);
    add_segment(&out, 0xe2, "MPF", 4, TEST_PLACE, sizeof TEST_PLACE);
    add_segment(&out, 0xe5, "maker", 6, TEST_PLACE, sizeof TEST_PLACE);
    add_segment(&out, 0xed, "Photoshop 3.0", 14, "8BIM" TEST_PLACE, 4 + sizeof TEST_PLACE);
    add_segment(&out, 0xfe, "", 0, TEST_PLACE, sizeof TEST_PLACE);
    add(&out, jpeg->data + 2, jpeg->length - 2);
    /* A second picture, and the video of a moving one. */
    add(&out, "\xff\xd8", 2);
    add_segment(&out, 0xe1, "Exif\0", 6, exif.data, exif.length);
    add(&out, "ftypmp42" TEST_PLACE, 8 + sizeof TEST_PLACE);
    buffer_free(&exif);
    return out;
}

/* --- bombs --- */

static void add_chunk(struct buffer *out, const char *name, const void *bytes, size_t size) {
    uLong sum = crc32(crc32(0, (const Bytef *)name, 4), bytes, (uInt)size);
    add_be(out, size, 4);
    add(out, name, 4);
    add(out, bytes, size);
    add_be(out, sum, 4);
}

struct buffer test_png_bomb(void) {
    static const uint8_t head[13] = {0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50, 1};
    static uint8_t row[1 + 50000 / 8], packed[1 << 20];
    struct buffer out = buffer_make(TEST_PICTURE_MAX_BYTES);
    z_stream deflation = {.next_out = packed, .avail_out = sizeof packed};
    assert_int_equal(deflateInit(&deflation, 9), Z_OK);
    for (int i = 0; i < 50000; i++) {
        deflation.next_in = row;
        deflation.avail_in = sizeof row;
        assert_int_equal(deflate(&deflation, i == 49999 ? Z_FINISH : Z_NO_FLUSH),
                         i == 49999 ? Z_STREAM_END : Z_OK);
    }
    deflateEnd(&deflation);
    add(&out, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(&out, "IHDR", head, sizeof head);
    add_chunk(&out, "IDAT", packed, sizeof packed - deflation.avail_out);
    add_chunk(&out, "IEND", "", 0);
    return out;
}

static void add_gif_head(struct buffer *out, unsigned width, unsigned height) {
    add(out, "GIF89a", 6);
    add_le(out, width, 2);
    add_le(out, height, 2);
    add(out, "\x80\0\0\0\0\0\xff\xff\xff", 9);
}

/* `pixels` of one colour, black (0) or white (1). */
static void add_gif_frame(struct buffer *out, unsigned width, unsigned height, unsigned pixels,
                          unsigned colour) {
    uint8_t bits[64] = {0};
    unsigned at = 0;
    /* Codes of three bits: clear (4), a pixel, ..., the end (5). */
    for (unsigned i = 0; i < 2 * pixels + 1; i++, at += 3) {
        unsigned code = i == 2 * pixels ? 5 : i % 2 == 0 ? 4 : colour;
        bits[at / 8] |= (uint8_t)(code << at % 8);
        if (at % 8 > 5)
            bits[at / 8 + 1] |= (uint8_t)(code >> (8 - at % 8));
    }
    add(out, ",\0\0\0\0", 5);
    add_le(out, width, 2);
    add_le(out, height, 2);
    add(out, "\0\2", 2);
    add_le(out, (at + 7) / 8, 1);
    add(out, bits, (at + 7) / 8);
    add(out, "", 1);
}

struct buffer test_gif_bomb(void) {
    struct buffer out = buffer_make(4096);
    add_gif_head(&out, 50000, 50000);
    add_gif_frame(&out, 50000, 50000, 8, 1);
    add(&out, ";", 1);
    return out;
}

struct buffer test_gif_of_frames(unsigned frames) {
    struct buffer out = buffer_make(TEST_PICTURE_MAX_BYTES);
    add_gif_head(&out, 8, 8);
    for (; frames > 0; frames--)
        add_gif_frame(&out, 8, 8, 64, frames % 2);
    add(&out, ";", 1);
    return out;
}

struct buffer test_webp_bomb(void) {
    /* VP8L: both sides are 16,383; every code has one symbol, so that a pixel takes no bit. */
    static const uint8_t lossless[] = {0x2f, 0xfe, 0xbf, 0xff, 0x0f, 0x88, 0x88, 0x08};
    struct buffer out = buffer_make(4096);
    add(&out, "RIFF", 4);
    add_le(&out, 4 + 8 + sizeof lossless, 4);
    add(&out, "WEBPVP8L", 8);
    add_le(&out, sizeof lossless, 4);
    add(&out, lossless, sizeof lossless);
    return out;
}
