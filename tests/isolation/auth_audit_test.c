/* auth alone: rows of the audit about accounts and about refused logins. */
#include "services/audit/audit.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_list.h"

static uint64_t count(struct auth_fixture *f, const char *where) {
    return test_database_number(f->database,
                                test_text("SELECT COUNT(*) FROM audit WHERE %s", where));
}

static uint64_t count_of(struct auth_fixture *f, const char *event, uint64_t account,
                         const char *address) {
    return count(f,
                 test_text("event = '%s' AND account = %llu AND COALESCE(address, '') = '%s'"
                           " AND ABS(CAST(time_ms AS SIGNED) - 1000 * UNIX_TIMESTAMP()) < 600000",
                           event, (unsigned long long)account, address));
}

static enum err log_in(struct auth_fixture *f, const char *login, const char *password,
                       const char *address) {
    struct auth_login_reply reply;
    return auth_login(f,
                      (struct auth_login){.login = slice_text(login),
                                          .password = slice_text(password),
                                          .open = true,
                                          .address = slice_text(address)},
                      &reply);
}

AUTH_TEST(a_registration_is_noted_once) {
    const char *id = auth_fresh(f, "made");
    struct auth_register ask = {.id = slice_text(id),
                                .address = slice_text("192.0.2.1"),
                                .nonce = slice_text("0123456789abcdef")};
    uint64_t account = auth_registered(f, ask);
    assert_int_equal(count_of(f, "account_made", account, "192.0.2.1"), 1);
    assert_int_equal(count(f, test_text("detail = '%s'", id)), 1);
    assert_true(auth_registered(f, ask) == account); /* the same again */
    assert_int_equal(count_of(f, "account_made", account, "192.0.2.1"), 1);
    struct auth_register_reply reply;
    ask.nonce = slice_make(NULL, 0);
    assert_err(auth_register(f, ask, &reply), ERR_TAKEN);
    assert_int_equal(count(f, test_text("detail = '%s'", id)), 1);
}

AUTH_TEST(refused_logins_are_noted) {
    const char *id = auth_fresh(f, "refused"), *nobody = auth_fresh(f, "nobody");
    uint64_t account = auth_registered(
        f, (struct auth_register){.id = slice_text(id), .password = slice_text("secret")});
    assert_err(log_in(f, id, "secret", "192.0.2.2"), ERR_OK);
    assert_int_equal(count_of(f, "login_refused", account, "192.0.2.2"), 0);
    assert_err(log_in(f, id, "guess", "192.0.2.2"), ERR_BAD_LOGIN);
    assert_err(log_in(f, id, "", "192.0.2.2"), ERR_PASSWORD_NEEDED);
    assert_err(log_in(f, nobody, "guess", "192.0.2.3"), ERR_BAD_LOGIN);
    assert_int_equal(count_of(f, "login_refused", account, "192.0.2.2"), 2);
    assert_int_equal(count(f, test_text("event = 'login_refused' AND account = 0 AND"
                                        " address = '192.0.2.3' AND detail = '%s'",
                                        nobody)),
                     1);
    assert_int_equal(count(f, "detail LIKE '%guess%' OR detail LIKE '%secret%'"), 0);
    for (int i = 0; i < 10; i++)
        (void)log_in(f, id, "guess", "192.0.2.2");
    assert_true(count_of(f, "login_throttled", account, "192.0.2.2") > 0);
    struct auth_login_reply reply;
    assert_err(auth_resume(f,
                           (struct auth_resume){.token = slice_text("no token"),
                                                .address = slice_text("192.0.2.4")},
                           &reply),
               ERR_BAD_TOKEN);
    assert_int_equal(count(f, "event = 'login_refused' AND address = '192.0.2.4'"), 1);
}

/* However many an attacker makes. */
TEST(so_many_refusals_a_second) {
    struct audit_rate rate = {0};
    for (int second = 1; second <= 2; second++) {
        for (int i = 0; i < AUDIT_REFUSED_PER_S; i++)
            assert_true(audit_allows(&rate, second * 1000 + i));
        assert_false(audit_allows(&rate, second * 1000 + 999));
    }
    assert_true(audit_allows(&rate, 1000000));
}

AUTH_TEST(changes_by_the_operator_are_noted) {
    const char *id = auth_fresh(f, "operated");
    uint64_t account = auth_registered(f, (struct auth_register){.id = slice_text(id)});
    const struct {
        const struct message_desc *message;
        const void *body;
        const char *event;
    } changes[] = {{&message_AUTH_SET_DISABLED, &(struct auth_set_disabled){account, true},
                    "account_disabled"},
                   {&message_AUTH_SET_DISABLED, &(struct auth_set_disabled){account, false},
                    "account_enabled"},
                   {&message_AUTH_SET_PASSWORD,
                    &(struct auth_set_password){account, slice_text("new")}, "password_changed"},
                   {&message_AUTH_SET_PASSWORD, &(struct auth_set_password){.account = account},
                    "password_changed"},
                   {&message_AUTH_AUDIT,
                    &(struct auth_audit){slice_text("user disable x"), account}, "operator"}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const char *where = test_text("event = '%s' AND account = 0 AND subject = %llu",
                                      changes[i].event, (unsigned long long)account);
        struct done done;
        uint64_t before = count(f, where);
        assert_err(caller_ask(f->caller, changes[i].message, changes[i].body, AUTH_ANSWER_MS,
                              &f->arena, &done),
                   ERR_OK);
        assert_int_equal(count(f, where), before + 1);
    }
    struct done done;
    uint64_t before = count(f, "TRUE");
    assert_err(caller_ask(f->caller, &message_AUTH_SET_DISABLED,
                          &(struct auth_set_disabled){7, true}, AUTH_ANSWER_MS, &f->arena, &done),
               ERR_NO_ACCOUNT);
    assert_int_equal(count(f, "TRUE"), before); /* nothing has happened */
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
