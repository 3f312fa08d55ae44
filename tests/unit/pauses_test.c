/* The pauses of accounts that are typing: of each account and conversation; a table of fixed size.
 */
#include "services/delivery/pauses.h"
#include "tests/support/test_list.h"

static int set_up(void **state) {
    *state = pauses_new();
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state) {
    struct pauses *pauses = *state;
    pauses_destroy(&pauses);
    return pauses == NULL ? 0 : -1;
}

#define PAUSES_TEST(name_) TEST_WITH(name_, struct pauses *pauses, set_up, tear_down)

PAUSES_TEST(one_at_a_time) {
    const struct pauses_key key = {1, 2, 0};
    const int64_t start_ms = 1000;
    assert_false(pauses_runs(pauses, &key, start_ms));
    assert_true(pauses_begin(pauses, &key, start_ms));
    assert_true(pauses_runs(pauses, &key, start_ms + PAUSES_MS - 1));
    assert_false(pauses_begin(pauses, &key, start_ms + PAUSES_MS - 1));
    assert_false(pauses_runs(pauses, &key, start_ms + PAUSES_MS));
    assert_true(pauses_begin(pauses, &key, start_ms + PAUSES_MS));
    assert_false(pauses_begin(pauses, &key, start_ms + PAUSES_MS + 1));
}

PAUSES_TEST(each_conversation_has_its_own) {
    const struct pauses_key keys[] = {{1, 2, 0}, {2, 1, 0}, {1, 3, 0}, {1, 0, 2}, {2, 0, 2}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_true(pauses_begin(pauses, &keys[i], 1));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_false(pauses_begin(pauses, &keys[i], 2));
}

/* Where there is no room nobody begins, however often it is tried; later there is again. */
PAUSES_TEST(a_full_table) {
    uint64_t begun = 0, refused = 0;
    for (uint64_t account = 1; account <= 2 * PAUSES_SLOTS; account++) {
        const struct pauses_key key = {account, 0, 1};
        bool begins = pauses_begin(pauses, &key, 1);
        assert_true(pauses_runs(pauses, &key, 2));
        assert_false(pauses_begin(pauses, &key, 2));
        begun += begins;
        refused += !begins;
    }
    assert_in_range(begun, PAUSES_SLOTS / 2, PAUSES_SLOTS);
    assert_in_range(refused, PAUSES_SLOTS, 2 * PAUSES_SLOTS);
    for (uint64_t account = 1; account <= PAUSES_SLOTS / 4; account++)
        assert_true(pauses_begin(pauses, &(struct pauses_key){account, 0, 2}, 1 + PAUSES_MS));
}

int main(void) { return test_run_all(NULL, NULL); }
