/*
 * parley-group alone: accounts that take nothing from others.
 */
#include "services/group/group.h"
#include "tests/support/group_fixture.h"

static enum err block(struct group_fixture *f, uint64_t account, uint64_t target, bool on) {
    struct group_block ask = {.account = account, .target = target, .on = on};
    return test_caller_ask(f->caller, &message_GROUP_BLOCK, &ask, NULL);
}

static enum err befriend(struct group_fixture *f, uint64_t account, uint64_t target) {
    struct group_befriend ask = {.account = account, .target = target};
    return test_caller_ask(f->caller, &message_GROUP_BEFRIEND, &ask, NULL);
}

/* Bit 0: the one with the smaller number may not write; bit 1: the other. */
static uint64_t blocked_bits(struct group_fixture *f, uint64_t a, uint64_t b) {
    return sql_number(f->database,
                      "SELECT blocked FROM conversation WHERE kind = 0 AND lo = %" PRIu64
                      " AND hi = %" PRIu64,
                      a < b ? a : b, a < b ? b : a);
}

static void expect_blocked(struct group_fixture *f, uint64_t account, uint64_t target, bool on) {
    expect_own_notice(
        f, account,
        &(struct notice){
            .type = ENTRY_BLOCKED, .from = account, .subject = target, .accepted = on});
}

/* Whoever has the smaller number, and whether they have a conversation or not. */
GROUP_TEST(test_each_side_blocks) {
    for (unsigned i = 0; i < 4; i++) {
        uint64_t first = new_account(f->database, ""), second = new_account(f->database, "");
        uint64_t ada = i % 2 ? first : second, bob = i % 2 ? second : first;
        uint64_t bit = bob < ada ? 1 : 2;
        if (i >= 2)
            make_pair(f, ada, bob);
        assert_err(block(f, ada, bob, true), ERR_OK);
        expect_blocked(f, ada, bob, true);
        assert_int_equal(blocked_bits(f, ada, bob), bit);
        uint64_t after = sql_state(f);
        assert_err(block(f, ada, bob, true), ERR_OK); /* nothing to do */
        assert_int_equal(sql_state(f), after);
        assert_err(block(f, bob, ada, true), ERR_OK);
        expect_blocked(f, bob, ada, true);
        assert_int_equal(blocked_bits(f, ada, bob), 3);
        assert_err(block(f, ada, bob, false), ERR_OK);
        expect_blocked(f, ada, bob, false);
        assert_int_equal(blocked_bits(f, ada, bob), 3 - bit);
        assert_err(block(f, bob, ada, false), ERR_OK);
        expect_blocked(f, bob, ada, false);
        assert_int_equal(blocked_bits(f, ada, bob), 0);
        assert_err(block(f, bob, ada, false), ERR_OK);
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM block WHERE account IN (%" PRIu64
                                    ", %" PRIu64 ")",
                                    ada, bob),
                         0);
    }
}

GROUP_TEST(test_no_requests_of_the_blocked) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    assert_err(befriend(f, bob, ada), ERR_OK);
    next_routed_item(f, f->session);
    assert_err(block(f, ada, bob, true), ERR_OK);
    expect_blocked(f, ada, bob, true);
    assert_false(request_waits(f, 1, ada, bob));
    uint64_t before = sql_state(f);
    assert_err(befriend(f, bob, ada), ERR_BLOCKED);
    assert_int_equal(sql_state(f), before);
    /* The one that blocks may ask, and be accepted. */
    assert_err(befriend(f, ada, bob), ERR_OK);
    next_routed_item(f, f->session);
    assert_true(request_waits(f, 1, bob, ada));
}

/* A blocked friend stays a friend, and cannot pull the other into a group. */
GROUP_TEST(test_a_blocked_friend) {
    uint64_t ada, bob;
    new_friends(f, &ada, &bob);
    uint64_t group = new_group(f, bob, "");
    assert_err(block(f, ada, bob, true), ERR_OK);
    expect_blocked(f, ada, bob, true);
    assert_true(are_friends(f, ada, bob));
    assert_err(add(f, group, ada, bob), ERR_BLOCKED);
    assert_err(block(f, ada, bob, false), ERR_OK);
    expect_blocked(f, ada, bob, false);
    assert_err(add(f, group, ada, bob), ERR_OK);
    next_routed_item(f, f->session);
}

GROUP_TEST(test_accounts_that_cannot_be_blocked) {
    uint64_t ada = new_account(f->database, "");
    const uint64_t nobody[] = {0, 1, NUMBER_LIMIT, conversation_of_account(ada), UINT64_MAX};
    uint64_t before = sql_state(f);
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        assert_err(block(f, ada, nobody[i], true), ERR_NO_ACCOUNT);
        assert_err(block(f, nobody[i], ada, true), ERR_NO_ACCOUNT);
        assert_err(block(f, ada, nobody[i], false), ERR_NO_ACCOUNT);
    }
    assert_err(block(f, ada, ada, true), ERR_TO_ONESELF);
    assert_int_equal(sql_state(f), before);
}

/* The row counts towards the limit, so it can be removed. */
GROUP_TEST(test_a_deleted_account_is_unblocked) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    assert_err(block(f, ada, bob, true), ERR_OK);
    expect_blocked(f, ada, bob, true);
    sql_run(f->database, "UPDATE account SET deleted_ms = 1 WHERE number = %" PRIu64, bob);
    assert_err(block(f, ada, bob, true), ERR_NO_ACCOUNT);
    assert_err(block(f, ada, bob, false), ERR_OK);
    assert_int_equal(
        sql_number(f->database, "SELECT COUNT(*) FROM block WHERE account = %" PRIu64, ada), 0);
    assert_err(block(f, ada, bob, false), ERR_NO_ACCOUNT);
}

GROUP_TEST(test_blocks_have_a_limit) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             eve = new_account(f->database, "");
    sql_run(f->database, "INSERT INTO block SELECT %" PRIu64 ", seq FROM seq_1_to_%u", ada,
            GROUP_MAX_BLOCKS - 1);
    make_pair(f, ada, eve);
    assert_err(block(f, ada, bob, true), ERR_OK);
    expect_blocked(f, ada, bob, true);
    uint64_t before = sql_state(f);
    assert_err(block(f, ada, eve, true), ERR_TOO_MANY);
    assert_int_equal(sql_state(f), before);
    assert_err(block(f, ada, bob, false), ERR_OK);
    expect_blocked(f, ada, bob, false);
    assert_err(block(f, ada, eve, true), ERR_OK);
    expect_blocked(f, ada, eve, true);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
