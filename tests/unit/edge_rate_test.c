/* Clients that are too slow: how many bytes a second come while they are waited for. */
#include "services/gateway/edge/rate.h"
#include "tests/support/test_list.h"

#define LEAST 100
#define OVER_MS 60000
/* Of a whole look. */
#define LEAST_BYTES ((uint64_t)LEAST * OVER_MS / 1000)

/* Whether a client that is waited for from 1 on may go on when so many bytes came by then. */
static bool may_go_on(uint64_t bytes, int64_t ms) {
    struct edge_rate rate = {0};
    edge_rate_wait(&rate, 1);
    return edge_rate_move(&rate, bytes, ms + 1, LEAST, OVER_MS);
}

TEST(the_least_is_enough_and_one_less_is_not) {
    assert_true(may_go_on(LEAST_BYTES, OVER_MS));
    assert_false(may_go_on(LEAST_BYTES - 1, OVER_MS));
    assert_true(may_go_on(0, OVER_MS - 1));
}

TEST(each_look_begins_anew) {
    struct edge_rate rate = {0};
    edge_rate_wait(&rate, 1);
    assert_true(edge_rate_move(&rate, 1000 * LEAST_BYTES, OVER_MS + 1, LEAST, OVER_MS));
    assert_true(edge_rate_move(&rate, 1, OVER_MS + 2, LEAST, OVER_MS));
    assert_false(edge_rate_move(&rate, 1, 2 * OVER_MS + 1, LEAST, OVER_MS));
}

TEST(time_in_which_the_server_is_slow_does_not_count) {
    struct edge_rate rate = {0};
    edge_rate_wait(&rate, 1);
    edge_rate_rest(&rate, 1001);
    edge_rate_rest(&rate, 5001);
    assert_true(edge_rate_move(&rate, 1, 10 * OVER_MS, LEAST, OVER_MS));
    edge_rate_wait(&rate, 20 * OVER_MS);
    edge_rate_wait(&rate, 20 * OVER_MS + 5); /* it is waited for already */
    assert_true(edge_rate_move(&rate, 1, 21 * OVER_MS - 1001, LEAST, OVER_MS));
    assert_false(edge_rate_move(&rate, 1, 21 * OVER_MS - 1000, LEAST, OVER_MS));
}

TEST(without_a_least_none_is_too_slow) {
    struct edge_rate rate = {0};
    edge_rate_wait(&rate, 1);
    assert_true(edge_rate_move(&rate, 0, 100 * OVER_MS, 0, OVER_MS));
}

int main(void) { return test_run_all(NULL, NULL); }
