/*
 * parley-group alone, where strangers may not even ask for friendship (strangers = closed).
 */
#include "services/group/group_sql.h"
#include "tests/support/group_fixture.h"

static int set_up(void **state) { return group_set_up_with(state, "--strangers=closed"); }

static enum err befriend(struct group_fixture *f, uint64_t account, uint64_t target) {
    struct group_befriend ask = {.account = account, .target = target};
    return test_caller_ask(f->caller, &message_GROUP_BEFRIEND, &ask, NULL);
}

GROUP_TEST(test_only_who_shares_a_group_asks_for_friendship) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t before = sql_state(f);
    assert_err(befriend(f, ada, bob), ERR_STRANGERS);
    assert_int_equal(sql_state(f), before);
    uint64_t group = new_group(f, ada, "");
    add_quietly(f, group, bob);
    assert_err(befriend(f, ada, bob), ERR_OK);
    next_routed_item(f, f->session);
    assert_true(request_waits(f, GROUP_REQUEST_FRIEND, bob, ada));
    /* A request that was made may be answered, whatever holds by then. */
    sql_run(f->database, "DELETE FROM member WHERE account = %" PRIu64, bob);
    assert_err(befriend(f, bob, ada), ERR_OK);
    next_routed_item(f, f->session);
    next_routed_item(f, f->session);
    assert_true(are_friends(f, ada, bob));
}

static bool shows_about(struct group_fixture *f, uint64_t account, uint64_t user) {
    struct group_profile ask = {.account = account, .user = user};
    struct group_profile_reply reply;
    assert_err(test_caller_ask(f->caller, &message_GROUP_PROFILE, &ask, &reply), ERR_OK);
    assert_true(reply.name.length > 0);
    return reply.about.length > 0;
}

GROUP_TEST(test_strangers_do_not_see_what_somebody_says_about_itself) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    sql_run(f->database,
            "UPDATE account SET about = 'far away', name = 'a' WHERE number IN (%" PRIu64
            ", %" PRIu64 ")",
            ada, bob);
    assert_true(shows_about(f, ada, ada));
    assert_false(shows_about(f, ada, bob));
    uint64_t group = new_group(f, ada, "");
    add_quietly(f, group, bob);
    assert_true(shows_about(f, ada, bob));
    sql_run(f->database, "DELETE FROM member WHERE account = %" PRIu64, bob);
    assert_false(shows_about(f, ada, bob));
    make_friends(f, ada, bob);
    assert_true(shows_about(f, ada, bob));
}

int main(void) { return test_run_all(set_up, group_tear_down); }
