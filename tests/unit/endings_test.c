/* What was ended lately: whom it concerns, for how long, and more than there is room for. */
#include "services/session/endings.h"
#include "tests/support/test_list.h"

#define NOW 5000000

static void note(struct endings *endings, uint64_t account, uint64_t login, int64_t at_ms) {
    endings_note(endings, &(struct ending){.account = account, .login = login, .at_ms = at_ms});
}

TEST(a_login_concerns_itself_and_an_account_all_of_it) {
    struct endings *endings = endings_new();
    assert_false(endings_may_concern(endings, 1, 11, NOW));
    note(endings, 1, 11, NOW);
    note(endings, 2, 0, NOW);
    assert_true(endings_may_concern(endings, 1, 11, NOW));
    assert_false(endings_may_concern(endings, 1, 12, NOW));
    assert_true(endings_may_concern(endings, 2, 21, NOW));
    assert_false(endings_may_concern(endings, 3, 11, NOW));
    assert_true(endings_may_concern(endings, 2, 21, NOW + ENDINGS_MS - 1));
    assert_false(endings_may_concern(endings, 2, 21, NOW + ENDINGS_MS));
    endings_destroy(&endings);
}

TEST(moving_connections_are_concerned_for_a_shorter_time) {
    struct endings *endings = endings_new();
    note(endings, 1, 0, NOW);
    assert_non_null(endings_find(endings, 1, 11, NOW + ENDINGS_MOVING_MS - 1));
    assert_null(endings_find(endings, 1, 11, NOW + ENDINGS_MOVING_MS));
    endings_destroy(&endings);
}

/* The oldest is forgotten: for as long as it would have counted, everybody is concerned. */
TEST(a_full_memory_concerns_everybody) {
    struct endings *endings = endings_new();
    for (int i = 0; i < ENDINGS_MAX; i++)
        note(endings, 1000 + (uint64_t)i, 0, NOW + i);
    assert_true(endings_may_concern(endings, 1000, 1, NOW + ENDINGS_MAX));
    assert_false(endings_may_concern(endings, 1, 1, NOW + ENDINGS_MAX));
    note(endings, 2, 0, NOW + ENDINGS_MAX);
    assert_true(endings_may_concern(endings, 1, 1, NOW + ENDINGS_MS - 1));
    assert_false(endings_may_concern(endings, 1, 1, NOW + ENDINGS_MS));
    assert_true(endings_may_concern(endings, 2, 1, NOW + ENDINGS_MS));
    /* Those whose time has passed make room. */
    note(endings, 3, 0, NOW + 2 * ENDINGS_MS);
    assert_false(endings_may_concern(endings, 1, 1, NOW + 2 * ENDINGS_MS));
    endings_destroy(&endings);
}

int main(void) { return test_run_all(NULL, NULL); }
