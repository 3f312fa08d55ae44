/* Passwords and their hashes, at the least cost. */
#include <string.h>

#include "services/auth/password.h"
#include "tests/support/test_list.h"

static struct passwords cheap(void) {
    struct passwords passwords;
    assert_int_equal(passwords_prepare(&passwords, 1, 8), 0);
    return passwords;
}

TEST(test_right_and_wrong) {
    struct passwords passwords = cheap();
    char hash[PASSWORD_HASH_BYTES];
    /* A byte of 0 within a password counts like any other. */
    assert_int_equal(password_hash(&passwords, slice_make("a\0b", 3), hash), ERR_OK);
    assert_int_equal(strncmp(hash, "$argon2id$v=19$m=8,t=1,p=1$", 27), 0);
    assert_true(password_verify(&passwords, slice_text(hash), slice_make("a\0b", 3)));
    assert_false(password_verify(&passwords, slice_text(hash), slice_make("a\0c", 3)));
    assert_false(password_verify(&passwords, slice_text(hash), slice_make("a", 1)));
    assert_false(password_verify(&passwords, slice_text(hash), slice_make(NULL, 0)));
}

TEST(test_same_password_other_hash) {
    struct passwords passwords = cheap();
    char first[PASSWORD_HASH_BYTES], second[PASSWORD_HASH_BYTES];
    assert_int_equal(password_hash(&passwords, slice_text("secret"), first), ERR_OK);
    assert_int_equal(password_hash(&passwords, slice_text("secret"), second), ERR_OK);
    assert_string_not_equal(first, second);
}

TEST(test_nobody) {
    struct passwords passwords = cheap();
    assert_false(password_verify(&passwords, slice_make(NULL, 0), slice_text("secret")));
    assert_false(password_verify(&passwords, slice_make(NULL, 0), slice_make(NULL, 0)));
}

TEST(test_texts_that_are_no_hash) {
    struct passwords passwords = cheap();
    char longest[4 * PASSWORD_HASH_BYTES];
    memset(longest, '$', sizeof longest);
    assert_false(password_verify(&passwords, slice_text("secret"), slice_text("secret")));
    assert_false(
        password_verify(&passwords, slice_make(longest, sizeof longest), slice_text("secret")));
    assert_true(password_is_outdated(&passwords, slice_text("secret")));
    assert_true(password_is_outdated(&passwords, slice_make(longest, sizeof longest)));
}

TEST(test_outdated) {
    struct passwords passwords = cheap(), dearer;
    char hash[PASSWORD_HASH_BYTES];
    assert_int_equal(passwords_prepare(&dearer, 2, 16), 0);
    assert_int_equal(password_hash(&passwords, slice_text("secret"), hash), ERR_OK);
    assert_false(password_is_outdated(&passwords, slice_text(hash)));
    assert_true(password_is_outdated(&dearer, slice_text(hash)));
    /* The hash itself has its cost. */
    assert_true(password_verify(&dearer, slice_text(hash), slice_text("secret")));
}

TEST(test_cost_that_cannot_be_had) {
    struct passwords passwords;
    assert_int_equal(passwords_prepare(&passwords, 1, 1), -1);
}

int main(void) { return test_run_all(NULL, NULL); }
