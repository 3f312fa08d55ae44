/*
 * parley-group alone: which accounts receive news of presence.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/group/group.h"
#include "services/group/group_sql.h"
#include "tests/support/group_fixture.h"

/* presence_grace_ms and presence_group_max by default. */
#define GRACE_MS 3000
#define GROUP_MAX 200

static enum err presence(struct group_fixture *f, const uint64_t *accounts, size_t count,
                         bool online) {
    struct group_presence ask = {{(uint64_t *)accounts, count}, online};
    return test_caller_ask(f->caller, &message_GROUP_PRESENCE, &ask, NULL);
}

/* Takes the next routed entry, to exactly these accounts. */
static void expect_news(struct group_fixture *f, enum entry_type type, uint64_t account,
                        uint64_t group, const uint64_t *accounts, size_t count) {
    struct entry entry = expect_routed(f, accounts, count);
    assert_int_equal(entry.conversation, 0);
    assert_int_equal(entry.cid, 0);
    assert_int_equal(entry.prev, 0);
    assert_in_range(entry.time_ms, loop_wall_ms() - TEST_DEADLINE_MS, loop_wall_ms());
    assert_int_equal(entry.type, type);
    assert_int_equal(entry.from, account);
    assert_int_equal(entry.subject, account);
    assert_int_equal(entry.to, group);
    assert_account_id(f, entry.from, entry.from_id);
    assert_account_id(f, entry.subject, entry.subject_id);
    assert_group_id(f, entry.to, entry.to_id);
    assert_int_equal(entry.text.length, 0);
    assert_false(entry.accepted);
}

GROUP_TEST(test_friends_and_members_receive_it) {
    uint64_t ada = new_account(f->database, "ada is here"), bob = new_account(f->database, ""),
             eve = new_account(f->database, ""), owner = new_account(f->database, "");
    uint64_t group = new_group(f, owner, "a group with presence"), other = new_group(f, owner, "");
    add_quietly(f, group, ada);
    add_quietly(f, group, bob);
    add_quietly(f, other, ada);
    make_friends(f, bob, ada);
    make_friends(f, ada, eve);
    make_friends(f, bob, owner);
    uint64_t before = sql_state(f);
    for (unsigned online = 0; online < 2; online++) {
        assert_err(presence(f, &ada, 1, online), ERR_OK);
        expect_news(f, online ? ENTRY_FRIEND_ONLINE : ENTRY_FRIEND_OFFLINE, ada, 0,
                    (uint64_t[]){bob, eve}, 2);
        enum entry_type type = online ? ENTRY_MEMBER_ONLINE : ENTRY_MEMBER_OFFLINE;
        expect_news(f, type, ada, group, (uint64_t[]){owner, bob}, 2);
        expect_news(f, type, ada, other, &owner, 1);
    }
    assert_int_equal(sql_state(f), before);
}

GROUP_TEST(test_nobody_to_tell) {
    uint64_t ada = new_account(f->database, ""), alone = new_group(f, ada, "");
    (void)alone;
    uint64_t before = sql_state(f);
    assert_err(presence(f, &ada, 1, true), ERR_OK);
    assert_err(presence(f, &ada, 0, true), ERR_OK);
    const uint64_t nobody[] = {0, 1, NUMBER_LIMIT, conversation_of_account(ada), UINT64_MAX};
    assert_err(presence(f, nobody, sizeof nobody / sizeof nobody[0], false), ERR_OK);
    assert_int_equal(sql_state(f), before);
}

/* An account that left, or whose group was dissolved, is no member. */
GROUP_TEST(test_former_members_receive_nothing) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, ""),
             gone = new_group(f, owner, "");
    uint64_t ada = new_member(f, group, "", GROUP_MEMBER), bob = new_member(f, group, "", 1);
    add_quietly(f, gone, ada);
    struct group_leave leave = {.group = group, .account = bob};
    struct group_dissolve dissolve = {.group = gone, .by = owner};
    assert_err(test_caller_ask(f->caller, &message_GROUP_LEAVE, &leave, NULL), ERR_OK);
    assert_err(test_caller_ask(f->caller, &message_GROUP_DISSOLVE, &dissolve, NULL), ERR_OK);
    next_routed_item(f, f->session);
    next_routed_item(f, f->session);
    assert_err(presence(f, &ada, 1, true), ERR_OK);
    expect_news(f, ENTRY_MEMBER_ONLINE, ada, group, &owner, 1);
    assert_err(presence(f, &bob, 1, true), ERR_OK);
}

/* A gateway died: all at once, the same groups, in more than one look at the database. */
GROUP_TEST(test_many_at_once) {
    enum { PEOPLE = 40 };
    uint64_t people[PEOPLE + 1], others[PEOPLE + 1], groups[2];
    for (size_t i = 0; i < PEOPLE; i++)
        people[i] = new_account(f->database, i % 2 == 0 ? "" : test_text("person %zu", i));
    people[PEOPLE] = 1; /* does not exist */
    for (size_t g = 0; g < 2; g++) {
        groups[g] = new_group(f, people[0], "");
        sql_run(f->database,
                "INSERT INTO member (conversation, account, role, joined_ms) SELECT %" PRIu64
                ", seq, 1, 1 FROM seq_%" PRIu64 "_to_%" PRIu64,
                conversation_of_group(groups[g]), people[1], people[PEOPLE - 1]);
    }
    for (size_t i = 0; i + 1 < PEOPLE; i++)
        make_friends(f, people[i], people[i + 1]);
    assert_err(presence(f, people, PEOPLE + 1, false), ERR_OK);
    for (size_t from = 0; from < PEOPLE; from += GROUP_PRESENCE_AT_ONCE) {
        size_t to = from + GROUP_PRESENCE_AT_ONCE < PEOPLE ? from + GROUP_PRESENCE_AT_ONCE : PEOPLE;
        for (size_t i = from; i < to; i++) {
            size_t count = 0;
            if (i > 0)
                others[count++] = people[i - 1];
            if (i + 1 < PEOPLE)
                others[count++] = people[i + 1];
            expect_news(f, ENTRY_FRIEND_OFFLINE, people[i], 0, others, count);
        }
        for (size_t g = 0; g < 2; g++)
            for (size_t i = from; i < to; i++) {
                size_t count = 0;
                for (size_t j = 0; j < PEOPLE; j++)
                    if (j != i)
                        others[count++] = people[j];
                expect_news(f, ENTRY_MEMBER_OFFLINE, people[i], groups[g], others, count);
            }
    }
}

static int restart_with(struct group_fixture *f, const char *option) {
    int status = service_process_stop(&f->group);
    f->option = option;
    f->group = start_group(f, f->port);
    return status;
}

static int lift_the_limit(void **state) {
    return restart_with(*state, "--presence-group-max=60000");
}

static int set_the_limit(void **state) {
    group_test_tear_down(state);
    return restart_with(*state, NULL);
}

#define LARGE_GROUP_TEST(name_)                                                                    \
    TEST_WITH(name_, struct group_fixture *f, lift_the_limit, set_the_limit)

/* A group of new accounts, and of so many members more that are none. */
static uint64_t new_large_group(struct group_fixture *f, uint64_t *people, size_t count,
                                unsigned members) {
    for (size_t i = 0; i < count; i++)
        people[i] = new_account(f->database, "");
    uint64_t group = new_group(f, people[0], ""), conversation = conversation_of_group(group);
    sql_run(f->database,
            "INSERT INTO member (conversation, account, role, joined_ms) SELECT %" PRIu64
            ", seq, 1, 1 FROM seq_%" PRIu64 "_to_%" PRIu64
            "; INSERT INTO member (conversation, account, role, joined_ms) SELECT %" PRIu64
            ", seq, 1, 1 FROM seq_8000001_to_%u",
            conversation, people[1], people[count - 1], conversation, 8000000 + members);
    return group;
}

/* One member more, and nobody receives news for that group's sake; friends and smaller groups are.
 */
GROUP_TEST(test_a_group_that_is_too_large_tells_nothing) {
    enum { PEOPLE = 3 };
    uint64_t people[PEOPLE], bob = new_account(f->database, "");
    uint64_t large = new_large_group(f, people, PEOPLE, GROUP_MAX - PEOPLE);
    uint64_t small = new_group(f, people[1], "");
    add_quietly(f, small, people[0]);
    make_friends(f, people[0], bob);
    assert_err(presence(f, people, 1, true), ERR_OK);
    expect_news(f, ENTRY_FRIEND_ONLINE, people[0], 0, &bob, 1);
    const struct route_item *item = next_routed_item(f, f->session);
    assert_int_equal(item->accounts.count, GROUP_MAX - 1);
    assert_int_equal(entry_of(f, item).to, large);
    expect_news(f, ENTRY_MEMBER_ONLINE, people[0], small, &people[1], 1);
    sql_run(f->database,
            "INSERT INTO member (conversation, account, role, joined_ms) VALUES (%" PRIu64
            ", %" PRIu64 ", 1, 1)",
            conversation_of_group(large), bob);
    assert_err(presence(f, people, PEOPLE, false), ERR_OK);
    expect_news(f, ENTRY_FRIEND_OFFLINE, people[0], 0, &bob, 1);
    expect_news(f, ENTRY_MEMBER_OFFLINE, people[0], small, &people[1], 1);
    expect_news(f, ENTRY_MEMBER_OFFLINE, people[1], small, &people[0], 1);
}

/* Receivers that do not fit into one batch. */
LARGE_GROUP_TEST(test_large_groups) {
    enum { MEMBERS = 30000, PEOPLE = 8 };
    uint64_t people[PEOPLE];
    new_large_group(f, people, PEOPLE, MEMBERS);
    assert_err(presence(f, people, PEOPLE, true), ERR_OK);
    for (size_t i = 0; i < PEOPLE; i++) {
        const struct route_item *item = next_routed_item(f, f->session);
        assert_int_equal(item->accounts.count, MEMBERS + PEOPLE - 1);
        for (size_t j = 0; j < item->accounts.count; j++)
            assert_int_not_equal(item->accounts.items[j], people[i]);
        assert_int_equal(entry_of(f, item).from, people[i]);
    }
}

GROUP_TEST(test_as_many_as_there_may_be) {
    static uint64_t accounts[1025];
    uint64_t first = new_account(f->database, ""), friend = new_account(f->database, "");
    for (size_t i = 0; i < 1025; i++)
        accounts[i] = 9000000 + i;
    accounts[1023] = first;
    make_friends(f, first, friend);
    assert_err(presence(f, accounts, 1024, true), ERR_OK);
    expect_news(f, ENTRY_FRIEND_ONLINE, first, 0, &friend, 1);
    assert_err(presence(f, accounts, 1025, true), ERR_BAD_REQUEST);
}

GROUP_TEST(test_killed_connections_are_made_again) {
    uint64_t ada, bob;
    new_friends(f, &ada, &bob);
    for (unsigned i = 0; i < 3; i++) {
        kill_connections(f);
        assert_err(presence(f, &ada, 1, true), ERR_OK);
        expect_news(f, ENTRY_FRIEND_ONLINE, ada, 0, &bob, 1);
    }
}

/* That gateways are to read the log is of no concern to presence. */
static void begin_session(struct group_fixture *f) {
    f->session = fake_peer_new("session", f->session_port);
    fake_peer_pass_over(f->session, &message_SESSION_DIRTY);
}

static void await_no_session(struct group_fixture *f) {
    TEST_UNTIL(test_caller_metric(f->caller, "ready") == 0, "group did not see it go");
}

static void kill_session(struct group_fixture *f) {
    fake_peer_destroy(&f->session);
    await_no_session(f);
}

static void stop_session(struct group_fixture *f) {
    fake_peer_set_ready(f->session, false);
    await_no_session(f);
}

/* --- while sessions appear and go ---------------------------------------------------------- */

/* It is not stored anywhere else. */
GROUP_TEST(test_news_waits_while_no_session_is_there) {
    uint64_t ada, bob;
    new_friends(f, &ada, &bob);
    kill_session(f);
    assert_err(presence(f, &ada, 1, false), ERR_OK);
    begin_session(f);
    expect_news(f, ENTRY_FRIEND_OFFLINE, ada, 0, &bob, 1);
}

/* Gateways may not have bound their clients yet at the session that now has the accounts. */
GROUP_TEST(test_news_waits_until_gateways_know) {
    uint64_t ada, bob;
    new_friends(f, &ada, &bob);
    kill_session(f);
    int64_t began_ms = loop_now_ms();
    begin_session(f);
    TEST_UNTIL(test_caller_metric(f->caller, "ready") == 1, "the session was not found again");
    assert_err(presence(f, &ada, 1, false), ERR_OK);
    assert_err(presence(f, &ada, 1, true), ERR_OK);
    expect_news(f, ENTRY_FRIEND_OFFLINE, ada, 0, &bob, 1);
    assert_in_range(loop_now_ms() - began_ms, GRACE_MS, TEST_DEADLINE_MS);
    expect_news(f, ENTRY_FRIEND_ONLINE, ada, 0, &bob, 1);
}

GROUP_TEST(test_news_waits_while_a_session_stops) {
    uint64_t ada, bob;
    new_friends(f, &ada, &bob);
    stop_session(f);
    assert_err(presence(f, &ada, 1, true), ERR_OK);
    int64_t began_ms = loop_now_ms();
    fake_peer_set_ready(f->session, true);
    expect_news(f, ENTRY_FRIEND_ONLINE, ada, 0, &bob, 1);
    assert_in_range(loop_now_ms() - began_ms, GRACE_MS, TEST_DEADLINE_MS);
}

/* News that a session refuses, or does not answer before it is lost. */
GROUP_TEST(test_news_that_failed_is_sent_again) {
    uint64_t ada, bob;
    new_friends(f, &ada, &bob);
    fake_peer_refuse(f->session, ERR_OVERLOADED, ROUTE_ATTEMPTS - 1);
    assert_err(presence(f, &ada, 1, true), ERR_OK);
    for (unsigned i = 0; i < ROUTE_ATTEMPTS; i++)
        expect_news(f, ENTRY_FRIEND_ONLINE, ada, 0, &bob, 1);
    fake_peer_ignore(f->session, 1);
    assert_err(presence(f, &ada, 1, false), ERR_OK);
    expect_news(f, ENTRY_FRIEND_OFFLINE, ada, 0, &bob, 1);
    kill_session(f);
    begin_session(f);
    expect_news(f, ENTRY_FRIEND_OFFLINE, ada, 0, &bob, 1);
}

GROUP_TEST(test_news_that_always_fails_is_dropped) {
    uint64_t ada, bob;
    new_friends(f, &ada, &bob);
    uint64_t lost = test_caller_metric(f->caller, "route_lost_total");
    fake_peer_pass_over(f->session, &message_SESSION_DIRTY);
    fake_peer_refuse(f->session, ERR_OVERLOADED, ROUTE_ATTEMPTS);
    assert_err(presence(f, &ada, 1, true), ERR_OK);
    for (unsigned i = 0; i < ROUTE_ATTEMPTS; i++)
        expect_news(f, ENTRY_FRIEND_ONLINE, ada, 0, &bob, 1);
    TEST_UNTIL(test_caller_metric(f->caller, "route_lost_total") == lost + 1, "it was not dropped");
}

LARGE_GROUP_TEST(test_no_more_is_held_back_than_fits) {
    enum { MEMBERS = 30000, PEOPLE = 321 }; /* so many numbers: more than ROUTE_MAX_BYTES */
    uint64_t people[PEOPLE];
    new_large_group(f, people, PEOPLE, MEMBERS);
    uint64_t before = test_caller_metric(f->caller, "route_lost_total");
    fake_peer_pass_over(f->session, &message_SESSION_DIRTY);
    stop_session(f);
    assert_err(presence(f, people, PEOPLE, true), ERR_OK);
    uint64_t lost = test_caller_metric(f->caller, "route_lost_total") - before;
    assert_in_range(lost, 1, PEOPLE / 2);
    fake_peer_set_ready(f->session, true);
    for (size_t i = 0; i < PEOPLE - lost; i++)
        assert_int_equal(entry_of(f, next_routed_item(f, f->session)).from, people[i]);
}

/* An instance that ends first sends the news that it has held back. */
GROUP_TEST(test_held_back_news_is_sent_at_the_end) {
    uint64_t ada, bob;
    new_friends(f, &ada, &bob);
    kill_session(f);
    begin_session(f);
    assert_err(presence(f, &ada, 1, false), ERR_OK);
    TEST_UNTIL(test_caller_metric(f->caller, "ready") == 1, "the session was not found again");
    assert_int_equal(service_process_stop(&f->group), 0);
    expect_news(f, ENTRY_FRIEND_OFFLINE, ada, 0, &bob, 1);
    f->group = start_group(f, f->port);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
