/* PNG: chunks up to IEND. Kept are those that a decoder needs, colours and the animation. */
#include <string.h>

#include <zlib.h>

#include "services/preview/picture_exif.h"
#include "services/preview/picture_readers.h"

#define SIGNATURE_BYTES 8
/* A length and a name in front, a checksum behind. */
#define CHUNK_HEAD_BYTES 8
#define CHUNK_BYTES 12
#define HEAD_BYTES 13

static bool is_chunk(const uint8_t *name, const char *wanted) {
    return memcmp(name, wanted, 4) == 0;
}

static bool is_kept(const uint8_t *name) {
    /* Critical chunks have a capital letter. */
    if ((name[0] & 0x20) == 0)
        return true;
    static const char kept[][5] = {"tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "sBIT", "bKGD",
                                   "pHYs", "cICP", "mDCV", "cLLI", "acTL", "fcTL", "fdAT"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (is_chunk(name, kept[i]))
            return true;
    return false;
}

static void write_be32(uint8_t *out, uint32_t value) {
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Of the first such chunk the orientation stays. */
static void take_exif(struct picture_walk *walk, size_t at, size_t length, bool *found) {
    uint8_t chunk[CHUNK_BYTES + PICTURE_EXIF_BYTES] = {0,   0,   0,   PICTURE_EXIF_BYTES,
                                                       'e', 'X', 'I', 'f'};
    uint8_t orientation = 0;
    if (!*found)
        orientation = picture_exif_orientation(walk->bytes + at + CHUNK_HEAD_BYTES, length);
    *found = true;
    if (orientation <= 1) {
        picture_walk_drop(walk, length + CHUNK_BYTES);
        return;
    }
    walk->orientation = orientation;
    picture_exif_write(orientation, chunk + CHUNK_HEAD_BYTES);
    write_be32(chunk + CHUNK_HEAD_BYTES + PICTURE_EXIF_BYTES,
               (uint32_t)crc32(0, chunk + 4, 4 + PICTURE_EXIF_BYTES));
    picture_walk_replace(walk, at, length + CHUNK_BYTES, chunk, sizeof chunk);
}

static bool take_head(struct picture_walk *walk, const uint8_t *name, size_t length) {
    struct picture *picture = walk->picture;
    if (!is_chunk(name, "IHDR") || length != HEAD_BYTES)
        return false;
    picture->width = picture_be32(name + 4);
    picture->height = picture_be32(name + 8);
    return picture->width <= INT32_MAX && picture->height <= INT32_MAX;
}

bool picture_read_png(struct picture_walk *walk) {
    struct picture *picture = walk->picture;
    bool exif = false, first = true;
    size_t at = SIGNATURE_BYTES;
    picture_walk_keep(walk, 0, SIGNATURE_BYTES);
    while (walk->size - at >= CHUNK_BYTES && !picture->whole) {
        size_t length = picture_be32(walk->bytes + at);
        const uint8_t *name = walk->bytes + at + 4;
        if (length > walk->size - at - CHUNK_BYTES)
            break;
        if (first && !take_head(walk, name, length))
            return false;
        first = false;
        if (is_chunk(name, "iCCP") || is_chunk(name, "cICP"))
            picture->profile = true;
        if (is_chunk(name, "acTL") && length >= 4)
            picture->frames = picture_be32(name + 4);
        if (is_chunk(name, "eXIf"))
            take_exif(walk, at, length, &exif);
        else if (is_kept(name))
            picture_walk_keep(walk, at, length + CHUNK_BYTES);
        else
            picture_walk_drop(walk, length + CHUNK_BYTES);
        at += length + CHUNK_BYTES;
        picture->whole = is_chunk(name, "IEND");
    }
    /* Of a file that was cut off, what there is of its pixels stays. */
    size_t rest = walk->size - at;
    if (!picture->whole && rest >= CHUNK_HEAD_BYTES && is_chunk(walk->bytes + at + 4, "IDAT"))
        picture_walk_keep(walk, at, rest);
    else
        picture_walk_drop(walk, rest);
    return !first;
}
