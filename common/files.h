/*
 * How many files (sockets, mostly) this process may have open.
 */
#ifndef PARLEY_COMMON_FILES_H
#define PARLEY_COMMON_FILES_H

#include <stdint.h>

/* limit: service | open files | the hard limit, at most {FILES_MAX} | see the next rows */
/* More is never asked for: libwebsockets takes 16 bytes for each descriptor that the limit allows,
 * and Docker's is 2^30. */
#define FILES_MAX ((uint64_t)1 << 20)

/* The limit as it is. */
uint64_t files_limit(void);
/* Raises it as far as the hard limit and FILES_MAX allow, and returns it. Every program does so at
 * its start. */
uint64_t files_raise_limit(void);

#endif
