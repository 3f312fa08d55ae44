/* What a file may be called, as gateway and files know it. Pure. */
#ifndef PARLEY_PROTO_FILE_WORDS_H
#define PARLEY_PROTO_FILE_WORDS_H

#include <stdbool.h>

#include "common/record.h"

/* A name in UTF-8, and no path: others save the file under it. It looks as it is: without control
 * characters, ends of lines and overrides of the writing direction. */
bool file_name_is_valid(struct slice name);
/* RFC 6838: two names of letters, digits and a few signs, such as image/jpeg. */
bool file_mime_is_valid(struct slice mime);

#endif
