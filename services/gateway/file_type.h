/*
 * How a file is given to a browser: only pictures, sounds and films of types that can't hold a
 * script are shown in place, everything else is saved. Pure.
 */
#ifndef PARLEY_GATEWAY_FILE_TYPE_H
#define PARLEY_GATEWAY_FILE_TYPE_H

#include "common/buffer.h"
#include "common/record.h"

/* Appends Content-Type and Content-Disposition (RFC 6266), whole lines. */
void file_type_write(struct slice mime, struct slice name, struct buffer *out);
/* The same for a preview: files makes nothing else (services/files/preview.h). */
#define FILE_TYPE_OF_PREVIEW "Content-Type: image/webp\r\nContent-Disposition: inline\r\n"

#endif
