/*
 * A delivery service of a test program's own, its database, and the session that it routes to,
 * played by the test.
 *
 *     uint64_t ada = new_account(f->database, "ada"), bob = new_account(f->database, "");
 *     struct letter letter;
 *     letter_begin(&letter, ada, bob, 0);
 *     letter_add(f, &letter, "hello");
 *     assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
 *     expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
 *
 * One service and one database for all tests of a program: each test makes accounts and groups of
 * its own, and leaves no routed entry behind.
 */
#ifndef PARLEY_TESTS_DELIVERY_FIXTURE_H
#define PARLEY_TESTS_DELIVERY_FIXTURE_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/loop.h"
#include "proto/conversation.h"
#include "proto/messages.h"
#include "tests/support/assertions.h"
#include "tests/support/fake_peer.h"
#include "tests/support/service_process.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_list.h"
#include "tests/support/test_sql.h"
#include "tests/support/until.h"

#define LETTER_MAX_TEXTS (DELIVERY_SEND_MAX + 1)
#define ROUTED_MAX_ACCOUNTS 128
#define FIRST_GROUP 7000000

struct delivery_fixture {
    struct test_database *database;
    struct fake_peer *session;
    struct service_process *delivery;
    struct test_caller *caller;
    uint16_t port, session_port;
    uint64_t groups, nonces; /* made so far */
    uint64_t markers[2];     /* the accounts of expect_no_text_routed */
    /* The request that next_routed stands in. */
    struct session_route route;
    size_t route_at;
    struct record_arena arena;
};

/* --- the service --- */

/* Starts an instance with up to three options more (NULL: none); waits until it is ready. */
struct service_process *start_delivery(const struct delivery_fixture *f, uint16_t port,
                                       const char *a, const char *b, const char *c);

int delivery_set_up(void **state);

int delivery_tear_down(void **state);

/* A test with `f`, the fixture of its program. */
#define DELIVERY_TEST(name_) TEST_WITH(name_, struct delivery_fixture *f, NULL, NULL)

/* Waits until the instance that `observer` asks has this many requests in progress. */
void wait_for_calls(struct test_caller *observer, uint64_t wanted);

/* --- the database --- */

/* Rows of the tables that delivery writes. */
uint64_t delivery_rows(struct delivery_fixture *f);

/* --- accounts and conversations --- */

/* In the same way as group would do it, under the conversation's lock. */
void join(struct delivery_fixture *f, uint64_t group, uint64_t account);

void leave(struct delivery_fixture *f, uint64_t group, uint64_t account);

/* The number of a group with this string id ("": decimal) and these members. */
uint64_t new_group_of(struct delivery_fixture *f, const char *id, const uint64_t *members,
                      size_t count);

/* --- sending --- */

/* A delivery.send that points into itself: not to be copied. */
struct letter {
    struct delivery_send body;
    struct slice texts[LETTER_MAX_TEXTS], nonces[LETTER_MAX_TEXTS];
    char nonce_bytes[LETTER_MAX_TEXTS][NONCE_BYTES];
};

/* To an account or to a group. */
void letter_begin(struct letter *letter, uint64_t from, uint64_t to_account, uint64_t to_group);

/* One text more, borrowed, with a nonce that none had before. */
void letter_add_slice(struct delivery_fixture *f, struct letter *letter, struct slice text);

void letter_add(struct delivery_fixture *f, struct letter *letter, const char *text);

void letter_one(struct delivery_fixture *f, struct letter *letter, uint64_t from,
                uint64_t to_account, uint64_t to_group, const char *text);

enum err ask_send(struct test_caller *caller, const struct letter *letter,
                  struct delivery_send_reply *reply_r);

/* One text in one request. */
enum err try_send(struct delivery_fixture *f, uint64_t from, uint64_t to_account, uint64_t to_group,
                  const char *text, struct delivery_send_reply *reply_r);

/* One text that must be stored; its cid. */
uint64_t say(struct delivery_fixture *f, uint64_t from, uint64_t to_account, uint64_t to_group,
             const char *text);

/* --- routed entries --- */

struct routed {
    struct entry entry; /* lives until the next is taken */
    uint64_t accounts[ROUTED_MAX_ACCOUNTS];
    size_t count;
};

struct routed next_routed_at(struct delivery_fixture *f, struct fake_peer *session);

/* The next routed entry, of however many travel in one request. */
struct routed next_routed(struct delivery_fixture *f);

/* The same; it must be to exactly these accounts, in any order. */
struct entry expect_text_routed(struct delivery_fixture *f, const uint64_t *accounts, size_t count);

/* The next one: all up to `cid` has reached `from`. It goes to `to`. */
struct entry expect_arrived(struct delivery_fixture *f, uint64_t conversation, uint64_t from,
                            uint64_t to, uint64_t cid);

void skip_routed(struct delivery_fixture *f, size_t count);

/* Nothing that was answered before is still to be routed: a text that is sent now is the next. */
void expect_no_text_routed(struct delivery_fixture *f);

/* The cids of packed entries. */
void cids_of(const struct slice_list *entries, uint64_t *cids_r);

#endif
