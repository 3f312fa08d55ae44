/* The one entry of EXIF data that a picture needs. */
#include "services/preview/picture_exif.h"

#include <stdbool.h>
#include <string.h>

#include "services/preview/picture_walk.h"

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3
#define ENTRY_BYTES 12

static uint32_t read16(const uint8_t *at, bool little) {
    return little ? picture_le16(at) : picture_be16(at);
}

static uint32_t read32(const uint8_t *at, bool little) {
    return little ? picture_le32(at) : picture_be32(at);
}

uint8_t picture_exif_orientation(const uint8_t *bytes, size_t size) {
    if (size < 8)
        return 0;
    bool little = memcmp(bytes, "II*\0", 4) == 0;
    if (!little && memcmp(bytes, "MM\0*", 4) != 0)
        return 0;
    size_t at = read32(bytes + 4, little);
    if (at > size || size - at < 2)
        return 0;
    uint32_t entries = read16(bytes + at, little);
    at += 2;
    for (uint32_t i = 0; i < entries && size - at >= ENTRY_BYTES; i++, at += ENTRY_BYTES) {
        const uint8_t *entry = bytes + at;
        if (read16(entry, little) != TAG_ORIENTATION)
            continue;
        uint32_t value = read16(entry + 8, little);
        bool right = read16(entry + 2, little) == TYPE_SHORT && read32(entry + 4, little) == 1;
        return right && value >= 1 && value <= 8 ? (uint8_t)value : 0;
    }
    return 0;
}

void picture_exif_write(uint8_t orientation, uint8_t out[PICTURE_EXIF_BYTES]) {
    /* The header, a directory of one entry with one short number, and no further directory. */
    static const uint8_t block[PICTURE_EXIF_BYTES] = {
        'I',       'I', '*', 0, 8, 0, 0, 0, 1, 0, TAG_ORIENTATION & 0xff, TAG_ORIENTATION >> 8,
        TYPE_SHORT};
    memcpy(out, block, sizeof block);
    out[14] = 1;
    out[18] = orientation;
}
