/* auth alone, for its isolation tests; see auth_fixture.h. */
#include "tests/support/auth_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/test_keys.h"

struct service_process *auth_fixture_start(const char *const *options, struct caller **caller_r) {
    const char *arguments[TEST_MAX_ARGUMENTS] = {0};
    unsigned port = test_free_port();
    arguments[0] = test_text("--auth-port=%u", port);
    for (size_t i = 0; options[i] != NULL && i + 2 < TEST_MAX_ARGUMENTS; i++)
        arguments[i + 1] = options[i];
    struct service_process *auth = service_process_start("parley-auth", NULL, arguments);
    service_process_wait_ready(auth);
    *caller_r =
        caller_new(test_text("tcp://127.0.0.1:%u", port), test_keys(TEST_KEYS_SELF), "auth");
    assert_non_null(*caller_r);
    return auth;
}

int auth_fixture_setup(void **state) {
    struct auth_fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    *state = fixture;
    fixture->database = test_database_new("auth");
    fixture->auth = auth_fixture_start((const char *[]){AUTH_CHEAP, NULL}, &fixture->caller);
    return 0;
}

int auth_fixture_teardown(void **state) {
    struct auth_fixture *fixture = *state;
    caller_destroy(&fixture->caller);
    int status = service_process_stop(&fixture->auth);
    test_database_destroy(&fixture->database);
    free(fixture);
    return status;
}

int auth_fixture_test_teardown(void **state) {
    struct auth_fixture *fixture = *state;
    record_arena_free(&fixture->arena);
    return 0;
}

const char *auth_fresh(struct auth_fixture *fixture, const char *stem) {
    return test_text("%s-%u", stem, ++fixture->names);
}

enum err auth_register(struct auth_fixture *fixture, struct auth_register ask,
                       struct auth_register_reply *reply_r) {
    return caller_ask(fixture->caller, &message_AUTH_REGISTER, &ask, AUTH_ANSWER_MS,
                      &fixture->arena, reply_r);
}

enum err auth_login(struct auth_fixture *fixture, struct auth_login ask,
                    struct auth_login_reply *reply_r) {
    return caller_ask(fixture->caller, &message_AUTH_LOGIN, &ask, AUTH_ANSWER_MS, &fixture->arena,
                      reply_r);
}

enum err auth_resume(struct auth_fixture *fixture, struct auth_resume ask,
                     struct auth_login_reply *reply_r) {
    return caller_ask(fixture->caller, &message_AUTH_RESUME, &ask, AUTH_ANSWER_MS, &fixture->arena,
                      reply_r);
}

enum err auth_logout(struct auth_fixture *fixture, struct auth_logout ask, struct done *reply_r) {
    return caller_ask(fixture->caller, &message_AUTH_LOGOUT, &ask, AUTH_ANSWER_MS, &fixture->arena,
                      reply_r);
}

enum err auth_resolve(struct auth_fixture *fixture, struct slice_list ids,
                      struct auth_resolve_reply *reply_r) {
    const struct auth_resolve ask = {.ids = ids};
    return caller_ask(fixture->caller, &message_AUTH_RESOLVE, &ask, AUTH_ANSWER_MS, &fixture->arena,
                      reply_r);
}

uint64_t auth_registered(struct auth_fixture *fixture, struct auth_register ask) {
    struct auth_register_reply reply;
    enum err err = auth_register(fixture, ask, &reply);
    if (err != ERR_OK)
        fail_msg("cannot register: %s", caller_fault(fixture->caller));
    return reply.account;
}
