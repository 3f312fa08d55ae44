/*
 * The orientation in a block of EXIF data (a TIFF header and its first directory), and a block that
 * has nothing else.
 */
#ifndef PARLEY_PREVIEW_PICTURE_EXIF_H
#define PARLEY_PREVIEW_PICTURE_EXIF_H

#include <stddef.h>
#include <stdint.h>

#define PICTURE_EXIF_BYTES 26

/* 1 to 8; 0: it is not told, or the block is broken. */
uint8_t picture_exif_orientation(const uint8_t *bytes, size_t size);
void picture_exif_write(uint8_t orientation, uint8_t out[PICTURE_EXIF_BYTES]);

#endif
