/*
 * Error words: each leads back to its error, and nothing else does.
 */
#include "common/error.h"
#include "tests/support/test_list.h"

#include <string.h>

TEST(every_word_leads_back) {
    for (unsigned i = 0; i < ERR_COUNT; i++) {
        const char *word = err_word((enum err)i);
        assert_int_equal(err_from_word(word, strlen(word)), i);
        assert_true(strlen(err_text((enum err)i)) > 0);
        assert_int_equal(word[strspn(word, "abcdefghijklmnopqrstuvwxyz_")], 0);
    }
    assert_string_equal(err_word(ERR_NOT_MEMBER), "not_member");
    assert_int_equal(ERR_OK, 0);
}

TEST(texts_are_sentences_without_full_stop) {
    for (unsigned i = 0; i < ERR_COUNT; i++) {
        const char *text = err_text((enum err)i);
        assert_int_not_equal(text[strlen(text) - 1], '.');
    }
}

TEST(other_words_are_internal) {
    assert_int_equal(err_from_word("not_membe", 9), ERR_INTERNAL);
    assert_int_equal(err_from_word("not_members", 11), ERR_INTERNAL);
    assert_int_equal(err_from_word("", 0), ERR_INTERNAL);
    assert_int_equal(err_from_word(NULL, 0), ERR_INTERNAL);
}

TEST(the_length_counts_not_a_zero) {
    assert_int_equal(err_from_word("taken_and_more", 5), ERR_TAKEN);
    assert_int_equal(err_from_word("taken\0", 6), ERR_INTERNAL);
}

TEST(a_number_that_is_no_error_is_internal) {
    assert_string_equal(err_word(ERR_COUNT), "internal");
    assert_string_equal(err_text((enum err)1000), err_text(ERR_INTERNAL));
}

int main(void) { return test_run_all(NULL, NULL); }
