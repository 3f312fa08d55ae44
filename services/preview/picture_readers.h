/* The readers of each kind of picture: each walks over all bytes, and fills the picture's fields.
 */
#ifndef PARLEY_PREVIEW_PICTURE_READERS_H
#define PARLEY_PREVIEW_PICTURE_READERS_H

#include "services/preview/picture_walk.h"

/* False: no picture. */
bool picture_read_jpeg(struct picture_walk *walk) __attribute__((warn_unused_result));
bool picture_read_png(struct picture_walk *walk) __attribute__((warn_unused_result));
bool picture_read_gif(struct picture_walk *walk) __attribute__((warn_unused_result));
bool picture_read_webp(struct picture_walk *walk) __attribute__((warn_unused_result));
bool picture_read_heif(struct picture_walk *walk) __attribute__((warn_unused_result));

#endif
