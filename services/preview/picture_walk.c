/* What is kept of a picture, and what is not. */
#include "services/preview/picture_walk.h"

#include <string.h>

void picture_walk_insert(struct picture_walk *walk, const void *bytes, size_t length) {
    walk->picture->kept_bytes += length;
    if (walk->sink != NULL && length > 0 && !walk->failed)
        walk->failed = !walk->sink(walk->context, bytes, length);
}

void picture_walk_keep(struct picture_walk *walk, size_t at, size_t length) {
    picture_walk_insert(walk, walk->bytes + at, length);
}

void picture_walk_drop(struct picture_walk *walk, size_t length) {
    if (length > 0)
        walk->picture->removed = true;
}

void picture_walk_replace(struct picture_walk *walk, size_t at, size_t length,
                          const void *replacement, size_t replacement_length) {
    if (length != replacement_length || memcmp(walk->bytes + at, replacement, length) != 0)
        picture_walk_drop(walk, length);
    picture_walk_insert(walk, replacement, replacement_length);
}
