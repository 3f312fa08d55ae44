/*
 * A group service of a test program's own, its database, and the session that it routes to, played
 * by the test.
 *
 *     uint64_t ada = new_account(f->database, "ada"), group = new_group(f, ada, "");
 *     assert_err(add(f, group, ada, 0), ERR_ALREADY_MEMBER);
 *
 * Routed entries are taken in order, and compared as a whole with the stored ones:
 *
 *     assert_err(ask_leave(f, group, ada), ERR_OK);
 *     expect_notice(f, &(struct notice){.type = ENTRY_LEFT, .from = ada, .subject = ada,
 *                                       .conversation = conversation_of_group(group), .to = group},
 *                   (uint64_t[]){owner, ada}, 2);
 *
 * One service and one database for all tests of a program: each test makes accounts and groups of
 * its own, and leaves no routed entry behind.
 */
#ifndef PARLEY_TESTS_GROUP_FIXTURE_H
#define PARLEY_TESTS_GROUP_FIXTURE_H

#include <inttypes.h>
#include <stdio.h>

#include "common/loop.h"
#include "proto/conversation.h"
#include "proto/ids.h"
#include "proto/messages.h"
#include "tests/support/assertions.h"
#include "tests/support/fake_peer.h"
#include "tests/support/service_process.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_list.h"
#include "tests/support/test_sql.h"
#include "tests/support/until.h"

/* The options that the service is started with. */
#define GROUP_TEST_MAX_MEMBERS 4
#define GROUP_TEST_CONNECTIONS 4

struct group_fixture {
    struct test_database *database;
    struct fake_peer *session;
    struct service_process *group;
    struct test_caller *caller;
    uint16_t port, session_port;
    const char *option; /* of the test program's own; may be NULL */
    uint64_t groups;    /* made by new_group without an id */
    uint64_t marker;    /* the account of expect_nothing_routed */
    /* The request that the next routed entry stands in. */
    struct session_route route;
    size_t route_at;
    struct record_arena arena;
};

/* --- the service --- */

struct service_process *start_group(const struct group_fixture *f, uint16_t port);

int group_set_up_with(void **state, const char *option);

int group_set_up(void **state);

int group_tear_down(void **state);

/* --- the database --- */

/* Grows or shrinks with every row of the tables that group writes. */
uint64_t group_rows(struct group_fixture *f);

/* Another number after any change of the tables that group writes. */
uint64_t sql_state(struct group_fixture *f);

/* --- accounts and groups --- */

enum err create(struct group_fixture *f, uint64_t account, const char *id, const char *name,
                struct group_create_reply *reply_r);

/* The number of a new group; "": one behind those of all groups before it. */
uint64_t new_group(struct group_fixture *f, uint64_t owner, const char *id);

enum err add(struct group_fixture *f, uint64_t group, uint64_t account, uint64_t by);

/* --- routed entries --- */

/* The next routed item, of however many travel in one request. */
const struct route_item *next_routed_item(struct group_fixture *f, struct fake_peer *session);

/* It lives until the next call. */
struct entry entry_of(struct group_fixture *f, const struct route_item *item);

void assert_receivers(const struct route_item *item, const uint64_t *accounts, size_t count);

/* Takes the next routed entry, which must be to exactly these accounts, in any order; it lives
 * until the next call. */
struct entry expect_routed(struct group_fixture *f, const uint64_t *accounts, size_t count);

enum err ask_say(struct group_fixture *f, uint64_t account, uint64_t group, const char *text);

/* Nothing that was answered before is still to be routed: a message that is sent now is the next.
 */
void expect_nothing_routed(struct group_fixture *f);
/* A test behind which that holds; one that leaves routed entries has no tear-down. */
#define GROUP_TEST(name_) TEST_WITH(name_, struct group_fixture *f, NULL, group_test_tear_down)
int group_test_tear_down(void **state);

/* --- notices --- */

/* `to`: the group. NULL as text is none. */
struct notice {
    enum entry_type type;
    uint64_t conversation, from, subject, to;
    bool accepted;
    const char *text;
    uint64_t target;
};

/* `id` must be the id that is sent beside an account's number: its string id, unless it is decimal.
 */
void assert_account_id(struct group_fixture *f, uint64_t account, struct slice id);

void assert_group_id(struct group_fixture *f, uint64_t group, struct slice id);

/* That the log holds this entry, behind the one that it names. */
void assert_stored(struct group_fixture *f, const struct entry *entry);

void assert_notice(struct group_fixture *f, const struct entry *entry, const struct notice *wanted);

/* Takes the next routed entry, which must be this one, stored, and to exactly these accounts; its
 * cid. */
uint64_t expect_notice(struct group_fixture *f, const struct notice *wanted,
                       const uint64_t *accounts, size_t count);

/* The same in the account's own conversation: to it alone. */
uint64_t expect_own_notice(struct group_fixture *f, uint64_t account, const struct notice *wanted);

/* The same in the group's conversation, without a text. */
uint64_t expect_in_group(struct group_fixture *f, uint64_t group, enum entry_type type,
                         uint64_t from, uint64_t subject, const uint64_t *accounts, size_t count);

/* Where an account stands in a conversation. `until` is 0 for none. */
void assert_cursor(struct group_fixture *f, uint64_t conversation, uint64_t account, uint64_t since,
                   uint64_t until);

/* --- first steps of tests --- */

/* The new conversation of two people. */
uint64_t make_pair(struct group_fixture *f, uint64_t a, uint64_t b);
void make_friends(struct group_fixture *f, uint64_t a, uint64_t b);
/* Two new accounts that are friends. */
void new_friends(struct group_fixture *f, uint64_t *one_r, uint64_t *other_r);

bool are_friends(struct group_fixture *f, uint64_t a, uint64_t b);

/* Of `kind` (group_sql.h), in either state of an answer. */
bool request_waits(struct group_fixture *f, unsigned kind, uint64_t target, uint64_t account);

uint64_t role_of(struct group_fixture *f, uint64_t group, uint64_t account);

void set_role(struct group_fixture *f, uint64_t group, uint64_t account, unsigned role);

uint64_t version_of(struct group_fixture *f, uint64_t group);

/* Kills the service's connections, and waits until the server has let go of them; the service may
 * have made others by then. None is killed while it is made: that is a database that is away. */
void kill_connections(struct group_fixture *f);

/* Has two requests wait for the same conversation, then lets both go; their outcomes. */
void ask_both(struct group_fixture *f, uint64_t conversation,
              const struct message_desc *const messages[2], const void *const bodies[2],
              enum err errs_r[2]);

/* Adds, and takes the routed entry. */
void add_quietly(struct group_fixture *f, uint64_t group, uint64_t account);

/* The same with a role. */
uint64_t new_member(struct group_fixture *f, uint64_t group, const char *id, unsigned role);

#endif
