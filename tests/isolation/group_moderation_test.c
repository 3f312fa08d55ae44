/*
 * parley-group alone: muted members and banned accounts.
 */
#include "services/group/group.h"
#include "tests/support/group_fixture.h"

static enum err mute(struct group_fixture *f, uint64_t group, uint64_t account, uint64_t by,
                     uint64_t until_ms) {
    struct group_mute ask = {.group = group, .account = account, .by = by, .until_ms = until_ms};
    return test_caller_ask(f->caller, &message_GROUP_MUTE, &ask, NULL);
}

static enum err ban(struct group_fixture *f, uint64_t group, uint64_t account, uint64_t by,
                    bool on) {
    struct group_ban ask = {.group = group, .account = account, .by = by, .on = on};
    return test_caller_ask(f->caller, &message_GROUP_BAN, &ask, NULL);
}

static enum err join(struct group_fixture *f, uint64_t group, uint64_t account) {
    struct group_join ask = {.group = group, .account = account};
    return test_caller_ask(f->caller, &message_GROUP_JOIN, &ask, NULL);
}

static uint64_t muted_until(struct group_fixture *f, uint64_t group, uint64_t account) {
    return member_number(f->database, "muted_until_ms", conversation_of_group(group), account);
}

static bool is_banned(struct group_fixture *f, uint64_t group, uint64_t account) {
    return sql_number(f->database,
                      "SELECT COUNT(*) FROM ban WHERE conversation = %" PRIu64
                      " AND account = %" PRIu64 " AND time_ms > 0",
                      conversation_of_group(group), account) == 1;
}

/* --- muting -------------------------------------------------------------------------------- */

GROUP_TEST(test_a_member_is_muted) {
    uint64_t owner = new_account(f->database, "richter"), group = new_group(f, owner, "gericht");
    uint64_t ada = new_member(f, group, "zeugin", GROUP_MEMBER), version = version_of(f, group);
    const uint64_t members[] = {owner, ada}, by[] = {owner, owner, 0},
                   until[] = {1800000000000, 1900000000000, 0};
    for (size_t i = 0; i < 3; i++) {
        assert_err(mute(f, group, ada, by[i], until[i]), ERR_OK);
        expect_notice(f,
                      &(struct notice){.type = ENTRY_MUTED,
                                       .conversation = conversation_of_group(group),
                                       .from = by[i],
                                       .subject = ada,
                                       .to = group,
                                       .target = until[i]},
                      members, 2);
        assert_int_equal(muted_until(f, group, ada), until[i]);
        /* Deliveries read the members anew. */
        assert_int_equal(version_of(f, group), version + 1 + i);
        /* A nick is read by all, too. */
        struct group_set_nick nick = {
            .group = group, .account = ada, .nick = slice_text("not quiet")};
        if (until[i] > 0)
            assert_err(test_caller_ask(f->caller, &message_GROUP_SET_NICK, &nick, NULL), ERR_MUTED);
        /* The same again changes nothing. */
        uint64_t after = sql_state(f);
        assert_err(mute(f, group, ada, by[i], until[i]), ERR_OK);
        assert_int_equal(sql_state(f), after);
    }
}

GROUP_TEST(test_roles_that_may_mute_and_ban) {
    uint64_t owner = new_account(f->database, ""), stranger = new_account(f->database, "");
    uint64_t group = new_group(f, owner, "");
    uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR);
    uint64_t other = new_member(f, group, "", GROUP_ADMINISTRATOR);
    uint64_t member = new_member(f, group, "", GROUP_MEMBER);
    const struct {
        uint64_t group, account, by;
        enum err mute, ban;
    } cases[] = {
        {group, member, member, ERR_TO_ONESELF, ERR_TO_ONESELF},
        {group, owner, owner, ERR_TO_ONESELF, ERR_TO_ONESELF},
        {group, owner, member, ERR_NOT_ALLOWED, ERR_NOT_ALLOWED},
        {group, admin, member, ERR_NOT_ALLOWED, ERR_NOT_ALLOWED},
        {group, member, stranger, ERR_NOT_ALLOWED, ERR_NOT_ALLOWED},
        {group, member, 1, ERR_NOT_ALLOWED, ERR_NOT_ALLOWED},
        {group, member, UINT64_MAX, ERR_NOT_ALLOWED, ERR_NOT_ALLOWED},
        {group, owner, admin, ERR_NOT_ALLOWED, ERR_NOT_ALLOWED},
        {group, other, admin, ERR_NOT_ALLOWED, ERR_NOT_ALLOWED},
        {group, owner, 0, ERR_OWNER_STAYS, ERR_OWNER_STAYS},
        {group, 1, owner, ERR_NOT_MEMBER, ERR_NO_ACCOUNT},
        {group, 0, admin, ERR_NOT_MEMBER, ERR_NO_ACCOUNT},
        {group, UINT64_MAX, owner, ERR_NOT_MEMBER, ERR_NO_ACCOUNT},
        {0, member, owner, ERR_NO_GROUP, ERR_NO_GROUP},
        {1, member, 0, ERR_NO_GROUP, ERR_NO_GROUP},
        {NUMBER_LIMIT, member, owner, ERR_NO_GROUP, ERR_NO_GROUP},
        {UINT64_MAX, member, owner, ERR_NO_GROUP, ERR_NO_GROUP},
    };
    uint64_t before = sql_state(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_err(mute(f, cases[i].group, cases[i].account, cases[i].by, 5), cases[i].mute);
        assert_err(ban(f, cases[i].group, cases[i].account, cases[i].by, true), cases[i].ban);
    }
    assert_err(mute(f, group, stranger, owner, 5), ERR_NOT_MEMBER);
    assert_err(ban(f, group, member, member, false), ERR_TO_ONESELF);
    assert_err(ban(f, group, stranger, member, false), ERR_NOT_ALLOWED);
    assert_int_equal(sql_state(f), before);
}

/* --- banning ------------------------------------------------------------------------------- */

static void expect_banned(struct group_fixture *f, uint64_t group, uint64_t by, uint64_t account,
                          bool on, const uint64_t *readers, size_t count) {
    expect_notice(f,
                  &(struct notice){.type = ENTRY_BANNED,
                                   .conversation = conversation_of_group(group),
                                   .from = by,
                                   .subject = account,
                                   .to = group,
                                   .accepted = on},
                  readers, count);
}

GROUP_TEST(test_a_banned_member_is_removed_and_stays_out) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t ada = new_account(f->database, "");
    make_friends(f, owner, ada);
    assert_err(add(f, group, ada, owner), ERR_OK);
    next_routed_item(f, f->session);
    uint64_t since = stored_in(f->database, conversation_of_group(group));
    assert_err(ban(f, group, ada, owner, true), ERR_OK);
    expect_banned(f, group, owner, ada, true, (uint64_t[]){owner, ada}, 2);
    /* Clients without extensions see no change. */
    uint64_t last =
        expect_in_group(f, group, ENTRY_REMOVED, owner, ada, (uint64_t[]){owner, ada}, 2);
    assert_int_equal(stored_in(f->database, conversation_of_group(group)), since + 2);
    assert_int_equal(role_of(f, group, ada), GROUP_STRANGER);
    assert_true(is_banned(f, group, ada));
    assert_int_equal(cursor_number(f->database, "until", ada, conversation_of_group(group)), last);
    uint64_t before = sql_state(f);
    assert_err(join(f, group, ada), ERR_BANNED);
    assert_err(add(f, group, ada, owner), ERR_BANNED);
    assert_err(add(f, group, ada, 0), ERR_BANNED);
    assert_err(ban(f, group, ada, owner, true), ERR_OK);
    assert_int_equal(sql_state(f), before);
    assert_err(ban(f, group, ada, 0, false), ERR_OK);
    expect_banned(f, group, 0, ada, false, &owner, 1);
    assert_false(is_banned(f, group, ada));
    assert_err(ban(f, group, ada, owner, false), ERR_OK);
    assert_err(add(f, group, ada, owner), ERR_OK);
    next_routed_item(f, f->session);
}

/* It learns nothing of a group that it is not in; its request to join is gone. */
GROUP_TEST(test_a_stranger_is_banned) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR),
             ada = new_account(f->database, "");
    assert_err(join(f, group, ada), ERR_OK);
    next_routed_item(f, f->session);
    next_routed_item(f, f->session);
    assert_err(ban(f, group, ada, admin, true), ERR_OK);
    expect_banned(f, group, admin, ada, true, (uint64_t[]){owner, admin}, 2);
    assert_false(request_waits(f, 2, group, ada));
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` WHERE account = %" PRIu64
                                " AND conversation = %" PRIu64,
                                ada, conversation_of_group(group)),
                     0);
    struct group_answer_join yes = {.group = group, .account = owner, .asker = ada, .accept = true};
    assert_err(test_caller_ask(f->caller, &message_GROUP_ANSWER_JOIN, &yes, NULL), ERR_NO_REQUEST);
    assert_err(join(f, group, ada), ERR_BANNED);
}

GROUP_TEST(test_bans_have_a_limit) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    sql_run(f->database, "INSERT INTO ban SELECT %" PRIu64 ", seq, 1, 1 FROM seq_1_to_%u",
            conversation_of_group(group), GROUP_MAX_BANS - 1);
    assert_err(ban(f, group, ada, owner, true), ERR_OK);
    next_routed_item(f, f->session);
    uint64_t before = sql_state(f);
    assert_err(ban(f, group, bob, owner, true), ERR_TOO_MANY);
    assert_int_equal(sql_state(f), before);
    assert_err(ban(f, group, ada, owner, false), ERR_OK);
    next_routed_item(f, f->session);
    assert_err(ban(f, group, bob, owner, true), ERR_OK);
    next_routed_item(f, f->session);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
