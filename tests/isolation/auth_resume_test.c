/* auth alone: going on under an earlier login's token. */
#include <string.h>

#include "common/loop.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_list.h"

#define DAY_MS UINT64_C(86400000)
#define HOUR_MS UINT64_C(3600000)
/* Addresses that no other test fails from. */
#define AT(address_) slice_text(address_)

/* The only login of an account of that name, made now. */
static struct auth_login_reply logged_in(struct auth_fixture *f, const char *id) {
    struct auth_login_reply login;
    auth_registered(f,
                    (struct auth_register){.id = slice_text(id), .name = slice_text("Somebody")});
    assert_err(auth_login(f, (struct auth_login){.login = slice_text(id), .open = true}, &login),
               ERR_OK);
    return login;
}

static enum err resume(struct auth_fixture *f, struct slice token) {
    struct auth_login_reply reply;
    return auth_resume(f, (struct auth_resume){.token = token}, &reply);
}

static uint64_t expires_ms(struct auth_fixture *f, uint64_t account) {
    return test_database_number(f->database,
                                test_text("SELECT expires_ms FROM token WHERE account = %llu",
                                          (unsigned long long)account));
}

/* Sets when the account's tokens end, from now on. */
static void set_left(struct auth_fixture *f, uint64_t account, int64_t left_ms) {
    long long end_ms = loop_wall_ms() + left_ms;
    test_database_run(f->database,
                      test_text("UPDATE token SET expires_ms = %lld WHERE account = %llu", end_ms,
                                (unsigned long long)account));
}

AUTH_TEST(test_answer) {
    struct auth_login_reply login = logged_in(f, "back again"), reply;
    uint64_t before_ms = expires_ms(f, login.account);
    for (int i = 0; i < 2; i++) {
        assert_err(
            auth_resume(f, (struct auth_resume){.token = login.token, .address = AT("a")}, &reply),
            ERR_OK);
        assert_true(reply.account == login.account);
        assert_slice_text(reply.id, "back again");
        assert_slice_text(reply.name, "Somebody");
        assert_true(slice_equal(reply.token, login.token));
    }
    assert_true(expires_ms(f, login.account) == before_ms); /* nothing is written */
    assert_int_equal(
        test_database_number(f->database, test_text("SELECT COUNT(*) FROM token WHERE account ="
                                                    " %llu",
                                                    (unsigned long long)login.account)),
        1);
}

AUTH_TEST(test_renewed_in_the_second_half) {
    struct auth_login_reply login = logged_in(f, "renewed");
    set_left(f, login.account, (int64_t)(15 * DAY_MS + HOUR_MS));
    uint64_t before_ms = expires_ms(f, login.account);
    assert_err(resume(f, login.token), ERR_OK);
    assert_true(expires_ms(f, login.account) == before_ms);
    set_left(f, login.account, (int64_t)(15 * DAY_MS - HOUR_MS));
    assert_err(resume(f, login.token), ERR_OK);
    uint64_t left_ms = expires_ms(f, login.account) - (uint64_t)loop_wall_ms();
    assert_true(left_ms > 30 * DAY_MS - HOUR_MS && left_ms <= 30 * DAY_MS);
}

AUTH_TEST(test_texts_that_are_no_token) {
    struct auth_login_reply login = logged_in(f, "tokened");
    char other[64];
    memcpy(other, login.token.data, login.token.length);
    other[0] = other[0] == 'A' ? 'B' : 'A';
    assert_err(resume(f, slice_make(other, login.token.length)), ERR_BAD_TOKEN);
    assert_err(resume(f, slice_make(login.token.data, login.token.length - 1)), ERR_BAD_TOKEN);
    assert_err(resume(f, slice_text("")), ERR_BAD_TOKEN);
    assert_err(resume(f, slice_text("' OR 1 = 1 --")), ERR_BAD_TOKEN);
    assert_err(resume(f, slice_text("\xff\xfe")), ERR_BAD_TOKEN);
    assert_err(resume(f, login.token), ERR_OK);
}

AUTH_TEST(test_expired) {
    struct auth_login_reply login = logged_in(f, "expired");
    set_left(f, login.account, -1);
    assert_err(resume(f, login.token), ERR_BAD_TOKEN);
    assert_true(expires_ms(f, login.account) < (uint64_t)loop_wall_ms()); /* nor renewed */
}

AUTH_TEST(test_logged_out) {
    struct auth_login_reply login = logged_in(f, "logged out"), other;
    struct done done;
    assert_err(
        auth_login(f, (struct auth_login){.login = slice_text("logged out"), .open = true}, &other),
        ERR_OK);
    assert_err(
        auth_logout(f, (struct auth_logout){.account = login.account, .token = login.token}, &done),
        ERR_OK);
    assert_err(resume(f, login.token), ERR_BAD_TOKEN);
    assert_err(resume(f, other.token), ERR_OK); /* another login's goes on */
}

AUTH_TEST(test_disabled) {
    struct auth_login_reply login = logged_in(f, "shut out");
    struct done done;
    test_database_run(f->database, "UPDATE account SET disabled = TRUE WHERE id = 'shut out'");
    assert_err(resume(f, login.token), ERR_DISABLED);
    /* The operator's way ends the tokens too, also when the account is let in again. */
    for (int disabled = 1; disabled >= 0; disabled--) {
        const struct auth_set_disabled ask = {.account = login.account, .disabled = disabled};
        assert_err(caller_ask(f->caller, &message_AUTH_SET_DISABLED, &ask, AUTH_ANSWER_MS,
                              &f->arena, &done),
                   ERR_OK);
        assert_err(resume(f, login.token), ERR_BAD_TOKEN);
    }
}

AUTH_TEST(test_new_password) {
    struct auth_login_reply login = logged_in(f, "repassworded");
    struct done done;
    const struct auth_set_password ask = {.account = login.account,
                                          .password = slice_text("secret")};
    assert_err(
        caller_ask(f->caller, &message_AUTH_SET_PASSWORD, &ask, AUTH_ANSWER_MS, &f->arena, &done),
        ERR_OK);
    assert_err(resume(f, login.token), ERR_BAD_TOKEN);
}

/* Somebody behind the same address guesses tokens and passwords: a good token is let in. */
AUTH_TEST(test_a_good_token_always_resumes) {
    struct caller *before = f->caller;
    struct auth_login_reply login = logged_in(f, "guessed at"), reply;
    struct service_process *strict = auth_fixture_start(
        (const char *[]){AUTH_CHEAP, "--login-failures-per-address=3", NULL}, &f->caller);
    struct auth_resume wrong = {.token = slice_text("wrong"), .address = AT("192.0.2.7")};
    struct auth_resume right = {.token = login.token, .address = AT("192.0.2.7")};
    struct auth_login guess = {
        .login = slice_text("guessed at"), .password = slice_text("no"), .address = right.address};
    for (int i = 0; i < 10; i++)
        assert_err(auth_resume(f, wrong, &reply), ERR_BAD_TOKEN);
    enum err err = ERR_BAD_LOGIN;
    for (int i = 0; i < 10 && err == ERR_BAD_LOGIN; i++)
        err = auth_login(f, guess, &reply);
    assert_err(err, ERR_THROTTLED);
    assert_err(auth_resume(f, wrong, &reply), ERR_BAD_TOKEN);
    assert_err(auth_resume(f, right, &reply), ERR_OK);
    caller_destroy(&f->caller);
    f->caller = before;
    assert_int_equal(service_process_stop(&strict), 0);
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
