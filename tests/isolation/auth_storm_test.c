/*
 * auth alone: many clients want their passwords hashed at once. Requests without a hash do not wait
 * behind those, hopeless ones are refused at once, and no hash is made for a caller that has given
 * up.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/loop.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_list.h"

/* One thread that makes hashes, each of which takes long: some hundred milliseconds. */
#define SLOW "--password-hashers=1", "--password-ops=200", "--password-memory-kib=4096"
#define STORM 40

static const struct slice password = {"secret", 6};

struct slow_auth {
    struct service_process *process;
    struct test_caller *caller;
    struct slice id, token;
    int64_t hash_ms; /* how long that login took: how fast the machine is just now */
};

/* With one account that has a password, and one login of it. */
static void slow_auth_start(struct auth_fixture *f, struct slow_auth *self) {
    uint16_t port = test_free_port();
    struct auth_login_reply reply;
    self->process = service_process_start(
        "parley-auth", NULL,
        (const char *[]){SLOW, test_text("--auth-port=%u", (unsigned)port), NULL});
    service_process_wait_ready(self->process);
    self->caller = test_caller_new("caller", port);
    self->id = slice_text(auth_fresh(f, "slow"));
    auth_registered(f, (struct auth_register){.id = self->id, .password = password});
    const struct auth_login login = {.login = self->id, .password = password};
    int64_t began_ms = loop_now_ms();
    assert_err(test_caller_ask(self->caller, &message_AUTH_LOGIN, &login, &reply), ERR_OK);
    self->hash_ms = loop_now_ms() - began_ms;
    self->token =
        slice_text(test_text("%.*s", (int)reply.token.length, (const char *)reply.token.data));
}

static void slow_auth_end(struct slow_auth *self) {
    test_caller_destroy(&self->caller);
    assert_int_equal(service_process_stop(&self->process), 0);
}

static uint64_t hashes(struct test_caller *caller) {
    return test_caller_metric(caller, "password_hash_seconds_count");
}

/* Posts this many logins of one account; the id of the first. */
static uint64_t post_logins(struct slow_auth *self, size_t count) {
    const struct auth_login login = {.login = self->id, .password = password};
    uint64_t first = test_caller_post(self->caller, &message_AUTH_LOGIN, &login);
    for (size_t i = 1; i < count; i++)
        test_caller_post(self->caller, &message_AUTH_LOGIN, &login);
    return first;
}

/* Which answers there were to the logins of a storm. */
struct answers {
    size_t count, of[ERR_COUNT];
};

static void take(struct slow_auth *self, struct answers *answers, uint64_t *id_r) {
    enum err err = test_caller_take(self->caller, id_r);
    answers->count++;
    answers->of[err]++;
}

/* --- requests without a hash ------------------------------------------------------------------ */

/* The order of answers shows it, no clock. Requests that are given up then are not worked on. */
AUTH_TEST(test_requests_without_a_hash_do_not_wait) {
    struct slow_auth slow;
    slow_auth_start(f, &slow);
    const char *open = auth_fresh(f, "open");
    auth_registered(f, (struct auth_register){.id = slice_text(open)});
    uint64_t before = hashes(slow.caller), id;
    uint64_t first = post_logins(&slow, STORM);
    struct slice ids[] = {slice_text(open)};
    struct answers storm = {0};
    uint64_t quick[] = {
        test_caller_post(slow.caller, &message_AUTH_REGISTER,
                         &(struct auth_register){.id = slice_text(auth_fresh(f, "open"))}),
        test_caller_post(slow.caller, &message_AUTH_RESUME,
                         &(struct auth_resume){.token = slow.token}),
        test_caller_post(slow.caller, &message_AUTH_LOGIN,
                         &(struct auth_login){.login = slice_text(open), .open = true}),
        test_caller_post(slow.caller, &message_AUTH_RESOLVE,
                         &(struct auth_resolve){.ids = {ids, 1}}),
        test_caller_post(slow.caller, &message_AUTH_LOGOUT,
                         &(struct auth_logout){.account = 1, .token = slow.token}),
    };
    for (size_t left = 5; left > 0;) {
        enum err err = test_caller_take(slow.caller, &id);
        if (id >= quick[0] && id <= quick[4])
            left--;
        else
            storm.count++;
        assert_err(err, ERR_OK);
    }
    assert_true(storm.count < STORM / 2);
    for (uint64_t i = 0; i < STORM; i++)
        test_caller_cancel(slow.caller, first + i);
    storm.of[ERR_OK] = storm.count;
    while (storm.count < STORM)
        take(&slow, &storm, &id);
    assert_int_equal(storm.of[ERR_OK] + storm.of[ERR_TIMEOUT], STORM);
    assert_true(storm.of[ERR_TIMEOUT] > 0);
    assert_int_equal(hashes(slow.caller), before + storm.of[ERR_OK]);
    slow_auth_end(&slow);
}

/* --- hopeless requests ------------------------------------------------------------------------ */

AUTH_TEST(test_hopeless_requests_are_refused) {
    enum { COUNT = 5 * STORM };
    struct slow_auth slow;
    slow_auth_start(f, &slow);
    uint64_t before = hashes(slow.caller), last = 0, id;
    struct answers answers = {0};
    test_caller_set_wait(slow.caller, 1000 + 5 * (uint64_t)slow.hash_ms);
    post_logins(&slow, COUNT);
    while (answers.count < COUNT) {
        size_t done = answers.of[ERR_OK];
        take(&slow, &answers, &id);
        if (answers.of[ERR_OK] > done)
            last = answers.count;
    }
    /* A machine that slowed down meanwhile did not do all that it had taken. */
    size_t late = answers.of[ERR_TIMEOUT] + answers.of[ERR_UNAVAILABLE];
    assert_int_equal(answers.of[ERR_OK] + answers.of[ERR_OVERLOADED] + late, COUNT);
    assert_true(answers.of[ERR_OK] > 0);
    assert_true(answers.of[ERR_OVERLOADED] >= COUNT / 4);
    assert_true(last > answers.of[ERR_OK]); /* refused at once, not in their turn */
    uint64_t made = hashes(slow.caller) - before;
    assert_in_range(made, answers.of[ERR_OK], answers.of[ERR_OK] + late);
    slow_auth_end(&slow);
}

/* In a storm, too, it ends at once: waiting requests are dropped, and callers ask another auth. */
AUTH_TEST(test_the_end_does_not_wait_for_hashes) {
    struct slow_auth slow;
    slow_auth_start(f, &slow);
    struct answers answers = {0};
    uint64_t id;
    post_logins(&slow, STORM);
    take(&slow, &answers, &id);
    kill(service_process_pid(slow.process), SIGTERM);
    while (answers.count < STORM)
        take(&slow, &answers, &id);
    assert_true(answers.of[ERR_UNAVAILABLE] > STORM / 2);
    assert_int_equal(answers.of[ERR_OK] + answers.of[ERR_UNAVAILABLE], STORM);
    assert_int_equal(service_process_wait_exit(slow.process), 0);
    assert_non_null(strstr(service_process_output(slow.process), "event=stopped"));
    assert_null(strstr(service_process_output(slow.process), "cut_short"));
    test_caller_destroy(&slow.caller);
    service_process_kill(&slow.process);
}

/* --- before the hash -------------------------------------------------------------------------- */

static uint64_t hashes_of(struct auth_fixture *f, struct auth_register ask, enum err expected) {
    const char *port = strrchr(caller_address(f->caller), ':') + 1;
    struct test_caller *caller = test_caller_new("counter", (uint16_t)strtoul(port, NULL, 10));
    struct auth_register_reply reply;
    uint64_t before = hashes(caller);
    assert_err(auth_register(f, ask, &reply), expected);
    uint64_t after = hashes(caller);
    test_caller_destroy(&caller);
    return after - before;
}

AUTH_TEST(test_faults_that_are_found_before_the_hash) {
    const char *address = test_text("%s@example.org", auth_fresh(f, "before"));
    struct auth_register first = {.id = slice_text(auth_fresh(f, "before")),
                                  .email = slice_text(address),
                                  .password = password,
                                  .nonce = slice_text("before the hash!")};
    assert_int_equal(hashes_of(f, first, ERR_OK), 1);
    assert_int_equal(hashes_of(f, first, ERR_OK), 1); /* whether it is the same password */
    struct auth_register again = first;
    again.nonce = slice_text("another nonce...");
    assert_int_equal(hashes_of(f, again, ERR_TAKEN), 0);
    again.id = slice_make(NULL, 0);
    assert_int_equal(hashes_of(f, again, ERR_EMAIL_TAKEN), 0);
    again.email = slice_make(NULL, 0);
    again.nonce = first.nonce;
    assert_int_equal(hashes_of(f, again, ERR_REF_USED), 0);
}

/* Guesses that wait side by side are counted like those that arrive one by one. */
AUTH_TEST(test_guesses_at_once_are_counted) {
    const char *port = strrchr(caller_address(f->caller), ':') + 1;
    struct test_caller *caller = test_caller_new("guesser", (uint16_t)strtoul(port, NULL, 10));
    struct slice id = slice_text(auth_fresh(f, "guessed"));
    auth_registered(f, (struct auth_register){.id = id, .password = password});
    const struct auth_login guess = {
        .login = id, .password = slice_text("guess"), .address = slice_text("192.0.2.1")};
    size_t wrong = 0, throttled = 0;
    uint64_t answered;
    for (size_t i = 0; i < 200; i++)
        test_caller_post(caller, &message_AUTH_LOGIN, &guess);
    for (size_t i = 0; i < 200; i++) {
        enum err err = test_caller_take(caller, &answered);
        wrong += err == ERR_BAD_LOGIN;
        throttled += err == ERR_THROTTLED;
    }
    assert_int_equal(wrong + throttled, 200);
    assert_int_equal(wrong, 10);
    test_caller_destroy(&caller);
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
