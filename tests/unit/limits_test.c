/*
 * Limits per minute of accounts and addresses: what is counted under which of them, for how long it
 * is remembered, and how many are.
 */
#include <stdio.h>

#include "common/metrics.h"
#include "services/gateway/limits.h"
#include "tests/support/test_list.h"

#define MINUTE_US INT64_C(60000000)
#define ALICE 1001
#define BOB 1002

struct limits_bench {
    struct metrics *metrics;
    struct limits *limits;
    char reason[DIALECT_FAULT_BYTES];
};

static int set_up(void **state) {
    static const struct gateway_settings settings = {.texts_per_minute = 3,
                                                     .groups_per_minute = 1,
                                                     .invitations_per_minute = 2,
                                                     .history_per_minute = 4,
                                                     .searches_per_minute = 1,
                                                     .requests_per_minute = 5,
                                                     .registrations_per_address = 2};
    static struct limits_bench bench;
    bench.metrics = metrics_new();
    bench.limits = limits_new(&settings, bench.metrics);
    *state = &bench;
    return bench.metrics == NULL || bench.limits == NULL ? -1 : 0;
}

static int tear_down(void **state) {
    struct limits_bench *bench = *state;
    limits_destroy(&bench->limits);
    metrics_destroy(&bench->metrics);
    return 0;
}

#define LIMITS_TEST(name_) TEST_WITH(name_, struct limits_bench *bench, set_up, tear_down)

static bool refuses(struct limits_bench *bench, struct counted *account, const char *host,
                    enum operation operation, int64_t now_us) {
    const struct limits_who who = {account, host};
    return limits_refuse(bench->limits, &who, operation, now_us, bench->reason);
}

/* How many of these are taken before one is refused; at most 100. */
static int taken(struct limits_bench *bench, struct counted *account, const char *host,
                 enum operation operation, int64_t now_us) {
    int count = 0;
    while (count < 100 && !refuses(bench, account, host, operation, now_us))
        count++;
    return count;
}

LIMITS_TEST(each_kind_of_request_has_a_limit_of_its_own) {
    struct counted *alice = limits_enter(bench->limits, ALICE), *bob = NULL;
    assert_non_null(alice);
    assert_int_equal(taken(bench, alice, "?", OPERATION_SEND, 0), 3);
    assert_string_equal(bench->reason, "too many texts of this account: more than 3 a minute; try "
                                       "again in 20 s");
    assert_int_equal(taken(bench, alice, "?", OPERATION_CREATE_GROUP, 0), 1);
    assert_int_equal(taken(bench, alice, "?", OPERATION_HISTORY, 0), 4);
    assert_int_equal(taken(bench, alice, "?", OPERATION_SEARCH, 0), 1);
    assert_false(refuses(bench, alice, "?", OPERATION_BEFRIEND, 0));
    assert_false(refuses(bench, alice, "?", OPERATION_JOIN, 0));
    assert_true(refuses(bench, alice, "?", OPERATION_JOIN, 0));
    assert_int_equal(taken(bench, alice, "?", OPERATION_EDIT, 0), 5);
    assert_true(refuses(bench, alice, "?", OPERATION_FRIENDS, 0));
    static const enum operation free_ones[] = {OPERATION_HEARTBEAT, OPERATION_LOGIN,
                                               OPERATION_RESUME,    OPERATION_LOGOUT,
                                               OPERATION_RECEIVED,  OPERATION_READ};
    for (size_t i = 0; i < sizeof free_ones / sizeof free_ones[0]; i++)
        assert_int_equal(taken(bench, alice, "?", free_ones[i], 0), 100);
    bob = limits_enter(bench->limits, BOB);
    assert_int_equal(taken(bench, bob, "?", OPERATION_SEND, 0), 3);
    limits_leave(bench->limits, &alice, 0);
    limits_leave(bench->limits, &bob, 0);
    assert_null(bob);
    struct buffer page = buffer_make(1 << 20);
    metrics_print(bench->metrics, &page);
    assert_int_equal(buffer_add(&page, "", 1), 0);
    assert_non_null(strstr(page.data, "parley_limited_total{limit=\"texts_per_minute\"} 2\n"));
    assert_non_null(strstr(page.data, "parley_limited_total{limit=\"groups_per_minute\"} 1\n"));
    buffer_free(&page);
}

LIMITS_TEST(connections_of_an_account_share_and_it_is_remembered_when_they_leave) {
    struct counted *one = limits_enter(bench->limits, ALICE);
    struct counted *other = limits_enter(bench->limits, ALICE);
    assert_int_equal(taken(bench, one, "?", OPERATION_SEND, 0), 3);
    assert_true(refuses(bench, other, "?", OPERATION_SEND, 0));
    limits_leave(bench->limits, &one, 0);
    limits_leave(bench->limits, &other, 0);
    assert_int_equal(limits_remembered(bench->limits), 1);
    one = limits_enter(bench->limits, ALICE);
    assert_int_equal(limits_remembered(bench->limits), 0);
    assert_true(refuses(bench, one, "?", OPERATION_SEND, MINUTE_US / 6));
    limits_leave(bench->limits, &one, MINUTE_US);
    assert_int_equal(limits_remembered(bench->limits), 0); /* full again */
    limits_leave(bench->limits, &one, MINUTE_US);          /* nothing */
}

LIMITS_TEST(accounts_are_registered_per_address) {
    assert_int_equal(taken(bench, NULL, "192.0.2.7", OPERATION_REGISTER, 0), 10); /* 5 minutes */
    assert_string_equal(bench->reason, "too many new accounts from this address: more than 2 a "
                                       "minute; try again in 30 s");
    assert_true(refuses(bench, NULL, "::ffff:192.0.2.7", OPERATION_REGISTER, 0));
    assert_int_equal(taken(bench, NULL, "192.0.2.8", OPERATION_REGISTER, 0), 10);
    assert_int_equal(taken(bench, NULL, "2001:db8::7", OPERATION_REGISTER, 0), 10);
    assert_true(refuses(bench, NULL, "2001:db8::8", OPERATION_REGISTER, 0));
    assert_int_equal(taken(bench, NULL, "2001:db8:0:1::8", OPERATION_REGISTER, 0), 10);
    assert_int_equal(taken(bench, NULL, "?", OPERATION_REGISTER, 0), 100);
    assert_int_equal(limits_remembered(bench->limits), 4);
    assert_int_equal(taken(bench, NULL, "192.0.2.7", OPERATION_REGISTER, MINUTE_US), 2);
    assert_int_equal(taken(bench, NULL, "192.0.2.9", OPERATION_REGISTER, 20 * MINUTE_US), 10);
    assert_int_equal(limits_remembered(bench->limits), 1); /* all others are full again */
}

LIMITS_TEST(beyond_the_most_the_one_that_is_longest_away_is_forgotten) {
    char host[32];
    for (unsigned i = 0; i <= LIMITS_REMEMBERED_MAX; i++) {
        snprintf(host, sizeof host, "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
        assert_int_equal(taken(bench, NULL, host, OPERATION_REGISTER, 0), 10);
    }
    assert_int_equal(limits_remembered(bench->limits), LIMITS_REMEMBERED_MAX);
    assert_true(refuses(bench, NULL, "10.0.0.1", OPERATION_REGISTER, 0));
    assert_true(refuses(bench, NULL, host, OPERATION_REGISTER, 0));
    assert_int_equal(taken(bench, NULL, "10.0.0.0", OPERATION_REGISTER, 0), 10);
    assert_int_equal(limits_remembered(bench->limits), LIMITS_REMEMBERED_MAX);
}

TEST(without_limits_nothing_is_refused) {
    static const struct gateway_settings settings;
    struct limits_bench bench = {.metrics = metrics_new()};
    bench.limits = limits_new(&settings, bench.metrics);
    assert_non_null(bench.limits);
    struct counted *alice = limits_enter(bench.limits, ALICE);
    for (int operation = 0; operation < OPERATION_COUNT; operation++)
        assert_int_equal(taken(&bench, alice, "192.0.2.7", (enum operation)operation, 0), 100);
    limits_leave(bench.limits, &alice, 0);
    assert_int_equal(limits_remembered(bench.limits), 0);
    limits_destroy(&bench.limits);
    metrics_destroy(&bench.metrics);
}

int main(void) { return test_run_all(NULL, NULL); }
