/*
 * Fuzz target of pictures: a copy counts its bytes, and a copy of a copy equals it. HEIF's copies
 * may differ, since what is blanked may be what says so.
 */
#include "services/preview/picture.h"
#include "services/preview/report.h"

#include "tests/fuzz/fuzz.h"

static bool append(void *context, const uint8_t *bytes, size_t size) {
    return buffer_add(context, bytes, size) == 0;
}

static void require_same_report(const struct picture *picture) {
    char text[PREVIEW_REPORT_BYTES];
    struct picture read;
    size_t length = preview_report_write(picture, text);
    require(length < sizeof text && preview_report_read(text, &read));
    require(read.kind == picture->kind && read.width == picture->width &&
            read.height == picture->height && read.kept_bytes == picture->kept_bytes &&
            read.removed == picture->removed && read.whole == picture->whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buffer copy = buffer_make(size + 4096), again = buffer_make(size + 4096);
    struct picture looked, copied, repeated;
    bool found = picture_read(data, size, NULL, NULL, &looked);
    require(picture_read(data, size, append, &copy, &copied) == found);
    if (found) {
        require(copy.length == looked.kept_bytes && copied.kept_bytes == looked.kept_bytes);
        require(looked.removed || (copy.length == size && memcmp(copy.data, data, size) == 0));
        require_same_report(&looked);
    }
    if (found && !picture_is_heif(looked.kind)) {
        const uint8_t *bytes = (const uint8_t *)copy.data;
        require(picture_read(bytes, copy.length, append, &again, &repeated));
        require(!repeated.removed && repeated.width == looked.width &&
                repeated.height == looked.height && repeated.frames == looked.frames);
        require(again.length == copy.length && memcmp(again.data, copy.data, copy.length) == 0);
    }
    buffer_free(&copy);
    buffer_free(&again);
    return 0;
}
