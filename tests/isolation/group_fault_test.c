/*
 * parley-group alone: every kind of change when the database or the session fails it half way.
 * Neither the change nor its notice is there afterwards, and both are once it is asked again.
 */
#include <signal.h>

#include "services/group/group.h"
#include "tests/support/group_scene.h"

/* A change of that kind, and how the database is before it. */
static struct change next_change(struct group_fixture *f, struct scene *scene, size_t kind,
                                 uint64_t *before_r) {
    set_scene(f, scene);
    struct change change = change_of(scene, kind);
    *before_r = sql_state(f);
    return change;
}

/* Asked again, it is done, and routed. */
static void expect_done(struct group_fixture *f, const struct change *change, uint64_t before) {
    assert_err(test_caller_ask(f->caller, change->message, change->body, NULL), ERR_OK);
    assert_int_not_equal(sql_state(f), before);
    for (size_t i = 0; i < change->routed; i++) {
        struct entry entry = entry_of(f, next_routed_item(f, f->session));
        assert_stored(f, &entry);
    }
}

/* Kills the service's connection that runs a statement like this. */
static void kill_in(struct group_fixture *f, const char *pattern) {
    wait_for_connections(f->database, test_text("info LIKE '%s'", pattern), 1);
    sql_run(f->database, "KILL %" PRIu64,
            sql_number(f->database,
                       "SELECT id FROM information_schema.processlist WHERE db = DATABASE()"
                       " AND id <> CONNECTION_ID() AND info LIKE '%s'",
                       pattern));
}

/* --- killed connections -------------------------------------------------------------------- */

/* Each change is asked for while `table` is held, or without that the row that it locks, and its
 * connection is killed in that statement. */
static void kill_each(struct group_fixture *f, const char *table, const char *statement) {
    for (size_t i = 0; i < CHANGES; i++) {
        struct scene scene;
        uint64_t before;
        struct change change = next_change(f, &scene, i, &before);
        struct db *holder =
            table ? test_database_hold(f->database, table) : hold(f->database, change.locked);
        test_caller_start(f->caller, change.message, change.body);
        kill_in(f, statement);
        assert_err(test_caller_finish(f->caller, change.message, NULL), ERR_UNAVAILABLE);
        let_go(&holder);
        assert_int_equal(sql_state(f), before);
        expect_done(f, &change, before);
    }
}

GROUP_TEST(test_killed_while_it_waits) { kill_each(f, NULL, "%FOR UPDATE%"); }

/* Everything but the notice is written by then. */
GROUP_TEST(test_killed_before_the_notice) {
    kill_each(f, "message", "INSERT IGNORE INTO message%");
}

/* --- a notice that cannot be stored -------------------------------------------------------- */

/* Cids are given out that are taken: the row is refused, and with it goes the change. */
GROUP_TEST(test_no_change_without_its_notice) {
    for (size_t i = 0; i < CHANGES; i++) {
        struct scene scene;
        uint64_t before;
        struct change change = next_change(f, &scene, i, &before);
        uint64_t last = sql_number(f->database, "SELECT MAX(cid) FROM message");
        uint64_t taken =
            sql_number(f->database, "SELECT MAX(cid) FROM message WHERE conversation = %" PRIu64,
                       change.notified);
        /* The second transaction notifies them: the first finds out whom. */
        bool second = change.message == &message_GROUP_JOIN ||
                      change.message == &message_GROUP_RENAME_ACCOUNT;
        sql_run(f->database, "ALTER SEQUENCE cid_block RESTART %" PRIu64,
                second ? taken - 128 : taken);
        assert_err(test_caller_ask(f->caller, change.message, change.body, NULL), ERR_UNAVAILABLE);
        sql_run(f->database, "ALTER SEQUENCE cid_block RESTART %" PRIu64, last + 1024);
        assert_int_equal(sql_state(f), before);
        expect_done(f, &change, before);
    }
}

/* --- the session --------------------------------------------------------------------------- */

GROUP_TEST(test_a_refused_route_makes_gateways_catch_up) {
    struct session_dirty dirty;
    for (unsigned all = 0; all < 2; all++) {
        uint64_t ada = all ? 0 : new_account(f->database, "");
        fake_peer_refuse(f->session, ERR_OVERLOADED, ROUTE_ATTEMPTS);
        assert_err(ask_say(f, ada, 0, "hello"), ERR_OK);
        for (unsigned i = 0; i < ROUTE_ATTEMPTS; i++)
            assert_int_equal(next_routed_item(f, f->session)->everyone, all);
        fake_peer_expect(f->session, &message_SESSION_DIRTY, &dirty);
        f->route.items.count = f->route_at = 0;
        assert_slice_text(dirty.reason, "group");
    }
}

/* --- the end of the process ---------------------------------------------------------------- */

/* The database answers nothing, and many requests wait for it: the end does not. */
GROUP_TEST(test_stopped_while_the_database_stands) {
    enum { COUNT = 200 };
    uint16_t port = test_free_port();
    struct service_process *group = start_group(f, port);
    struct test_caller *caller = test_caller_new("caller", port);
    const struct group_say say = {.to_account = new_account(f->database, ""),
                                  .text = slice_text("text")};
    uint64_t before = sql_number(f->database, "SELECT COUNT(*) FROM message");
    struct db *holder = test_database_hold(f->database, "message");
    for (size_t i = 0; i < COUNT; i++)
        test_caller_post(caller, &message_GROUP_SAY, &say);
    wait_for_connections(f->database, "state LIKE 'Waiting for table%'", 1);
    kill(service_process_pid(group), SIGTERM);
    assert_int_equal(service_process_wait_exit(group), 0);
    assert_non_null(strstr(service_process_output(group), "reason=\"these calls took too long\""));
    /* The running statement may be carried out behind its back; the rest is not. */
    db_destroy(&holder);
    wait_for_connections(f->database, "state LIKE 'Waiting for table%'", 0);
    assert_in_range(sql_number(f->database, "SELECT COUNT(*) FROM message"), before, before + 1);
    test_caller_destroy(&caller);
    service_process_kill(&group);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
