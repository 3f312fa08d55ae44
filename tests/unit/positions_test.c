/* Positions: a table that only grows, never moves back, and lists the touched ones. */
#include "services/gateway/positions.h"
#include "tests/support/test_list.h"

static uint64_t sent(const struct positions *positions, uint64_t conversation) {
    const struct position *position = positions_find(positions, conversation);
    assert_non_null(position);
    assert_int_equal(position->conversation, conversation);
    return position->sent;
}

TEST(an_empty_table_has_nothing) {
    struct positions positions = {0};
    struct position touched;
    assert_null(positions_find(&positions, 7));
    assert_false(positions_next_touched(&positions, &touched));
    positions_clear(&positions);
    assert_null(positions_find(&positions, 7));
}

/* As an entry may have it that is none of ours: 0 marks what is free. */
TEST(no_conversation_has_none) {
    struct positions positions = {0};
    struct position touched;
    assert_int_equal(positions_set(&positions, 0, 5), -1);
    assert_int_equal(positions_touch(&positions, 0, 5), -1);
    assert_int_equal(positions_set(&positions, 7, 5), 0);
    assert_int_equal(positions_touch(&positions, 0, 5), -1);
    assert_false(positions_note_behind(&positions, 0));
    assert_false(positions_next_touched(&positions, &touched));
    assert_int_equal(positions.count, 1);
    positions_clear(&positions);
}

TEST(a_position_never_moves_back) {
    struct positions positions = {0};
    assert_int_equal(positions_set(&positions, 7, 0), 0);
    assert_int_equal(sent(&positions, 7), 0);
    assert_int_equal(positions_set(&positions, 7, 10), 0);
    assert_int_equal(positions_set(&positions, 7, 9), 0);
    assert_int_equal(sent(&positions, 7), 10);
    assert_int_equal(positions_touch(&positions, 7, 8), 0);
    assert_int_equal(sent(&positions, 7), 10);
    assert_int_equal(positions_touch(&positions, 7, UINT64_MAX), 0);
    assert_int_equal(sent(&positions, 7), UINT64_MAX);
    assert_int_equal(positions.count, 1);
    positions_clear(&positions);
}

TEST(touched_conversations_are_listed_once_with_their_last_position) {
    struct positions positions = {0};
    struct position touched;
    uint64_t seen = 0;
    assert_int_equal(positions_set(&positions, 1, 5), 0);
    for (uint64_t round = 1; round <= 3; round++) {
        for (uint64_t i = 2; i <= 20; i++)
            for (uint64_t times = 0; times < 3; times++)
                assert_int_equal(positions_touch(&positions, i, 100 * round + i + times), 0);
        assert_int_equal(positions.touched_count, 19);
        for (seen = 0; positions_next_touched(&positions, &touched); seen++) {
            assert_in_range(touched.conversation, 2, 20);
            assert_int_equal(touched.sent, 100 * round + touched.conversation + 2);
        }
        assert_int_equal(seen, 19);
    }
    assert_int_equal(positions_touch(&positions, 1, 3), 0); /* behind the sent entries: it stays */
    assert_true(positions_next_touched(&positions, &touched));
    assert_int_equal(touched.conversation, 1);
    assert_int_equal(touched.sent, 5);
    assert_false(touched.from_others);
    assert_int_equal(positions_touch(&positions, 1, 6), 0);
    positions_find(&positions, 1)->from_others = true;
    for (unsigned others = 1; others < 2; others--) { /* reported once */
        assert_true(positions_next_touched(&positions, &touched));
        assert_int_equal(touched.from_others, others);
        assert_int_equal(positions_touch(&positions, 1, 7), 0);
    }
    positions_clear(&positions);
}

/* Ids of all kinds, up to as many as there may be; and again after having been cleared. */
TEST(it_holds_as_many_as_it_may) {
    struct positions positions = {0};
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 1; i <= POSITIONS_MAX; i++)
            assert_int_equal(positions_set(&positions, i % 4 << 60 | i << 10, i), 0);
        assert_int_equal(positions.count, POSITIONS_MAX);
        assert_int_equal(positions_set(&positions, 1, 1), -1);
        assert_int_equal(positions_touch(&positions, 2, 1), -1);
        assert_null(positions_find(&positions, 1));
        assert_null(positions_find(&positions, 2));
        assert_int_equal(positions.touched_count, 0);
        for (uint64_t i = 1; i <= POSITIONS_MAX; i++) {
            uint64_t conversation = i % 4 << 60 | i << 10;
            assert_int_equal(sent(&positions, conversation), i);
            assert_int_equal(positions_touch(&positions, conversation, i + 1), 0);
        }
        assert_int_equal(positions.count, POSITIONS_MAX);
        assert_int_equal(positions.touched_count, POSITIONS_MAX);
        assert_true(positions.capacity >= 2 * positions.count);
        positions_clear(&positions);
    }
}

/* One that is settled, and no other, whatever slots they share. */
TEST(a_settled_one_can_be_forgotten) {
    struct positions positions = {0};
    struct position touched;
    assert_false(positions_forget(&positions));
    for (uint64_t i = 1; i <= POSITIONS_MAX; i++) {
        if (i % 3 == 0)
            assert_int_equal(positions_touch(&positions, i << 10, i), 0);
        else
            assert_int_equal(positions_set(&positions, i << 10, i), 0);
        if (i % 3 == 1)
            positions_find(&positions, i << 10)->unconfirmed = i;
    }
    assert_true(positions_have_room(&positions, 1 << 10));
    assert_false(positions_have_room(&positions, 1));
    uint32_t settled = 0;
    while (positions_forget(&positions))
        settled++;
    assert_int_equal(settled, POSITIONS_MAX / 3);
    assert_int_equal(positions.count, POSITIONS_MAX - settled);
    assert_true(positions_have_room(&positions, 1));
    for (uint64_t i = 1; i <= POSITIONS_MAX; i++) {
        const struct position *position = positions_find(&positions, i << 10);
        assert_true((position == NULL) == (i % 3 == 2));
        assert_true(position == NULL || position->sent == i);
    }
    while (positions_next_touched(&positions, &touched))
        assert_int_equal(touched.conversation, touched.sent << 10);
    for (uint64_t i = 1; i <= POSITIONS_MAX; i++) {
        assert_int_equal(positions_set(&positions, i, 1), 0);
        assert_true(positions.count < POSITIONS_MAX || positions_forget(&positions));
    }
    positions_clear(&positions);
}

static const struct position *note_asked(struct positions *positions, uint64_t conversation) {
    struct position *position = positions_find(positions, conversation);
    assert_non_null(position);
    assert_true(positions_note_behind(positions, conversation));
    position->asked = true;
    return position;
}

TEST(a_conversation_stays_behind_until_it_is_read) {
    struct positions positions = {0};
    assert_false(positions_note_behind(&positions, 7));
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(positions_set(&positions, i, 5), 0);
    const struct position *read = note_asked(&positions, 1), *pushed = note_asked(&positions, 2);
    assert_true(positions_note_behind(&positions, 2)); /* again, behind the page's entries */
    assert_true(positions_note_behind(&positions, 3)); /* the page does not read it */
    positions_settle_asked(&positions, true);
    assert_false(read->behind);
    assert_true(pushed->behind);
    assert_true(positions_find(&positions, 3)->behind);
    note_asked(&positions, 1);
    positions_settle_asked(&positions, false); /* it failed */
    assert_true(read->behind);
    assert_false(read->asked);
    positions_clear(&positions);
}

TEST(conversations_behind_are_not_forgotten) {
    struct positions positions = {0};
    assert_int_equal(positions_set(&positions, 1, 5), 0);
    assert_int_equal(positions_set(&positions, 2, 5), 0);
    assert_true(positions_note_behind(&positions, 1));
    assert_true(positions_forget(&positions));
    assert_false(positions_forget(&positions));
    assert_int_equal(positions.forgotten, 1);
    assert_non_null(positions_find(&positions, 1));
    positions_clear(&positions);
}

int main(void) { return test_run_all(NULL, NULL); }
