/*
 * parley-group alone: the data of a deleted account is removed, whatever is killed meanwhile.
 */
#include "services/entries/entries_blank.h"
#include "services/group/group.h"
#include "tests/support/group_fixture.h"

/* As auth does it. */
static void mark_deleted(struct group_fixture *f, uint64_t account, bool blank) {
    sql_run(f->database,
            "BEGIN; UPDATE account SET deleted_ms = 1, disabled = TRUE WHERE number = %" PRIu64
            "; INSERT INTO ending (account, blank) VALUES (%" PRIu64 ", %d); COMMIT",
            account, account, blank);
}

static void expect_kick(struct group_fixture *f, uint64_t account) {
    struct session_kick kick;
    fake_peer_expect(f->session, &message_SESSION_KICK, &kick);
    assert_int_equal(kick.account, account);
    assert_int_equal(kick.cause, KICK_DELETED);
}

static void forget(struct group_fixture *f, uint64_t account, bool blank) {
    struct group_forget ask = {.account = account};
    mark_deleted(f, account, blank);
    assert_err(test_caller_ask(f->caller, &message_GROUP_FORGET, &ask, NULL), ERR_OK);
    expect_kick(f, account);
}

static void await_end(struct group_fixture *f) {
    TEST_UNTIL(sql_number(f->database, "SELECT COUNT(*) FROM ending") == 0,
               "a deleted account still has something");
}

/* Its connections are closed once more then: the first kick may have been lost. */
static void wait_for_the_end(struct group_fixture *f, uint64_t account) {
    await_end(f);
    expect_kick(f, account);
}

static uint64_t owner_of(struct group_fixture *f, uint64_t group) {
    return conversation_number(f->database, "owner", conversation_of_group(group));
}

GROUP_TEST(test_a_member_is_gone) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t ada = new_member(f, group, "ada who leaves us", GROUP_ADMINISTRATOR), bob, eve;
    bob = new_account(f->database, "");
    eve = new_account(f->database, "");
    make_friends(f, ada, bob);
    sql_run(f->database,
            "INSERT INTO request (kind, target, account, created_ms) VALUES (1, %" PRIu64
            ", %" PRIu64 ", 1), (1, %" PRIu64 ", %" PRIu64
            ", 1); INSERT INTO block VALUES (%" PRIu64 ", %" PRIu64
            "); INSERT INTO remark VALUES (%" PRIu64 ", %" PRIu64 ", 'x')",
            ada, eve, eve, ada, ada, eve, ada, bob);
    uint64_t pair = make_pair(f, ada, bob);
    forget(f, ada, false);
    expect_in_group(f, group, ENTRY_LEFT, ada, ada, (uint64_t[]){owner, ada}, 2);
    expect_own_notice(f, bob,
                      &(struct notice){.type = ENTRY_FRIEND_REMOVED, .from = ada, .subject = bob});
    wait_for_the_end(f, ada);
    assert_int_equal(role_of(f, group, ada), GROUP_STRANGER);
    assert_false(are_friends(f, ada, bob));
    assert_false(request_waits(f, 1, ada, eve) || request_waits(f, 1, eve, ada));
    assert_int_equal(sql_number(f->database,
                                "SELECT (SELECT COUNT(*) FROM block WHERE account = %" PRIu64
                                ") + (SELECT COUNT(*) FROM remark WHERE account = %" PRIu64 ")",
                                ada, ada),
                     0);
    assert_int_equal(conversation_number(f->database, "blocked", pair), 3);
    /* Nobody finds it any more. */
    struct group_befriend befriend = {.account = bob, .target = ada};
    assert_err(test_caller_ask(f->caller, &message_GROUP_BEFRIEND, &befriend, NULL),
               ERR_NO_ACCOUNT);
    assert_err(add(f, group, ada, 0), ERR_NO_ACCOUNT);
    /* Nor does it begin anew, from a connection that is still open. */
    struct group_create_reply made;
    assert_err(create(f, ada, "", "", &made), ERR_NO_ACCOUNT);
}

/* To the longest administrator, else to the longest member; a group without either ends. */
GROUP_TEST(test_an_owners_groups_pass_on) {
    uint64_t ada = new_account(f->database, "ada the owner");
    uint64_t group = new_group(f, ada, "");
    uint64_t first = new_member(f, group, "", GROUP_MEMBER);
    uint64_t second = new_member(f, group, "", GROUP_ADMINISTRATOR);
    uint64_t third = new_member(f, group, "", GROUP_ADMINISTRATOR);
    sql_run(f->database,
            "UPDATE member SET joined_ms = IF(account = %" PRIu64
            ", 10, 20) WHERE conversation = %" PRIu64,
            third, conversation_of_group(group));
    forget(f, ada, false);
    expect_in_group(f, group, ENTRY_LEFT, ada, ada, (uint64_t[]){ada, first, second, third}, 4);
    expect_own_notice(
        f, third,
        &(struct notice){.type = ENTRY_ADMIN_ADDED, .from = ada, .subject = third, .to = group});
    wait_for_the_end(f, ada);
    assert_int_equal(owner_of(f, group), third);
    assert_int_equal(role_of(f, group, third), GROUP_OWNER);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM audit WHERE event = 'role_changed' AND"
                                " account = %" PRIu64 " AND subject = %" PRIu64
                                " AND detail = 'account %" PRIu64 " is the owner'",
                                ada, group, third),
                     1);
    set_role(f, group, second, GROUP_MEMBER);
    forget(f, third, false); /* members alone are left, and joined at once */
    next_routed_item(f, f->session);
    next_routed_item(f, f->session);
    wait_for_the_end(f, third);
    assert_int_equal(owner_of(f, group), first < second ? first : second);
    forget(f, first, false);
    next_routed_item(f, f->session);
    if (first < second)
        next_routed_item(f, f->session);
    wait_for_the_end(f, first);
    forget(f, second, false);
    expect_notice(f,
                  &(struct notice){.type = ENTRY_DISSOLVED,
                                   .conversation = conversation_of_group(group),
                                   .from = second,
                                   .to = group},
                  &second, 1);
    wait_for_the_end(f, second);
    assert_int_equal(conversation_number(f->database, "dissolved", conversation_of_group(group)),
                     1);
}

/* In several steps; texts of others there stay, and so do its own without `blank`. */
GROUP_TEST(test_texts_are_blanked) {
    for (unsigned blank = 0; blank < 2; blank++) {
        uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
        uint64_t pair = make_pair(f, ada, bob);
        uint64_t last = sql_number(f->database, "SELECT COALESCE(MAX(cid), 0) FROM message");
        sql_run(f->database,
                "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
                " SELECT %" PRIu64 ", %" PRIu64 " + seq, 1, 0, IF(seq %% 2, %" PRIu64 ", %" PRIu64
                "), 'text' FROM seq_1_to_%u; ALTER SEQUENCE cid_block RESTART %" PRIu64,
                pair, last, ada, bob, 5 * ENTRIES_BLANK_STEP / 2, last + 128 * 100);
        sql_run(f->database,
                "INSERT INTO reaction SELECT conversation, cid, 'x', %" PRIu64
                " FROM message WHERE conversation = %" PRIu64 " ORDER BY cid LIMIT 4",
                bob, pair);
        sql_run(f->database,
                "UPDATE message SET file = 'packed' WHERE conversation = %" PRIu64
                " ORDER BY cid LIMIT 6; INSERT INTO file_use SELECT conversation, cid, 77 FROM"
                " message WHERE conversation = %" PRIu64 " AND file IS NOT NULL",
                pair, pair);
        forget(f, ada, blank != 0);
        wait_for_the_end(f, ada);
        /* Two of the four are beside texts of hers. */
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM reaction WHERE conversation = %" PRIu64,
                                    pair),
                         blank ? 2 : 4);
        /* Three of the six files are shown by texts of hers. */
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM file_use WHERE conversation = %" PRIu64,
                                    pair),
                         blank ? 3 : 6);
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64
                                    " AND file IS NOT NULL",
                                    pair),
                         blank ? 3 : 6);
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(sql_number(f->database,
                                        "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64
                                        " AND sender = %" PRIu64 " AND type = %d AND body = '%s'",
                                        pair, i == 0 ? ada : bob, blank && i == 0 ? 15 : 0,
                                        blank && i == 0 ? "" : "text"),
                             5 * ENTRIES_BLANK_STEP / 4);
    }
}

/* With kill -9 in the middle, and nobody that asks again. */
TEST_WITH(test_it_goes_on_after_a_restart, struct group_fixture *f, NULL, NULL) {
    uint64_t ada = new_account(f->database, ""), friends[8];
    for (size_t i = 0; i < 8; i++) {
        friends[i] = new_account(f->database, "");
        make_friends(f, ada, friends[i]);
        assert_err(ask_say(f, friends[i], 0, "welcome"), ERR_OK);
        next_routed_item(f, f->session);
    }
    struct db *holder = hold(f->database, conversation_of_account(friends[4]));
    forget(f, ada, true);
    /* It gets no further than to the friend whose conversation is held. */
    TEST_UNTIL(sql_number(f->database, "SELECT COUNT(*) FROM friendship WHERE lo = %" PRIu64, ada) <
                   8,
               "no friendship has ended");
    service_process_kill(&f->group);
    let_go(&holder);
    assert_in_range(
        sql_number(f->database, "SELECT COUNT(*) FROM friendship WHERE lo = %" PRIu64, ada), 1, 7);
    f->group = start_group(f, f->port);
    await_end(f);
    assert_int_equal(
        sql_number(f->database, "SELECT COUNT(*) FROM friendship WHERE lo = %" PRIu64, ada), 0);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64
                                    " AND type = %d",
                                    conversation_of_account(friends[i]), ENTRY_FRIEND_REMOVED),
                         1);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
