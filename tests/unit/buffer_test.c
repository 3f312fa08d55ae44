/*
 * The byte buffer, above all at its maximum.
 */
#include "common/buffer.h"
#include "tests/support/test_list.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static void assert_holds(const struct buffer *buffer, const char *text) {
    assert_int_equal(buffer->length, strlen(text));
    assert_true(buffer->length <= buffer->capacity && buffer->capacity <= buffer->max);
    assert_memory_equal(buffer->data, text, strlen(text));
}

TEST(additions_follow_each_other) {
    struct buffer buffer = buffer_make(1000);
    assert_null(buffer.data);
    assert_int_equal(buffer_add(&buffer, "ab\0c", 4), 0);
    assert_int_equal(buffer.length, 4);
    assert_memory_equal(buffer.data, "ab\0c", 4);
    buffer_clear(&buffer);
    assert_int_equal(buffer_add_text(&buffer, "one"), 0);
    assert_int_equal(buffer_printf(&buffer, " %d %s", 2, "three"), 0);
    assert_holds(&buffer, "one 2 three");
    buffer_free(&buffer);
}

TEST(it_fills_to_the_last_byte) {
    struct buffer buffer = buffer_make(100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(buffer_add(&buffer, "x", 1), 0);
    assert_int_equal(buffer.capacity, 100);
    assert_int_equal(buffer_add(&buffer, "y", 1), -1);
    assert_true(buffer.failed);
    assert_int_equal(buffer.length, 100);
    assert_int_equal(buffer.data[99], 'x');
    buffer_free(&buffer);
}

TEST(an_append_that_does_not_fit_changes_nothing) {
    struct buffer buffer = buffer_make(8);
    assert_int_equal(buffer_add_text(&buffer, "12345"), 0);
    assert_int_equal(buffer_add_text(&buffer, "6789"), -1);
    assert_holds(&buffer, "12345");
    assert_int_equal(buffer_printf(&buffer, "%d", 6789), -1);
    assert_holds(&buffer, "12345");
    assert_int_equal(buffer_add(&buffer, "", SIZE_MAX), -1);
    assert_holds(&buffer, "12345");
    assert_int_equal(buffer_add_text(&buffer, "678"), 0);
    assert_holds(&buffer, "12345678");
    assert_true(buffer.failed);
    buffer_clear(&buffer);
    assert_false(buffer.failed);
    buffer_free(&buffer);
}

TEST(a_format_may_fill_it_exactly) {
    struct buffer buffer = buffer_make(5);
    assert_int_equal(buffer_printf(&buffer, "%s", "12345"), 0);
    assert_holds(&buffer, "12345");
    assert_int_equal(buffer_printf(&buffer, "%s", ""), 0);
    assert_false(buffer.failed);
    buffer_free(&buffer);
}

/* Longer than a text that is formatted on the stack: 511 bytes and more. */
TEST(a_long_format_is_whole) {
    for (int width = 510; width <= 514; width++) {
        struct buffer buffer = buffer_make((size_t)width);
        assert_int_equal(buffer_printf(&buffer, "%0*d", width, 7), 0);
        assert_int_equal(buffer.length, width);
        assert_int_equal(buffer.data[width - 1], '7');
        buffer_clear(&buffer);
        assert_int_equal(buffer_printf(&buffer, "%0*d", width + 1, 7), -1);
        assert_int_equal(buffer.length, 0);
        assert_true(buffer.failed);
        buffer_free(&buffer);
    }
}

TEST(a_format_that_cannot_be_is_refused) {
    volatile int width = INT_MAX; /* or the compiler sees that two of them are too much */
    struct buffer buffer = buffer_make(SIZE_MAX);
    assert_int_equal(buffer_printf(&buffer, "%*d%*d", width, 1, width, 1), -1);
    assert_true(buffer.failed);
    assert_int_equal(buffer.length, 0);
    buffer_free(&buffer);
}

TEST(nothing_fits_in_a_maximum_of_zero) {
    struct buffer buffer = buffer_make(0);
    assert_int_equal(buffer_add(&buffer, NULL, 0), 0);
    assert_false(buffer.failed);
    assert_int_equal(buffer_add(&buffer, "x", 1), -1);
    assert_null(buffer.data);
    buffer_free(&buffer);
}

/* The sanitizers otherwise end the process where malloc returns NULL. */
/* NOLINTBEGIN(bugprone-reserved-identifier): the names are theirs. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "allocator_may_return_null=1"; }
/* NOLINTEND(bugprone-reserved-identifier) */

TEST(no_memory_leaves_it_as_it_was) {
    struct buffer buffer = buffer_make(SIZE_MAX);
    assert_int_equal(buffer_add_text(&buffer, "kept"), 0);
    assert_int_equal(buffer_add(&buffer, "", SIZE_MAX - 4), -1);
    assert_holds(&buffer, "kept");
    buffer_free(&buffer);
}

TEST(dropping_moves_the_rest) {
    struct buffer buffer = buffer_make(16);
    buffer_drop(&buffer, 3);
    assert_int_equal(buffer.length, 0);
    assert_int_equal(buffer_add_text(&buffer, "abcdef"), 0);
    buffer_drop(&buffer, 0);
    assert_holds(&buffer, "abcdef");
    buffer_drop(&buffer, 2);
    assert_holds(&buffer, "cdef");
    buffer_drop(&buffer, SIZE_MAX);
    assert_int_equal(buffer.length, 0);
    assert_int_equal(buffer_add_text(&buffer, "0123456789abcdef"), 0);
    buffer_free(&buffer);
}

TEST(a_freed_one_can_be_used_again) {
    struct buffer buffer = buffer_make(4);
    assert_int_equal(buffer_add_text(&buffer, "12345"), -1);
    buffer_free(&buffer);
    assert_false(buffer.failed);
    assert_int_equal(buffer.capacity, 0);
    assert_int_equal(buffer_add_text(&buffer, "1234"), 0);
    assert_holds(&buffer, "1234");
    buffer_free(&buffer);
    buffer_free(&buffer);
}

int main(void) { return test_run_all(NULL, NULL); }
