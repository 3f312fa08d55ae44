/* Failed logins: the three counts, their windows, tries side by side, a table that is full. */
#include "services/auth/throttle.h"

#include <stdio.h>

#include "tests/support/test_list.h"

#define NOW 1000000

static struct throttle *make(uint64_t both, uint64_t account, uint64_t address) {
    struct throttle *throttle = throttle_new(&(struct throttle_limits){
        .per_account_and_address = both, .per_account = account, .per_address = address});
    assert_non_null(throttle);
    return throttle;
}

static struct throttle_try of(const char *account, const char *address) {
    return (struct throttle_try){.account = slice_text(account), .address = slice_text(address)};
}

static struct throttle_try known(const char *account, const char *address) {
    struct throttle_try attempt = of(account, address);
    attempt.known = true;
    return attempt;
}

static bool take(struct throttle *throttle, struct throttle_try attempt, int64_t now_ms) {
    bool allowed = throttle_allows(throttle, &attempt, now_ms);
    assert_int_equal(throttle_take(throttle, &attempt, now_ms), allowed);
    return allowed;
}

/* How many of `times` tries are allowed; all of these fail. */
static int fail_logins(struct throttle *throttle, struct throttle_try attempt, int times) {
    int allowed = 0;
    for (int i = 0; i < times; i++)
        allowed += take(throttle, attempt, NOW);
    return allowed;
}

TEST(an_account_is_refused_at_an_address_alone) {
    struct throttle *throttle = make(3, 0, 0);
    assert_int_equal(fail_logins(throttle, of("anna", "A"), 40), 3);
    assert_true(take(throttle, of("ben", "A"), NOW));
    assert_true(take(throttle, of("anna", "B"), NOW));
    assert_false(take(throttle, of("anna", "A"), NOW + THROTTLE_WINDOW_MS - 1));
    assert_true(take(throttle, of("anna", "A"), NOW + THROTTLE_WINDOW_MS));
    throttle_destroy(&throttle);
    assert_null(throttle);
}

TEST(a_known_address_has_a_limit_for_its_account_too) {
    struct throttle *throttle = make(3, 0, 0);
    assert_int_equal(fail_logins(throttle, known("anna", "A"), 40), 3);
    throttle_destroy(&throttle);
}

TEST(many_addresses_are_bounded_for_an_account) {
    struct throttle *throttle = make(10, 5, 0);
    const char *const addresses[] = {"A", "B", "C", "D", "E", "F", "G"};
    for (int i = 0; i < 7; i++)
        assert_int_equal(take(throttle, of("anna", addresses[i]), NOW), i < 5);
    assert_true(take(throttle, known("anna", "Z"), NOW));
    assert_true(take(throttle, of("ben", "G"), NOW));
    assert_true(take(throttle, of("anna", "G"), NOW + THROTTLE_WINDOW_MS));
    throttle_destroy(&throttle);
}

TEST(failures_at_known_addresses_do_not_count_elsewhere) {
    struct throttle *throttle = make(0, 5, 0);
    assert_int_equal(fail_logins(throttle, known("anna", "A"), 40), 40);
    assert_true(take(throttle, of("anna", "B"), NOW));
    throttle_destroy(&throttle);
}

TEST(an_address_at_its_limit_is_slow) {
    struct throttle *throttle = make(0, 0, 3);
    const char *const ids[] = {"1", "2", "3"};
    for (int i = 0; i < 3; i++)
        assert_true(take(throttle, of(ids[i], "A"), NOW));
    assert_true(take(throttle, of("4", "A"), NOW)); /* the first of the slow ones */
    assert_false(take(throttle, of("5", "A"), NOW));
    assert_true(take(throttle, known("anna", "A"), NOW));
    assert_true(take(throttle, of("5", "B"), NOW));
    assert_false(take(throttle, of("5", "A"), NOW + THROTTLE_SLOW_MS - 1));
    assert_true(take(throttle, of("5", "A"), NOW + THROTTLE_SLOW_MS));
    assert_false(take(throttle, of("6", "A"), NOW + THROTTLE_SLOW_MS));
    throttle_destroy(&throttle);
}

/* A minute of guesses at ever new accounts from one address, as fast as it is let. */
TEST(guesses_of_an_address_are_bounded) {
    struct throttle *throttle = make(10, 100, 100);
    int allowed = 0;
    for (int i = 0; i < THROTTLE_WINDOW_MS; i += 10) {
        char id[32];
        snprintf(id, sizeof id, "account-%d", i);
        allowed += take(throttle, of(id, "A"), NOW + i);
    }
    assert_in_range(allowed, 101, 100 + THROTTLE_WINDOW_MS / THROTTLE_SLOW_MS);
    throttle_destroy(&throttle);
}

TEST(a_right_password_gives_its_try_back) {
    struct throttle *throttle = make(3, 5, 5);
    const struct throttle_try anna = of("anna", "A"), ben = of("ben", "A");
    for (int i = 0; i < 20; i++) {
        assert_true(take(throttle, anna, NOW));
        throttle_give_back(throttle, &anna, true, NOW);
        assert_true(take(throttle, ben, NOW));
        throttle_give_back(throttle, &ben, false, NOW);
    }
    assert_int_equal(fail_logins(throttle, anna, 40), 3);
    throttle_destroy(&throttle);
}

TEST(a_login_forgets_its_own_failures_alone) {
    struct throttle *throttle = make(3, 0, 8);
    const struct throttle_try anna = of("anna", "A");
    fail_logins(throttle, of("ben", "A"), 3);
    fail_logins(throttle, of("anna", "B"), 3);
    fail_logins(throttle, anna, 2);
    assert_true(take(throttle, anna, NOW));
    throttle_give_back(throttle, &anna, true, NOW);
    assert_false(take(throttle, of("ben", "A"), NOW));
    assert_false(take(throttle, of("anna", "B"), NOW));
    assert_int_equal(fail_logins(throttle, anna, 40), 3); /* 8 of the address, all the same */
    throttle_destroy(&throttle);
}

TEST(without_an_address_the_account_counts) {
    struct throttle *throttle = make(3, 0, 1);
    assert_int_equal(fail_logins(throttle, of("anna", ""), 40), 3);
    assert_true(take(throttle, of("ben", ""), NOW));
    throttle_destroy(&throttle);
}

TEST(without_limits_nobody_is_refused) {
    struct throttle *throttle = make(0, 0, 0);
    assert_int_equal(fail_logins(throttle, of("anna", "A"), 1000), 1000);
    throttle_destroy(&throttle);
}

/* Somebody fills the table with other counts: an account at its limit stays refused. */
TEST(a_full_table_keeps_those_at_their_limit) {
    struct throttle *throttle = make(3, 0, 0);
    fail_logins(throttle, of("anna", "A"), 3);
    for (int i = 0; i < 4 * THROTTLE_SLOTS; i++) {
        char id[32];
        snprintf(id, sizeof id, "%d", i);
        assert_true(take(throttle, of(id, "B"), NOW));
    }
    assert_false(take(throttle, of("anna", "A"), NOW));
    throttle_destroy(&throttle);
}

int main(void) { return test_run_all(NULL, NULL); }
