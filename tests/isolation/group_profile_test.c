/*
 * parley-group alone: profiles, and the fields that can be set.
 */
#include <string.h>

#include "services/group/group.h"
#include "tests/support/group_fixture.h"

static enum err profile(struct group_fixture *f, struct group_profile ask,
                        struct group_profile_reply *reply_r) {
    return test_caller_ask(f->caller, &message_GROUP_PROFILE, &ask, reply_r);
}

static struct group_profile_reply shown(struct group_fixture *f, struct group_profile ask) {
    struct group_profile_reply reply;
    assert_err(profile(f, ask, &reply), ERR_OK);
    return reply;
}

static void assert_text(struct slice found, const char *expected) {
    if (!slice_equal(found, slice_text(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", (int)found.length, found.data, expected);
}

/* A number that changes with any field of a profile, and with the log. */
static uint64_t state_of(struct group_fixture *f) {
    return sql_state(f) +
           sql_number(f->database,
                      "SELECT"
                      " (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', number, about))), 0)"
                      " FROM account) +"
                      " (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', id, about, slow_s))), 0)"
                      " FROM conversation) +"
                      " (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', 'n', account, nick))), 0)"
                      " FROM member) +"
                      " (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', account, friend, remark))), 0)"
                      " FROM remark)");
}

/* Four bytes each, as many as there may be and one more. */
static struct slice pictures(size_t count) {
    static char text[4 * (ABOUT_MAX_CHARACTERS + 1)];
    for (size_t i = 0; i < count; i++)
        memcpy(text + 4 * i, "\xf0\x9f\x8d\xb5", 4);
    return slice_make(text, 4 * count);
}

static struct slice new_nonce(void) {
    static unsigned count;
    return slice_make(test_text("profile %08u", ++count), NONCE_BYTES);
}

/* --- shown fields -------------------------------------------------------------------------- */

GROUP_TEST(test_a_person) {
    uint64_t ada, bob, eve = new_account(f->database, "");
    new_friends(f, &ada, &bob);
    sql_run(f->database,
            "UPDATE account SET name = 'Bob', about = 'I fish', id = 'bob%" PRIu64
            "' WHERE number = %" PRIu64 "; INSERT INTO remark VALUES (%" PRIu64 ", %" PRIu64
            ", 'Bobby')",
            bob, bob, ada, bob);
    struct group_profile_reply reply =
        shown(f, (struct group_profile){.account = ada, .user = bob});
    assert_int_equal(reply.user, bob);
    assert_int_equal(reply.group, 0);
    assert_text(reply.id, test_text("bob%" PRIu64, bob));
    assert_text(reply.name, "Bob");
    assert_text(reply.about, "I fish");
    assert_text(reply.avatar, "");
    assert_text(reply.remark, "Bobby");
    assert_true(reply.near);
    /* The name that ada gives bob is hers alone. */
    reply = shown(f, (struct group_profile){.account = eve, .user = bob});
    assert_text(reply.name, "Bob");
    assert_text(reply.remark, "");
    assert_false(reply.near);
    reply = shown(f, (struct group_profile){.account = bob, .user = bob});
    assert_text(reply.remark, "");
    assert_false(reply.near);
}

GROUP_TEST(test_a_group) {
    uint64_t ada = new_account(f->database, ""), eve = new_account(f->database, "");
    uint64_t group = new_group(f, ada, "chess");
    sql_run(f->database, "UPDATE conversation SET name = 'Chess', about = 'checkmate', slow_s = 5"
                         " WHERE string_id = 'chess'");
    struct group_profile_reply reply =
        shown(f, (struct group_profile){.account = ada, .group = group});
    assert_int_equal(reply.group, group);
    assert_int_equal(reply.user, 0);
    assert_text(reply.id, "chess");
    assert_text(reply.name, "Chess");
    assert_text(reply.about, "checkmate");
    assert_int_equal(reply.slow_s, 5);
    assert_true(reply.near);
    assert_false(shown(f, (struct group_profile){.account = eve, .group = group}).near);
    sql_run(f->database, "UPDATE conversation SET dissolved = 1 WHERE string_id = 'chess'");
    assert_err(profile(f, (struct group_profile){.account = ada, .group = group}, &reply),
               ERR_NO_GROUP);
}

GROUP_TEST(test_profiles_that_do_not_exist) {
    uint64_t ada = new_account(f->database, "");
    struct group_profile_reply reply;
    const struct {
        struct group_profile ask;
        enum err err;
    } cases[] = {
        {{.account = ada}, ERR_BAD_REQUEST},
        {{.account = ada, .user = ada, .group = 1}, ERR_BAD_REQUEST},
        {{.account = ada, .user = 4000001}, ERR_NO_ACCOUNT},
        {{.account = ada, .user = UINT64_MAX}, ERR_NO_ACCOUNT},
        {{.account = ada, .group = 4000001}, ERR_NO_GROUP},
        {{.account = ada, .group = UINT64_MAX}, ERR_NO_GROUP},
        /* Nobody is found by an address, whether there is one or not. */
        {{.account = ada, .email = slice_text("ada@example.org")}, ERR_NOT_ALLOWED},
        {{.account = ada, .email = slice_text("x")}, ERR_NOT_ALLOWED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_err(profile(f, cases[i].ask, &reply), cases[i].err);
}

GROUP_TEST(test_by_email_where_it_is_allowed) {
    struct group_fixture other = *f;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    sql_run(f->database,
            "UPDATE account SET email = 'bob@example.org', name = 'Bob' WHERE number = %" PRIu64,
            bob);
    other.option = "--profile-by-email=true";
    uint16_t port = test_free_port();
    struct service_process *group = start_group(&other, port);
    other.caller = test_caller_new("by email", port);
    struct group_profile_reply reply = shown(
        &other, (struct group_profile){.account = ada, .email = slice_text("Bob@Example.ORG")});
    assert_int_equal(reply.user, bob);
    assert_text(reply.name, "Bob");
    assert_err(profile(&other, (struct group_profile){.account = ada, .email = slice_text("bob@")},
                       &reply),
               ERR_NO_ACCOUNT);
    assert_err(profile(&other, (struct group_profile){.account = ada, .email = slice_text("bob%")},
                       &reply),
               ERR_NO_ACCOUNT);
    assert_err(profile(&other, (struct group_profile){.account = ada, .email = slice_text("\xff")},
                       &reply),
               ERR_NO_ACCOUNT);
    test_caller_destroy(&other.caller);
    assert_int_equal(service_process_stop(&group), 0);
}

/* --- one's own ----------------------------------------------------------------------------- */

static enum err set_profile(struct group_fixture *f, const struct group_set_profile *ask) {
    return test_caller_ask(f->caller, &message_GROUP_SET_PROFILE, ask, NULL);
}

static void expect_profile(struct group_fixture *f, uint64_t reader, uint64_t from,
                           uint64_t subject) {
    expect_own_notice(f, reader,
                      &(struct notice){.type = ENTRY_PROFILE, .from = from, .subject = subject});
}

GROUP_TEST(test_ones_own) {
    uint64_t ada, bob;
    new_friends(f, &ada, &bob);
    struct group_set_profile ask = {.account = ada,
                                    .name = slice_text("Ada"),
                                    .about = slice_text("numbers"),
                                    .sets_about = true,
                                    .nonce = new_nonce()};
    for (int i = 0; i < 2; i++) { /* done once */
        assert_err(set_profile(f, &ask), ERR_OK);
        if (i > 0)
            break;
        expect_profile(f, ada, ada, ada);
        expect_profile(f, bob, ada, ada);
        const uint64_t readers[] = {ada, bob};
        for (size_t j = 0; j < 2; j++) /* the fields that every client knows */
            expect_own_notice(
                f, readers[j],
                &(struct notice){
                    .type = ENTRY_RENAMED, .from = ada, .subject = ada, .text = "Ada"});
    }
    struct group_profile_reply reply =
        shown(f, (struct group_profile){.account = bob, .user = ada});
    assert_text(reply.name, "Ada");
    assert_text(reply.about, "numbers");
    /* A field that is not given stays; an empty text removes the old one. */
    ask = (struct group_set_profile){.account = ada, .sets_about = true};
    assert_err(set_profile(f, &ask), ERR_OK);
    expect_profile(f, ada, ada, ada);
    expect_profile(f, bob, ada, ada);
    reply = shown(f, (struct group_profile){.account = bob, .user = ada});
    assert_text(reply.name, "Ada");
    assert_text(reply.about, "");
    ask.about = pictures(ABOUT_MAX_CHARACTERS);
    assert_err(set_profile(f, &ask), ERR_OK);
    expect_profile(f, ada, ada, ada);
    expect_profile(f, bob, ada, ada);
    reply = shown(f, (struct group_profile){.account = bob, .user = ada});
    assert_true(slice_equal(reply.about, ask.about));
}

GROUP_TEST(test_refused_settings) {
    uint64_t ada = new_account(f->database, ""), before = state_of(f);
    const struct group_set_profile asks[] = {
        {.account = ada},
        {.account = ada, .about = slice_text("not meant")},
        {.account = ada, .name = slice_text(" ada")},
        {.account = ada, .name = slice_text("system")},
        {.account = ada, .name = pictures(NAME_MAX_CHARACTERS + 1)},
        {.account = ada, .about = slice_text("a\nb"), .sets_about = true},
        {.account = ada, .about = slice_text("\xff"), .sets_about = true},
        {.account = ada, .about = pictures(ABOUT_MAX_CHARACTERS + 1), .sets_about = true},
        {.account = ada, .name = slice_text("Ada"), .nonce = slice_text("short")},
    };
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++)
        assert_err(set_profile(f, &asks[i]), ERR_BAD_REQUEST);
    assert_err(set_profile(f, &(struct group_set_profile){.account = 4000001,
                                                          .name = slice_text("nobody")}),
               ERR_NO_ACCOUNT);
    assert_err(set_profile(f, &(struct group_set_profile){.account = UINT64_MAX,
                                                          .name = slice_text("nobody")}),
               ERR_NO_ACCOUNT);
    assert_int_equal(state_of(f), before);
}

/* --- a group's ----------------------------------------------------------------------------- */

static enum err set_group(struct group_fixture *f, const struct group_set_group_profile *ask) {
    return test_caller_ask(f->caller, &message_GROUP_SET_GROUP_PROFILE, ask, NULL);
}

GROUP_TEST(test_a_groups) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t admin = new_member(f, group, "", GROUP_ADMINISTRATOR);
    uint64_t plain = new_member(f, group, "", GROUP_MEMBER), eve = new_account(f->database, "");
    const uint64_t members[] = {owner, admin, plain};
    struct group_set_group_profile ask = {.group = group,
                                          .account = admin,
                                          .name = slice_text("Go"),
                                          .about = slice_text("stones"),
                                          .sets_about = true,
                                          .slow_s = SLOW_MAX_S,
                                          .sets_slow = true,
                                          .nonce = new_nonce()};
    assert_err(set_group(f, &ask), ERR_OK);
    assert_err(set_group(f, &ask), ERR_OK); /* done once */
    struct notice wanted = {.type = ENTRY_GROUP_PROFILE,
                            .from = admin,
                            .conversation = conversation_of_group(group),
                            .to = group};
    expect_notice(f, &wanted, members, 3);
    wanted.type = ENTRY_GROUP_RENAMED;
    wanted.text = "Go";
    expect_notice(f, &wanted, members, 3);
    struct group_profile_reply reply =
        shown(f, (struct group_profile){.account = plain, .group = group});
    assert_text(reply.name, "Go");
    assert_text(reply.about, "stones");
    assert_int_equal(reply.slow_s, SLOW_MAX_S);
    ask = (struct group_set_group_profile){.group = group, .account = owner, .sets_slow = true};
    assert_err(set_group(f, &ask), ERR_OK);
    next_routed_item(f, f->session);
    reply = shown(f, (struct group_profile){.account = plain, .group = group});
    assert_text(reply.about, "stones");
    assert_int_equal(reply.slow_s, 0);
    uint64_t before = state_of(f);
    ask.account = plain;
    assert_err(set_group(f, &ask), ERR_NOT_ALLOWED);
    ask.account = eve;
    assert_err(set_group(f, &ask), ERR_NOT_MEMBER);
    ask = (struct group_set_group_profile){
        .group = group, .account = owner, .slow_s = SLOW_MAX_S + 1, .sets_slow = true};
    assert_err(set_group(f, &ask), ERR_BAD_REQUEST);
    ask = (struct group_set_group_profile){.group = group, .account = owner};
    assert_err(set_group(f, &ask), ERR_BAD_REQUEST);
    ask.sets_slow = true;
    ask.group = UINT64_MAX;
    assert_err(set_group(f, &ask), ERR_NO_GROUP);
    assert_int_equal(state_of(f), before);
}

/* The operator has the rights of an owner, but no picture. */
GROUP_TEST(test_a_groups_by_the_operator) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    struct group_set_group_profile ask = {.group = group,
                                          .about = slice_text("stones"),
                                          .sets_about = true,
                                          .sets_avatar = true,
                                          .nonce = new_nonce()};
    assert_err(set_group(f, &ask), ERR_OK);
    assert_err(set_group(f, &ask), ERR_OK); /* done once */
    expect_notice(f,
                  &(struct notice){.type = ENTRY_GROUP_PROFILE,
                                   .conversation = conversation_of_group(group),
                                   .to = group},
                  &owner, 1);
    struct group_profile_reply reply =
        shown(f, (struct group_profile){.account = owner, .group = group});
    assert_text(reply.about, "stones");
    uint64_t before = state_of(f);
    ask = (struct group_set_group_profile){.group = group, .avatar = 1, .sets_avatar = true};
    assert_err(set_group(f, &ask), ERR_NO_FILE);
    assert_int_equal(state_of(f), before);
}

/* --- remarks ------------------------------------------------------------------------------- */

static enum err set_remark(struct group_fixture *f, uint64_t account, uint64_t of,
                           struct slice remark, struct slice nonce) {
    struct group_set_remark ask = {
        .account = account, .friend = of, .remark = remark, .nonce = nonce};
    return test_caller_ask(f->caller, &message_GROUP_SET_REMARK, &ask, NULL);
}

GROUP_TEST(test_remarks) {
    const struct slice none = slice_make(NULL, 0);
    uint64_t ada, bob, eve = new_account(f->database, "");
    new_friends(f, &ada, &bob);
    const struct group_profile ask = {.account = ada, .user = bob};
    struct slice nonce = new_nonce();
    assert_err(set_remark(f, ada, bob, slice_text("Bobby"), nonce), ERR_OK);
    expect_profile(f, ada, ada, bob); /* nobody else */
    assert_err(set_remark(f, ada, bob, slice_text("Bobby"), nonce), ERR_OK);
    assert_text(shown(f, ask).remark, "Bobby");
    assert_err(set_remark(f, ada, bob, pictures(NAME_MAX_CHARACTERS), none), ERR_OK);
    expect_profile(f, ada, ada, bob);
    assert_true(slice_equal(shown(f, ask).remark, pictures(NAME_MAX_CHARACTERS)));
    uint64_t before = state_of(f);
    assert_err(set_remark(f, ada, bob, slice_text("another"), nonce), ERR_REF_USED);
    assert_err(set_remark(f, ada, bob, pictures(NAME_MAX_CHARACTERS + 1), none), ERR_BAD_REQUEST);
    assert_err(set_remark(f, ada, bob, slice_text("a\tb"), none), ERR_BAD_REQUEST);
    assert_err(set_remark(f, ada, eve, slice_text("Eve"), none), ERR_NOT_FRIENDS);
    assert_err(set_remark(f, ada, ada, slice_text("me"), none), ERR_TO_ONESELF);
    assert_err(set_remark(f, ada, 4000001, slice_text("x"), none), ERR_NO_ACCOUNT);
    assert_err(set_remark(f, ada, UINT64_MAX, slice_text("x"), none), ERR_NO_ACCOUNT);
    assert_int_equal(state_of(f), before);
    assert_err(set_remark(f, ada, bob, none, none), ERR_OK);
    expect_profile(f, ada, ada, bob);
    assert_text(shown(f, ask).remark, "");
    assert_err(set_remark(f, bob, ada, slice_text("A"), none), ERR_OK);
    expect_profile(f, bob, bob, ada);
    /* The end of a friendship is the end of its remarks. */
    struct group_unfriend end = {.account = ada, .target = bob};
    assert_err(test_caller_ask(f->caller, &message_GROUP_UNFRIEND, &end, NULL), ERR_OK);
    next_routed_item(f, f->session);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM remark WHERE account = %" PRIu64
                                " OR friend = %" PRIu64,
                                ada, ada),
                     0);
}

/* --- nicks --------------------------------------------------------------------------------- */

static enum err set_nick(struct group_fixture *f, uint64_t group, uint64_t account,
                         struct slice nick, struct slice nonce) {
    struct group_set_nick ask = {.group = group, .account = account, .nick = nick, .nonce = nonce};
    return test_caller_ask(f->caller, &message_GROUP_SET_NICK, &ask, NULL);
}

static uint64_t has_nick(struct group_fixture *f, uint64_t group, uint64_t account,
                         const char *condition) {
    return sql_number(f->database,
                      "SELECT COUNT(*) FROM member WHERE conversation = %" PRIu64
                      " AND account = %" PRIu64 " AND nick %s",
                      conversation_of_group(group), account, condition);
}

GROUP_TEST(test_nicks) {
    const struct slice none = slice_make(NULL, 0);
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t plain = new_member(f, group, "", GROUP_MEMBER), eve = new_account(f->database, "");
    const uint64_t members[] = {owner, plain};
    struct slice nonce = new_nonce();
    struct notice wanted = {.type = ENTRY_NICK,
                            .from = plain,
                            .subject = plain,
                            .conversation = conversation_of_group(group),
                            .to = group,
                            .text = "Pawn"};
    assert_err(set_nick(f, group, plain, slice_text("Pawn"), nonce), ERR_OK);
    expect_notice(f, &wanted, members, 2);
    assert_err(set_nick(f, group, plain, slice_text("Pawn"), nonce), ERR_OK);
    assert_int_equal(has_nick(f, group, plain, "= 'Pawn'"), 1);
    assert_int_equal(has_nick(f, group, owner, "IS NULL"), 1);
    uint64_t before = state_of(f);
    assert_err(set_nick(f, group, eve, slice_text("Eve"), none), ERR_NOT_MEMBER);
    assert_err(set_nick(f, group, 0, slice_text("nobody"), none), ERR_NOT_MEMBER);
    assert_err(set_nick(f, group + 1000, plain, slice_text("x"), none), ERR_NO_GROUP);
    assert_err(set_nick(f, group, plain, slice_text("SYSTEM"), none), ERR_BAD_REQUEST);
    assert_err(set_nick(f, group, plain, pictures(NAME_MAX_CHARACTERS + 1), none), ERR_BAD_REQUEST);
    assert_int_equal(state_of(f), before);
    assert_err(set_nick(f, group, plain, none, none), ERR_OK);
    wanted.text = "";
    expect_notice(f, &wanted, members, 2);
    assert_int_equal(has_nick(f, group, plain, "IS NULL"), 1);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
