/*
 * HEIF and AVIF: what the items of EXIF data, of XMP and of other text hold is replaced by zeros.
 * Which bytes these are the box `meta` says: `iinf` lists the items, `iloc` where they are.
 * Decoders take the orientation from a property of the picture, not from EXIF.
 */
#include <string.h>

#include "services/preview/picture_readers.h"

/* limit: files | pieces of an item of a HEIF picture that holds metadata, removed |
 * {HEIF_PIECES_MAX} | the picture counts as an ordinary file */
#define HEIF_PIECES_MAX 64
/* limit: files | items of a HEIF picture | {HEIF_ITEMS_MAX} | the picture counts as an ordinary
 * file */
#define HEIF_ITEMS_MAX 4096

struct bytes {
    const uint8_t *at;
    size_t left;
    bool failed; /* there were fewer than were asked for */
};

struct pieces {
    struct {
        size_t from, to;
    } at[HEIF_PIECES_MAX];
    size_t count;
};

struct meta {
    struct bytes info, places; /* iinf, iloc */
    size_t data_at;            /* where what idat holds begins */
};

static uint64_t take(struct bytes *bytes, size_t length) {
    uint64_t value = 0;
    if (length > bytes->left) {
        bytes->failed = true;
        bytes->left = 0;
        return 0;
    }
    for (size_t i = 0; i < length; i++)
        value = value << 8 | bytes->at[i];
    bytes->at += length;
    bytes->left -= length;
    return value;
}

/* Takes a box; false: there is none any more. */
static bool take_box(struct bytes *bytes, char name_r[5], struct bytes *body_r) {
    size_t whole = bytes->left, head = 8;
    if (whole < head)
        return false;
    uint64_t size = take(bytes, 4);
    memcpy(name_r, bytes->at, 4);
    name_r[4] = '\0';
    (void)take(bytes, 4);
    if (size == 1) {
        size = take(bytes, 8);
        head = 16;
    } else if (size == 0) {
        size = whole;
    }
    if (bytes->failed || size < head || size > whole)
        return false;
    *body_r = (struct bytes){.at = bytes->at, .left = (size_t)size - head};
    bytes->at += body_r->left;
    bytes->left = whole - (size_t)size;
    return true;
}

static bool is_metadata(const uint8_t *type) {
    return memcmp(type, "Exif", 4) == 0 || memcmp(type, "mime", 4) == 0 ||
           memcmp(type, "uri ", 4) == 0;
}

/* Whether the list of items has one of that number that is no picture. */
static bool item_is_metadata(struct bytes info, uint64_t wanted) {
    uint64_t version = take(&info, 4) >> 24;
    (void)take(&info, version == 0 ? 2 : 4);
    char name[5];
    struct bytes item;
    while (!info.failed && take_box(&info, name, &item)) {
        uint64_t item_version = take(&item, 4) >> 24;
        if (strcmp(name, "infe") != 0 || item_version < 2)
            continue;
        uint64_t number = take(&item, item_version == 2 ? 2 : 4);
        (void)take(&item, 2);
        if (!item.failed && item.left >= 4 && number == wanted && is_metadata(item.at))
            return true;
    }
    return false;
}

static bool add_piece(struct pieces *pieces, size_t from, uint64_t length, size_t size) {
    if (from >= size || length == 0)
        return true;
    if (pieces->count == HEIF_PIECES_MAX)
        return false;
    size_t to = length > size - from ? size : from + (size_t)length, i = pieces->count++;
    for (; i > 0 && pieces->at[i - 1].from > from; i--)
        pieces->at[i] = pieces->at[i - 1];
    pieces->at[i].from = from;
    pieces->at[i].to = to;
    return true;
}

/* Adds where the items are that are metadata; false: there are too many pieces. */
static bool find_pieces(const struct picture_walk *walk, const struct meta *meta,
                        struct pieces *pieces) {
    struct bytes places = meta->places;
    uint64_t version = take(&places, 4) >> 24, sizes = take(&places, 2);
    size_t offset_size = sizes >> 12 & 15, length_size = sizes >> 8 & 15;
    size_t base_size = sizes >> 4 & 15, index_size = version == 0 ? 0 : sizes & 15;
    uint64_t items = take(&places, version < 2 ? 2 : 4);
    if (items > HEIF_ITEMS_MAX)
        return false;
    for (uint64_t i = 0; i < items && !places.failed; i++) {
        uint64_t number = take(&places, version < 2 ? 2 : 4);
        bool in_data = version > 0 && (take(&places, 2) & 15) == 1;
        (void)take(&places, 2);
        uint64_t base = take(&places, base_size), extents = take(&places, 2);
        bool wanted = item_is_metadata(meta->info, number);
        for (uint64_t j = 0; j < extents && !places.failed; j++) {
            (void)take(&places, index_size);
            uint64_t from = base + take(&places, offset_size), length = take(&places, length_size);
            from = from > walk->size ? walk->size : from;
            if (in_data)
                from += meta->data_at;
            if (wanted && !places.failed && !add_piece(pieces, (size_t)from, length, walk->size))
                return false;
        }
    }
    return true;
}

static void find_meta(const struct picture_walk *walk, struct meta *meta) {
    struct bytes all = {.at = walk->bytes, .left = walk->size}, body, child;
    char name[5];
    while (take_box(&all, name, &body)) {
        if (strcmp(name, "meta") != 0)
            continue;
        (void)take(&body, 4);
        while (take_box(&body, name, &child)) {
            if (strcmp(name, "iinf") == 0)
                meta->info = child;
            else if (strcmp(name, "iloc") == 0)
                meta->places = child;
            else if (strcmp(name, "idat") == 0)
                meta->data_at = (size_t)(child.at - walk->bytes);
        }
        return;
    }
}

static void blank(struct picture_walk *walk, size_t from, size_t to) {
    static const uint8_t zeros[4096];
    while (from < to) {
        size_t length = to - from < sizeof zeros ? to - from : sizeof zeros;
        picture_walk_replace(walk, from, length, zeros, length);
        from += length;
    }
}

bool picture_read_heif(struct picture_walk *walk) {
    struct meta meta = {.info = {0}};
    struct pieces pieces = {.count = 0};
    find_meta(walk, &meta);
    if (meta.info.left == 0 || meta.places.left == 0 || !find_pieces(walk, &meta, &pieces))
        return false;
    size_t at = 0;
    for (size_t i = 0; i < pieces.count; i++) {
        size_t from = pieces.at[i].from > at ? pieces.at[i].from : at;
        if (from >= pieces.at[i].to)
            continue;
        picture_walk_keep(walk, at, from - at);
        blank(walk, from, pieces.at[i].to);
        at = pieces.at[i].to;
    }
    picture_walk_keep(walk, at, walk->size - at);
    walk->picture->whole = true;
    walk->picture->profile = true;
    return true;
}
