/* Buckets: a burst, then so many a minute, and closed for as long as a refusal says. */
#include "services/gateway/bucket.h"
#include "tests/support/test_list.h"

#define SECOND_US INT64_C(1000000)

static int taken_of(struct bucket *bucket, const struct bucket_rate *rate, int64_t now_us) {
    int taken = 0;
    while (bucket_take(bucket, rate, now_us) == 0)
        taken++;
    return taken;
}

TEST(a_new_one_is_full_at_any_time) {
    const struct bucket_rate rate = bucket_rate_make(60, 10);
    const int64_t times_us[] = {0, 1, SECOND_US * 1000000};
    for (size_t i = 0; i < 3; i++) {
        struct bucket bucket = {0};
        assert_true(bucket_is_full(&bucket, times_us[i]));
        assert_int_equal(taken_of(&bucket, &rate, times_us[i]), 10);
    }
}

TEST(one_more_comes_in_each_part_of_a_minute) {
    const struct bucket_rate rate = bucket_rate_make(60, 3);
    struct bucket bucket = {0};
    int64_t now_us = 5 * SECOND_US;
    assert_int_equal(taken_of(&bucket, &rate, now_us), 3);
    assert_false(bucket_is_full(&bucket, now_us));
    for (int i = 0; i < 10; i++) {
        now_us += SECOND_US;
        assert_int_equal(taken_of(&bucket, &rate, now_us), 1);
    }
    assert_int_equal(taken_of(&bucket, &rate, now_us + 2 * SECOND_US), 2);
    assert_int_equal(taken_of(&bucket, &rate, now_us + 1000 * SECOND_US), 3); /* never more */
}

TEST(a_refusal_names_whole_seconds_and_keeps_to_them) {
    const struct bucket_rate slow = bucket_rate_make(7, 1), fast = bucket_rate_make(1200, 1200);
    struct bucket bucket = {0};
    int64_t now_us = 123456789;
    assert_int_equal(bucket_take(&bucket, &slow, now_us), 0);
    assert_int_equal(bucket_take(&bucket, &slow, now_us), 9); /* 8.57 */
    assert_int_equal(bucket_take(&bucket, &slow, now_us + 1), 9);
    assert_int_equal(bucket_take(&bucket, &slow, now_us + 8 * SECOND_US + 1), 1);
    assert_int_equal(bucket_take(&bucket, &slow, now_us + 9 * SECOND_US), 0);

    bucket = (struct bucket){0};
    assert_int_equal(taken_of(&bucket, &fast, now_us), 1200);
    /* Each 50 ms one comes in, but what stands behind the refused one is refused as well. */
    assert_int_equal(bucket_take(&bucket, &fast, now_us + SECOND_US - 1), 1);
    assert_int_equal(taken_of(&bucket, &fast, now_us + SECOND_US), 20);
}

TEST(it_is_full_again_after_its_time) {
    const struct bucket_rate rate = bucket_rate_make(20, 100);
    struct bucket bucket = {0};
    assert_int_equal(taken_of(&bucket, &rate, 0), 100);
    assert_false(bucket_is_full(&bucket, 300 * SECOND_US - 1));
    assert_true(bucket_is_full(&bucket, 300 * SECOND_US));
}

TEST(the_largest_numbers_fit) {
    const struct bucket_rate rate = bucket_rate_make(1000000, 5000000);
    struct bucket bucket = {0};
    assert_int_equal(taken_of(&bucket, &rate, INT64_MAX / 2), 5000000);
    const struct bucket_rate slow = bucket_rate_make(1, 1);
    bucket = (struct bucket){0};
    assert_int_equal(bucket_take(&bucket, &slow, INT64_MAX / 2), 0);
    assert_int_equal(bucket_take(&bucket, &slow, INT64_MAX / 2), 60);
}

int main(void) { return test_run_all(NULL, NULL); }
