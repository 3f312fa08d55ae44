/*
 * parley-group alone: for how long the entries of a group are kept.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "tests/support/group_fixture.h"

static enum err set_retention(struct group_fixture *f, struct group_set_retention ask) {
    struct done done;
    return test_caller_ask(f->caller, &message_GROUP_SET_RETENTION, &ask, &done);
}

/* 0: as all others; else one more than the days. */
static uint64_t kept(struct group_fixture *f, uint64_t group) {
    return sql_number(
        f->database, "SELECT COALESCE(retention_days + 1, 0) FROM conversation WHERE id = %" PRIu64,
        conversation_of_group(group));
}

GROUP_TEST(test_days) {
    uint64_t group = new_group(f, new_account(f->database, ""), "");
    assert_int_equal(kept(f, group), 0);
    static const uint64_t days[] = {7, 7, 0, RETENTION_MAX_DAYS};
    for (size_t i = 0; i < 4; i++) {
        assert_err(set_retention(f, (struct group_set_retention){.group = group, .days = days[i]}),
                   ERR_OK);
        assert_int_equal(kept(f, group), days[i] + 1);
    }
    assert_err(set_retention(
                   f, (struct group_set_retention){.group = group, .days = RETENTION_MAX_DAYS + 1}),
               ERR_BAD_REQUEST);
    assert_int_equal(kept(f, group), RETENTION_MAX_DAYS + 1);
    assert_err(set_retention(f, (struct group_set_retention){.group = group, .as_all = true}),
               ERR_OK);
    assert_int_equal(kept(f, group), 0);
}

GROUP_TEST(test_there_is_no_such_group) {
    static const struct {
        uint64_t group;
        enum err err;
    } cases[] = {{1, ERR_NO_GROUP}, {0, ERR_BAD_REQUEST}, {NUMBER_LIMIT, ERR_BAD_REQUEST}};
    for (size_t i = 0; i < 3; i++)
        assert_err(
            set_retention(f, (struct group_set_retention){.group = cases[i].group, .days = 1}),
            cases[i].err);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
