/*
 * A program whose wall clock is wrong, by libfaketime; its monotonic clock goes as ever.
 *
 *     service_process_start("parley-auth", WRONG_CLOCK("+31d"), arguments);
 *
 * The sanitizers' runtime would not start behind a library that is preloaded, unless an
 * option allows it.
 */
#ifndef PARLEY_TESTS_WRONG_CLOCK_H
#define PARLEY_TESTS_WRONG_CLOCK_H

#include <stddef.h>

#define WRONG_CLOCK(offset_)                                                                       \
    ((const char *const[]){"LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1",                     \
                           ("FAKETIME=" offset_), "FAKETIME_DONT_FAKE_MONOTONIC=1",                \
                           "DONT_FAKE_MONOTONIC=1", "FAKETIME_DISABLE_SHM=1",                      \
                           "ASAN_OPTIONS=verify_asan_link_order=0", NULL})

#endif
