/*
 * parley-group alone: group.add, its notice, and the entries that are routed.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/group/group.h"
#include "tests/support/group_fixture.h"

static uint64_t last_cid_of(struct group_fixture *f, uint64_t group) {
    return sql_number(f->database, "SELECT MAX(cid) FROM message WHERE conversation = %" PRIu64,
                      conversation_of_group(group));
}

static void assert_member(struct group_fixture *f, uint64_t group, uint64_t account,
                          uint64_t since) {
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM member WHERE conversation = %" PRIu64
                                " AND account = %" PRIu64 " AND role = 1 AND joined_ms > 1",
                                conversation_of_group(group), account),
                     1);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64
                                " AND account = %" PRIu64 " AND since = %" PRIu64
                                " AND received = %" PRIu64 " AND until IS NULL",
                                conversation_of_group(group), account, since, since),
                     1);
}

/* --- effects of an addition ---------------------------------------------------------------- */

GROUP_TEST(test_the_operator_adds) {
    uint64_t owner = new_account(f->database, ""), member = new_account(f->database, "");
    uint64_t group = new_group(f, owner, "");
    int64_t before_ms = loop_wall_ms();
    assert_err(add(f, group, member, 0), ERR_OK);
    struct entry entry = expect_routed(f, (uint64_t[]){owner, member}, 2);
    assert_int_equal(entry.conversation, conversation_of_group(group));
    assert_true(entry.cid > 0);
    assert_int_equal(entry.prev, 0);
    assert_in_range(entry.time_ms, before_ms, loop_wall_ms());
    assert_int_equal(entry.type, ENTRY_JOINED);
    assert_int_equal(entry.from, 0);
    assert_int_equal(entry.to, group);
    assert_int_equal(entry.subject, member);
    assert_true(entry.accepted);
    /* All of them are decimal: no strings travel. */
    assert_int_equal(entry.from_id.length + entry.to_id.length + entry.subject_id.length, 0);
    assert_slice_text(entry.text, test_text("%" PRIu64, group));
    assert_stored(f, &entry);
    assert_member(f, group, member, 0);
    assert_int_equal(version_of(f, group), 2);
}

GROUP_TEST(test_string_ids_travel) {
    uint64_t owner = new_account(f->database, "frida"),
             member = new_account(f->database, "günther");
    struct group_create_reply group;
    assert_err(create(f, owner, "kaffeeklatsch", "Bei Frida", &group), ERR_OK);
    make_friends(f, owner, member);
    assert_err(add(f, group.group, member, owner), ERR_OK);
    struct entry entry = expect_routed(f, (uint64_t[]){owner, member}, 2);
    assert_int_equal(entry.from, owner);
    assert_slice_text(entry.from_id, "frida");
    assert_int_equal(entry.to, group.group);
    assert_slice_text(entry.to_id, "kaffeeklatsch");
    assert_int_equal(entry.subject, member);
    assert_slice_text(entry.subject_id, "günther");
    assert_slice_text(entry.text, "Bei Frida");
    assert_stored(f, &entry);
}

GROUP_TEST(test_entries_are_chained) {
    uint64_t owner = new_account(f->database, ""), a = new_account(f->database, ""),
             b = new_account(f->database, ""), c = new_account(f->database, "");
    uint64_t group = new_group(f, owner, "");
    assert_err(add(f, group, a, 0), ERR_OK);
    uint64_t first = expect_routed(f, (uint64_t[]){owner, a}, 2).cid;
    assert_err(add(f, group, b, 0), ERR_OK);
    struct entry second = expect_routed(f, (uint64_t[]){owner, a, b}, 3);
    assert_int_equal(second.prev, first);
    assert_true(second.cid > first);
    assert_member(f, group, b, first);
    /* A delivery writes in between. */
    sql_run(f->database,
            "UPDATE conversation SET writer = 99 WHERE id = %" PRIu64
            "; INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
            " SELECT %" PRIu64 ", NEXT VALUE FOR cid_block + 5, 1, 0, %" PRIu64 ", 'hello'",
            conversation_of_group(group), conversation_of_group(group), owner);
    uint64_t written = last_cid_of(f, group);
    assert_err(add(f, group, c, 0), ERR_OK);
    struct entry third = expect_routed(f, (uint64_t[]){owner, a, b, c}, 4);
    assert_int_equal(third.prev, written);
    assert_true(third.cid > written);
    assert_member(f, group, c, written);
    assert_int_equal(version_of(f, group), 4);
}

/* --- rights -------------------------------------------------------------------------------- */

GROUP_TEST(test_roles_that_may_add) {
    uint64_t owner = new_account(f->database, ""), a = new_account(f->database, ""),
             b = new_account(f->database, ""), c = new_account(f->database, ""),
             stranger = new_account(f->database, "");
    uint64_t group = new_group(f, owner, ""), another = new_group(f, stranger, "");
    add_quietly(f, group, a);
    uint64_t rows = group_rows(f);
    assert_err(add(f, group, b, a), ERR_NOT_ALLOWED);
    assert_err(add(f, group, b, b), ERR_NOT_ALLOWED);
    assert_err(add(f, group, b, stranger), ERR_NOT_ALLOWED);
    assert_err(add(f, group, stranger, stranger), ERR_NOT_ALLOWED);
    assert_err(add(f, group, b, 1), ERR_NOT_ALLOWED);
    assert_err(add(f, group, b, UINT64_MAX), ERR_NOT_ALLOWED);
    assert_err(add(f, another, b, owner), ERR_NOT_ALLOWED);
    assert_int_equal(group_rows(f), rows);
    set_role(f, group, a, GROUP_ADMINISTRATOR);
    make_friends(f, a, b);
    make_friends(f, owner, c);
    assert_err(add(f, group, b, owner), ERR_NOT_FRIENDS);
    assert_err(add(f, group, c, a), ERR_NOT_FRIENDS);
    assert_int_equal(group_rows(f), rows);
    assert_err(add(f, group, b, a), ERR_OK);
    assert_int_equal(expect_routed(f, (uint64_t[]){owner, a, b}, 3).from, a);
    assert_err(add(f, group, c, owner), ERR_OK);
    assert_int_equal(expect_routed(f, (uint64_t[]){owner, a, b, c}, 4).from, owner);
}

GROUP_TEST(test_refused_additions) {
    uint64_t owner = new_account(f->database, ""), a = new_account(f->database, ""),
             b = new_account(f->database, "");
    uint64_t group = new_group(f, owner, ""), gone = new_group(f, owner, "");
    add_quietly(f, group, a);
    sql_run(f->database, "UPDATE conversation SET dissolved = 1 WHERE id = %" PRIu64,
            conversation_of_group(gone));
    /* A pair, and a person's own notices: their numbers are no groups. */
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (7, 0, %" PRIu64
            ", %" PRIu64 ", 1), ((2 << 60) | %" PRIu64 ", 2, %" PRIu64 ", 0, 1)",
            owner, a, a, a);
    uint64_t rows = group_rows(f);
    const uint64_t no_groups[] = {0,
                                  7,
                                  gone,
                                  12345,
                                  NUMBER_LIMIT,
                                  conversation_of_group(group),
                                  ((uint64_t)3 << 60) | a,
                                  ((uint64_t)3 << 60) | 7,
                                  UINT64_MAX};
    for (size_t i = 0; i < sizeof no_groups / sizeof no_groups[0]; i++)
        assert_err(add(f, no_groups[i], b, 0), ERR_NO_GROUP);
    const uint64_t no_accounts[] = {0, 1, NUMBER_LIMIT, UINT64_MAX};
    for (size_t i = 0; i < sizeof no_accounts / sizeof no_accounts[0]; i++)
        assert_err(add(f, group, no_accounts[i], 0), ERR_NO_ACCOUNT);
    assert_err(add(f, group, a, 0), ERR_ALREADY_MEMBER);
    assert_err(add(f, group, owner, owner), ERR_ALREADY_MEMBER);
    assert_int_equal(group_rows(f), rows);
    assert_int_equal(fake_peer_waiting(f->session), 0);
}

GROUP_TEST(test_a_group_has_a_limit) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    for (unsigned i = 1; i < GROUP_TEST_MAX_MEMBERS; i++)
        add_quietly(f, group, new_account(f->database, ""));
    uint64_t late = new_account(f->database, ""), rows = group_rows(f);
    make_friends(f, late, owner);
    assert_err(add(f, group, late, 0), ERR_TOO_MANY);
    assert_err(add(f, group, late, owner), ERR_TOO_MANY);
    assert_err(add(f, group, owner, 0), ERR_ALREADY_MEMBER);
    assert_int_equal(group_rows(f), rows);
}

/* --- several at once ----------------------------------------------------------------------- */

GROUP_TEST(test_one_person_twice_at_once) {
    struct test_caller *other = test_caller_new("other", f->port);
    uint64_t owner = new_account(f->database, ""), member = new_account(f->database, "");
    uint64_t group = new_group(f, owner, "");
    struct group_add ask = {.group = group, .account = member};
    struct db *holder = hold(f->database, conversation_of_group(group));
    test_caller_start(f->caller, &message_GROUP_ADD, &ask);
    test_caller_start(other, &message_GROUP_ADD, &ask);
    wait_for_connections(f->database, WAITS_FOR_LOCK, 2);
    let_go(&holder);
    enum err a = test_caller_finish(f->caller, &message_GROUP_ADD, NULL);
    enum err b = test_caller_finish(other, &message_GROUP_ADD, NULL);
    assert_err(a == ERR_OK ? b : a, ERR_ALREADY_MEMBER);
    assert_err(a == ERR_OK ? a : b, ERR_OK);
    struct entry entry = expect_routed(f, (uint64_t[]){owner, member}, 2);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64,
                                entry.conversation),
                     1);
    assert_int_equal(version_of(f, group), 2);
    test_caller_destroy(&other);
}

GROUP_TEST(test_two_instances_write_one_chain) {
    uint16_t port = test_free_port();
    struct service_process *second = start_group(f, port);
    struct test_caller *other = test_caller_new("other", port);
    struct group_add ask = {0};
    for (unsigned round = 0; round < 10; round++) {
        uint64_t owner = new_account(f->database, ""), a = new_account(f->database, ""),
                 b = new_account(f->database, "");
        uint64_t group = ask.group = new_group(f, owner, "");
        ask.account = a;
        test_caller_start(f->caller, &message_GROUP_ADD, &ask);
        ask.account = b;
        test_caller_start(other, &message_GROUP_ADD, &ask);
        assert_err(test_caller_finish(f->caller, &message_GROUP_ADD, NULL), ERR_OK);
        assert_err(test_caller_finish(other, &message_GROUP_ADD, NULL), ERR_OK);
        next_routed_item(f, f->session);
        next_routed_item(f, f->session);
        /* The first member receives the second's notice; the second reads from behind the first's.
         */
        uint64_t conversation = conversation_of_group(group);
        uint64_t first =
            sql_number(f->database, "SELECT MIN(cid) FROM message WHERE conversation = %" PRIu64,
                       conversation);
        uint64_t later = sql_number(f->database,
                                    "SELECT subject FROM message WHERE conversation = %" PRIu64
                                    " AND cid > %" PRIu64,
                                    conversation, first);
        assert_true(later == a || later == b);
        assert_member(f, group, later, first);
        assert_member(f, group, later == a ? b : a, 0);
        assert_int_equal(version_of(f, group), 3);
    }
    test_caller_destroy(&other);
    assert_int_equal(service_process_stop(&second), 0);
}

/* --- lost connections and instances -------------------------------------------------------- */

/* The member's row is there already when the change meets a cursor that somebody holds. */
GROUP_TEST(test_connection_killed_within_a_change) {
    static const struct db_statement add_cursor = {
        "add_cursor", "INSERT INTO `cursor` (account, conversation) VALUES (?, ?)"};
    uint64_t owner = new_account(f->database, ""), member = new_account(f->database, "");
    uint64_t group = new_group(f, owner, ""), rows = group_rows(f);
    struct group_add ask = {.group = group, .account = member};
    struct db *holder = db_new(test_database_settings(f->database), NULL);
    assert_non_null(holder);
    assert_err(db_begin(holder), ERR_OK);
    assert_err(db_query(holder, &add_cursor,
                        DB_ARGS(db_u64(member), db_u64(conversation_of_group(group))), NULL),
               ERR_OK);
    settle(holder);
    test_caller_start(f->caller, &message_GROUP_ADD, &ask);
    wait_for_connections(f->database, "info LIKE 'INSERT INTO `cursor`%'", 1);
    sql_run(f->database, "KILL %" PRIu64,
            sql_number(f->database,
                       "SELECT id FROM information_schema.processlist WHERE db = DATABASE()"
                       " AND info LIKE 'INSERT INTO `cursor`%%'"));
    assert_err(test_caller_finish(f->caller, &message_GROUP_ADD, NULL), ERR_UNAVAILABLE);
    let_go(&holder);
    assert_int_equal(group_rows(f), rows);
    assert_err(add(f, group, member, 0), ERR_OK);
    expect_routed(f, (uint64_t[]){owner, member}, 2);
}

GROUP_TEST(test_killed_connections_are_made_again) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    for (unsigned i = 0; i < 3; i++) {
        kill_connections(f);
        add_quietly(f, group, new_account(f->database, ""));
    }
}

GROUP_TEST(test_a_refused_route_makes_gateways_catch_up) {
    uint64_t owner = new_account(f->database, ""), a = new_account(f->database, ""),
             b = new_account(f->database, "");
    uint64_t group = new_group(f, owner, "");
    struct session_dirty dirty;
    /* Every attempt at the route, and the first at the report that it was lost. */
    fake_peer_refuse(f->session, ERR_OVERLOADED, ROUTE_ATTEMPTS + 1);
    assert_err(add(f, group, a, 0), ERR_OK);
    for (unsigned i = 0; i < ROUTE_ATTEMPTS; i++)
        expect_routed(f, (uint64_t[]){owner, a}, 2);
    for (unsigned i = 0; i < 2; i++) {
        fake_peer_expect(f->session, &message_SESSION_DIRTY, &dirty);
        assert_slice_text(dirty.reason, "group");
    }
    assert_err(add(f, group, b, 0), ERR_OK);
    expect_routed(f, (uint64_t[]){owner, a, b}, 3);
}

GROUP_TEST(test_a_session_that_was_away_makes_gateways_catch_up) {
    uint64_t owner = new_account(f->database, ""), a = new_account(f->database, ""),
             b = new_account(f->database, "");
    uint64_t group = new_group(f, owner, "");
    struct session_dirty dirty;
    fake_peer_destroy(&f->session);
    assert_err(add(f, group, a, 0), ERR_OK);
    assert_true(service_process_wait_text(f->group, "state=down", TEST_DEADLINE_MS));
    f->session = fake_peer_new("session", f->session_port);
    fake_peer_expect(f->session, &message_SESSION_DIRTY, &dirty);
    assert_err(add(f, group, b, 0), ERR_OK);
    expect_routed(f, (uint64_t[]){owner, a, b}, 3);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
