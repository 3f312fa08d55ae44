/* A picture as a line of text. */
#include "services/preview/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/preview/number.h"

size_t preview_report_write(const struct picture *picture, char out[PREVIEW_REPORT_BYTES]) {
    int length = snprintf(out, PREVIEW_REPORT_BYTES,
                          "%u %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 " %u %u %u\n",
                          (unsigned)picture->kind, picture->width, picture->height, picture->frames,
                          picture->kept_bytes, picture->profile, picture->removed, picture->whole);
    return (size_t)length;
}

/* The numbers of a line, each up to its own. */
enum { KIND, WIDTH, HEIGHT, FRAMES, KEPT_BYTES, PROFILE, REMOVED, WHOLE, NUMBERS };
static const uint64_t most[NUMBERS] = {PICTURE_KINDS - 1, UINT32_MAX, UINT32_MAX, UINT32_MAX,
                                       UINT64_MAX,        1,          1,          1};

bool preview_report_read(const char *text, struct picture *picture_r) {
    uint64_t numbers[NUMBERS];
    *picture_r = (struct picture){.kind = PICTURE_NONE};
    for (int i = 0; i < NUMBERS; i++)
        if (!preview_take_number(&text, most[i], &numbers[i]) ||
            !preview_take(&text, i == NUMBERS - 1 ? "\n" : " "))
            return false;
    if (*text != '\0' || numbers[KIND] == PICTURE_NONE)
        return false;
    *picture_r = (struct picture){.kind = (enum picture_kind)numbers[KIND],
                                  .width = (uint32_t)numbers[WIDTH],
                                  .height = (uint32_t)numbers[HEIGHT],
                                  .frames = (uint32_t)numbers[FRAMES],
                                  .kept_bytes = numbers[KEPT_BYTES],
                                  .profile = numbers[PROFILE] == 1,
                                  .removed = numbers[REMOVED] == 1,
                                  .whole = numbers[WHOLE] == 1};
    return true;
}
