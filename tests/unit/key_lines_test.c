/* Lines of calls of API keys: so many go, the others follow one by one, and each key has its own.
 */
#include "services/gateway/key_lines.h"
#include "tests/support/test_list.h"

#define CALLS (KEY_CALLS_AT_ONCE + 5)

struct calls {
    struct key_lines *lines;
    struct key_place places[CALLS];
};

/* All calls of key 1. */
static struct calls begin(void) {
    struct calls calls = {.lines = key_lines_new()};
    assert_non_null(calls.lines);
    return calls;
}

static void enter_all(struct calls *calls) {
    for (size_t i = 0; i < CALLS; i++)
        assert_int_equal(key_lines_enter(calls->lines, 1, &calls->places[i]),
                         i < KEY_CALLS_AT_ONCE ? KEY_PLACE_GOES : KEY_PLACE_WAITS);
}

static void end(struct calls *calls) {
    for (size_t i = CALLS; i-- > 0;)
        (void)!key_lines_leave(calls->lines, &calls->places[i]);
    key_lines_destroy(&calls->lines);
    assert_null(calls->lines);
}

TEST(whoever_leaves_lets_the_first_in_line_go) {
    struct calls calls = begin();
    enter_all(&calls);
    for (size_t i = KEY_CALLS_AT_ONCE; i < CALLS; i++) {
        struct key_place *next = key_lines_leave(calls.lines, &calls.places[CALLS - 1 - i]);
        assert_ptr_equal(next, &calls.places[i]);
        assert_int_equal(next->state, KEY_PLACE_GOES);
    }
    assert_null(key_lines_leave(calls.lines, &calls.places[KEY_CALLS_AT_ONCE]));
    end(&calls);
}

TEST(whoever_leaves_the_line_lets_nobody_go) {
    struct calls calls = begin();
    enter_all(&calls);
    assert_null(key_lines_leave(calls.lines, &calls.places[KEY_CALLS_AT_ONCE]));
    assert_null(key_lines_leave(calls.lines, &calls.places[KEY_CALLS_AT_ONCE]));
    assert_ptr_equal(key_lines_leave(calls.lines, &calls.places[0]),
                     &calls.places[KEY_CALLS_AT_ONCE + 1]);
    end(&calls);
}

TEST(another_key_does_not_wait) {
    struct calls calls = begin();
    struct key_place other = {0};
    enter_all(&calls);
    assert_int_equal(key_lines_enter(calls.lines, 2, &other), KEY_PLACE_GOES);
    assert_null(key_lines_leave(calls.lines, &other));
    end(&calls);
}

TEST(a_line_that_is_empty_begins_anew) {
    struct calls calls = begin();
    for (int round = 0; round < 3; round++) {
        struct key_place place = {0};
        assert_int_equal(key_lines_enter(calls.lines, 1, &place), KEY_PLACE_GOES);
        assert_null(key_lines_leave(calls.lines, &place));
    }
    enter_all(&calls);
    end(&calls);
}

int main(void) { return test_run_all(NULL, NULL); }
