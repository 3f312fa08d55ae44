/* auth alone: a registration that is repeated under the same nonce makes no second account. */
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_list.h"

static struct slice new_nonce(void) {
    static unsigned count;
    return slice_make(test_text("nonce %010u", ++count), NONCE_BYTES);
}

AUTH_TEST(test_a_registration_that_is_sent_again) {
    const char *address = test_text("%s@example.org", auth_fresh(f, "again"));
    const struct auth_register asks[] = {
        {.id = slice_text(auth_fresh(f, "id")), .password = slice_text("secret")},
        {.id = slice_text(auth_fresh(f, "without password"))},
        {.id = slice_text("4242"), .password = slice_text("secret")},
        {.email = slice_text(address), .password = slice_text("secret")},
        {.password = slice_text("nothing to know it by but the nonce")}};
    uint64_t before = test_database_number(f->database, "SELECT COUNT(*) FROM account");
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        struct auth_register ask = asks[i];
        struct auth_register_reply first, again;
        ask.nonce = new_nonce();
        assert_err(auth_register(f, ask, &first), ERR_OK);
        for (int j = 0; j < 2; j++) {
            assert_err(auth_register(f, ask, &again), ERR_OK);
            assert_int_equal(again.account, first.account);
            assert_true(slice_equal(again.id, first.id));
        }
    }
    assert_int_equal(test_database_number(f->database, "SELECT COUNT(*) FROM account"), before + 5);
}

AUTH_TEST(test_a_request_that_differs_is_no_repeat) {
    const char *id = auth_fresh(f, "same");
    struct auth_register_reply reply;
    const struct auth_register first = {
        .id = slice_text(id), .password = slice_text("secret"), .nonce = new_nonce()};
    assert_err(auth_register(f, first, &reply), ERR_OK);
    struct auth_register ask = first;
    ask.nonce = new_nonce();
    assert_err(auth_register(f, ask, &reply), ERR_TAKEN);
    ask.nonce = slice_make(NULL, 0);
    assert_err(auth_register(f, ask, &reply), ERR_TAKEN);
    ask = first;
    ask.password = slice_text("secret2");
    assert_err(auth_register(f, ask, &reply), ERR_TAKEN);
    ask.password = slice_make(NULL, 0);
    assert_err(auth_register(f, ask, &reply), ERR_TAKEN);
    ask = first;
    ask.email = slice_text(test_text("%s@example.org", auth_fresh(f, "more")));
    assert_err(auth_register(f, ask, &reply), ERR_TAKEN);
    /* Somebody else under the same nonce. */
    ask = first;
    ask.id = slice_text(auth_fresh(f, "other"));
    assert_err(auth_register(f, ask, &reply), ERR_REF_USED);
    ask.id = slice_make(NULL, 0);
    ask.email = slice_text(test_text("%s@example.org", auth_fresh(f, "other")));
    assert_err(auth_register(f, ask, &reply), ERR_REF_USED);
    ask.nonce = slice_text("short");
    assert_err(auth_register(f, ask, &reply), ERR_BAD_REQUEST);
    assert_err(auth_register(f, first, &reply), ERR_OK);
}

/* A known nonce does not make a registration a way to guess passwords. */
AUTH_TEST(test_guesses_are_counted) {
    struct auth_register_reply reply;
    struct auth_login_reply login;
    struct auth_register first = {.id = slice_text(auth_fresh(f, "guess")),
                                  .password = slice_text("secret"),
                                  .nonce = new_nonce()};
    assert_err(auth_register(f, first, &reply), ERR_OK);
    struct auth_register guess = first;
    for (int i = 0; i < 10; i++) {
        guess.password = slice_text(test_text("guess %d", i));
        assert_err(auth_register(f, guess, &reply), ERR_TAKEN);
    }
    assert_err(auth_register(f, first, &reply), ERR_TAKEN); /* right, but too late */
    assert_err(
        auth_login(f, (struct auth_login){.login = first.id, .password = first.password}, &login),
        ERR_THROTTLED);
}

/* Two instances, so that nothing but the database puts them in order. */
AUTH_TEST(test_the_same_registration_twice_at_once) {
    struct service_process *auths[2];
    struct test_caller *callers[2];
    for (size_t i = 0; i < 2; i++) {
        uint16_t port = test_free_port();
        auths[i] = service_process_start(
            "parley-auth", NULL,
            (const char *[]){test_text("--auth-port=%u", (unsigned)port), AUTH_CHEAP, NULL});
        service_process_wait_ready(auths[i]);
        callers[i] = test_caller_new("caller", port);
    }
    for (int round = 0; round < 20; round++) {
        struct auth_register ask = {.id = slice_text(auth_fresh(f, "two")),
                                    .password = slice_text("secret"),
                                    .nonce = new_nonce()};
        struct auth_register_reply replies[2];
        for (size_t i = 0; i < 2; i++)
            test_caller_start(callers[i], &message_AUTH_REGISTER, &ask);
        for (size_t i = 0; i < 2; i++)
            assert_err(test_caller_finish(callers[i], &message_AUTH_REGISTER, &replies[i]), ERR_OK);
        assert_int_equal(replies[0].account, replies[1].account);
    }
    for (size_t i = 0; i < 2; i++) {
        test_caller_destroy(&callers[i]);
        assert_int_equal(service_process_stop(&auths[i]), 0);
    }
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
