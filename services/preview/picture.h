/*
 * What a file of bytes says of itself as a picture, and a copy of it without anything else that it
 * says: places, names, serial numbers, comments, thumbnails, videos behind its end.
 *
 *     enum picture_kind kind = picture_kind(bytes, size);       the first PICTURE_KIND_BYTES do
 *     if (picture_read(bytes, size, NULL, NULL, &picture))      looks
 *         if (picture.removed)
 *             picture_read(bytes, size, write_them, file, &picture);    copies
 *
 * Nothing is decoded: segments, chunks and blocks are walked, in time that grows with their bytes,
 * and those that make up the picture are copied as they are, so that its pixels stay equal. What is
 * kept besides are its colour profile, its repetitions and its orientation, which is written anew
 * as an EXIF block of one entry. A copy of a copy equals it. The bytes may be hostile; those who
 * read them this way are in a sandbox all the same.
 *
 * HEIF and AVIF are walked for what they say of places and cameras, which zeros replace since
 * offsets must not change; their width and height are not read.
 */
#ifndef PARLEY_PREVIEW_PICTURE_H
#define PARLEY_PREVIEW_PICTURE_H

#include "services/preview/picture_walk.h"

/* `sink`: NULL: looks alone. False: it is no picture, or has no head that tells its size. */
bool picture_read(const uint8_t *bytes, size_t size, picture_sink *sink, void *context,
                  struct picture *picture_r) __attribute__((warn_unused_result));
/* The same for a preview, a WebP in sRGB's colours: its profile, which says that, is left out. */
bool picture_read_preview(const uint8_t *bytes, size_t size, picture_sink *sink, void *context,
                          struct picture *picture_r) __attribute__((warn_unused_result));

#endif
