/*
 * A group service of a test program's own, its database, and the session that it routes to, played
 * by the test.
 *
 *     struct group_fixture *f = *state;
 *     uint64_t ada = new_account(f, "ada"), group = new_group(f, ada, "");
 *     assert_err(add(f, group, ada, 0), ERR_ALREADY_MEMBER);
 *
 * One service and one database for all tests of a program: each test makes accounts and groups of
 * its own, and leaves no routed entry behind.
 */
#ifndef PARLEY_TESTS_GROUP_FIXTURE_H
#define PARLEY_TESTS_GROUP_FIXTURE_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/loop.h"
#include "proto/messages.h"
#include "tests/support/assertions.h"
#include "tests/support/fake_peer.h"
#include "tests/support/service_process.h"
#include "tests/support/test_caller.h"

/* What the service is started with. */
#define GROUP_TEST_MAX_MEMBERS 4
#define SQL_BYTES 4096

struct group_fixture {
    struct test_database *database;
    struct fake_peer *session;
    struct service_process *group;
    struct test_caller *caller;
    uint16_t port, session_port;
    uint64_t accounts; /* made so far */
};

/* --- the service --------------------------------------------------------------------------- */

static inline struct service_process *start_group(const struct group_fixture *f, uint16_t port) {
    struct service_process *group = service_process_start(
        "parley-group", NULL,
        (const char *[]){test_text("--group-port=%u", (unsigned)port),
                         test_text("--session-peers=tcp://127.0.0.1:%u", (unsigned)f->session_port),
                         test_text("--group-max-members=%d", GROUP_TEST_MAX_MEMBERS),
                         "--heartbeat-ms=50", "--peer-timeout-ms=1000", NULL});
    service_process_wait_ready(group);
    return group;
}

static inline int group_set_up(void **state) {
    static struct group_fixture f;
    *state = &f;
    f.database = test_database_new("group");
    f.port = test_free_port();
    f.session_port = test_free_port();
    f.session = fake_peer_new(f.session_port);
    f.group = start_group(&f, f.port);
    f.caller = test_caller_new("caller", f.port);
    return 0;
}

static inline int group_tear_down(void **state) {
    struct group_fixture *f = *state;
    test_caller_destroy(&f->caller);
    int status = f->group == NULL ? 1 : service_process_stop(&f->group);
    fake_peer_destroy(&f->session);
    test_database_destroy(&f->database);
    return status;
}

/* --- the database -------------------------------------------------------------------------- */

static inline void sql_run(struct group_fixture *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void sql_run(struct group_fixture *f, const char *format, ...) {
    char sql[SQL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    assert_in_range(vsnprintf(sql, sizeof sql, format, arguments), 1, sizeof sql - 1);
    va_end(arguments);
    test_database_run(f->database, sql);
}

static inline uint64_t sql_number(struct group_fixture *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline uint64_t sql_number(struct group_fixture *f, const char *format, ...) {
    char sql[SQL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    assert_in_range(vsnprintf(sql, sizeof sql, format, arguments), 1, sizeof sql - 1);
    va_end(arguments);
    return test_database_number(f->database, sql);
}

/* Grows or shrinks with every row of the tables that group writes. */
static inline uint64_t sql_rows(struct group_fixture *f) {
    return sql_number(f, "SELECT (SELECT COUNT(*) FROM conversation) +"
                         " (SELECT COUNT(*) FROM member) + (SELECT COUNT(*) FROM message) +"
                         " (SELECT COUNT(*) FROM `cursor`) +"
                         " (SELECT COALESCE(SUM(version), 0) FROM conversation)");
}

/* Waits until this many of the service's connections match. */
static inline void wait_for_connections(struct group_fixture *f, const char *condition,
                                        uint64_t wanted) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (sql_number(f,
                      "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE()"
                      " AND id <> CONNECTION_ID() AND %s",
                      condition) != wanted) {
        if (loop_now_ms() > deadline_ms)
            fail_msg("waited in vain for %" PRIu64 " connections with %s", wanted, condition);
        usleep(2000);
    }
}
/* Of connections that wait for a group's lock, provided that somebody holds it. */
#define WAITS_FOR_LOCK "info LIKE '%FOR UPDATE%'"

/* The server may show a connection's statement for a moment after it was answered: after another
 * one, `db` is not taken for one that waits. */
static inline void settle(struct db *db) {
    static const struct db_statement nothing = {"nothing", "SELECT 1"};
    assert_err(db_query(db, &nothing, DB_NO_ARGS, NULL), ERR_OK);
}

/* Kills the service's connections, and waits until the server has let go of them. */
static inline void kill_connections(struct group_fixture *f) {
    assert_in_range(test_database_kill_connections(f->database), 1, DB_MAX_CONNECTIONS);
    wait_for_connections(f, "TRUE", 0);
}

/* --- accounts and groups ------------------------------------------------------------------- */

/* An account with this string id; "": the decimal form of its number. */
static inline uint64_t new_account(struct group_fixture *f, const char *id) {
    uint64_t number = 5000000 + f->accounts++;
    if (id[0] == '\0')
        sql_run(f,
                "INSERT INTO account (number, id, name, created_ms)"
                " VALUES (%" PRIu64 ", '%" PRIu64 "', 'x', 1)",
                number, number);
    else
        sql_run(f,
                "INSERT INTO account (number, id, name, created_ms)"
                " VALUES (%" PRIu64 ", '%s', 'x', 1)",
                number, id);
    return number;
}

static inline enum err create(struct group_fixture *f, uint64_t account, const char *id,
                              const char *name, struct group_create_reply *reply_r) {
    struct group_create ask = {account, slice_text(id), slice_text(name)};
    return test_caller_ask(f->caller, &message_GROUP_CREATE, &ask, reply_r);
}

/* The number of a new group. */
static inline uint64_t new_group(struct group_fixture *f, uint64_t owner, const char *id) {
    struct group_create_reply reply;
    assert_err(create(f, owner, id, "", &reply), ERR_OK);
    return reply.group;
}

static inline enum err add(struct group_fixture *f, uint64_t group, uint64_t account, uint64_t by) {
    struct group_add ask = {group, account, by};
    struct done done;
    return test_caller_ask(f->caller, &message_GROUP_ADD, &ask, &done);
}

/* Takes the next routed entry, which must be to exactly these accounts, in any order; it lives
 * until the next call. */
static inline struct entry expect_routed(struct group_fixture *f, const uint64_t *accounts,
                                         size_t count) {
    static struct record_arena arena;
    struct session_route route;
    struct entry entry;
    const char *fault = "";
    record_arena_free(&arena);
    fake_peer_expect(f->session, &message_SESSION_ROUTE, &route);
    assert_int_equal(route.items.count, 1);
    const struct route_item *item = route.items.items;
    assert_int_equal(item->accounts.count, count);
    for (size_t i = 0; i < count; i++)
        assert_in_set(accounts[i], item->accounts.items, (unsigned)item->accounts.count);
    if (record_unpack(&entry_desc, item->entry, &arena, &entry, &fault) != 0)
        fail_msg("the entry is malformed: %s", fault);
    return entry;
}

/* Adds, and takes the routed entry. */
static inline void add_quietly(struct group_fixture *f, uint64_t group, uint64_t account) {
    struct session_route route;
    assert_err(add(f, group, account, 0), ERR_OK);
    fake_peer_expect(f->session, &message_SESSION_ROUTE, &route);
}

#endif
