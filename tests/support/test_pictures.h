/*
 * Pictures for tests: real ones, made by libvips' tools, with metadata put into them, and ones that
 * are made to hurt whoever decodes them. Each is a buffer that the caller frees.
 */
#ifndef PARLEY_TESTS_TEST_PICTURES_H
#define PARLEY_TESTS_TEST_PICTURES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"

/* Stands in each piece of metadata that is put into a picture. */
#define TEST_PLACE "Plattensee"
#define TEST_PICTURE_MAX_BYTES ((size_t)64 << 20)

/* A grey picture of noise: `type` is jpg, png, gif or webp. `frames` above 1: an animation (gif,
 * webp). Fails the test where vips does. */
struct buffer test_picture(const char *type, unsigned width, unsigned height, unsigned frames);
/* One of those that are in the tree (tests/fuzz/corpus/picture_fuzz); it names places in `Wien`. */
struct buffer test_picture_kept(const char *name);
/* The pixels that vips decodes, not turned. */
struct buffer test_picture_pixels(const struct buffer *picture);

/* A JPEG with metadata of every sort that names the place, this orientation, and, behind its end,
 * another picture's. `profile`: and a colour profile (of nonsense). */
struct buffer test_jpeg_with_places(const struct buffer *jpeg, uint8_t orientation, bool profile);
/* EXIF data with these bytes in place of a TIFF header and its directories. */
struct buffer test_jpeg_with_exif(const struct buffer *jpeg, const void *bytes, size_t size);

/* Pictures of 50,000 x 50,000 pixels (webp: 16,383 x 16,383, its largest), in a few bytes. */
struct buffer test_png_bomb(void);
struct buffer test_gif_bomb(void);
struct buffer test_webp_bomb(void);
/* A GIF of so many frames of 8 x 8, black and white in turn. */
struct buffer test_gif_of_frames(unsigned frames);

bool test_bytes_have(const struct buffer *bytes, const char *text);
void test_write_file(const char *path, const void *bytes, size_t size);
struct buffer test_read_file(const char *path);

#endif
