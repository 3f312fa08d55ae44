/*
 * auth alone, for its isolation tests: one process and one database for all tests of a program, an
 * arena for the answers of one test.
 */
#ifndef PARLEY_TESTS_AUTH_FIXTURE_H
#define PARLEY_TESTS_AUTH_FIXTURE_H

#include "proto/messages.h"
#include "services/ctl/caller.h"
#include "tests/support/service_process.h"
#include "tests/support/test_list.h"

#define AUTH_ANSWER_MS 60000
/* Options of auth for tests: the least that a password can cost. */
#define AUTH_CHEAP "--password-ops=1", "--password-memory-kib=8"

struct auth_fixture {
    struct test_database *database;
    struct service_process *auth;
    struct caller *caller;
    struct record_arena arena;
    unsigned names; /* given out by auth_fresh() */
};

/* Group setup and teardown, and teardown of a test. `*state` is the fixture. */
int auth_fixture_setup(void **state);
int auth_fixture_teardown(void **state);
int auth_fixture_test_teardown(void **state);
#define AUTH_TEST(name_) TEST_WITH(name_, struct auth_fixture *f, NULL, auth_fixture_test_teardown)

/* Starts a further auth on a port of its own, with these options (NULL-terminated), and a caller of
 * it; waits until it is ready. */
struct service_process *auth_fixture_start(const char *const *options, struct caller **caller_r);

/* A string that no test had before. */
const char *auth_fresh(struct auth_fixture *fixture, const char *stem);

/* Ask the fixture's auth; slices of the answers live until the test's end. */
enum err auth_register(struct auth_fixture *fixture, struct auth_register ask,
                       struct auth_register_reply *reply_r);
enum err auth_login(struct auth_fixture *fixture, struct auth_login ask,
                    struct auth_login_reply *reply_r);
enum err auth_resume(struct auth_fixture *fixture, struct auth_resume ask,
                     struct auth_login_reply *reply_r);
enum err auth_logout(struct auth_fixture *fixture, struct auth_logout ask, struct done *reply_r);
enum err auth_resolve(struct auth_fixture *fixture, struct slice_list ids,
                      struct auth_resolve_reply *reply_r);

/* Registers an account that must be registrable; its number. */
uint64_t auth_registered(struct auth_fixture *fixture, struct auth_register ask);

#endif
