/* GIF: blocks up to the trailer. Comments and what applications say go, but for the repetitions. */
#include <string.h>

#include "services/preview/picture_readers.h"

enum { BLOCK_EXTENSION = 0x21, BLOCK_FRAME = 0x2c, BLOCK_TRAILER = 0x3b };
enum { EXTENSION_COMMENT = 0xfe, EXTENSION_APPLICATION = 0xff };

#define HEAD_BYTES 13
#define FRAME_HEAD_BYTES 10
#define APPLICATION_BYTES 11

static size_t palette_bytes(uint8_t flags) {
    return (flags & 0x80) == 0 ? 0 : (size_t)3 << ((flags & 7) + 1);
}

/* Behind the sub-blocks that begin at `at`, each with its length in front, up to an empty one; 0:
 * they have no end. */
static size_t behind_blocks(const struct picture_walk *walk, size_t at) {
    while (at < walk->size) {
        uint8_t length = walk->bytes[at++];
        if (length == 0)
            return at;
        if (length > walk->size - at)
            return 0;
        at += length;
    }
    return 0;
}

static bool is_kept(const struct picture_walk *walk, size_t at) {
    if (walk->bytes[at + 1] == EXTENSION_COMMENT)
        return false;
    if (walk->bytes[at + 1] != EXTENSION_APPLICATION)
        return true;
    return walk->size - at > 3 + APPLICATION_BYTES && walk->bytes[at + 2] == APPLICATION_BYTES &&
           (memcmp(walk->bytes + at + 3, "NETSCAPE2.0", APPLICATION_BYTES) == 0 ||
            memcmp(walk->bytes + at + 3, "ANIMEXTS1.0", APPLICATION_BYTES) == 0);
}

/* Behind the block at `at`; 0: it is no block, or has no end. */
static size_t behind(const struct picture_walk *walk, size_t at) {
    size_t left = walk->size - at;
    if (walk->bytes[at] == BLOCK_EXTENSION)
        return left < 3 ? 0 : behind_blocks(walk, at + 2);
    if (walk->bytes[at] != BLOCK_FRAME || left < FRAME_HEAD_BYTES)
        return 0;
    /* Its head, its palette, and a byte for the code's size. */
    size_t head = FRAME_HEAD_BYTES + palette_bytes(walk->bytes[at + 9]) + 1;
    return left < head ? 0 : behind_blocks(walk, at + head);
}

bool picture_read_gif(struct picture_walk *walk) {
    struct picture *picture = walk->picture;
    if (walk->size < HEAD_BYTES)
        return false;
    picture->width = picture_le16(walk->bytes + 6);
    picture->height = picture_le16(walk->bytes + 8);
    size_t at = HEAD_BYTES + palette_bytes(walk->bytes[10]);
    if (at > walk->size)
        return false;
    picture_walk_keep(walk, 0, at);
    picture->frames = 0;
    while (at < walk->size && walk->bytes[at] != BLOCK_TRAILER) {
        size_t end = behind(walk, at);
        if (end == 0)
            break;
        if (walk->bytes[at] == BLOCK_FRAME)
            picture->frames++;
        if (walk->bytes[at] == BLOCK_FRAME || is_kept(walk, at))
            picture_walk_keep(walk, at, end - at);
        else
            picture_walk_drop(walk, end - at);
        at = end;
    }
    if (at < walk->size && walk->bytes[at] == BLOCK_TRAILER) {
        picture_walk_keep(walk, at++, 1);
        picture->whole = true;
    } else if (at < walk->size && walk->bytes[at] == BLOCK_FRAME) {
        /* Of a file that was cut off, what there is of its pixels stays. */
        picture_walk_keep(walk, at, walk->size - at);
        at = walk->size;
        picture->frames++;
    }
    picture_walk_drop(walk, walk->size - at);
    return picture->frames > 0;
}
