/* The limit of open files; see files.h. */
#include "common/files.h"

#include <sys/resource.h>

/* The least that POSIX promises, if the kernel does not report its limit. */
#define FILES_LEAST 20

uint64_t files_limit(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : FILES_LEAST;
}

uint64_t files_raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < FILES_MAX ? limit.rlim_max : (rlim_t)FILES_MAX;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    return files_limit();
}
