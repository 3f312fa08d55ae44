/* auth alone: the end of an account. */
#include <string.h>

#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_list.h"

static enum err forget(struct auth_fixture *f, struct auth_forget ask, struct done *reply_r) {
    struct done reply;
    return caller_ask(f->caller, &message_AUTH_FORGET, &ask, TEST_DEADLINE_MS, &f->arena,
                      reply_r == NULL ? &reply : reply_r);
}

static uint64_t count(struct auth_fixture *f, const char *table, const char *condition,
                      uint64_t account) {
    return test_database_number(f->database,
                                test_text("SELECT COUNT(*) FROM %s WHERE %s %llu", table, condition,
                                          (unsigned long long)account));
}

static enum err remove_one(struct auth_fixture *f, uint64_t account) {
    const struct auth_remove ask = {.account = account};
    struct record_arena arena = {0};
    struct done done;
    enum err err =
        caller_ask(f->caller, &message_AUTH_REMOVE, &ask, TEST_DEADLINE_MS, &arena, &done);
    record_arena_free(&arena);
    return err;
}

/* Nobody gets in any more, by whatever name; the address is free, the id is not. */
AUTH_TEST(test_an_account_with_a_password_ends) {
    const char *id = auth_fresh(f, "gone"), *email = test_text("%s@example.org", id);
    struct auth_register all = {.id = slice_text(id),
                                .email = slice_text(email),
                                .password = slice_text("secret"),
                                .name = slice_text("Somebody")};
    uint64_t account = auth_registered(f, all);
    struct auth_login login = {.login = slice_text(id), .password = slice_text("secret")};
    struct auth_login_reply in;
    assert_err(auth_login(f, login, &in), ERR_OK);
    struct auth_forget ask = {.account = account, .confirm = true};
    assert_err(forget(f, ask, NULL), ERR_PASSWORD_NEEDED);
    ask.password = slice_text("wrong");
    assert_err(forget(f, ask, NULL), ERR_BAD_LOGIN);
    assert_int_equal(count(f, "audit", "detail = 'to end the account' AND account =", account), 1);
    assert_int_equal(count(f, "ending", "account =", account), 0);
    assert_int_equal(count(f, "token", "account =", account), 1);
    ask.password = slice_text("secret");
    ask.blank = true;
    struct done done;
    assert_err(forget(f, ask, &done), ERR_OK);
    assert_false(done.repeat);
    assert_int_equal(count(f, "account",
                           "deleted_ms > 0 AND disabled AND password IS NULL AND email IS NULL"
                           " AND name = 'deleted account' AND number =",
                           account),
                     1);
    assert_int_equal(count(f, "ending", "blank AND account =", account), 1);
    assert_int_equal(count(f, "token", "account =", account), 0);
    assert_int_equal(count(f, "address", "account =", account), 0);
    struct auth_login_reply reply;
    assert_err(auth_resume(f, (struct auth_resume){.token = in.token}, &reply), ERR_BAD_TOKEN);
    assert_err(auth_login(f, login, &reply), ERR_BAD_LOGIN);
    login = (struct auth_login){.login = slice_text(id), .open = true};
    assert_err(auth_login(f, login, &reply), ERR_DISABLED);
    login = (struct auth_login){.login = slice_text(email), .password = slice_text("secret")};
    assert_err(auth_login(f, login, &reply), ERR_BAD_LOGIN);
    /* A repeat is answered as the first was, and needs no password, which nobody knows any more. */
    assert_err(forget(f, ask, &done), ERR_OK);
    assert_true(done.repeat);
    struct auth_register_reply registered;
    all.email = slice_make(NULL, 0);
    assert_err(auth_register(f, all, &registered), ERR_TAKEN);
    all.id = slice_make(NULL, 0);
    all.email = slice_text(email);
    assert_err(auth_register(f, all, &registered), ERR_OK);
}

AUTH_TEST(test_an_account_without_a_password_ends) {
    const char *id = auth_fresh(f, "open");
    uint64_t account = auth_registered(f, (struct auth_register){.id = slice_text(id)});
    struct auth_forget ask = {.account = account, .password = slice_text("guess")};
    assert_err(forget(f, ask, NULL), ERR_BAD_LOGIN);
    ask.confirm = true;
    assert_err(forget(f, ask, NULL), ERR_OK);
    assert_int_equal(count(f, "ending", "NOT blank AND account =", account), 1);
    assert_err(remove_one(f, 1), ERR_NO_ACCOUNT);
}

/* An id that is an address stays taken, whatever the account's own address was. */
AUTH_TEST(test_the_operator_ends_one) {
    const char *id = test_text("%s@example.org", auth_fresh(f, "operated"));
    uint64_t account = auth_registered(
        f, (struct auth_register){.id = slice_text(id), .password = slice_text("secret")});
    assert_err(remove_one(f, account), ERR_OK);
    assert_int_equal(count(f, "address", "account =", account), 1);
    struct auth_register_reply registered;
    assert_err(auth_register(f,
                             (struct auth_register){.email = slice_text(id),
                                                    .password = slice_text("x"),
                                                    .name = slice_text("x")},
                             &registered),
               ERR_EMAIL_TAKEN);
    /* The operator cannot let it in again. */
    struct auth_set_disabled enable = {.account = account};
    struct done done;
    assert_err(caller_ask(f->caller, &message_AUTH_SET_DISABLED, &enable, TEST_DEADLINE_MS,
                          &f->arena, &done),
               ERR_NO_ACCOUNT);
}

/* Guesses count as those of a login do. */
AUTH_TEST(test_guesses_are_throttled) {
    const char *id = auth_fresh(f, "guessed");
    uint64_t account = auth_registered(
        f, (struct auth_register){.id = slice_text(id), .password = slice_text("secret")});
    struct auth_forget ask = {.account = account, .password = slice_text("guess")};
    enum err err = ERR_BAD_LOGIN;
    for (int i = 0; i < 100 && err == ERR_BAD_LOGIN; i++)
        err = forget(f, ask, NULL);
    assert_err(err, ERR_THROTTLED);
    ask.password = slice_text("secret");
    assert_err(forget(f, ask, NULL), ERR_THROTTLED);
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
