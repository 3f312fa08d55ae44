/* Memory for input before a login: whoever holds most, and has done so for longest, must go. */
#include "services/gateway/edge/held.h"
#include "tests/support/test_list.h"

static struct edge_held_all all;

TEST(nobody_goes_while_there_is_room) {
    struct edge_held one = {0}, other = {0};
    edge_held_init(&all, 1000);
    assert_null(edge_held_victim(&all));
    edge_held_set(&all, &one, 400);
    edge_held_set(&all, &other, 600);
    assert_null(edge_held_victim(&all));
    edge_held_set(&all, &one, 401);
    assert_ptr_equal(edge_held_victim(&all), &other);
    edge_held_set(&all, &other, 0);
    assert_null(edge_held_victim(&all));
    assert_int_equal(all.bytes, 401);
    edge_held_set(&all, &one, 0);
    assert_int_equal(all.bytes, 0);
}

TEST(the_largest_goes_and_of_those_the_oldest) {
    struct edge_held small = {0}, large[3] = {{0}};
    edge_held_init(&all, 1000);
    edge_held_set(&all, &small, 200);
    for (size_t i = 0; i < 3; i++)
        edge_held_set(&all, &large[i], 512);
    edge_held_set(&all, &large[0], 600); /* as large as the others */
    edge_held_set(&all, &large[1], 10);
    edge_held_set(&all, &large[1], 1000); /* anew */
    assert_ptr_equal(edge_held_victim(&all), &large[0]);
    edge_held_set(&all, &large[0], 0);
    assert_ptr_equal(edge_held_victim(&all), &large[2]);
    edge_held_set(&all, &large[2], 0);
    assert_ptr_equal(edge_held_victim(&all), &large[1]);
    edge_held_set(&all, &large[1], 0);
    assert_null(edge_held_victim(&all));
    edge_held_set(&all, &small, 0);
}

TEST(one_alone_may_be_too_large) {
    struct edge_held one = {0};
    edge_held_init(&all, 0);
    edge_held_set(&all, &one, 1);
    assert_ptr_equal(edge_held_victim(&all), &one);
    edge_held_set(&all, &one, (size_t)1 << 40);
    assert_ptr_equal(edge_held_victim(&all), &one);
    edge_held_set(&all, &one, 0);
}

int main(void) { return test_run_all(NULL, NULL); }
