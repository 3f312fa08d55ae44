/*
 * parley-group alone: members that leave or are removed, and groups that are dissolved.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/group/group.h"
#include "services/group/group_sql.h"
#include "tests/support/group_fixture.h"

static enum err leave(struct group_fixture *f, uint64_t group, uint64_t account) {
    struct group_leave ask = {.group = group, .account = account};
    return test_caller_ask(f->caller, &message_GROUP_LEAVE, &ask, NULL);
}

static enum err remove_member(struct group_fixture *f, uint64_t group, uint64_t account,
                              uint64_t by) {
    struct group_remove ask = {.group = group, .account = account, .by = by};
    return test_caller_ask(f->caller, &message_GROUP_REMOVE, &ask, NULL);
}

static enum err dissolve(struct group_fixture *f, uint64_t group, uint64_t by) {
    struct group_dissolve ask = {.group = group, .by = by};
    return test_caller_ask(f->caller, &message_GROUP_DISSOLVE, &ask, NULL);
}

/* --- leaving ------------------------------------------------------------------------------- */

GROUP_TEST(test_leaving) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "l’atelier");
    uint64_t ada = new_member(f, group, "ada who leaves", GROUP_MEMBER);
    uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR);
    uint64_t conversation = conversation_of_group(group), version = version_of(f, group);
    uint64_t since =
        sql_number(f->database, "SELECT since FROM `cursor` WHERE account = %" PRIu64, admin);
    assert_err(leave(f, group, ada), ERR_OK);
    uint64_t left =
        expect_in_group(f, group, ENTRY_LEFT, ada, ada, (uint64_t[]){owner, ada, admin}, 3);
    assert_int_equal(role_of(f, group, ada), GROUP_STRANGER);
    /* It reads its own notice, and nothing behind it. */
    assert_cursor(f, conversation, ada, 0, left);
    assert_cursor(f, conversation, owner, 0, 0);
    assert_int_equal(version_of(f, group), version + 1);
    assert_err(leave(f, group, admin), ERR_OK);
    uint64_t next =
        expect_in_group(f, group, ENTRY_LEFT, admin, admin, (uint64_t[]){owner, admin}, 2);
    assert_true(next > left);
    assert_cursor(f, conversation, ada, 0, left);
    assert_cursor(f, conversation, admin, since, next);
}

GROUP_TEST(test_accounts_that_cannot_leave) {
    uint64_t owner = new_account(f->database, ""), stranger = new_account(f->database, "");
    uint64_t group = new_group(f, owner, "");
    new_member(f, group, "", GROUP_MEMBER);
    uint64_t before = sql_state(f);
    assert_err(leave(f, group, owner), ERR_OWNER_STAYS);
    const uint64_t nobody[] = {stranger, 0, 1, NUMBER_LIMIT, UINT64_MAX};
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++)
        assert_err(leave(f, group, nobody[i]), ERR_NOT_MEMBER);
    const uint64_t nowhere[] = {0, 1, NUMBER_LIMIT, conversation_of_group(group), UINT64_MAX};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++)
        assert_err(leave(f, nowhere[i], stranger), ERR_NO_GROUP);
    assert_int_equal(sql_state(f), before);
}

/* Its `count`-th absence, the last, spans the texts behind `left`, up to `missed`. */
static void assert_absent(struct group_fixture *f, uint64_t group, uint64_t account, uint64_t count,
                          uint64_t left, uint64_t missed) {
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM absence WHERE conversation = %" PRIu64
                                " AND account = %" PRIu64,
                                conversation_of_group(group), account),
                     count);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM absence WHERE conversation = %" PRIu64
                                " AND account = %" PRIu64 " AND after = %" PRIu64
                                " AND upto = %" PRIu64,
                                conversation_of_group(group), account, left, missed),
                     1);
}

/* Its cursor stays where it was: only texts of its absence cannot be read. */
GROUP_TEST(test_a_former_member_may_return) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t conversation = conversation_of_group(group);
    uint64_t ada = new_member(f, group, "", GROUP_ADMINISTRATOR);
    for (unsigned times = 1; times <= 3; times++) {
        assert_err(leave(f, group, ada), ERR_OK);
        assert_err(leave(f, group, ada), ERR_NOT_MEMBER);
        uint64_t left =
            expect_in_group(f, group, ENTRY_LEFT, ada, ada, (uint64_t[]){owner, ada}, 2);
        uint64_t other = new_member(f, group, "", GROUP_MEMBER);
        assert_err(remove_member(f, group, other, owner), ERR_OK);
        uint64_t missed =
            expect_in_group(f, group, ENTRY_REMOVED, owner, other, (uint64_t[]){owner, other}, 2);
        add_quietly(f, group, ada);
        assert_int_equal(role_of(f, group, ada), GROUP_MEMBER);
        assert_cursor(f, conversation, ada, 0, 0);
        assert_absent(f, group, ada, times, left, missed);
    }
    /* No text was stored in between. */
    assert_err(leave(f, group, ada), ERR_OK);
    expect_in_group(f, group, ENTRY_LEFT, ada, ada, (uint64_t[]){owner, ada}, 2);
    add_quietly(f, group, ada);
    assert_cursor(f, conversation, ada, 0, 0);
    assert_int_equal(
        sql_number(f->database, "SELECT COUNT(*) FROM absence WHERE account = %" PRIu64, ada), 3);
}

/* --- removing ------------------------------------------------------------------------------ */

GROUP_TEST(test_removing) {
    uint64_t owner = new_account(f->database, "chief"), group = new_group(f, owner, "");
    uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR);
    uint64_t ada = new_member(f, group, "removed", GROUP_MEMBER);
    uint64_t bob = new_member(f, group, "", GROUP_MEMBER);
    uint64_t conversation = conversation_of_group(group), version = version_of(f, group);
    assert_err(remove_member(f, group, ada, admin), ERR_OK);
    uint64_t cid = expect_in_group(f, group, ENTRY_REMOVED, admin, ada,
                                   (uint64_t[]){owner, admin, ada, bob}, 4);
    assert_int_equal(role_of(f, group, ada), GROUP_STRANGER);
    assert_int_equal(sql_number(f->database,
                                "SELECT until FROM `cursor` WHERE conversation = %" PRIu64
                                " AND account = %" PRIu64,
                                conversation, ada),
                     cid);
    assert_int_equal(version_of(f, group), version + 1);
    assert_err(remove_member(f, group, admin, owner), ERR_OK);
    expect_in_group(f, group, ENTRY_REMOVED, owner, admin, (uint64_t[]){owner, admin, bob}, 3);
    assert_err(remove_member(f, group, bob, 0), ERR_OK);
    expect_in_group(f, group, ENTRY_REMOVED, 0, bob, (uint64_t[]){owner, bob}, 2);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM member WHERE conversation = %" PRIu64,
                                conversation),
                     1);
}

GROUP_TEST(test_roles_that_may_remove) {
    uint64_t owner = new_account(f->database, ""), stranger = new_account(f->database, "");
    uint64_t group = new_group(f, owner, ""), another = new_group(f, stranger, "");
    uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR);
    uint64_t peer = new_member(f, group, "", GROUP_ADMINISTRATOR);
    uint64_t member = new_member(f, group, "", GROUP_MEMBER);
    const struct {
        uint64_t group, account, by;
        enum err err;
    } cases[] = {
        {group, owner, owner, ERR_TO_ONESELF},
        {group, admin, admin, ERR_TO_ONESELF},
        {group, member, member, ERR_TO_ONESELF},
        {group, owner, admin, ERR_NOT_ALLOWED},
        {group, peer, admin, ERR_NOT_ALLOWED},
        {group, admin, member, ERR_NOT_ALLOWED},
        {group, owner, member, ERR_NOT_ALLOWED},
        {group, member, stranger, ERR_NOT_ALLOWED},
        {group, member, 1, ERR_NOT_ALLOWED},
        {group, member, UINT64_MAX, ERR_NOT_ALLOWED},
        {group, stranger, member, ERR_NOT_ALLOWED},
        {group, stranger, admin, ERR_NOT_MEMBER},
        {group, stranger, owner, ERR_NOT_MEMBER},
        {group, stranger, 0, ERR_NOT_MEMBER},
        {group, 0, 0, ERR_NOT_MEMBER},
        {group, 1, owner, ERR_NOT_MEMBER},
        {group, UINT64_MAX, 0, ERR_NOT_MEMBER},
        {group, owner, 0, ERR_OWNER_STAYS},
        {another, stranger, owner, ERR_NOT_ALLOWED},
        {another, member, stranger, ERR_NOT_MEMBER},
        {0, member, owner, ERR_NO_GROUP},
        {1, member, owner, ERR_NO_GROUP},
        {NUMBER_LIMIT, member, 0, ERR_NO_GROUP},
        {UINT64_MAX, member, 0, ERR_NO_GROUP},
    };
    uint64_t before = sql_state(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_err(remove_member(f, cases[i].group, cases[i].account, cases[i].by), cases[i].err);
    assert_int_equal(sql_state(f), before);
}

/* An administrator is removed while removing a member. */
GROUP_TEST(test_two_members_remove_at_once) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    for (unsigned round = 0; round < 4; round++) {
        uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR);
        uint64_t member = new_member(f, group, "", GROUP_MEMBER);
        struct group_remove one = {.group = group, .account = admin, .by = owner},
                            two = {.group = group, .account = member, .by = admin};
        enum err errs[2];
        ask_both(f, conversation_of_group(group),
                 (const struct message_desc *[]){&message_GROUP_REMOVE, &message_GROUP_REMOVE},
                 (const void *[]){&one, &two}, errs);
        assert_err(errs[0], ERR_OK);
        next_routed_item(f, f->session);
        if (errs[1] != ERR_OK) { /* it was second */
            assert_err(errs[1], ERR_NOT_ALLOWED);
            assert_err(leave(f, group, member), ERR_OK);
        }
        next_routed_item(f, f->session);
    }
}

GROUP_TEST(test_removed_and_left_at_once) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t member = new_member(f, group, "", GROUP_MEMBER);
    struct group_remove one = {.group = group, .account = member, .by = owner};
    struct group_leave two = {.group = group, .account = member};
    enum err errs[2];
    ask_both(f, conversation_of_group(group),
             (const struct message_desc *[]){&message_GROUP_REMOVE, &message_GROUP_LEAVE},
             (const void *[]){&one, &two}, errs);
    assert_err(errs[0] == ERR_OK ? errs[1] : errs[0], ERR_NOT_MEMBER);
    uint64_t cid = expect_routed(f, (uint64_t[]){owner, member}, 2).cid;
    assert_cursor(f, conversation_of_group(group), member, 0, cid);
}

/* --- dissolving ---------------------------------------------------------------------------- */

GROUP_TEST(test_dissolving) {
    uint64_t owner = new_account(f->database, "last one"),
             group = new_group(f, owner, "short-lived");
    uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR);
    uint64_t ada = new_member(f, group, "", GROUP_MEMBER), gone = new_member(f, group, "", 1);
    uint64_t conversation = conversation_of_group(group), asker = new_account(f->database, "");
    assert_err(leave(f, group, gone), ERR_OK);
    uint64_t left = expect_routed(f, (uint64_t[]){owner, admin, ada, gone}, 4).cid;
    sql_run(f->database,
            "INSERT INTO request (kind, target, account, created_ms) VALUES (2, %" PRIu64
            ", %" PRIu64 ", 1), (1, %" PRIu64 ", %" PRIu64 ", 1)",
            group, asker, group, asker);
    uint64_t version = version_of(f, group);
    assert_err(dissolve(f, group, owner), ERR_OK);
    uint64_t cid =
        expect_in_group(f, group, ENTRY_DISSOLVED, owner, 0, (uint64_t[]){owner, admin, ada}, 3);
    const uint64_t members[] = {owner, admin, ada};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(sql_number(f->database,
                                    "SELECT until FROM `cursor` WHERE conversation = %" PRIu64
                                    " AND account = %" PRIu64,
                                    conversation, members[i]),
                         cid);
    assert_int_equal(sql_number(f->database,
                                "SELECT until FROM `cursor` WHERE conversation = %" PRIu64
                                " AND account = %" PRIu64,
                                conversation, gone),
                     left);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM member WHERE conversation = %" PRIu64,
                                conversation),
                     0);
    assert_false(request_waits(f, GROUP_REQUEST_JOIN, group, asker));
    /* The request to an account that has the group's number is another matter. */
    assert_true(request_waits(f, GROUP_REQUEST_FRIEND, group, asker));
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM conversation WHERE id = %" PRIu64
                                " AND dissolved = 1 AND version = %" PRIu64,
                                conversation, version + 1),
                     1);
    /* It is no group any more, but its id stays taken. */
    assert_err(dissolve(f, group, owner), ERR_NO_GROUP);
    assert_err(leave(f, group, ada), ERR_NO_GROUP);
    assert_err(add(f, group, ada, 0), ERR_NO_GROUP);
    assert_err(ask_say(f, 0, group, "anybody there?"), ERR_NO_GROUP);
    assert_err(create(f, owner, "short-lived", "", NULL), ERR_TAKEN);
}

GROUP_TEST(test_roles_that_may_dissolve) {
    uint64_t owner = new_account(f->database, ""), stranger = new_account(f->database, "");
    uint64_t group = new_group(f, owner, "");
    uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR);
    uint64_t member = new_member(f, group, "", GROUP_MEMBER), before = sql_state(f);
    const uint64_t others[] = {admin, member, stranger, 1, NUMBER_LIMIT, UINT64_MAX};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_err(dissolve(f, group, others[i]), ERR_NOT_ALLOWED);
    const uint64_t nowhere[] = {0, 1, NUMBER_LIMIT, conversation_of_group(group), UINT64_MAX};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++)
        assert_err(dissolve(f, nowhere[i], 0), ERR_NO_GROUP);
    assert_int_equal(sql_state(f), before);
    assert_err(dissolve(f, group, 0), ERR_OK);
    expect_in_group(f, group, ENTRY_DISSOLVED, 0, 0, (uint64_t[]){owner, admin, member}, 3);
}

/* More members than one statement closes the cursors of. */
GROUP_TEST(test_a_large_group_is_dissolved) {
    enum { MEMBERS = 2500 };
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t conversation = conversation_of_group(group);
    sql_run(f->database,
            "INSERT INTO member (conversation, account, role, joined_ms) SELECT %" PRIu64
            ", seq, 1, 1 FROM seq_6000001_to_%u;"
            " INSERT INTO `cursor` (account, conversation) SELECT seq, %" PRIu64
            " FROM seq_6000001_to_%u",
            conversation, 6000000 + MEMBERS, conversation, 6000000 + MEMBERS);
    assert_err(dissolve(f, group, owner), ERR_OK);
    const struct route_item *item = next_routed_item(f, f->session);
    assert_int_equal(item->accounts.count, MEMBERS + 1);
    uint64_t cid = entry_of(f, item).cid;
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64
                                " AND until = %" PRIu64,
                                conversation, cid),
                     MEMBERS + 1);
}

GROUP_TEST(test_joining_and_dissolving_at_once) {
    for (unsigned round = 0; round < 6; round++) {
        uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
        uint64_t ada = new_account(f->database, ""), conversation = conversation_of_group(group);
        struct group_add one = {.group = group, .account = ada, .by = 0};
        struct group_dissolve two = {.group = group, .by = owner};
        enum err errs[2];
        ask_both(f, conversation,
                 (const struct message_desc *[]){&message_GROUP_ADD, &message_GROUP_DISSOLVE},
                 (const void *[]){&one, &two}, errs);
        assert_err(errs[1], ERR_OK);
        assert_true(errs[0] == ERR_OK || errs[0] == ERR_NO_GROUP);
        next_routed_item(f, f->session);
        if (errs[0] == ERR_OK)
            next_routed_item(f, f->session);
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM member WHERE conversation = %" PRIu64,
                                    conversation),
                         0);
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64
                                    " AND until IS NULL",
                                    conversation),
                         0);
    }
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
