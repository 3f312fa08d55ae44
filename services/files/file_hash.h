/* The SHA-256 of a file. */
#ifndef PARLEY_FILES_FILE_HASH_H
#define PARLEY_FILES_FILE_HASH_H

#include "common/error.h"

#define FILE_HASH_BYTES 32

/* unavailable: it cannot be read. */
enum err file_hash(const char *path, unsigned char sha256_r[FILE_HASH_BYTES])
    __attribute__((warn_unused_result));

#endif
