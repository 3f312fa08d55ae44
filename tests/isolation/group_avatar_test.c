/*
 * parley-group alone: the avatars of accounts and groups. The rows of files are the test's.
 */
#include <string.h>

#include "proto/conversation.h"
#include "services/group/group.h"
#include "tests/support/group_fixture.h"

static uint64_t files_made;

static uint64_t new_file(struct group_fixture *f, uint64_t account, const char *mime,
                         bool has_preview, bool finished) {
    uint64_t id = UINT64_C(0x0abc000000000000) + ++files_made;
    sql_run(f->database,
            "INSERT INTO file (id, account, name, mime, size, preview, created_ms, expires_ms,"
            " finished_ms) VALUES (%" PRIu64 ", %" PRIu64 ", 'a.png', '%s', 7, %d, 1, 2, %s)",
            id, account, mime, has_preview, finished ? "3" : "NULL");
    return id;
}

static uint64_t new_picture(struct group_fixture *f, uint64_t account) {
    return new_file(f, account, "image/png", true, true);
}

static uint64_t uses(struct group_fixture *f, uint64_t conversation, uint64_t file) {
    return sql_number(f->database,
                      "SELECT COUNT(*) FROM file_use WHERE conversation = %" PRIu64
                      " AND cid = 0 AND file = %" PRIu64,
                      conversation, file);
}

static enum err set_own(struct group_fixture *f, uint64_t account, uint64_t file) {
    struct group_set_profile ask = {.account = account, .avatar = file, .sets_avatar = true};
    return test_caller_ask(f->caller, &message_GROUP_SET_PROFILE, &ask, NULL);
}

static enum err set_groups(struct group_fixture *f, uint64_t account, uint64_t group,
                           uint64_t file) {
    struct group_set_group_profile ask = {
        .account = account, .group = group, .avatar = file, .sets_avatar = true};
    return test_caller_ask(f->caller, &message_GROUP_SET_GROUP_PROFILE, &ask, NULL);
}

static void expect_shown(struct group_fixture *f, struct group_profile ask, const char *avatar) {
    struct group_profile_reply reply;
    assert_err(test_caller_ask(f->caller, &message_GROUP_PROFILE, &ask, &reply), ERR_OK);
    assert_slice_text(reply.avatar, avatar);
}

static void expect_profile_notice(struct group_fixture *f, uint64_t account) {
    expect_own_notice(f, account,
                      &(struct notice){.type = ENTRY_PROFILE, .from = account, .subject = account});
}

GROUP_TEST(test_ones_own) {
    uint64_t ada = new_account(f->database, ""), own = conversation_of_account(ada);
    uint64_t first = new_picture(f, ada), second = new_file(f, ada, "image/gif", false, true);
    const struct group_profile ask = {.account = ada, .user = ada};
    expect_shown(f, ask, "");
    assert_err(set_own(f, ada, first), ERR_OK);
    expect_profile_notice(f, ada);
    expect_shown(f, ask, test_text("%016" PRIx64, first));
    assert_int_equal(uses(f, own, first), 1);
    assert_err(set_own(f, ada, second), ERR_OK);
    expect_profile_notice(f, ada);
    expect_shown(f, ask, test_text("%016" PRIx64 "+", second));
    assert_int_equal(uses(f, own, first), 0);
    assert_int_equal(uses(f, own, second), 1);
    assert_err(set_own(f, ada, 0), ERR_OK);
    expect_profile_notice(f, ada);
    expect_shown(f, ask, "");
    assert_int_equal(uses(f, own, second), 0);
}

GROUP_TEST(test_a_groups) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t group = new_group(f, ada, ""), file = new_picture(f, ada);
    uint64_t of_bob = new_picture(f, bob), conversation = conversation_of_group(group);
    assert_err(set_groups(f, bob, group, of_bob), ERR_NOT_MEMBER);
    assert_err(set_groups(f, ada, group, of_bob), ERR_NO_FILE);
    assert_err(set_groups(f, ada, group, file), ERR_OK);
    expect_notice(
        f,
        &(struct notice){
            .type = ENTRY_GROUP_PROFILE, .from = ada, .to = group, .conversation = conversation},
        &ada, 1);
    expect_shown(f, (struct group_profile){.account = bob, .group = group},
                 test_text("%016" PRIx64, file));
    assert_int_equal(uses(f, conversation, file), 1);
    struct group_members list = {.account = ada, .group = group};
    struct group_members_reply members;
    assert_err(test_caller_ask(f->caller, &message_GROUP_MEMBERS, &list, &members), ERR_OK);
    assert_int_equal(((const struct group_member *)members.items.items)->avatar.length, 0);
    assert_err(set_own(f, ada, file), ERR_OK);
    expect_profile_notice(f, ada);
    assert_err(test_caller_ask(f->caller, &message_GROUP_MEMBERS, &list, &members), ERR_OK);
    assert_slice_text(((const struct group_member *)members.items.items)->avatar,
                      test_text("%016" PRIx64, file));
    /* What nobody is shown any more uses no file. */
    struct group_dissolve end = {.group = group, .by = ada};
    assert_err(test_caller_ask(f->caller, &message_GROUP_DISSOLVE, &end, NULL), ERR_OK);
    assert_int_equal(uses(f, conversation, file), 0);
    assert_int_equal(sql_number(f->database,
                                "SELECT avatar IS NULL FROM conversation WHERE id = %" PRIu64,
                                conversation),
                     1);
    expect_notice(
        f,
        &(struct notice){
            .type = ENTRY_DISSOLVED, .from = ada, .to = group, .conversation = conversation},
        &ada, 1);
}

GROUP_TEST(test_refused) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    const uint64_t files[] = {new_picture(f, bob),
                              new_file(f, ada, "image/png", true, false),
                              new_file(f, ada, "text/html", false, true),
                              new_picture(f, ada) + 1,
                              1,
                              INT64_MAX,
                              UINT64_MAX};
    sql_run(f->database, "INSERT INTO sticker VALUES (%" PRIu64 ", %" PRIu64 ", 1)", ada, files[0]);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_err(set_own(f, ada, files[i]), ERR_NO_FILE);
    struct group_set_profile ask = {.account = ada, .avatar = new_picture(f, ada)};
    assert_err(test_caller_ask(f->caller, &message_GROUP_SET_PROFILE, &ask, NULL), ERR_BAD_REQUEST);
    expect_shown(f, (struct group_profile){.account = ada, .user = ada}, "");
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM file_use WHERE conversation = %" PRIu64,
                                conversation_of_account(ada)),
                     0);
    expect_nothing_routed(f);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
