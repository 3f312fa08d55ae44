/* Connections that ended: as many are remembered as there is room for, and no more. */
#include "services/gateway/bindings_ended.h"
#include "tests/support/test_list.h"

static void look_in(void *argument, int64_t delay_ms) {
    size_t *calls = argument;
    *calls += delay_ms == 0;
}

TEST(so_many_are_remembered_and_no_more) {
    size_t calls = 0;
    struct ended *ended = ended_new(look_in, &calls);
    assert_non_null(ended);
    assert_true(ended_are_reported(ended));
    for (uint64_t i = 1; i <= ENDED_MAX; i++)
        assert_true(ended_add(ended, &(struct ended_binding){.account = i, .connection = i}));
    assert_false(ended_add(ended, &(struct ended_binding){.account = 1, .connection = 1}));
    assert_int_equal(ended_count(ended), ENDED_MAX);
    assert_int_equal(calls, ENDED_MAX); /* each is to be reported at once */
    assert_false(ended_are_reported(ended));
    ended_destroy(&ended);
    assert_null(ended);
}

int main(void) { return test_run_all(NULL, NULL); }
