/*
 * parley-group alone: administrators, and names of groups and accounts.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/group/group.h"
#include "services/group/group_sql.h"
#include "tests/support/group_fixture.h"

static enum err set_admin(struct group_fixture *f, uint64_t group, uint64_t account, uint64_t by,
                          bool on) {
    struct group_set_admin ask = {.group = group, .account = account, .by = by, .on = on};
    return test_caller_ask(f->caller, &message_GROUP_SET_ADMIN, &ask, NULL);
}

static enum err rename_group(struct group_fixture *f, uint64_t group, uint64_t by,
                             const char *name) {
    struct group_rename ask = {.group = group, .by = by, .name = slice_text(name)};
    return test_caller_ask(f->caller, &message_GROUP_RENAME, &ask, NULL);
}

static enum err rename_account(struct group_fixture *f, uint64_t account, const char *name) {
    struct group_rename_account ask = {.account = account, .name = slice_text(name)};
    return test_caller_ask(f->caller, &message_GROUP_RENAME_ACCOUNT, &ask, NULL);
}

/* --- administrators ------------------------------------------------------------------------ */

GROUP_TEST(test_an_administrator_is_made_and_unmade) {
    uint64_t owner = new_account(f->database, "königin"), group = new_group(f, owner, "hofstaat");
    uint64_t ada = new_member(f, group, "zofe", GROUP_MEMBER);
    uint64_t in_group = stored_in(f->database, conversation_of_group(group));
    assert_err(set_admin(f, group, ada, owner, true), ERR_OK);
    expect_own_notice(
        f, ada,
        &(struct notice){.type = ENTRY_ADMIN_ADDED, .from = owner, .subject = ada, .to = group});
    assert_int_equal(role_of(f, group, ada), GROUP_ADMINISTRATOR);
    assert_err(set_admin(f, group, ada, owner, true), ERR_ALREADY_ADMIN);
    assert_err(set_admin(f, group, ada, owner, false), ERR_OK);
    expect_own_notice(
        f, ada,
        &(struct notice){.type = ENTRY_ADMIN_REMOVED, .from = owner, .subject = ada, .to = group});
    assert_int_equal(role_of(f, group, ada), GROUP_MEMBER);
    assert_err(set_admin(f, group, ada, owner, false), ERR_NOT_ADMIN);
    assert_err(set_admin(f, group, ada, 0, true), ERR_OK);
    expect_own_notice(f, ada,
                      &(struct notice){.type = ENTRY_ADMIN_ADDED, .subject = ada, .to = group});
    /* Nothing of it stands in the group's log. */
    assert_int_equal(stored_in(f->database, conversation_of_group(group)), in_group);
    assert_cursor(f, conversation_of_account(ada), ada, 0, 0);
}

GROUP_TEST(test_roles_that_may_make_administrators) {
    uint64_t owner = new_account(f->database, ""), stranger = new_account(f->database, "");
    uint64_t group = new_group(f, owner, "");
    uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR);
    uint64_t member = new_member(f, group, "", GROUP_MEMBER);
    const struct {
        uint64_t group, account, by;
        bool on;
        enum err err;
    } cases[] = {
        {group, member, admin, true, ERR_NOT_ALLOWED},
        {group, admin, admin, false, ERR_NOT_ALLOWED},
        {group, member, member, true, ERR_NOT_ALLOWED},
        {group, member, stranger, true, ERR_NOT_ALLOWED},
        {group, member, 1, true, ERR_NOT_ALLOWED},
        {group, member, UINT64_MAX, true, ERR_NOT_ALLOWED},
        {group, stranger, owner, true, ERR_NOT_MEMBER},
        {group, stranger, owner, false, ERR_NOT_MEMBER},
        {group, 0, owner, true, ERR_NOT_MEMBER},
        {group, 1, 0, true, ERR_NOT_MEMBER},
        {group, UINT64_MAX, 0, true, ERR_NO_ACCOUNT},
        {group, owner, owner, true, ERR_TO_ONESELF},
        {group, owner, owner, false, ERR_TO_ONESELF},
        {group, owner, 0, true, ERR_NOT_ALLOWED},
        {group, owner, 0, false, ERR_NOT_ALLOWED},
        {group, admin, owner, true, ERR_ALREADY_ADMIN},
        {group, member, owner, false, ERR_NOT_ADMIN},
        {0, member, owner, true, ERR_NO_GROUP},
        {1, member, 0, true, ERR_NO_GROUP},
        {NUMBER_LIMIT, member, owner, true, ERR_NO_GROUP},
        {UINT64_MAX, member, 0, false, ERR_NO_GROUP},
    };
    uint64_t before = sql_state(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_err(set_admin(f, cases[i].group, cases[i].account, cases[i].by, cases[i].on),
                   cases[i].err);
    assert_int_equal(sql_state(f), before);
}

GROUP_TEST(test_administrators_have_a_limit) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t ada = new_member(f, group, "", GROUP_MEMBER), bob = new_member(f, group, "", 1);
    sql_run(f->database,
            "INSERT INTO member (conversation, account, role, joined_ms) SELECT %" PRIu64
            ", seq, 2, 1 FROM seq_1_to_%u",
            conversation_of_group(group), GROUP_MAX_ADMINISTRATORS - 1);
    assert_err(set_admin(f, group, ada, owner, true), ERR_OK);
    next_routed_item(f, f->session);
    uint64_t before = sql_state(f);
    assert_err(set_admin(f, group, bob, owner, true), ERR_TOO_MANY);
    assert_int_equal(sql_state(f), before);
    assert_err(set_admin(f, group, ada, owner, false), ERR_OK);
    next_routed_item(f, f->session);
    assert_err(set_admin(f, group, bob, owner, true), ERR_OK);
    next_routed_item(f, f->session);
}

/* --- a group's name ------------------------------------------------------------------------ */

GROUP_TEST(test_a_group_is_renamed) {
    uint64_t owner = new_account(f->database, "name giver"),
             group = new_group(f, owner, "to be named");
    uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR);
    uint64_t member = new_member(f, group, "", GROUP_MEMBER), version = version_of(f, group);
    static const char *const names[] = {"Ein Name", "名前", "another"};
    const uint64_t by[] = {owner, admin, owner};
    for (size_t i = 0; i < 3; i++) {
        assert_err(rename_group(f, group, by[i], names[i]), ERR_OK);
        expect_notice(f,
                      &(struct notice){.type = ENTRY_GROUP_RENAMED,
                                       .conversation = conversation_of_group(group),
                                       .from = by[i],
                                       .to = group,
                                       .text = names[i]},
                      (uint64_t[]){owner, admin, member}, 3);
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM conversation WHERE id = %" PRIu64
                                    " AND name = '%s' AND string_id = 'to be named'",
                                    conversation_of_group(group), names[i]),
                         1);
    }
    assert_int_equal(version_of(f, group), version + 3);
}

GROUP_TEST(test_accounts_that_cannot_rename_a_group) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t member = new_member(f, group, "", GROUP_MEMBER),
             stranger = new_account(f->database, "");
    uint64_t before = sql_state(f);
    const uint64_t others[] = {member, stranger, 0, 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_err(rename_group(f, group, others[i], "name"), ERR_NOT_ALLOWED);
    const uint64_t nowhere[] = {0, 1, NUMBER_LIMIT, UINT64_MAX};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++)
        assert_err(rename_group(f, nowhere[i], owner, "name"), ERR_NO_GROUP);
    char longest[NAME_MAX_CHARACTERS + 2] = "";
    memset(longest, 'x', NAME_MAX_CHARACTERS + 1);
    const char *const bad[] = {"", "a\nb", "\x7f", "\xc3", "\xed\xa0\x80", longest};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_err(rename_group(f, group, owner, bad[i]), ERR_BAD_REQUEST);
        assert_err(rename_account(f, owner, bad[i]), ERR_BAD_REQUEST);
    }
    assert_int_equal(sql_state(f), before);
    longest[NAME_MAX_CHARACTERS] = '\0';
    assert_err(rename_group(f, group, owner, longest), ERR_OK);
    next_routed_item(f, f->session);
}

/* --- a nickname ---------------------------------------------------------------------------- */

GROUP_TEST(test_an_account_is_renamed) {
    uint64_t ada = new_account(f->database, "ada with friends"), bob = new_account(f->database, ""),
             eve = new_account(f->database, ""), stranger = new_account(f->database, "");
    make_friends(f, bob, ada);
    make_friends(f, ada, eve);
    make_friends(f, bob, stranger);
    const struct notice notice = {
        .type = ENTRY_RENAMED, .from = ada, .subject = ada, .text = "Gräfin"};
    for (unsigned i = 0; i < 2; i++) {
        assert_err(rename_account(f, ada, "Gräfin"), ERR_OK);
        expect_own_notice(f, ada, &notice);
        /* Friends in no particular order. */
        struct entry entry = entry_of(f, next_routed_item(f, f->session));
        bool bob_first = entry.conversation == conversation_of_account(bob);
        struct notice first = notice;
        first.conversation = conversation_of_account(bob_first ? bob : eve);
        assert_notice(f, &entry, &first);
        expect_own_notice(f, bob_first ? eve : bob, &notice);
    }
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM account WHERE number = %" PRIu64
                                " AND name = 'Gräfin' AND id = 'ada with friends'",
                                ada),
                     1);
    assert_int_equal(sql_number(f->database, "SELECT COUNT(*) FROM account WHERE name = 'Gräfin'"),
                     1);
    assert_cursor(f, conversation_of_account(eve), eve, 0, 0);
}

GROUP_TEST(test_an_account_without_friends_is_renamed) {
    uint64_t ada = new_account(f->database, "");
    assert_err(rename_account(f, ada, "alone"), ERR_OK);
    expect_own_notice(
        f, ada,
        &(struct notice){.type = ENTRY_RENAMED, .from = ada, .subject = ada, .text = "alone"});
    uint64_t before = sql_state(f);
    const uint64_t nobody[] = {0, 1, NUMBER_LIMIT, conversation_of_account(ada), UINT64_MAX};
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++)
        assert_err(rename_account(f, nobody[i], "name"), ERR_NO_ACCOUNT);
    assert_int_equal(sql_state(f), before);
}

/* As many friends as one may have: more conversations than one block of cids. */
GROUP_TEST(test_all_friends_receive_it) {
    uint64_t ada = new_account(f->database, ""), last = 0;
    sql_run(f->database,
            "INSERT INTO account (number, id, name, created_ms)"
            " SELECT seq, seq, 'x', 1 FROM seq_6000001_to_%u;"
            " INSERT INTO friendship SELECT %" PRIu64 ", seq, 1 FROM seq_6000001_to_%u",
            6000000 + GROUP_MAX_FRIENDS, ada, 6000000 + GROUP_MAX_FRIENDS);
    for (unsigned i = 0; i < 2; i++) {
        assert_err(rename_account(f, ada, "Everybody's"), ERR_OK);
        for (unsigned routed = 0; routed <= GROUP_MAX_FRIENDS; routed++) {
            const struct route_item *item = next_routed_item(f, f->session);
            assert_int_equal(item->accounts.count, 1);
            uint64_t account = item->accounts.items[0];
            struct entry entry = entry_of(f, item);
            assert_int_equal(entry.conversation, conversation_of_account(account));
            assert_true(entry.cid > last);
            last = entry.cid;
        }
    }
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM message WHERE type = 8 AND sender = "
                                "%" PRIu64 " AND body = 'Everybody\\'s'",
                                ada),
                     2 * (GROUP_MAX_FRIENDS + 1));
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
