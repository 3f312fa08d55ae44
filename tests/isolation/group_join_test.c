/*
 * parley-group alone: requests to join, their answers, and the effect of group.add on them.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/group/group.h"
#include "services/group/group_sql.h"
#include "tests/support/group_fixture.h"

static enum err join(struct group_fixture *f, uint64_t group, uint64_t account, bool *repeat_r) {
    struct group_join ask = {.group = group, .account = account};
    struct done done = {0};
    enum err err = test_caller_ask(f->caller, &message_GROUP_JOIN, &ask, &done);
    if (repeat_r != NULL)
        *repeat_r = done.repeat;
    return err;
}

static enum err answer(struct group_fixture *f, uint64_t group, uint64_t account, uint64_t asker,
                       bool accept) {
    struct group_answer_join ask = {
        .group = group, .account = account, .asker = asker, .accept = accept};
    return test_caller_ask(f->caller, &message_GROUP_ANSWER_JOIN, &ask, NULL);
}

static bool waits(struct group_fixture *f, uint64_t group, uint64_t account) {
    return request_waits(f, GROUP_REQUEST_JOIN, group, account);
}

static void expect_request(struct group_fixture *f, uint64_t group, uint64_t asker,
                           uint64_t administrator) {
    expect_own_notice(
        f, administrator,
        &(struct notice){.type = ENTRY_JOIN_REQUEST, .from = asker, .subject = asker, .to = group});
}

static uint64_t expect_joined(struct group_fixture *f, uint64_t group, uint64_t by, uint64_t member,
                              const char *name, const uint64_t *accounts, size_t count) {
    return expect_notice(f,
                         &(struct notice){.type = ENTRY_JOINED,
                                          .conversation = conversation_of_group(group),
                                          .from = by,
                                          .subject = member,
                                          .to = group,
                                          .accepted = true,
                                          .text = name},
                         accounts, count);
}

/* An account that has asked to join; the owner alone received the request. */
static uint64_t new_asker(struct group_fixture *f, uint64_t group, const char *id) {
    uint64_t account = new_account(f->database, id);
    assert_err(join(f, group, account, NULL), ERR_OK);
    next_routed_item(f, f->session);
    return account;
}

/* --- asking -------------------------------------------------------------------------------- */

GROUP_TEST(test_owner_and_administrators_receive_it) {
    uint64_t owner = new_account(f->database, "olga"), ada = new_account(f->database, "ada");
    uint64_t group = new_group(f, owner, "bücher");
    uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR);
    new_member(f, group, "", GROUP_MEMBER);
    uint64_t state_of_group = stored_in(f->database, conversation_of_group(group));
    bool repeat = true;
    assert_err(join(f, group, ada, &repeat), ERR_OK);
    assert_false(repeat);
    /* In the order of their accounts; to each in its own conversation. */
    expect_request(f, group, ada, owner);
    expect_request(f, group, ada, admin);
    assert_true(waits(f, group, ada));
    assert_int_equal(stored_in(f->database, conversation_of_group(group)), state_of_group);
    assert_int_equal(role_of(f, group, ada), GROUP_STRANGER);
    assert_cursor(f, conversation_of_account(owner), owner, 0, 0);
    assert_cursor(f, conversation_of_account(admin), admin, 0, 0);
    assert_cursor(f, conversation_of_account(ada), ada, 0, 0);
    /* A second one stands behind the first. */
    uint64_t bob = new_account(f->database, "");
    assert_err(join(f, group, bob, NULL), ERR_OK);
    expect_request(f, group, bob, owner);
    expect_request(f, group, bob, admin);
}

GROUP_TEST(test_asked_twice_is_asked_once) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t ada = new_asker(f, group, ""), before = sql_state(f);
    bool repeat = false;
    assert_err(join(f, group, ada, &repeat), ERR_OK);
    assert_true(repeat);
    assert_int_equal(sql_state(f), before);
}

GROUP_TEST(test_accounts_that_cannot_ask) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t member = new_member(f, group, "", GROUP_MEMBER), ada = new_account(f->database, "");
    uint64_t gone = new_group(f, owner, "");
    sql_run(f->database, "UPDATE conversation SET dissolved = 1 WHERE id = %" PRIu64,
            conversation_of_group(gone));
    uint64_t before = sql_state(f);
    assert_err(join(f, group, member, NULL), ERR_ALREADY_MEMBER);
    assert_err(join(f, group, owner, NULL), ERR_ALREADY_MEMBER);
    const uint64_t nobody[] = {0, 1, NUMBER_LIMIT, conversation_of_account(ada), UINT64_MAX};
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        assert_err(join(f, group, nobody[i], NULL), ERR_NO_ACCOUNT);
        assert_err(join(f, nobody[i], ada, NULL), ERR_NO_GROUP);
    }
    assert_err(join(f, gone, ada, NULL), ERR_NO_GROUP);
    assert_int_equal(sql_state(f), before);
}

GROUP_TEST(test_requests_have_a_limit) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t another = new_group(f, owner, ""), ada = new_account(f->database, ""),
             bob = new_account(f->database, "");
    sql_run(f->database,
            "INSERT INTO request (kind, target, account, created_ms)"
            " SELECT 1 + seq MOD 2, seq, %" PRIu64 ", 1 FROM seq_1_to_%u;"
            " INSERT INTO request (kind, target, account, created_ms)"
            " SELECT 2, %" PRIu64 ", seq, seq FROM seq_1_to_%u",
            ada, GROUP_MAX_REQUESTS - 1, group, GROUP_MAX_REQUESTS - 1);
    assert_err(join(f, group, ada, NULL), ERR_OK);
    expect_request(f, group, ada, owner);
    uint64_t before = sql_state(f);
    assert_err(join(f, another, ada, NULL), ERR_TOO_MANY);
    assert_err(join(f, group, ada, NULL), ERR_OK); /* asked already */
    assert_int_equal(sql_state(f), before);
    /* The oldest of the group's gives way. */
    assert_err(join(f, group, bob, NULL), ERR_OK);
    expect_request(f, group, bob, owner);
    assert_false(request_waits(f, GROUP_REQUEST_JOIN, group, 1));
    assert_err(answer(f, group, owner, 1, true), ERR_NO_REQUEST);
    assert_true(request_waits(f, GROUP_REQUEST_JOIN, group, 2));
    assert_true(request_waits(f, GROUP_REQUEST_JOIN, group, ada));
    assert_err(answer(f, group, owner, ada, false), ERR_OK);
    next_routed_item(f, f->session);
    uint64_t carl = new_account(f->database, "");
    assert_err(join(f, group, carl, NULL), ERR_OK);
    expect_request(f, group, carl, owner);
    assert_true(request_waits(f, GROUP_REQUEST_JOIN, group, 2));
}

/* More readers than one block of cids has. */
GROUP_TEST(test_many_administrators_receive_it) {
    enum { ADMINISTRATORS = 300 };
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, ""),
             ada = new_account(f->database, "");
    uint64_t conversation = conversation_of_group(group);
    sql_run(f->database,
            "INSERT INTO account (number, id, name, created_ms)"
            " SELECT seq, seq, 'x', 1 FROM seq_6000001_to_%u;"
            " INSERT INTO member (conversation, account, role, joined_ms) SELECT %" PRIu64
            ", seq, 2, 1 FROM seq_6000001_to_%u",
            6000000 + ADMINISTRATORS, conversation, 6000000 + ADMINISTRATORS);
    assert_err(join(f, group, ada, NULL), ERR_OK);
    expect_request(f, group, ada, owner);
    uint64_t last = 0;
    for (uint64_t i = 1; i <= ADMINISTRATORS; i++) {
        const uint64_t account = 6000000 + i;
        struct entry entry = expect_routed(f, &account, 1);
        assert_int_equal(entry.conversation, conversation_of_account(account));
        assert_true(entry.cid > last);
        last = entry.cid;
    }
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM message WHERE conversation BETWEEN %" PRIu64
                                " AND %" PRIu64 " AND type = 12 AND sender = %" PRIu64
                                " AND about = %" PRIu64,
                                conversation_of_account(6000001),
                                conversation_of_account(6000000 + ADMINISTRATORS), ada, group),
                     ADMINISTRATORS);
}

/* --- answering ----------------------------------------------------------------------------- */

GROUP_TEST(test_accepted) {
    uint64_t owner = new_account(f->database, "");
    struct group_create_reply reply;
    assert_err(create(f, owner, "", "Lesekreis", &reply), ERR_OK);
    uint64_t group = reply.group, ada = new_asker(f, group, "ada of the group");
    uint64_t version = version_of(f, group);
    assert_err(answer(f, group, owner, ada, true), ERR_OK);
    uint64_t first = expect_joined(f, group, owner, ada, "Lesekreis", (uint64_t[]){owner, ada}, 2);
    assert_false(waits(f, group, ada));
    assert_int_equal(role_of(f, group, ada), GROUP_MEMBER);
    assert_cursor(f, conversation_of_group(group), ada, 0, 0);
    assert_int_equal(version_of(f, group), version + 1);
    /* By an administrator; the new one reads from then on. */
    uint64_t bob = new_asker(f, group, "");
    set_role(f, group, ada, GROUP_ADMINISTRATOR);
    assert_err(answer(f, group, ada, bob, true), ERR_OK);
    expect_joined(f, group, ada, bob, "Lesekreis", (uint64_t[]){owner, ada, bob}, 3);
    assert_cursor(f, conversation_of_group(group), bob, first, 0);
}

GROUP_TEST(test_refused) {
    uint64_t owner = new_account(f->database, "the owner"),
             group = new_group(f, owner, "closed circle");
    uint64_t ada = new_asker(f, group, "refused one");
    uint64_t in_group = stored_in(f->database, conversation_of_group(group));
    assert_err(answer(f, group, owner, ada, false), ERR_OK);
    expect_own_notice(
        f, ada,
        &(struct notice){.type = ENTRY_JOIN_REFUSED, .from = owner, .subject = ada, .to = group});
    assert_false(waits(f, group, ada));
    assert_int_equal(role_of(f, group, ada), GROUP_STRANGER);
    assert_int_equal(stored_in(f->database, conversation_of_group(group)), in_group);
    assert_err(answer(f, group, owner, ada, true), ERR_NO_REQUEST);
    assert_err(join(f, group, ada, NULL), ERR_OK);
    expect_request(f, group, ada, owner);
}

GROUP_TEST(test_roles_that_may_answer) {
    uint64_t owner = new_account(f->database, ""), stranger = new_account(f->database, "");
    uint64_t group = new_group(f, owner, ""), another = new_group(f, stranger, "");
    uint64_t member = new_member(f, group, "", GROUP_MEMBER), ada = new_asker(f, group, "");
    uint64_t before = sql_state(f);
    for (unsigned accept = 0; accept < 2; accept++) {
        const uint64_t nobody[] = {member, stranger, ada, 0, 1, UINT64_MAX};
        for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++)
            assert_err(answer(f, group, nobody[i], ada, accept), ERR_NOT_ALLOWED);
        const uint64_t unasked[] = {stranger, member, owner, 0, 1};
        for (size_t i = 0; i < sizeof unasked / sizeof unasked[0]; i++)
            assert_err(answer(f, group, owner, unasked[i], accept), ERR_NO_REQUEST);
        assert_err(answer(f, group, owner, UINT64_MAX, accept), ERR_NO_ACCOUNT);
        assert_err(answer(f, another, stranger, ada, accept), ERR_NO_REQUEST);
        assert_err(answer(f, another, owner, ada, accept), ERR_NOT_ALLOWED);
        assert_err(answer(f, 1, owner, ada, accept), ERR_NO_GROUP);
        assert_err(answer(f, 0, owner, ada, accept), ERR_NO_GROUP);
        assert_err(answer(f, NUMBER_LIMIT, owner, ada, accept), ERR_NO_GROUP);
    }
    assert_int_equal(sql_state(f), before);
}

GROUP_TEST(test_a_full_group_accepts_nobody) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t ada = new_asker(f, group, "");
    for (unsigned i = 1; i < GROUP_TEST_MAX_MEMBERS; i++)
        new_member(f, group, "", GROUP_MEMBER);
    uint64_t before = sql_state(f);
    assert_err(answer(f, group, owner, ada, true), ERR_TOO_MANY);
    assert_int_equal(sql_state(f), before);
    assert_err(answer(f, group, owner, ada, false), ERR_OK);
    next_routed_item(f, f->session);
}

GROUP_TEST(test_the_first_answer_wins) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR);
    for (unsigned round = 0; round < 4; round++) {
        uint64_t ada = new_account(f->database, "");
        assert_err(join(f, group, ada, NULL), ERR_OK);
        expect_request(f, group, ada, owner);
        expect_request(f, group, ada, admin);
        struct group_answer_join
            yes = {.group = group, .account = owner, .asker = ada, .accept = true},
            no = {.group = group, .account = admin, .asker = ada, .accept = false};
        enum err errs[2];
        ask_both(
            f, conversation_of_group(group),
            (const struct message_desc *[]){&message_GROUP_ANSWER_JOIN, &message_GROUP_ANSWER_JOIN},
            (const void *[]){&yes, &no}, errs);
        bool accepted = errs[0] == ERR_OK;
        assert_err(errs[accepted ? 1 : 0], ERR_NO_REQUEST);
        assert_err(errs[accepted ? 0 : 1], ERR_OK);
        assert_int_equal(entry_of(f, next_routed_item(f, f->session)).type,
                         accepted ? ENTRY_JOINED : ENTRY_JOIN_REFUSED);
        assert_int_equal(role_of(f, group, ada), accepted ? GROUP_MEMBER : GROUP_STRANGER);
        sql_run(f->database,
                "DELETE FROM member WHERE conversation = %" PRIu64 " AND account = %" PRIu64,
                conversation_of_group(group), ada);
    }
}

/* A member that becomes an administrator while somebody asks receives the request, or was none yet:
 * never half of it. */
GROUP_TEST(test_asking_while_administrators_change) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t admin = new_member(f, group, "", GROUP_MEMBER);
    for (unsigned round = 0; round < 6; round++) {
        uint64_t ada = new_account(f->database, "");
        struct group_join ask = {.group = group, .account = ada};
        struct group_set_admin set = {.group = group, .account = admin, .on = round % 2 == 0};
        enum err errs[2];
        ask_both(f, conversation_of_group(group),
                 (const struct message_desc *[]){&message_GROUP_JOIN, &message_GROUP_SET_ADMIN},
                 (const void *[]){&ask, &set}, errs);
        assert_err(errs[0], ERR_OK);
        assert_err(errs[1], ERR_OK);
        uint64_t notices = sql_number(
            f->database, "SELECT COUNT(*) FROM message WHERE type = 12 AND sender = %" PRIu64, ada);
        assert_in_range(notices, 1, 2);
        for (uint64_t i = 0; i < notices + 1; i++)
            next_routed_item(f, f->session);
    }
}

/* --- pulling in ---------------------------------------------------------------------------- */

GROUP_TEST(test_adding_accepts_a_request) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t ada = new_asker(f, group, ""), bob = new_asker(f, group, ""),
             eve = new_account(f->database, "");
    assert_err(add(f, group, eve, owner), ERR_NOT_FRIENDS);
    assert_err(add(f, group, ada, owner), ERR_OK); /* no friend: has asked */
    const char *name = test_text("%" PRIu64, group);
    expect_joined(f, group, owner, ada, name, (uint64_t[]){owner, ada}, 2);
    assert_false(waits(f, group, ada));
    assert_err(answer(f, group, owner, ada, false), ERR_NO_REQUEST);
    assert_err(add(f, group, bob, 0), ERR_OK);
    expect_joined(f, group, 0, bob, name, (uint64_t[]){owner, ada, bob}, 3);
    assert_false(waits(f, group, bob));
    make_friends(f, owner, eve);
    assert_err(add(f, group, eve, owner), ERR_OK);
    expect_joined(f, group, owner, eve, name, (uint64_t[]){owner, ada, bob, eve}, 4);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
