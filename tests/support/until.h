/*
 * Waiting for a condition: TEST_UNTIL(condition, format, ...) looks again and again until it holds,
 * and fails the test with that sentence after TEST_DEADLINE_MS, which the including file has.
 * Include behind cmocka.h.
 */
#ifndef PARLEY_TESTS_UNTIL_H
#define PARLEY_TESTS_UNTIL_H

#include <time.h>

#include "common/loop.h"

/* Between two looks, so that the awaited program gets the processor. */
#define TEST_LOOK_NS 2000000

#define TEST_UNTIL(condition_, ...)                                                                \
    do {                                                                                           \
        int64_t end_ms_ = loop_now_ms() + TEST_DEADLINE_MS;                                        \
        while (!(condition_)) {                                                                    \
            if (loop_now_ms() >= end_ms_)                                                          \
                fail_msg(__VA_ARGS__);                                                             \
            nanosleep(&(struct timespec){.tv_nsec = TEST_LOOK_NS}, NULL);                          \
        }                                                                                          \
    } while (0)

#endif
