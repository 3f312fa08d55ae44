/* Failed logins: limits per name and per address, windows, forgetting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/auth/throttle.h"

#define NAME slice_text("anna")
#define OTHER slice_text("ben")
#define ADDRESS slice_text("192.0.2.1")
#define NOWHERE slice_make(NULL, 0)

static void fail_logins(struct throttle *throttle, struct slice name, struct slice address,
                        int times) {
    for (int i = 0; i < times; i++)
        throttle_failed(throttle, name, address, 1000);
}

static void a_name_is_refused_at_its_limit(void **state) {
    (void)state;
    struct throttle *throttle = throttle_new(3, 0);
    fail_logins(throttle, NAME, ADDRESS, 2);
    assert_true(throttle_allows(throttle, NAME, ADDRESS, 1000));
    fail_logins(throttle, NAME, ADDRESS, 1);
    assert_false(throttle_allows(throttle, NAME, ADDRESS, 1000));
    assert_true(throttle_allows(throttle, OTHER, ADDRESS, 1000));
    assert_false(throttle_allows(throttle, NAME, ADDRESS, 1000 + THROTTLE_WINDOW_MS - 1));
    assert_true(throttle_allows(throttle, NAME, ADDRESS, 1000 + THROTTLE_WINDOW_MS));
    throttle_destroy(&throttle);
    assert_null(throttle);
}

static void an_address_is_refused_whatever_the_name(void **state) {
    (void)state;
    struct throttle *throttle = throttle_new(0, 3);
    fail_logins(throttle, NAME, ADDRESS, 2);
    fail_logins(throttle, OTHER, ADDRESS, 1);
    assert_false(throttle_allows(throttle, slice_text("carl"), ADDRESS, 1000));
    assert_true(throttle_allows(throttle, NAME, slice_text("192.0.2.2"), 1000));
    assert_true(throttle_allows(throttle, NAME, NOWHERE, 1000));
    throttle_destroy(&throttle);
}

static void a_login_clears_its_name_alone(void **state) {
    (void)state;
    struct throttle *throttle = throttle_new(2, 4);
    fail_logins(throttle, NAME, ADDRESS, 2);
    fail_logins(throttle, OTHER, ADDRESS, 2);
    throttle_passed(throttle, NAME);
    assert_true(throttle_allows(throttle, NAME, NOWHERE, 1000));
    assert_false(throttle_allows(throttle, OTHER, NOWHERE, 1000));
    assert_false(throttle_allows(throttle, NAME, ADDRESS, 1000));
    throttle_destroy(&throttle);
}

/* As who comes with a token does: before it is known, there is no account to count for. */
static void without_a_name_the_address_counts(void **state) {
    (void)state;
    struct throttle *throttle = throttle_new(1, 3);
    fail_logins(throttle, NOWHERE, ADDRESS, 2);
    assert_true(throttle_allows(throttle, NOWHERE, ADDRESS, 1000));
    assert_true(throttle_allows(throttle, NOWHERE, NOWHERE, 1000));
    fail_logins(throttle, NOWHERE, ADDRESS, 1);
    assert_false(throttle_allows(throttle, NOWHERE, ADDRESS, 1000));
    assert_false(throttle_allows(throttle, NAME, ADDRESS, 1000));
    assert_true(throttle_allows(throttle, NAME, NOWHERE, 1000));
    throttle_destroy(&throttle);
}

static void without_limits_nobody_is_refused(void **state) {
    (void)state;
    struct throttle *throttle = throttle_new(0, 0);
    fail_logins(throttle, NAME, ADDRESS, 1000);
    assert_true(throttle_allows(throttle, NAME, ADDRESS, 1000));
    throttle_destroy(&throttle);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_refused_at_its_limit),
        cmocka_unit_test(an_address_is_refused_whatever_the_name),
        cmocka_unit_test(a_login_clears_its_name_alone),
        cmocka_unit_test(without_a_name_the_address_counts),
        cmocka_unit_test(without_limits_nobody_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
