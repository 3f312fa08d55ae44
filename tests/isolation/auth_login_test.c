/* auth alone: logging in and out. */
#include <string.h>

#include <sodium.h>

#include "common/loop.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_list.h"

#define DAY_MS INT64_C(86400000)

static struct auth_login login_of(const char *login, const char *password, bool open) {
    return (struct auth_login){.login = slice_text(login),
                               .password = slice_text(password),
                               .open = open,
                               .address = slice_text("127.0.0.1:1")};
}

/* Logs in and says only how it ended. */
static enum err try_login(struct auth_fixture *f, const char *login, const char *password,
                          bool open) {
    struct auth_login_reply reply;
    return auth_login(f, login_of(login, password, open), &reply);
}

static uint64_t make_account(struct auth_fixture *f, const char *id, const char *email,
                             const char *password) {
    return auth_registered(f, (struct auth_register){.id = slice_text(id),
                                                     .email = slice_text(email),
                                                     .password = slice_text(password)});
}

AUTH_TEST(test_answer) {
    struct auth_register ask = {.id = slice_text("with a name"),
                                .password = slice_text("secret"),
                                .name = slice_text("Анна")};
    struct auth_login_reply reply;
    uint64_t number = auth_registered(f, ask);
    assert_err(auth_login(f, login_of("with a name", "secret", false), &reply), ERR_OK);
    assert_true(reply.account == number);
    assert_slice_text(reply.id, "with a name");
    assert_slice_text(reply.name, "Анна");
    assert_int_equal(reply.token.length, 43);
}

AUTH_TEST(test_by_email_number_and_id) {
    const char *number =
        test_text("%llu", (unsigned long long)make_account(f, "", "who@example.org", "secret"));
    make_account(f, "by id", "", "secret");
    for (int open = 0; open < 2; open++) {
        assert_err(try_login(f, "who@example.org", "secret", open), ERR_OK);
        assert_err(try_login(f, "WHO@example.ORG", "secret", open), ERR_OK);
        assert_err(try_login(f, number, "secret", open), ERR_OK);
        assert_err(try_login(f, "by id", "secret", open), ERR_OK);
        assert_err(try_login(f, "By id", "secret", open), ERR_BAD_LOGIN);
        assert_err(try_login(f, test_text("0%s", number), "secret", open), ERR_BAD_LOGIN);
    }
}

/* The number of a chosen id that is no decimal is not a login name: it would be another's id. */
AUTH_TEST(test_texts_that_are_no_login_name) {
    uint64_t number = make_account(f, "chosen", "", "");
    assert_err(try_login(f, test_text("%llu", (unsigned long long)number), "", true),
               ERR_BAD_LOGIN);
    assert_err(try_login(f, "", "", true), ERR_BAD_LOGIN);
    assert_err(try_login(f, "\xff", "secret", false), ERR_BAD_LOGIN);
    assert_err(try_login(f, "chosen\n", "secret", true), ERR_BAD_LOGIN);
}

AUTH_TEST(test_wrong_and_unknown) {
    make_account(f, "guarded", "", "secret");
    for (int open = 0; open < 2; open++) {
        assert_err(try_login(f, "guarded", "Secret", open), ERR_BAD_LOGIN);
        assert_err(try_login(f, "nobody", "secret", open), ERR_BAD_LOGIN);
    }
    assert_err(try_login(f, "guarded", "", true), ERR_PASSWORD_NEEDED);
    assert_err(try_login(f, "guarded", "", false), ERR_BAD_LOGIN);
    assert_err(try_login(f, "nobody", "", false), ERR_BAD_LOGIN);
    assert_err(try_login(f, "nobody", "", true), ERR_BAD_LOGIN);
}

AUTH_TEST(test_account_without_password) {
    make_account(f, "open", "open@example.org", "");
    assert_err(try_login(f, "open", "", true), ERR_OK);
    /* The password is that of a person who takes the account for theirs. */
    assert_err(try_login(f, "open", "anything", true), ERR_BAD_LOGIN);
    assert_err(try_login(f, "open", "", false), ERR_BAD_LOGIN);
    assert_err(try_login(f, "open", "anything", false), ERR_BAD_LOGIN);
    assert_err(try_login(f, "open@example.org", "", false), ERR_BAD_LOGIN);
}

/* Somebody took another's e-mail address as an id, when that was possible. */
AUTH_TEST(test_id_like_an_email) {
    struct auth_login_reply reply;
    uint64_t by_email = make_account(f, "", "twice@example.org", "secret");
    test_database_run(f->database, "INSERT INTO account (number, id, name, created_ms)"
                                   " VALUES (555, 'twice@example.org', '', 0)");
    for (int open = 0; open < 2; open++) {
        assert_err(auth_login(f, login_of("twice@example.org", "secret", open), &reply), ERR_OK);
        assert_true(reply.account == by_email);
        assert_err(try_login(f, "twice@example.org", "wrong", open), ERR_BAD_LOGIN);
    }
    assert_err(auth_login(f, login_of("twice@example.org", "", true), &reply), ERR_OK);
    assert_true(reply.account == 555);
    make_account(f, "only@id", "", "secret");
    assert_err(try_login(f, "only@id", "secret", false), ERR_OK);
    assert_err(try_login(f, "only@id", "secret", true), ERR_OK);
    assert_err(try_login(f, "Only@ID", "secret", true), ERR_OK);
}

AUTH_TEST(test_disabled) {
    make_account(f, "disabled", "", "secret");
    make_account(f, "disabled open", "", "");
    test_database_run(f->database, "UPDATE account SET disabled = TRUE WHERE id LIKE 'disabled%'");
    assert_err(try_login(f, "disabled", "secret", false), ERR_DISABLED);
    assert_err(try_login(f, "disabled", "wrong", false), ERR_BAD_LOGIN);
    assert_err(try_login(f, "disabled open", "", true), ERR_DISABLED);
    assert_int_equal(test_database_number(f->database,
                                          "SELECT COUNT(*) FROM token JOIN account ON number ="
                                          " account WHERE disabled"),
                     0);
}

static uint64_t count_tokens(struct auth_fixture *f, uint64_t account) {
    return test_database_number(
        f->database,
        test_text("SELECT COUNT(*) FROM token WHERE account = %llu", (unsigned long long)account));
}

AUTH_TEST(test_token_is_kept_as_a_hash) {
    struct auth_login_reply first, second;
    unsigned char hash[32];
    char hex[65];
    uint64_t number = make_account(f, "token", "", "");
    assert_err(auth_login(f, login_of("token", "", true), &first), ERR_OK);
    assert_err(auth_login(f, login_of("token", "", true), &second), ERR_OK);
    assert_false(slice_equal(first.token, second.token));
    assert_int_equal(count_tokens(f, number), 2);
    crypto_generichash(hash, sizeof hash, (const unsigned char *)first.token.data,
                       first.token.length, NULL, 0);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    uint64_t expires_ms = test_database_number(
        f->database, test_text("SELECT expires_ms FROM token WHERE hash = x'%s'", hex));
    int64_t lives_ms = (int64_t)expires_ms - loop_wall_ms();
    assert_true(lives_ms > 30 * DAY_MS - 60000 && lives_ms <= 30 * DAY_MS);
}

static uint64_t count_valid(struct auth_fixture *f, uint64_t account) {
    return test_database_number(f->database,
                                test_text("SELECT COUNT(*) FROM token WHERE account = %llu"
                                          " AND expires_ms > UNIX_TIMESTAMP() * 1000 + 1000",
                                          (unsigned long long)account));
}

/*
 * Plays a change that the operator makes between the check of a password and the token: a trigger
 * on a statement of the login does it.
 */
static void change_meanwhile(struct auth_fixture *f, uint64_t account, const char *change) {
    unsigned long long number = account;
    test_database_run(f->database, "DROP TRIGGER IF EXISTS meanwhile");
    test_database_run(f->database, test_text("DELETE FROM token WHERE account = %llu", number));
    test_database_run(f->database,
                      test_text("INSERT INTO token (hash, account, created_ms, expires_ms)"
                                " SELECT UNHEX(LPAD(HEX(%llu * 100 + seq), 64, '0')), %llu, 1, 1"
                                " FROM seq_1_to_64",
                                number, number));
    test_database_run(f->database, test_text("CREATE TRIGGER meanwhile AFTER DELETE ON token FOR"
                                             " EACH ROW UPDATE account SET %s WHERE number = %llu",
                                             change, number));
}

AUTH_TEST(test_a_change_during_a_login) {
    uint64_t number = make_account(f, "changing", "", "secret");
    change_meanwhile(f, number, "disabled = TRUE");
    assert_err(try_login(f, "changing", "secret", false), ERR_DISABLED);
    assert_int_equal(count_valid(f, number), 0);
    test_database_run(f->database, "UPDATE account SET disabled = FALSE WHERE id = 'changing'");
    change_meanwhile(f, number, "password = 'of another password'");
    assert_err(try_login(f, "changing", "secret", false), ERR_BAD_LOGIN);
    assert_int_equal(count_valid(f, number), 0);
    number = make_account(f, "opening", "", "");
    change_meanwhile(f, number, "password = 'of a first password'");
    assert_err(try_login(f, "opening", "", true), ERR_PASSWORD_NEEDED);
    assert_int_equal(count_valid(f, number), 0);
    test_database_run(f->database, "DROP TRIGGER meanwhile");
}

AUTH_TEST(test_logout) {
    struct auth_login_reply login;
    struct done done;
    uint64_t number = make_account(f, "leaving", "", "");
    assert_err(try_login(f, "leaving", "", true), ERR_OK);
    assert_err(auth_login(f, login_of("leaving", "", true), &login), ERR_OK);
    struct auth_logout ask = {.account = number + 1, .token = login.token};
    assert_err(auth_logout(f, ask, &done), ERR_OK);
    assert_true(done.repeat);
    assert_int_equal(count_valid(f, number), 2);
    ask.account = number;
    assert_err(auth_logout(f, ask, &done), ERR_OK);
    assert_false(done.repeat);
    assert_int_equal(count_valid(f, number), 1);
    assert_err(auth_logout(f, ask, &done), ERR_OK);
    assert_true(done.repeat);
    ask.token = slice_text("");
    assert_err(auth_logout(f, ask, &done), ERR_OK);
    assert_true(done.repeat);
}

/* --- an auth with other options -------------------------------------------------------------- */

/* Takes the time of a login that fails; `best_ms` becomes the shortest of all so far, since a busy
 * machine adds to the others. */
static void time_login(struct auth_fixture *f, const char *id, int64_t *best_ms) {
    struct auth_login_reply reply;
    int64_t start_ms = loop_now_ms();
    assert_err(auth_login(f, login_of(id, "wrong", false), &reply), ERR_BAD_LOGIN);
    int64_t took_ms = loop_now_ms() - start_ms;
    *best_ms = took_ms < *best_ms ? took_ms : *best_ms;
}

/* The same fixture, with another auth behind its caller. */
static struct service_process *swap_in(struct auth_fixture *f, const char *const *options,
                                       struct caller **before_r) {
    *before_r = f->caller;
    return auth_fixture_start(options, &f->caller);
}

static void swap_out(struct auth_fixture *f, struct service_process *auth, struct caller *before) {
    caller_destroy(&f->caller);
    f->caller = before;
    assert_int_equal(service_process_stop(&auth), 0);
}

AUTH_TEST(test_time_tells_nothing) {
    struct caller *before;
    struct service_process *costly = swap_in(
        f, (const char *[]){"--password-ops=4", "--password-memory-kib=65536", NULL}, &before);
    make_account(f, "slow", "", "secret");
    make_account(f, "slow open", "", "");
    int64_t wrong_ms = INT64_MAX, unknown_ms = INT64_MAX, open_ms = INT64_MAX;
    for (int round = 0; round < 5; round++) {
        time_login(f, "slow", &wrong_ms);
        time_login(f, "nobody", &unknown_ms);
        time_login(f, "slow open", &open_ms);
    }
    swap_out(f, costly, before);
    /* Without the same work it would be a hundredth. */
    assert_true(wrong_ms > 8);
    assert_true(unknown_ms > wrong_ms / 4);
    assert_true(open_ms > wrong_ms / 4);
}

AUTH_TEST(test_password_is_rehashed) {
    static const char *const new_cost = "SELECT COUNT(*) FROM account WHERE id = 'rehashed' AND"
                                        " password LIKE '$argon2id$v=19$m=16,t=2,p=1$%'";
    struct caller *before;
    make_account(f, "rehashed", "", "secret");
    struct service_process *other =
        swap_in(f, (const char *[]){"--password-ops=2", "--password-memory-kib=16", NULL}, &before);
    assert_err(try_login(f, "rehashed", "wrong", false), ERR_BAD_LOGIN);
    assert_int_equal(test_database_number(f->database, new_cost), 0);
    assert_err(try_login(f, "rehashed", "secret", false), ERR_OK);
    assert_int_equal(test_database_number(f->database, new_cost), 1);
    assert_err(try_login(f, "rehashed", "secret", true), ERR_OK);
    assert_err(try_login(f, "rehashed", "wrong", false), ERR_BAD_LOGIN);
    swap_out(f, other, before);
}

AUTH_TEST(test_open_login_switched_off) {
    struct caller *before;
    make_account(f, "shut", "", "");
    make_account(f, "shut guarded", "", "secret");
    struct service_process *shut =
        swap_in(f, (const char *[]){AUTH_CHEAP, "--youim-open-login=false", NULL}, &before);
    assert_err(try_login(f, "shut", "", true), ERR_PASSWORD_NEEDED);
    assert_err(try_login(f, "shut", "anything", true), ERR_BAD_LOGIN);
    assert_err(try_login(f, "shut", "", false), ERR_BAD_LOGIN);
    assert_err(try_login(f, "nobody", "", true), ERR_PASSWORD_NEEDED);
    assert_err(try_login(f, "nobody", "anything", true), ERR_BAD_LOGIN);
    assert_err(try_login(f, "shut guarded", "secret", true), ERR_OK);
    assert_err(try_login(f, "shut guarded", "", true), ERR_PASSWORD_NEEDED);
    swap_out(f, shut, before);
}

AUTH_TEST(test_token_days) {
    struct caller *before;
    uint64_t number = make_account(f, "for a day", "", "");
    struct service_process *other =
        swap_in(f, (const char *[]){AUTH_CHEAP, "--token-days=1", NULL}, &before);
    assert_err(try_login(f, "for a day", "", true), ERR_OK);
    swap_out(f, other, before);
    assert_int_equal(
        test_database_number(
            f->database, test_text("SELECT expires_ms - created_ms FROM token WHERE account = %llu",
                                   (unsigned long long)number)),
        DAY_MS);
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
