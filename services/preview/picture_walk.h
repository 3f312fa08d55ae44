/*
 * A walk over the bytes of a picture: what readers of the kinds of pictures share. Each reader
 * calls keep, insert and drop for all bytes, in order, and fills the picture's fields.
 */
#ifndef PARLEY_PREVIEW_PICTURE_WALK_H
#define PARLEY_PREVIEW_PICTURE_WALK_H

#include "services/preview/picture_kind.h"

/* Takes bytes of the copy, in order; false: no more are wanted, and picture_read is false. */
typedef bool picture_sink(void *context, const uint8_t *bytes, size_t size);

struct picture_walk {
    const uint8_t *bytes;
    size_t size;
    picture_sink *sink; /* NULL: nobody wants the copy */
    void *context;
    struct picture *picture;
    uint8_t orientation; /* 1 to 8, as EXIF numbers them; 0: not told */
    bool preview;        /* the profile of a WebP isn't kept */
    bool failed;         /* the sink wanted no more */
};

/* Copies `length` bytes from `at` on; drop leaves that many out. */
void picture_walk_keep(struct picture_walk *walk, size_t at, size_t length);
void picture_walk_drop(struct picture_walk *walk, size_t length);
/* Copies bytes that are not the picture's; they count as part of the copy alone. */
void picture_walk_insert(struct picture_walk *walk, const void *bytes, size_t length);
/* Copies `replacement` in place of `length` bytes from `at` on; equal ones are kept. */
void picture_walk_replace(struct picture_walk *walk, size_t at, size_t length,
                          const void *replacement, size_t replacement_length);

static inline uint32_t picture_be16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }
static inline uint32_t picture_be32(const uint8_t *at) {
    return picture_be16(at) << 16 | picture_be16(at + 2);
}
static inline uint32_t picture_le16(const uint8_t *at) { return (uint32_t)at[1] << 8 | at[0]; }
static inline uint32_t picture_le24(const uint8_t *at) {
    return picture_le16(at) | (uint32_t)at[2] << 16;
}
static inline uint32_t picture_le32(const uint8_t *at) {
    return picture_le16(at) | picture_le16(at + 2) << 16;
}

#endif
