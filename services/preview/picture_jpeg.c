/*
 * JPEG: segments up to the end marker. Kept are those that a decoder needs, the colour profile and
 * the orientation; what stands behind the end is not: phones put videos and further pictures there,
 * each with places of its own.
 */
#include <string.h>

#include "services/preview/picture_exif.h"
#include "services/preview/picture_readers.h"

enum {
    MARKER_TEM = 0x01,
    MARKER_SOF0 = 0xc0,
    MARKER_DHT = 0xc4,
    MARKER_JPG = 0xc8,
    MARKER_DAC = 0xcc,
    MARKER_SOF15 = 0xcf,
    MARKER_RST0 = 0xd0,
    MARKER_RST7 = 0xd7,
    MARKER_SOI = 0xd8,
    MARKER_EOI = 0xd9,
    MARKER_SOS = 0xda,
    MARKER_DQT = 0xdb,
    MARKER_EXP = 0xdf,
    MARKER_APP0 = 0xe0,
    MARKER_APP1 = 0xe1,
    MARKER_APP2 = 0xe2,
    MARKER_APP14 = 0xee,
};

/* A marker, a length, "Exif" and two zeros. */
#define EXIF_HEAD_BYTES 10
#define EXIF_BYTES (EXIF_HEAD_BYTES + PICTURE_EXIF_BYTES)

struct segment {
    size_t at, end; /* its marker, and what follows it */
    const uint8_t *body;
    size_t length;
    uint8_t marker;
};

static bool begins_with(const struct segment *segment, const char *text, size_t length) {
    return segment->length >= length && memcmp(segment->body, text, length) == 0;
}

static bool is_frame(uint8_t marker) {
    return marker >= MARKER_SOF0 && marker <= MARKER_SOF15 && marker != MARKER_DHT &&
           marker != MARKER_JPG && marker != MARKER_DAC;
}

static bool stands_alone(uint8_t marker) {
    return marker == 0 || marker == MARKER_TEM || (marker >= MARKER_RST0 && marker <= MARKER_SOI);
}

static bool is_kept(const struct segment *segment) {
    switch (segment->marker) {
    case MARKER_APP0:
        return begins_with(segment, "JFIF", 5);
    case MARKER_APP2:
        return begins_with(segment, "ICC_PROFILE", 12);
    case MARKER_APP14:
        return begins_with(segment, "Adobe", 5);
    default:
        return is_frame(segment->marker) || segment->marker == MARKER_DHT ||
               segment->marker == MARKER_DAC ||
               (segment->marker >= MARKER_SOS && segment->marker <= MARKER_EXP);
    }
}

/* The first tells the orientation; of the others nothing stays. */
static void take_exif(struct picture_walk *walk, const struct segment *segment, bool *found) {
    uint8_t block[EXIF_BYTES] = {0xff, MARKER_APP1, 0, EXIF_BYTES - 2, 'E', 'x', 'i', 'f'};
    size_t length = segment->end - segment->at;
    uint8_t orientation = 0;
    if (!*found)
        orientation = picture_exif_orientation(segment->body + 6, segment->length - 6);
    *found = true;
    if (orientation <= 1) {
        picture_walk_drop(walk, length);
        return;
    }
    walk->orientation = orientation;
    picture_exif_write(orientation, block + EXIF_HEAD_BYTES);
    picture_walk_replace(walk, segment->at, length, block, sizeof block);
}

static void take_frame(struct picture *picture, const struct segment *segment) {
    if (segment->length < 6 || picture->width > 0)
        return;
    picture->height = picture_be16(segment->body + 1);
    picture->width = picture_be16(segment->body + 3);
    if (segment->body[5] == 4) /* inks */
        picture->profile = true;
}

/* The end of the coded data that begins at `at`: the next marker that isn't part of it. */
static size_t scan_end(const struct picture_walk *walk, size_t at) {
    while (at < walk->size) {
        const uint8_t *found = memchr(walk->bytes + at, 0xff, walk->size - at);
        if (found == NULL || (size_t)(found - walk->bytes) + 1 >= walk->size)
            break;
        at = (size_t)(found - walk->bytes);
        uint8_t next = walk->bytes[at + 1];
        if (next == 0xff)
            at++;
        else if (next == 0 || (next >= MARKER_RST0 && next <= MARKER_RST7))
            at += 2;
        else
            return at;
    }
    return walk->size;
}

/* The next segment at or behind `*at`; false: there is none that is whole. What stands between is
 * dropped. `*at` is behind its marker then. */
static bool next_segment(struct picture_walk *walk, size_t *at, struct segment *segment_r) {
    size_t from = *at;
    while (*at < walk->size) {
        const uint8_t *found = memchr(walk->bytes + *at, 0xff, walk->size - *at);
        if (found == NULL)
            break;
        *at = (size_t)(found - walk->bytes);
        while (*at < walk->size && walk->bytes[*at] == 0xff)
            (*at)++;
        if (*at == walk->size)
            break;
        *segment_r = (struct segment){.at = *at - 1, .marker = walk->bytes[*at]};
        (*at)++;
        segment_r->end = *at;
        if (stands_alone(segment_r->marker))
            continue;
        picture_walk_drop(walk, segment_r->at - from);
        return true;
    }
    picture_walk_drop(walk, walk->size - from);
    return false;
}

/* Finds the end of a segment whose length follows its marker. */
static bool measure(const struct picture_walk *walk, struct segment *segment) {
    size_t at = segment->end;
    if (walk->size - at < 2)
        return false;
    size_t length = picture_be16(walk->bytes + at);
    if (length < 2 || length > walk->size - at)
        return false;
    segment->body = walk->bytes + at + 2;
    segment->length = length - 2;
    segment->end = at + length;
    return true;
}

bool picture_read_jpeg(struct picture_walk *walk) {
    struct picture *picture = walk->picture;
    struct segment segment;
    bool exif = false, scan = false;
    size_t at = 2;
    picture_walk_keep(walk, 0, 2);
    while (next_segment(walk, &at, &segment)) {
        if (segment.marker == MARKER_EOI) {
            picture_walk_keep(walk, segment.at, 2);
            picture_walk_drop(walk, walk->size - segment.end);
            picture->whole = scan;
            break;
        }
        if (!measure(walk, &segment)) {
            picture_walk_drop(walk, walk->size - segment.at);
            break;
        }
        at = segment.end;
        if (is_frame(segment.marker))
            take_frame(picture, &segment);
        if (segment.marker == MARKER_APP1 && begins_with(&segment, "Exif\0", 6)) {
            take_exif(walk, &segment, &exif);
            continue;
        }
        if (!is_kept(&segment)) {
            picture_walk_drop(walk, segment.end - segment.at);
            continue;
        }
        if (segment.marker == MARKER_APP2)
            picture->profile = true;
        picture_walk_keep(walk, segment.at, segment.end - segment.at);
        if (segment.marker == MARKER_SOS) {
            scan = true;
            at = scan_end(walk, segment.end);
            picture_walk_keep(walk, segment.end, at - segment.end);
        }
    }
    return true;
}
