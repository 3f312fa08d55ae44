/* Kinds of pictures, by their first bytes. */
#include "services/preview/picture_kind.h"

#include <string.h>

static enum picture_kind heif_kind(const uint8_t *brand) {
    static const struct {
        char brand[5];
        enum picture_kind kind;
    } brands[] = {
        {"heic", PICTURE_HEIC}, {"heix", PICTURE_HEIC}, {"heim", PICTURE_HEIC},
        {"heis", PICTURE_HEIC}, {"hevc", PICTURE_HEIC}, {"hevx", PICTURE_HEIC},
        {"mif1", PICTURE_HEIF}, {"msf1", PICTURE_HEIF}, {"avif", PICTURE_AVIF},
        {"avis", PICTURE_AVIF},
    };
    for (size_t i = 0; i < sizeof brands / sizeof brands[0]; i++)
        if (memcmp(brand, brands[i].brand, 4) == 0)
            return brands[i].kind;
    return PICTURE_NONE;
}

enum picture_kind picture_kind(const uint8_t *bytes, size_t size) {
    if (size < PICTURE_KIND_BYTES)
        return PICTURE_NONE;
    if (memcmp(bytes, "\xff\xd8\xff", 3) == 0)
        return PICTURE_JPEG;
    if (memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0)
        return PICTURE_PNG;
    if (memcmp(bytes, "GIF87a", 6) == 0 || memcmp(bytes, "GIF89a", 6) == 0)
        return PICTURE_GIF;
    if (memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
        return PICTURE_WEBP;
    return memcmp(bytes + 4, "ftyp", 4) == 0 ? heif_kind(bytes + 8) : PICTURE_NONE;
}

const char *picture_mime(enum picture_kind kind) {
    static const char *const mimes[PICTURE_KINDS] = {
        [PICTURE_JPEG] = "image/jpeg", [PICTURE_PNG] = "image/png",   [PICTURE_GIF] = "image/gif",
        [PICTURE_WEBP] = "image/webp", [PICTURE_HEIC] = "image/heic", [PICTURE_HEIF] = "image/heif",
        [PICTURE_AVIF] = "image/avif",
    };
    return kind < PICTURE_KINDS ? mimes[kind] : NULL;
}

bool picture_is_heif(enum picture_kind kind) {
    return kind == PICTURE_HEIC || kind == PICTURE_HEIF || kind == PICTURE_AVIF;
}
