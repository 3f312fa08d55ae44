/* A file in memory for parsers that read one by its name; each call replaces what it held. */
#ifndef PARLEY_TESTS_FUZZ_MEMORY_FILE_H
#define PARLEY_TESTS_FUZZ_MEMORY_FILE_H

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define MEMORY_FILE_NAME_BYTES 32

/* The file is its owner's alone; its name goes to `name_r`. */
static inline void memory_file(const void *bytes, size_t size,
                               char name_r[MEMORY_FILE_NAME_BYTES]) {
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        require(fd >= 0 && fchmod(fd, 0600) == 0);
    }
    require(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
    snprintf(name_r, MEMORY_FILE_NAME_BYTES, "/proc/self/fd/%d", fd);
}

#endif
