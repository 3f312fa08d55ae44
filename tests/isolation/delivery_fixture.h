/*
 * A delivery service of a test program's own, its database, and the session that it routes to,
 * played by the test.
 *
 *     struct delivery_fixture *f = *state;
 *     uint64_t ada = new_account(f, "ada"), bob = new_account(f, "");
 *     struct letter letter;
 *     letter_begin(&letter, ada, bob, 0);
 *     letter_add(f, &letter, "hello");
 *     assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
 *     expect_routed(f, (uint64_t[]){ada, bob}, 2);
 *
 * One service and one database for all tests of a program: each test makes accounts and groups of
 * its own, and leaves no routed entry behind.
 */
#ifndef PARLEY_TESTS_DELIVERY_FIXTURE_H
#define PARLEY_TESTS_DELIVERY_FIXTURE_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/loop.h"
#include "proto/conversation.h"
#include "proto/messages.h"
#include "tests/support/assertions.h"
#include "tests/support/fake_peer.h"
#include "tests/support/service_process.h"
#include "tests/support/test_caller.h"
#include "tests/support/until.h"

#define SQL_BYTES 65536
#define LETTER_MAX_TEXTS (DELIVERY_SEND_MAX + 1)
#define ROUTED_MAX_ACCOUNTS 16
#define FIRST_ACCOUNT 5000000
#define FIRST_GROUP 7000000

struct delivery_fixture {
    struct test_database *database;
    struct fake_peer *session;
    struct service_process *delivery;
    struct test_caller *caller;
    uint16_t port, session_port;
    uint64_t accounts, groups, nonces; /* made so far */
    uint64_t markers[2];               /* the accounts of expect_nothing_routed */
    /* The request that next_routed stands in. */
    struct session_route route;
    size_t route_at;
    struct record_arena arena;
};

/* --- the service --------------------------------------------------------------------------- */

/* Starts an instance with up to three options more (NULL: none); waits until it is ready. */
static inline struct service_process *start_delivery(const struct delivery_fixture *f,
                                                     uint16_t port, const char *a, const char *b,
                                                     const char *c) {
    const char *arguments[] = {
        test_text("--delivery-port=%u", (unsigned)port),
        test_text("--session-peers=tcp://127.0.0.1:%u", (unsigned)f->session_port),
        "--heartbeat-ms=50",
        "--peer-timeout-ms=10000",
        NULL,
        NULL,
        NULL,
        NULL};
    size_t count = 4;
    const char *const more[] = {a, b, c};
    for (size_t i = 0; i < 3; i++)
        if (more[i] != NULL)
            arguments[count++] = more[i];
    struct service_process *delivery = service_process_start("parley-delivery", NULL, arguments);
    service_process_wait_ready(delivery);
    return delivery;
}

static inline int delivery_set_up(void **state) {
    static struct delivery_fixture f;
    *state = &f;
    f.database = test_database_new("delivery");
    f.port = test_free_port();
    f.session_port = test_free_port();
    f.session = fake_peer_new(f.session_port);
    f.delivery = start_delivery(&f, f.port, NULL, NULL, NULL);
    f.caller = test_caller_new("caller", f.port);
    return 0;
}

static inline int delivery_tear_down(void **state) {
    struct delivery_fixture *f = *state;
    test_caller_destroy(&f->caller);
    int status = f->delivery == NULL ? 1 : service_process_stop(&f->delivery);
    fake_peer_destroy(&f->session);
    record_arena_free(&f->arena);
    test_database_destroy(&f->database);
    return status;
}

/* Waits until the instance that `observer` asks has this many requests in progress. */
static inline void wait_for_calls(struct test_caller *observer, uint64_t wanted) {
    /* Its own question is one. */
    TEST_UNTIL(test_caller_metric(observer, "queue_depth{queue=\"calls\"}") == wanted + 1,
               "waited in vain for %" PRIu64 " requests in progress", wanted);
}

/* --- the database -------------------------------------------------------------------------- */

static inline void sql_run(struct delivery_fixture *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void sql_run(struct delivery_fixture *f, const char *format, ...) {
    char sql[SQL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    assert_in_range(vsnprintf(sql, sizeof sql, format, arguments), 1, sizeof sql - 1);
    va_end(arguments);
    test_database_run(f->database, sql);
}

static inline uint64_t sql_number(struct delivery_fixture *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline uint64_t sql_number(struct delivery_fixture *f, const char *format, ...) {
    char sql[SQL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    assert_in_range(vsnprintf(sql, sizeof sql, format, arguments), 1, sizeof sql - 1);
    va_end(arguments);
    return test_database_number(f->database, sql);
}

/* Rows of the tables that delivery writes. */
static inline uint64_t sql_rows(struct delivery_fixture *f) {
    return sql_number(f, "SELECT (SELECT COUNT(*) FROM conversation) +"
                         " (SELECT COUNT(*) FROM message) + (SELECT COUNT(*) FROM `cursor`)");
}

static inline uint64_t stored_in(struct delivery_fixture *f, uint64_t conversation) {
    return sql_number(f, "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64,
                      conversation);
}

/* Waits until this many of the services' connections match. */
static inline void wait_for_connections(struct delivery_fixture *f, const char *condition,
                                        uint64_t wanted) {
    TEST_UNTIL(sql_number(f,
                          "SELECT COUNT(*) FROM information_schema.processlist"
                          " WHERE db = DATABASE() AND id <> CONNECTION_ID() AND %s",
                          condition) == wanted,
               "waited in vain for %" PRIu64 " connections with %s", wanted, condition);
}
/* Of writers that wait for a conversation's lock, provided that somebody holds it. */
#define WAITS_FOR_LOCK "info LIKE '%FOR UPDATE%'"

/* Locks a conversation until let_go, however long that is. */
static inline struct db *hold(struct delivery_fixture *f, uint64_t conversation) {
    static const struct db_statement patience = {"patience",
                                                 "SET SESSION idle_transaction_timeout = 0"};
    static const struct db_statement lock = {"hold",
                                             "SELECT id FROM conversation WHERE id = ? FOR UPDATE"};
    struct db *db = db_new(test_database_settings(f->database), NULL);
    assert_non_null(db);
    assert_err(db_query(db, &patience, DB_NO_ARGS, NULL), ERR_OK);
    assert_err(db_begin(db), ERR_OK);
    assert_err(db_query(db, &lock, DB_ARGS(db_u64(conversation)), NULL), ERR_OK);
    return db;
}

static inline void let_go(struct db **db) {
    db_rollback(*db);
    db_destroy(db);
}

/* --- accounts and conversations ------------------------------------------------------------ */

/* An account with this string id; "": the decimal form of its number. */
static inline uint64_t new_account(struct delivery_fixture *f, const char *id) {
    uint64_t number = FIRST_ACCOUNT + f->accounts++;
    sql_run(f,
            "INSERT INTO account (number, id, name, created_ms) VALUES (%" PRIu64 ", %s, 'x', 1)",
            number, id[0] == '\0' ? test_text("'%" PRIu64 "'", number) : test_text("'%s'", id));
    return number;
}

/* In the same way as group would do it, under the conversation's lock. */
static inline void join(struct delivery_fixture *f, uint64_t group, uint64_t account) {
    uint64_t id = conversation_of_group(group);
    sql_run(f,
            "BEGIN; UPDATE conversation SET version = version + 1 WHERE id = %" PRIu64
            "; INSERT INTO member (conversation, account, role, joined_ms) VALUES (%" PRIu64
            ", %" PRIu64 ", 1, 1); INSERT INTO `cursor` (account, conversation, since, received)"
            " SELECT %" PRIu64 ", %" PRIu64 ", COALESCE(MAX(cid), 0), COALESCE(MAX(cid), 0)"
            " FROM message WHERE conversation = %" PRIu64 "; COMMIT",
            id, id, account, account, id, id);
}

static inline void leave(struct delivery_fixture *f, uint64_t group, uint64_t account) {
    uint64_t id = conversation_of_group(group);
    sql_run(f,
            "BEGIN; UPDATE conversation SET version = version + 1 WHERE id = %" PRIu64
            "; DELETE FROM member WHERE conversation = %" PRIu64 " AND account = %" PRIu64
            "; UPDATE `cursor` SET until = (SELECT COALESCE(MAX(cid), 0) FROM message"
            " WHERE conversation = %" PRIu64 ") WHERE conversation = %" PRIu64
            " AND account = %" PRIu64 "; COMMIT",
            id, id, account, id, id, account);
}

/* The number of a group with this string id ("": decimal) and these members. */
static inline uint64_t new_group(struct delivery_fixture *f, const char *id,
                                 const uint64_t *members, size_t count) {
    uint64_t number = FIRST_GROUP + f->groups++;
    sql_run(f,
            "INSERT INTO conversation (id, kind, lo, hi, string_id, name, owner, created_ms)"
            " VALUES (%" PRIu64 ", 1, %" PRIu64 ", 0, %s, 'its name', 0, 1)",
            conversation_of_group(number), number,
            id[0] == '\0' ? test_text("'%" PRIu64 "'", number) : test_text("'%s'", id));
    for (size_t i = 0; i < count; i++)
        join(f, number, members[i]);
    return number;
}

/* --- sending ------------------------------------------------------------------------------- */

/* A delivery.send that points into itself: not to be copied. */
struct letter {
    struct delivery_send body;
    struct slice texts[LETTER_MAX_TEXTS], nonces[LETTER_MAX_TEXTS];
    char nonce_bytes[LETTER_MAX_TEXTS][NONCE_BYTES];
};

/* To an account or to a group. */
static inline void letter_begin(struct letter *letter, uint64_t from, uint64_t to_account,
                                uint64_t to_group) {
    letter->body = (struct delivery_send){.account = from,
                                          .to_account = to_account,
                                          .to_group = to_group,
                                          .texts = {letter->texts, 0},
                                          .nonces = {letter->nonces, 0}};
}

/* One text more, borrowed, with a nonce that none had before. */
static inline void letter_add_slice(struct delivery_fixture *f, struct letter *letter,
                                    struct slice text) {
    size_t at = letter->body.texts.count;
    uint64_t number = ++f->nonces;
    assert_true(at < LETTER_MAX_TEXTS);
    memset(letter->nonce_bytes[at], 0, NONCE_BYTES);
    memcpy(letter->nonce_bytes[at], &number, sizeof number);
    letter->texts[at] = text;
    letter->nonces[at] = slice_make(letter->nonce_bytes[at], NONCE_BYTES);
    letter->body.texts.count = letter->body.nonces.count = at + 1;
}

static inline void letter_add(struct delivery_fixture *f, struct letter *letter, const char *text) {
    letter_add_slice(f, letter, slice_text(text));
}

static inline void letter_one(struct delivery_fixture *f, struct letter *letter, uint64_t from,
                              uint64_t to_account, uint64_t to_group, const char *text) {
    letter_begin(letter, from, to_account, to_group);
    letter_add(f, letter, text);
}

static inline enum err ask_send(struct test_caller *caller, const struct letter *letter,
                                struct delivery_send_reply *reply_r) {
    return test_caller_ask(caller, &message_DELIVERY_SEND, &letter->body, reply_r);
}

/* One text in one request. */
static inline enum err try_send(struct delivery_fixture *f, uint64_t from, uint64_t to_account,
                                uint64_t to_group, const char *text,
                                struct delivery_send_reply *reply_r) {
    struct letter letter;
    letter_one(f, &letter, from, to_account, to_group, text);
    return ask_send(f->caller, &letter, reply_r);
}

/* One text that must be stored; its cid. */
static inline uint64_t say(struct delivery_fixture *f, uint64_t from, uint64_t to_account,
                           uint64_t to_group, const char *text) {
    struct delivery_send_reply reply;
    assert_err(try_send(f, from, to_account, to_group, text, &reply), ERR_OK);
    assert_int_equal(reply.cids.count, 1);
    return reply.cids.items[0];
}

/* --- what is routed ------------------------------------------------------------------------ */

struct routed {
    struct entry entry; /* lives until the next is taken */
    uint64_t accounts[ROUTED_MAX_ACCOUNTS];
    size_t count;
};

static inline struct routed next_routed_at(struct delivery_fixture *f, struct fake_peer *session) {
    struct routed routed = {.count = 0};
    const char *fault = "";
    if (f->route_at == f->route.items.count) {
        fake_peer_expect(session, &message_SESSION_ROUTE, &f->route);
        f->route_at = 0;
        assert_true(f->route.items.count > 0);
    }
    const struct route_item *item = (const struct route_item *)f->route.items.items + f->route_at++;
    record_arena_free(&f->arena);
    if (record_unpack(&entry_desc, item->entry, &f->arena, &routed.entry, &fault) != 0)
        fail_msg("the entry is malformed: %s", fault);
    assert_in_range(item->accounts.count, 1, ROUTED_MAX_ACCOUNTS);
    routed.count = item->accounts.count;
    memcpy(routed.accounts, item->accounts.items, routed.count * sizeof(uint64_t));
    return routed;
}

/* The next routed entry, of however many travel in one request. */
static inline struct routed next_routed(struct delivery_fixture *f) {
    return next_routed_at(f, f->session);
}

/* The same; it must be to exactly these accounts, in any order. */
static inline struct entry expect_routed(struct delivery_fixture *f, const uint64_t *accounts,
                                         size_t count) {
    struct routed routed = next_routed(f);
    assert_int_equal(routed.count, count);
    for (size_t i = 0; i < count; i++)
        assert_in_set(accounts[i], routed.accounts, (unsigned)routed.count);
    return routed.entry;
}

static inline void skip_routed(struct delivery_fixture *f, size_t count) {
    while (count-- > 0)
        next_routed(f);
}

/* That nothing which was answered before is still to be routed: what is sent now comes next. */
static inline void expect_nothing_routed(struct delivery_fixture *f) {
    if (f->markers[0] == 0) {
        f->markers[0] = new_account(f, "");
        f->markers[1] = new_account(f, "");
    }
    uint64_t cid = say(f, f->markers[0], f->markers[1], 0, "marker");
    struct entry entry = expect_routed(f, f->markers, 2);
    assert_int_equal(entry.cid, cid);
    assert_int_equal(f->route_at, f->route.items.count);
}

#endif
