/* WebP: chunks of a RIFF. Its head counts the bytes, so the walk goes over it twice. */
#include <string.h>

#include "services/preview/picture_exif.h"
#include "services/preview/picture_readers.h"

#define RIFF_BYTES 12
#define CHUNK_HEAD_BYTES 8
#define EXTENDED_BYTES 10

enum { FLAG_XMP = 0x04, FLAG_EXIF = 0x08, FLAG_PROFILE = 0x20 };

static bool is_chunk(const uint8_t *name, const char *wanted) {
    return memcmp(name, wanted, 4) == 0;
}

static bool is_kept(const uint8_t *name) {
    static const char kept[][5] = {"VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (is_chunk(name, kept[i]))
            return true;
    return false;
}

/* Of the first chunk, of which there are `length` bytes. */
static bool take_head(struct picture *picture, const uint8_t *name, size_t length) {
    const uint8_t *body = name + CHUNK_HEAD_BYTES;
    if (is_chunk(name, "VP8X") && length >= EXTENDED_BYTES) {
        picture->width = picture_le24(body + 4) + 1;
        picture->height = picture_le24(body + 7) + 1;
    } else if (is_chunk(name, "VP8L") && length >= 5 && body[0] == 0x2f) {
        uint32_t bits = picture_le32(body + 1);
        picture->width = (bits & 0x3fff) + 1;
        picture->height = (bits >> 14 & 0x3fff) + 1;
    } else if (is_chunk(name, "VP8 ") && length >= 10 && memcmp(body + 3, "\x9d\x01*", 3) == 0) {
        picture->width = picture_le16(body + 6) & 0x3fff;
        picture->height = picture_le16(body + 8) & 0x3fff;
    } else {
        return false;
    }
    return true;
}

/* The flags of VP8X say what there is. */
static void keep_extended(struct picture_walk *walk, size_t at, size_t length, bool exif) {
    uint8_t flags = walk->bytes[at + CHUNK_HEAD_BYTES];
    uint8_t right = (uint8_t)((flags & ~(FLAG_XMP | FLAG_EXIF)) | (exif ? FLAG_EXIF : 0));
    if (walk->preview)
        right &= (uint8_t)~FLAG_PROFILE;
    picture_walk_keep(walk, at, CHUNK_HEAD_BYTES);
    picture_walk_replace(walk, at + CHUNK_HEAD_BYTES, 1, &right, 1);
    picture_walk_keep(walk, at + CHUNK_HEAD_BYTES + 1, length - CHUNK_HEAD_BYTES - 1);
}

/* Of the first such chunk the orientation stays, where a VP8X says that there is one. */
static void take_exif(struct picture_walk *walk, size_t at, size_t length, bool extended) {
    uint8_t chunk[CHUNK_HEAD_BYTES + PICTURE_EXIF_BYTES] = {'E', 'X', 'I', 'F', PICTURE_EXIF_BYTES};
    const uint8_t *body = walk->bytes + at + CHUNK_HEAD_BYTES;
    size_t body_length = length - CHUNK_HEAD_BYTES;
    /* Some put the name of JPEG's segment in front. */
    size_t head = body_length >= 6 && memcmp(body, "Exif\0", 6) == 0 ? 6 : 0;
    uint8_t orientation = 0;
    if (extended && walk->orientation == 0)
        orientation = picture_exif_orientation(body + head, body_length - head);
    if (orientation <= 1) {
        picture_walk_drop(walk, length);
        return;
    }
    walk->orientation = orientation;
    picture_exif_write(orientation, chunk + CHUNK_HEAD_BYTES);
    picture_walk_replace(walk, at, length, chunk, sizeof chunk);
}

static void take_profile(struct picture_walk *walk, size_t at, size_t length) {
    if (walk->preview) {
        picture_walk_drop(walk, length);
        return;
    }
    walk->picture->profile = true;
    picture_walk_keep(walk, at, length);
}

/* `exif`: the copy has such a chunk, as the walk before found. */
static bool walk_chunks(struct picture_walk *walk, size_t end, bool exif) {
    struct picture *picture = walk->picture;
    size_t at = RIFF_BYTES;
    bool extended = is_chunk(walk->bytes + at, "VP8X");
    bool cut = false;
    picture->frames = 0;
    while (end - at >= CHUNK_HEAD_BYTES) {
        const uint8_t *name = walk->bytes + at;
        size_t body = picture_le32(name + 4), length = CHUNK_HEAD_BYTES + body + (body & 1);
        if (length > end - at) {
            cut = true;
            length = end - at;
            body = length - CHUNK_HEAD_BYTES;
        }
        if (at == RIFF_BYTES && !take_head(picture, name, body))
            return false;
        picture->frames += is_chunk(name, "ANMF");
        if (is_chunk(name, "VP8X") && body >= EXTENDED_BYTES)
            keep_extended(walk, at, length, exif);
        else if (is_chunk(name, "EXIF") && !cut)
            take_exif(walk, at, length, extended);
        else if (is_chunk(name, "ICCP"))
            take_profile(walk, at, length);
        else if (is_kept(name))
            picture_walk_keep(walk, at, length);
        else
            picture_walk_drop(walk, length);
        at += length;
    }
    picture->whole = !cut && at == end;
    picture_walk_drop(walk, end - at);
    return picture->width > 0;
}

bool picture_read_webp(struct picture_walk *walk) {
    size_t declared = picture_le32(walk->bytes + 4);
    size_t end = declared > walk->size - 8 ? walk->size : declared + 8;
    if (end < RIFF_BYTES + CHUNK_HEAD_BYTES)
        return false;
    struct picture found = *walk->picture;
    struct picture_walk first = {
        .bytes = walk->bytes, .size = walk->size, .picture = &found, .preview = walk->preview};
    if (!walk_chunks(&first, end, false))
        return false;
    uint8_t riff[RIFF_BYTES];
    memcpy(riff, walk->bytes, sizeof riff);
    /* Of a file that was cut off it keeps counting what is missing. */
    uint64_t bytes = declared + found.kept_bytes - (end - RIFF_BYTES);
    for (int i = 0; i < 4; i++)
        riff[4 + i] = (uint8_t)(bytes >> (8 * i));
    picture_walk_replace(walk, 0, sizeof riff, riff, sizeof riff);
    bool right = walk_chunks(walk, end, first.orientation != 0);
    walk->picture->whole = walk->picture->whole && declared <= walk->size - 8;
    walk->picture->frames = walk->picture->frames > 0 ? walk->picture->frames : 1;
    picture_walk_drop(walk, walk->size - end);
    return right;
}
