/*
 * parley-group alone: lists of friends, of members, and of those that ask to become one.
 */
#include <string.h>

#include "services/group/group.h"
#include "services/group/group_sql.h"
#include "services/lookup/search.h"
#include "tests/support/group_fixture.h"

static int set_up(void **state) { return group_set_up_with(state, "--group-max-members=5000"); }

static struct group_friends_reply friends(struct group_fixture *f, uint64_t account, uint64_t after,
                                          uint64_t limit) {
    struct group_friends ask = {.account = account, .after = after, .limit = limit};
    struct group_friends_reply reply;
    assert_err(test_caller_ask(f->caller, &message_GROUP_FRIENDS, &ask, &reply), ERR_OK);
    return reply;
}

static enum err try_members(struct group_fixture *f, struct group_members ask,
                            struct group_members_reply *reply_r) {
    return test_caller_ask(f->caller, &message_GROUP_MEMBERS, &ask, reply_r);
}

static struct group_members_reply members(struct group_fixture *f, struct group_members ask) {
    struct group_members_reply reply;
    assert_err(try_members(f, ask, &reply), ERR_OK);
    return reply;
}

static void assert_text(struct slice found, const char *expected) {
    if (!slice_equal(found, slice_text(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", (int)found.length, found.data, expected);
}

static void ask_for(struct group_fixture *f, unsigned kind, uint64_t target, uint64_t account) {
    sql_run(f->database,
            "INSERT INTO request (kind, target, account, created_ms) VALUES (%u, %" PRIu64
            ", %" PRIu64 ", 1)",
            kind, target, account);
}

/* `count` accounts with ascending numbers behind all others; the first. */
static uint64_t new_accounts(struct group_fixture *f, size_t count) {
    uint64_t first = 1 + sql_number(f->database, "SELECT MAX(number) FROM account");
    sql_run(f->database,
            "INSERT INTO account (number, id, name, created_ms) SELECT %" PRIu64 " + seq, %" PRIu64
            " + seq, REPEAT('\U0001F375', 64), 1 FROM seq_0_to_%zu",
            first, first, count - 1);
    return first;
}

/* --- blocked and banned -------------------------------------------------------------------- */

/* Each once, and on one page, whatever else they are. */
GROUP_TEST(test_whom_an_account_blocks) {
    uint64_t first = new_accounts(f, 5), ada = first + 2;
    make_friends(f, ada, first);
    ask_for(f, GROUP_REQUEST_FRIEND, first + 3, ada);
    make_friends(f, ada, first + 4);
    sql_run(f->database,
            "INSERT INTO block VALUES (%" PRIu64 ", %" PRIu64 "), (%" PRIu64 ", %" PRIu64
            "), (%" PRIu64 ", %" PRIu64 "), (%" PRIu64 ", %" PRIu64 ")",
            ada, first, ada, first + 1, ada, first + 3, first + 4, ada);
    static const struct {
        uint64_t behind, relation;
        bool blocked;
    } wanted[] = {{0, RELATION_FRIEND, true},
                  {1, RELATION_NONE, true},
                  {3, RELATION_ASKED, true},
                  {4, RELATION_FRIEND, false}};
    uint64_t after = 0;
    for (size_t i = 0; i < 4; i++) {
        struct group_friends_reply reply = friends(f, ada, after, 1);
        assert_int_equal(reply.items.count, 1);
        assert_int_equal(reply.more, i < 3);
        const struct acquaintance *item = reply.items.items;
        assert_int_equal(item->account, first + wanted[i].behind);
        assert_int_equal(item->relation, wanted[i].relation);
        assert_int_equal(item->blocked, wanted[i].blocked);
        after = item->account;
    }
}

/* Members do not see them. */
GROUP_TEST(test_whom_a_group_bans) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t member = new_member(f, group, "", GROUP_MEMBER), ada = new_account(f->database, "");
    sql_run(f->database, "INSERT INTO ban VALUES (%" PRIu64 ", %" PRIu64 ", 1, 1)",
            conversation_of_group(group), ada);
    struct group_members ask = {.group = group, .account = owner};
    struct group_members_reply reply = members(f, ask);
    assert_int_equal(reply.items.count, 3);
    const struct group_member *items = reply.items.items;
    assert_int_equal(items[2].account, ada);
    assert_true(items[2].banned && !items[1].banned);
    ask.account = member;
    assert_int_equal(members(f, ask).items.count, 2);
}

/* --- friends ------------------------------------------------------------------------------- */

GROUP_TEST(test_friends_and_requests) {
    uint64_t first = new_accounts(f, 6), ada = first + 2; /* some are below, some above */
    make_friends(f, ada, first);
    make_friends(f, ada, first + 5);
    ask_for(f, GROUP_REQUEST_FRIEND, first + 3, ada);
    ask_for(f, GROUP_REQUEST_FRIEND, ada, first + 1);
    ask_for(f, GROUP_REQUEST_JOIN, 500, ada);           /* about a group */
    make_friends(f, first + 1, first + 5);              /* not hers */
    ask_for(f, GROUP_REQUEST_FRIEND, first + 5, first); /* nor this */
    sql_run(f->database,
            "UPDATE account SET id = 'zoë', name = 'Zoë' WHERE number = %" PRIu64
            "; INSERT INTO remark VALUES (%" PRIu64 ", %" PRIu64 ", 'Z')",
            first + 5, ada, first + 5);
    const struct group_friends_reply reply = friends(f, ada, 0, 0);
    const struct acquaintance *items = reply.items.items;
    const struct {
        uint64_t account, relation;
    } wanted[] = {{first, RELATION_FRIEND},
                  {first + 1, RELATION_ASKS},
                  {first + 3, RELATION_ASKED},
                  {first + 5, RELATION_FRIEND}};
    assert_int_equal(reply.items.count, 4);
    assert_false(reply.more);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(items[i].account, wanted[i].account);
        assert_int_equal(items[i].relation, wanted[i].relation);
    }
    assert_text(items[0].id, "");
    assert_text(items[0].remark, "");
    assert_text(items[3].id, "zoë");
    assert_text(items[3].name, "Zoë");
    assert_text(items[3].remark, "Z");
    assert_text(items[3].avatar, "");
    assert_int_equal(friends(f, first + 4, 0, 0).items.count, 0);
    assert_int_equal(friends(f, UINT64_MAX, 0, 0).items.count, 0);
}

/* As many as there may be, in pages of every kind of size. */
GROUP_TEST(test_friends_by_pages) {
    static const uint64_t limits[] = {1000, 0, LIST_MAX, 199, 7};
    uint64_t first = new_accounts(f, GROUP_MAX_FRIENDS + 1), ada = first + 400;
    sql_run(f->database,
            "INSERT INTO friendship SELECT LEAST(n, %" PRIu64 "), GREATEST(n, %" PRIu64
            "), 1 FROM (SELECT %" PRIu64 " + seq AS n FROM seq_0_to_%d) a WHERE n <> %" PRIu64,
            ada, ada, first, GROUP_MAX_FRIENDS, ada);
    sql_run(f->database,
            "INSERT INTO remark SELECT %" PRIu64 ", %" PRIu64
            " + seq, REPEAT('\U0001F375', 64) FROM seq_0_to_%d",
            ada, first, GROUP_MAX_FRIENDS);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        uint64_t after = 0, count = 0;
        size_t size = limits[i] == 0 || limits[i] > LIST_MAX ? LIST_MAX : limits[i];
        struct group_friends_reply reply = {.more = true};
        while (reply.more) {
            reply = friends(f, ada, after, limits[i]);
            const struct acquaintance *items = reply.items.items;
            assert_int_equal(reply.items.count == size || !reply.more, 1);
            assert_in_range(reply.items.count, 1, size);
            for (size_t j = 0; j < reply.items.count; j++) {
                assert_true(items[j].account > after);
                after = items[j].account;
                count++;
            }
        }
        assert_int_equal(count, GROUP_MAX_FRIENDS);
    }
}

/* --- members ------------------------------------------------------------------------------- */

GROUP_TEST(test_members_and_requests) {
    uint64_t first = new_accounts(f, 5), group = new_group(f, first + 1, "");
    const uint64_t admin = first, plain = first + 2, asker = first + 3, eve = first + 4;
    add_quietly(f, group, admin);
    add_quietly(f, group, plain);
    set_role(f, group, admin, GROUP_ADMINISTRATOR);
    ask_for(f, GROUP_REQUEST_JOIN, group, asker);
    sql_run(f->database,
            "UPDATE member SET nick = 'Pike', muted_until_ms = 77 WHERE account = %" PRIu64, plain);
    const uint64_t askers[] = {admin, first + 1, plain};
    for (size_t i = 0; i < 3; i++) {
        bool sees_requests = askers[i] != plain;
        const struct group_members_reply reply =
            members(f, (struct group_members){.group = group, .account = askers[i]});
        const struct group_member *items = reply.items.items;
        assert_int_equal(reply.items.count, sees_requests ? 4 : 3);
        assert_true(reply.small);
        assert_false(reply.more);
        for (size_t j = 0; j < reply.items.count; j++)
            assert_int_equal(items[j].account, first + j);
        assert_int_equal(items[0].role, GROUP_ADMINISTRATOR);
        assert_int_equal(items[1].role, GROUP_OWNER);
        assert_int_equal(items[2].role, GROUP_MEMBER);
        assert_text(items[2].nick, "Pike");
        assert_int_equal(items[2].muted_until_ms, 77);
        assert_text(items[1].nick, "");
        if (sees_requests)
            assert_int_equal(items[3].role, GROUP_STRANGER);
    }
    struct group_members_reply reply;
    const struct {
        struct group_members ask;
        enum err err;
    } cases[] = {
        {{.group = group, .account = eve}, ERR_NOT_MEMBER},
        {{.group = group, .account = asker}, ERR_NOT_MEMBER},
        {{.group = group, .account = 0}, ERR_NOT_MEMBER},
        {{.group = group + 1000, .account = plain}, ERR_NO_GROUP},
        {{.group = 0, .account = plain}, ERR_NO_GROUP},
        {{.group = UINT64_MAX, .account = plain}, ERR_NO_GROUP},
        {{.group = (uint64_t)1 << 60, .account = plain}, ERR_NO_GROUP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_err(try_members(f, cases[i].ask, &reply), cases[i].err);
    sql_run(f->database,
            "UPDATE conversation SET dissolved = 1 WHERE lo = %" PRIu64 " AND kind = 1", group);
    assert_err(try_members(f, (struct group_members){.group = group, .account = plain}, &reply),
               ERR_NO_GROUP);
}

GROUP_TEST(test_members_by_pages) {
    uint64_t first = new_accounts(f, 5001), group = new_group(f, first, "");
    uint64_t conversation = conversation_of_group(group);
    sql_run(f->database,
            "INSERT INTO member (conversation, account, role, joined_ms) SELECT %" PRIu64
            ", %" PRIu64 " + seq, 1, 1 FROM seq_1_to_4999",
            conversation, first);
    ask_for(f, GROUP_REQUEST_JOIN, group, first + 5000);
    uint64_t after = 0, count = 0;
    struct group_members_reply reply = {.more = true};
    while (reply.more) {
        reply =
            members(f, (struct group_members){.group = group, .account = first, .after = after});
        const struct group_member *items = reply.items.items;
        assert_false(reply.small);
        for (size_t i = 0; i < reply.items.count; i++, count++)
            assert_int_equal(items[i].account, first + count);
        after = items[reply.items.count - 1].account;
    }
    assert_int_equal(count, 5001);
    assert_int_equal(
        members(f, (struct group_members){.group = group, .account = first, .after = after})
            .items.count,
        0);
}

GROUP_TEST(test_where_a_group_is_no_longer_small) {
    uint64_t first = new_accounts(f, SMALL_GROUP_MAX + 1), group = new_group(f, first, "");
    sql_run(f->database,
            "INSERT INTO member (conversation, account, role, joined_ms) SELECT %" PRIu64
            ", %" PRIu64 " + seq, 1, 1 FROM seq_1_to_%d",
            conversation_of_group(group), first, SMALL_GROUP_MAX - 1);
    const struct group_members ask = {.group = group, .account = first, .limit = 1};
    assert_true(members(f, ask).small);
    sql_run(f->database,
            "INSERT INTO member (conversation, account, role, joined_ms) VALUES (%" PRIu64
            ", %" PRIu64 ", 1, 1)",
            conversation_of_group(group), first + SMALL_GROUP_MAX);
    assert_false(members(f, ask).small);
}

/* --- the operator's list -------------------------------------------------------------------- */

/* The groups with `words` in a name, one at most. */
static struct group_list_reply found(struct group_fixture *f, const char *words, uint64_t after) {
    struct group_list ask = {.search = slice_text(words), .after = after, .limit = 1};
    struct group_list_reply reply;
    assert_err(test_caller_ask(f->caller, &message_GROUP_LIST, &ask, &reply), ERR_OK);
    return reply;
}

static uint64_t only_found(struct group_fixture *f, const char *words) {
    struct group_list_reply reply = found(f, words, 0);
    assert_false(reply.more);
    return reply.items.count == 0 ? 0 : ((const struct shown_group *)reply.items.items)->group;
}

GROUP_TEST(test_groups_by_a_part_of_a_name) {
    uint64_t ada = new_accounts(f, 1);
    struct group_create_reply made;
    assert_err(create(f, ada, "Chess-Club", "Sch\xc3\xa4ren 100%", &made), ERR_OK);
    uint64_t unnamed = new_group(f, ada, "");
    static const char *const words[] = {"CHESS", "ss-cl", "sch\xc3\x84REN", "0%"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_true(only_found(f, words[i]) == made.group);
    assert_true(only_found(f, "c_ess") == 0);
    /* The id of one without a string id is its number. */
    assert_true(only_found(f, test_text("%ju", (uintmax_t)unnamed)) == unnamed);
    struct group_list ask = {.search = slice_text("\xff")};
    assert_err(test_caller_ask(f->caller, &message_GROUP_LIST, &ask, NULL), ERR_BAD_REQUEST);
}

GROUP_TEST(test_a_search_of_groups_goes_on_by_pages) {
    const uint64_t last = UINT64_C(1) << 52, first = last - SEARCH_AT_ONCE;
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, name, created_ms) SELECT %" PRIu64
            " + seq, 1, %" PRIu64 " + seq, 0, IF(seq IN (0, %d), 'needle', 'many'), 1"
            " FROM seq_0_to_%d",
            conversation_of_group(first), first, SEARCH_AT_ONCE, SEARCH_AT_ONCE);
    struct group_list_reply reply = found(f, "Needle", first - 1);
    assert_int_equal(reply.items.count, 1);
    assert_true(reply.more && reply.next == last - 1);
    reply = found(f, "Needle", reply.next);
    assert_int_equal(reply.items.count, 1);
    assert_true(!reply.more && reply.next == 0);
    sql_run(f->database, "DELETE FROM conversation WHERE kind = 1 AND lo >= %" PRIu64, first);
}

int main(void) { return test_run_all(set_up, group_tear_down); }
