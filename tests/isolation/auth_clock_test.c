/* auth alone: instances whose clocks are wrong do no harm to tokens. */
#include <string.h>

#include "common/loop.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_keys.h"
#include "tests/support/test_list.h"
#include "tests/support/wrong_clock.h"

#define DAY_MS UINT64_C(86400000)

/* Logs in, resumes by `token` and by the login's own, at an instance with this clock; sets the
 * token of the login. */
static void log_in_at(struct auth_fixture *f, const char *const *clock, char token[64]) {
    unsigned port = test_free_port();
    const char *const arguments[] = {test_text("--auth-port=%u", port), AUTH_CHEAP, NULL};
    struct service_process *auth = service_process_start("parley-auth", clock, arguments);
    struct caller *before = f->caller;
    struct auth_login_reply reply;
    service_process_wait_ready(auth);
    f->caller =
        caller_new(test_text("tcp://127.0.0.1:%u", port), test_keys(TEST_KEYS_SELF), "auth");
    assert_non_null(f->caller);
    assert_err(auth_resume(f, (struct auth_resume){.token = slice_text(token)}, &reply), ERR_OK);
    assert_err(
        auth_login(f, (struct auth_login){.login = slice_text("anna"), .open = true}, &reply),
        ERR_OK);
    assert_in_range(reply.token.length, 1, 63);
    memcpy(token, reply.token.data, reply.token.length);
    token[reply.token.length] = '\0';
    caller_destroy(&f->caller);
    f->caller = before;
    assert_int_equal(service_process_stop(&auth), 0);
}

static void assert_resumes(struct auth_fixture *f, const char *token) {
    struct auth_login_reply reply;
    assert_err(auth_resume(f, (struct auth_resume){.token = slice_text(token)}, &reply), ERR_OK);
}

AUTH_TEST(test_tokens_survive_wrong_clocks) {
    char tokens[3][64];
    struct auth_login_reply reply;
    uint64_t now_ms = (uint64_t)loop_wall_ms();
    auth_registered(f, (struct auth_register){.id = slice_text("anna")});
    assert_err(
        auth_login(f, (struct auth_login){.login = slice_text("anna"), .open = true}, &reply),
        ERR_OK);
    memcpy(tokens[0], reply.token.data, reply.token.length);
    tokens[0][reply.token.length] = '\0';
    memcpy(tokens[1], tokens[0], sizeof tokens[0]);
    log_in_at(f, WRONG_CLOCK("+31d"), tokens[1]);
    memcpy(tokens[2], tokens[1], sizeof tokens[1]);
    log_in_at(f, WRONG_CLOCK("-31d"), tokens[2]);
    for (size_t i = 0; i < 3; i++)
        assert_resumes(f, tokens[i]);
    assert_int_equal(test_database_number(f->database, "SELECT COUNT(*) FROM token"), 3);
    assert_in_range(test_database_number(f->database, "SELECT MIN(expires_ms) FROM token"),
                    now_ms + 30 * DAY_MS, loop_wall_ms() + (int64_t)(30 * DAY_MS));
    assert_in_range(test_database_number(f->database, "SELECT MAX(expires_ms) FROM token"),
                    now_ms + 30 * DAY_MS, loop_wall_ms() + (int64_t)(30 * DAY_MS));
}

/* The clock of the database itself is a day ahead for a while: tokens that expired by it are
 * refused, and are good again once it is right. */
AUTH_TEST(test_the_databases_clock) {
    struct auth_login_reply first, reply;
    auth_registered(f, (struct auth_register){.id = slice_text("ben")});
    const struct auth_login ask = {.login = slice_text("ben"), .open = true};
    assert_err(auth_login(f, ask, &first), ERR_OK);
    static const char *const move = "UPDATE token t JOIN account a ON a.number = t.account"
                                    " SET t.expires_ms = t.expires_ms %s WHERE a.id = 'ben'";
    /* As it looks from there. */
    test_database_run(f->database, test_text(move, "- 2678399000"));
    assert_err(auth_resume(f, (struct auth_resume){.token = first.token}, &reply), ERR_BAD_TOKEN);
    assert_err(auth_login(f, ask, &reply), ERR_OK);
    test_database_run(f->database, test_text(move, "+ 2678399000"));
    assert_err(auth_resume(f, (struct auth_resume){.token = first.token}, &reply), ERR_OK);
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
