/*
 * parley-delivery alone: delivery.quiet.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "tests/support/delivery_fixture.h"

static enum err quiet(struct delivery_fixture *f, struct delivery_quiet ask) {
    return test_caller_ask(f->caller, &message_DELIVERY_QUIET, &ask, NULL);
}

static uint64_t quiet_until(struct delivery_fixture *f, uint64_t account, uint64_t conversation) {
    return cursor_number(f->database, "quiet_until_ms", account, conversation);
}

static void expect_quiet(struct delivery_fixture *f, uint64_t account, uint64_t conversation,
                         uint64_t to, uint64_t until_ms) {
    const struct routed routed = next_routed(f);
    assert_int_equal(routed.count, 1);
    assert_int_equal(routed.accounts[0], account);
    assert_int_equal(routed.entry.type, ENTRY_QUIET);
    assert_int_equal(routed.entry.cid, 0);
    assert_int_equal(routed.entry.conversation, conversation);
    assert_int_equal(routed.entry.from, account);
    assert_int_equal(routed.entry.to, to);
    assert_int_equal(routed.entry.target, until_ms);
    assert_int_equal(routed.entry.login, 4711); /* whose connection does not get it */
    assert_true(routed.entry.time_ms > 0);
}

DELIVERY_TEST(test_of_a_person) {
    uint64_t ada = new_account(f->database, "ada"), bob = new_account(f->database, "");
    say(f, ada, bob, 0, "hello");
    uint64_t conversation = next_routed(f).entry.conversation;
    struct delivery_quiet ask = {
        .account = bob, .user = ada, .until_ms = 1900000000000, .login = 4711};
    for (int i = 0; i < 2; i++) { /* twice is once */
        assert_err(quiet(f, ask), ERR_OK);
        expect_quiet(f, bob, conversation, ada, ask.until_ms);
        assert_int_equal(quiet_until(f, bob, conversation), ask.until_ms);
    }
    assert_int_equal(quiet_until(f, ada, conversation), 0); /* it is bob's alone */
    ask.until_ms = RECORD_NUMBER_MOST;
    assert_err(quiet(f, ask), ERR_OK);
    expect_quiet(f, bob, conversation, ada, RECORD_NUMBER_MOST);
    ask.until_ms = 0;
    assert_err(quiet(f, ask), ERR_OK);
    expect_quiet(f, bob, conversation, ada, 0);
    assert_int_equal(quiet_until(f, bob, conversation), 0);
}

DELIVERY_TEST(test_of_a_group) {
    const uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t group = new_group_of(f, "club", members, 2), eve = new_account(f->database, "");
    uint64_t conversation = conversation_of_group(group);
    struct delivery_quiet ask = {.account = members[1], .group = group, .until_ms = 7};
    assert_err(quiet(f, ask), ERR_OK);
    const struct routed routed = next_routed(f);
    assert_int_equal(routed.entry.to, group);
    assert_true(slice_equal(routed.entry.to_id, slice_text("club")));
    assert_int_equal(quiet_until(f, members[1], conversation), 7);
    leave(f, group, members[1]);
    ask.until_ms = 8;
    assert_err(quiet(f, ask), ERR_NOT_MEMBER);
    assert_int_equal(quiet_until(f, members[1], conversation), 7);
    ask.account = eve;
    assert_err(quiet(f, ask), ERR_NOT_MEMBER);
    ask.group = group + 1000;
    assert_err(quiet(f, ask), ERR_NO_GROUP);
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_conversations_that_do_not_exist) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t before = delivery_rows(f);
    assert_err(quiet(f, (struct delivery_quiet){.account = ada, .user = bob}), ERR_NO_MESSAGE);
    assert_err(quiet(f, (struct delivery_quiet){.account = ada, .user = 4000001}), ERR_NO_ACCOUNT);
    assert_err(quiet(f, (struct delivery_quiet){.account = ada, .user = UINT64_MAX}),
               ERR_NO_ACCOUNT);
    assert_err(quiet(f, (struct delivery_quiet){.account = ada, .group = UINT64_MAX}),
               ERR_NO_GROUP);
    assert_err(quiet(f, (struct delivery_quiet){.account = ada, .user = ada}), ERR_TO_ONESELF);
    assert_err(quiet(f, (struct delivery_quiet){.account = ada}), ERR_BAD_REQUEST);
    assert_err(quiet(f, (struct delivery_quiet){.user = ada}), ERR_BAD_REQUEST);
    assert_err(quiet(f, (struct delivery_quiet){.account = ada, .user = bob, .group = 1}),
               ERR_BAD_REQUEST);
    assert_err(quiet(f, (struct delivery_quiet){.account = ada,
                                                .user = bob,
                                                .until_ms = RECORD_NUMBER_MOST + 1}),
               ERR_BAD_REQUEST);
    assert_int_equal(delivery_rows(f), before);
    expect_no_text_routed(f);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
