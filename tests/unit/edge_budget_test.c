/* The budget of transfers beside texts: it follows from how long texts take, within its limits. */
#include "services/gateway/edge/budget.h"

#include <stdbool.h>

#include "tests/support/test_list.h"

#define SECOND_US ((int64_t)1000000)
#define STEP_US 1000 /* a text each */
#define FAST_US 1000
#define SLOW_US 9000
#define PIECE 65536

static struct edge_budget budget;
static int64_t now_us;

static void begin(void) {
    edge_budget_start(&budget);
    now_us = 1000 * SECOND_US;
}

/* One text of ten takes longer than the others, and of `slow_of` ten while bytes are moved; as many
 * bytes are moved as may be. Returns how many. */
static uint64_t run(unsigned seconds, unsigned slow_of, bool transfers) {
    uint64_t moved = 0;
    for (int64_t i = 0; i < (int64_t)seconds * SECOND_US / STEP_US; i++, now_us += STEP_US) {
        while (transfers && edge_budget_wait_us(&budget, now_us) == 0) {
            edge_budget_moved(&budget, PIECE, now_us);
            moved += PIECE;
            if (moved > seconds * EDGE_BESIDE_TOP_BYTES)
                return moved;
        }
        bool beside = now_us - SLOW_US < budget.moved_us + EDGE_BESIDE_SETTLE_US;
        bool is_slow = i % 10 < (beside ? slow_of : 1);
        /* Within a tenth they differ, as they do in life. */
        edge_budget_text(&budget, (is_slow ? SLOW_US : FAST_US) + i * 37 % 1000, now_us);
    }
    return moved;
}

TEST(without_texts_nothing_is_held_back) {
    begin();
    for (int i = 0; i < 10 * (int)(EDGE_BESIDE_FIRST_BYTES / PIECE); i++) {
        assert_int_equal(edge_budget_wait_us(&budget, now_us), 0);
        edge_budget_moved(&budget, PIECE, now_us);
    }
    for (int i = 0; i < EDGE_BESIDE_TEXTS - 1; i++)
        edge_budget_text(&budget, FAST_US, now_us);
    assert_int_equal(edge_budget_wait_us(&budget, now_us), 0);
    edge_budget_text(&budget, FAST_US, now_us);
    assert_true(edge_budget_wait_us(&budget, now_us) > 0);
}

TEST(beside_texts_bytes_have_a_limit_and_each_second_begins_quiet) {
    begin();
    run(3, 1, false);
    const uint64_t moved = run(1, 1, true);
    assert_true(moved > EDGE_BESIDE_FIRST_BYTES / 2);
    assert_true(moved <= EDGE_BESIDE_FIRST_BYTES + PIECE);
    assert_int_equal(edge_budget_wait_us(&budget, now_us), EDGE_BESIDE_QUIET_US);
}

/* Somebody who loads a page's pictures waits for nothing. */
TEST(little_is_not_held_back) {
    begin();
    run(3, 1, false);
    edge_budget_moved(&budget, PIECE, now_us);
    run(1, 1, false);
    assert_int_equal(edge_budget_wait_us(&budget, now_us), 0);
}

TEST(it_grows_while_texts_are_as_fast_as_without_up_to_the_most) {
    begin();
    run(3, 1, false);
    run(5, 1, true);
    assert_true(budget.bytes_s > EDGE_BESIDE_FIRST_BYTES);
    run(120, 0, true);
    assert_true(budget.bytes_s == EDGE_BESIDE_TOP_BYTES);
}

TEST(it_shrinks_where_texts_get_slow_down_to_the_least) {
    begin();
    run(3, 1, false);
    run(3, 5, true);
    assert_true(budget.bytes_s < EDGE_BESIDE_FIRST_BYTES / 2);
    run(30, 5, true);
    assert_true(budget.bytes_s == EDGE_BESIDE_LEAST_BYTES);
    assert_true(run(1, 5, true) > EDGE_BESIDE_LEAST_BYTES / 2); /* there is some for everybody */
    run(5, 1, true);
    assert_true(budget.bytes_s > EDGE_BESIDE_LEAST_BYTES);
}

TEST(what_is_not_used_does_not_grow) {
    begin();
    run(3, 1, false);
    for (int i = 0; i < 10; i++) {
        edge_budget_moved(&budget, PIECE, now_us);
        run(1, 1, false);
    }
    assert_true(budget.bytes_s == EDGE_BESIDE_FIRST_BYTES);
}

TEST(a_clock_that_is_set_back_holds_nothing_for_long) {
    begin();
    run(3, 1, false);
    run(1, 1, true);
    now_us -= 3600 * SECOND_US;
    for (int i = 0; i < EDGE_BESIDE_TEXTS; i++)
        edge_budget_text(&budget, FAST_US, now_us);
    assert_true(edge_budget_wait_us(&budget, now_us) <= SECOND_US);
    assert_true(run(2, 1, true) > EDGE_BESIDE_FIRST_BYTES / 2);
}

int main(void) { return test_run_all(NULL, NULL); }
