/* Objects of an exact size, for tests of the edge's limits. */
#ifndef PARLEY_TESTS_EDGE_OBJECT_H
#define PARLEY_TESTS_EDGE_OBJECT_H

#include <stddef.h>

/* A JSON object of exactly that many bytes, at least 8, with a 0 behind; the caller frees it. */
char *edge_object_of(size_t length);

#endif
