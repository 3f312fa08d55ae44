/* A picture is read by the reader of its kind. */
#include "services/preview/picture.h"

#include "services/preview/picture_readers.h"

static bool read_picture(struct picture_walk *walk) {
    static bool (*const readers[PICTURE_KINDS])(struct picture_walk *) = {
        [PICTURE_JPEG] = picture_read_jpeg, [PICTURE_PNG] = picture_read_png,
        [PICTURE_GIF] = picture_read_gif,   [PICTURE_WEBP] = picture_read_webp,
        [PICTURE_HEIC] = picture_read_heif, [PICTURE_HEIF] = picture_read_heif,
        [PICTURE_AVIF] = picture_read_heif,
    };
    struct picture *picture = walk->picture;
    *picture = (struct picture){.kind = picture_kind(walk->bytes, walk->size), .frames = 1};
    if (picture->kind == PICTURE_NONE || !readers[picture->kind](walk) || walk->failed)
        return false;
    if (walk->orientation >= 5) {
        uint32_t width = picture->width;
        picture->width = picture->height;
        picture->height = width;
    }
    return picture_is_heif(picture->kind) || (picture->width > 0 && picture->height > 0);
}

bool picture_read(const uint8_t *bytes, size_t size, picture_sink *sink, void *context,
                  struct picture *picture_r) {
    struct picture_walk walk = {
        .bytes = bytes, .size = size, .sink = sink, .context = context, .picture = picture_r};
    return read_picture(&walk);
}

bool picture_read_preview(const uint8_t *bytes, size_t size, picture_sink *sink, void *context,
                          struct picture *picture_r) {
    struct picture_walk walk = {.bytes = bytes,
                                .size = size,
                                .sink = sink,
                                .context = context,
                                .picture = picture_r,
                                .preview = true};
    return read_picture(&walk) && picture_r->kind == PICTURE_WEBP;
}
