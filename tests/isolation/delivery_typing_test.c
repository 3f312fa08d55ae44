/*
 * parley-delivery alone: delivery.typing.
 */
#include "services/delivery/pauses.h"
#include "tests/support/delivery_fixture.h"

static enum err typing(struct delivery_fixture *f, uint64_t account, uint64_t user,
                       uint64_t group) {
    struct delivery_typing ask = {.account = account, .user = user, .group = group};
    return test_caller_ask(f->caller, &message_DELIVERY_TYPING, &ask, NULL);
}

static struct entry shown(struct delivery_fixture *f, uint64_t account, uint64_t to,
                          const uint64_t *accounts, size_t count) {
    struct entry entry = expect_text_routed(f, accounts, count);
    assert_int_equal(entry.type, ENTRY_TYPING);
    assert_int_equal(entry.cid, 0);
    assert_int_equal(entry.from, account);
    assert_int_equal(entry.to, to);
    assert_in_range(entry.time_ms, loop_wall_ms() - TEST_DEADLINE_MS, loop_wall_ms());
    return entry;
}

/* They need not have a conversation, and get none by it. */
DELIVERY_TEST(test_in_a_pair) {
    uint64_t ada = new_account(f->database, "ada types"), bob = new_account(f->database, "");
    uint64_t before = delivery_rows(f);
    assert_err(typing(f, ada, bob, 0), ERR_OK);
    struct entry entry = shown(f, ada, bob, &bob, 1);
    assert_int_equal(conversation_kind(entry.conversation), CONVERSATION_PAIR);
    assert_true(slice_equal(entry.from_id, slice_text("ada types")));
    assert_int_equal(entry.to_id.length, 0);
    assert_err(typing(f, bob, ada, 0), ERR_OK);
    entry = shown(f, bob, ada, &ada, 1);
    assert_true(slice_equal(entry.to_id, slice_text("ada types")));
    assert_int_equal(delivery_rows(f), before);
}

/* More is dropped, and is no error; a slow machine is given another try. */
DELIVERY_TEST(test_once_in_a_while) {
    bool in_time = false;
    while (!in_time) {
        uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
        const uint64_t pair[] = {ada, bob};
        uint64_t group = new_group_of(f, "", pair, 2);
        int64_t began_ms = loop_now_ms();
        assert_err(typing(f, ada, bob, 0), ERR_OK);
        shown(f, ada, bob, &bob, 1);
        assert_err(typing(f, ada, bob, 0), ERR_OK);
        assert_err(typing(f, ada, 0, group), ERR_OK); /* elsewhere it is another pause */
        in_time = loop_now_ms() - began_ms < PAUSES_MS;
        struct routed routed = next_routed(f);
        if (!in_time && routed.entry.to == bob)
            routed = next_routed(f);
        assert_int_equal(routed.entry.to, group);
    }
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_refused) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             eve = new_account(f->database, ""), group = new_group_of(f, "", &ada, 1);
    for (int i = 0; i < 2; i++) { /* a refused request begins no pause */
        assert_err(typing(f, ada, 4000001, 0), ERR_NO_ACCOUNT);
        assert_err(typing(f, 4000001, ada, 0), ERR_NO_ACCOUNT);
        assert_err(typing(f, ada, UINT64_MAX, 0), ERR_NO_ACCOUNT);
        assert_err(typing(f, eve, 0, group), ERR_NOT_MEMBER);
        assert_err(typing(f, ada, 0, group + 1000), ERR_NO_GROUP);
    }
    assert_err(typing(f, ada, ada, 0), ERR_TO_ONESELF);
    assert_err(typing(f, 0, ada, 0), ERR_BAD_REQUEST);
    assert_err(typing(f, ada, 0, 0), ERR_BAD_REQUEST);
    assert_err(typing(f, ada, bob, group), ERR_BAD_REQUEST);
    join(f, group, eve);
    leave(f, group, eve);
    assert_err(typing(f, eve, 0, group), ERR_NOT_MEMBER);
    sql_run(f->database, "UPDATE conversation SET dissolved = TRUE WHERE id = %" PRIu64,
            conversation_of_group(group));
    assert_err(typing(f, ada, 0, group), ERR_NO_GROUP);
    expect_no_text_routed(f);
}

/* Whether they have written to each other before or not. */
DELIVERY_TEST(test_to_one_who_takes_nothing) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             eve = new_account(f->database, "");
    sql_run(f->database, "INSERT INTO block VALUES (%" PRIu64 ", %" PRIu64 ")", bob, ada);
    assert_err(typing(f, ada, bob, 0), ERR_BLOCKED);
    assert_err(typing(f, bob, ada, 0), ERR_OK);
    shown(f, bob, ada, &ada, 1);
    say(f, eve, ada, 0, "hello");
    uint64_t conversation = next_routed(f).entry.conversation;
    sql_run(f->database,
            "UPDATE conversation SET blocked = IF(lo = %" PRIu64 ", 1, 2) WHERE id = %" PRIu64, eve,
            conversation);
    assert_err(typing(f, eve, ada, 0), ERR_BLOCKED);
    assert_err(typing(f, ada, eve, 0), ERR_OK);
    shown(f, ada, eve, &eve, 1);
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_in_a_group) {
    const uint64_t members[] = {new_account(f->database, "first"), new_account(f->database, ""),
                                new_account(f->database, "")};
    uint64_t group = new_group_of(f, "we type", members, 3);
    assert_err(typing(f, members[0], 0, group), ERR_OK);
    struct entry entry = shown(f, members[0], group, members + 1, 2);
    assert_int_equal(entry.conversation, conversation_of_group(group));
    assert_true(slice_equal(entry.from_id, slice_text("first")));
    assert_true(slice_equal(entry.to_id, slice_text("we type")));
    uint64_t alone = new_account(f->database, ""), one = new_group_of(f, "", &alone, 1);
    assert_err(typing(f, alone, 0, one), ERR_OK);
    expect_no_text_routed(f);
}

/* It cannot write, so there is nothing to show; when that is over there is. */
DELIVERY_TEST(test_muted) {
    const uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t group = new_group_of(f, "", members, 2);
    sql_run(f->database,
            "UPDATE member SET muted_until_ms = IF(account = %" PRIu64
            ", 9000000000000, 1) WHERE conversation = %" PRIu64,
            members[0], conversation_of_group(group));
    assert_err(typing(f, members[0], 0, group), ERR_OK);
    assert_err(typing(f, members[1], 0, group), ERR_OK);
    shown(f, members[1], group, members, 1);
    expect_no_text_routed(f);
}

/* Of one with more members nobody gets it, and it is no error. */
DELIVERY_TEST(test_in_a_large_group) {
    const uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t group = new_group_of(f, "", members, 2), conversation = conversation_of_group(group);
    sql_run(f->database,
            "INSERT INTO member (conversation, account, role, joined_ms) SELECT %" PRIu64
            ", seq, 1, 1 FROM seq_8000001_to_%d",
            conversation, 8000000 + SMALL_GROUP_MAX - 2);
    assert_err(typing(f, members[0], 0, group), ERR_OK);
    fake_peer_expect(f->session, &message_SESSION_ROUTE, &f->route);
    f->route_at = f->route.items.count;
    assert_int_equal(f->route.items.count, 1);
    const struct route_item *item = f->route.items.items;
    assert_int_equal(item->accounts.count, SMALL_GROUP_MAX - 1);
    for (size_t i = 0; i < item->accounts.count; i++)
        assert_int_not_equal(item->accounts.items[i], members[0]);
    sql_run(f->database,
            "INSERT INTO member (conversation, account, role, joined_ms) VALUES (%" PRIu64
            ", 8999999, 1, 1)",
            conversation);
    assert_err(typing(f, members[1], 0, group), ERR_OK);
    expect_no_text_routed(f);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
