/*
 * Assertions that show words rather than numbers. Include behind cmocka.h.
 */
#ifndef PARLEY_TESTS_ASSERTIONS_H
#define PARLEY_TESTS_ASSERTIONS_H

#include "common/error.h"
#include "tests/support/service_process.h"

#define assert_err(actual_, expected_) assert_string_equal(err_word(actual_), err_word(expected_))
#define assert_slice_text(actual_, expected_)                                                      \
    assert_string_equal(test_text("%.*s", (int)(actual_).length, (actual_).data), (expected_))

#endif
