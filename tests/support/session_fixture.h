/*
 * A session service of a test's own, and callers that play gateways and deliveries.
 *
 *     SESSION_TEST(a_test, session_set_up) {
 *         struct test_caller *gateway = caller(fixture, "gateway-1");
 *         bind_one(gateway, 1001, 7);
 *         route_one(delivery, 1001, "hello");
 *         expect_push(gateway, 1, 7, "hello");
 *     }
 *
 * Anything unexpected fails the test, except in try_bind. Everything is freed by the
 * teardown.
 */
#ifndef PARLEY_TESTS_SESSION_FIXTURE_H
#define PARLEY_TESTS_SESSION_FIXTURE_H

#include "common/service.h"
#include "proto/messages.h"
#include "tests/support/service_process.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_list.h"

#define SESSION_CALLERS 300
#define SESSION_OPTIONS 4

struct session_fixture {
    struct service_process *session;
    uint16_t port;
    struct test_caller *callers[SESSION_CALLERS];
    size_t caller_count;
};

/* `*state` becomes the struct session_fixture; `options` (may be NULL) ends with NULL. */
int session_set_up_with(void **state, const char *const *options);

int session_set_up(void **state);

int session_tear_down(void **state);

#define SESSION_TEST(name_, set_up_)                                                               \
    TEST_WITH(name_, struct session_fixture *fixture, set_up_, session_tear_down)

/* --- the callers' requests --- */

/* `name` is the routing id. */
struct test_caller *caller(struct session_fixture *fixture, const char *name);

struct u64_list list(uint64_t *items, size_t count);

enum err try_bind(struct test_caller *gateway, uint64_t account, uint64_t connection);

void bind_one(struct test_caller *gateway, uint64_t account, uint64_t connection);

enum err bind_again(struct test_caller *gateway, uint64_t account, uint64_t connection);

/* `how`: its accounts and connections are filled in. */
void unbind_as(struct test_caller *gateway, uint64_t account, uint64_t connection,
               struct session_unbind how);

void unbind_one(struct test_caller *gateway, uint64_t account, uint64_t connection);

struct session_list_reply list_sessions(struct test_caller *who, uint64_t after, uint64_t limit);

void route_items(struct test_caller *delivery, struct route_item *items, size_t count);

void route_one(struct test_caller *delivery, uint64_t account, const char *entry);

struct service_pong ping(struct test_caller *who);

/* The next event is a push with this seq of this one entry to this one connection. */
void expect_push(struct test_caller *gateway, uint64_t seq, uint64_t connection, const char *entry);

/* Nothing has arrived and nothing is on its way: the answer to a ping would arrive behind it. */
void expect_nothing(struct test_caller *gateway);

#endif
