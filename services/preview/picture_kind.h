/*
 * Kinds of pictures, told by their bytes, and what is known of one.
 */
#ifndef PARLEY_PREVIEW_PICTURE_KIND_H
#define PARLEY_PREVIEW_PICTURE_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that tell the kind. */
#define PICTURE_KIND_BYTES 12

enum picture_kind {
    PICTURE_NONE,
    PICTURE_JPEG,
    PICTURE_PNG,
    PICTURE_GIF,
    PICTURE_WEBP,
    PICTURE_HEIC,
    PICTURE_HEIF,
    PICTURE_AVIF,
    PICTURE_KINDS
};

struct picture {
    enum picture_kind kind;
    uint32_t width, height; /* as shown; 0: not read (HEIF, AVIF) */
    uint32_t frames;        /* of an animation; 1 for others */
    uint64_t kept_bytes;    /* of the copy */
    bool profile;           /* its colours are others than sRGB's */
    bool removed;           /* the copy lacks something */
    bool whole;             /* it has an end */
};

/* By the first bytes; PICTURE_NONE where there are too few. */
enum picture_kind picture_kind(const uint8_t *bytes, size_t size);
/* A media type, static; NULL for PICTURE_NONE. */
const char *picture_mime(enum picture_kind kind);
bool picture_is_heif(enum picture_kind kind);

#endif
