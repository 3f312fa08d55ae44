/* auth alone: nobody locks others out, and guesses stay bounded. */
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_db.h"
#include "tests/support/test_list.h"
#include "tests/support/test_sql.h"
#include "tests/support/until.h"

#define PASSWORD "secret"

/* A person with an account, and a further instance of auth, with limits of its own. */
struct scene {
    struct auth_fixture *f;
    struct caller *first;
    struct service_process *strict;
    const char *id;
    uint64_t account;
};

static struct scene begin(struct auth_fixture *f, const char *const *options) {
    struct scene scene = {.f = f, .first = f->caller, .id = auth_fresh(f, "person")};
    scene.account = auth_registered(
        f, (struct auth_register){.id = slice_text(scene.id),
                                  .email = slice_text(test_text("%s@example.org", scene.id)),
                                  .password = slice_text(PASSWORD)});
    scene.strict = auth_fixture_start(options, &f->caller);
    return scene;
}

static void end(struct scene *scene) {
    caller_destroy(&scene->f->caller);
    scene->f->caller = scene->first;
    assert_int_equal(service_process_stop(&scene->strict), 0);
}

static enum err log_in(struct scene *scene, const char *id, const char *password,
                       const char *address, struct auth_login_reply *reply_r) {
    return auth_login(scene->f,
                      (struct auth_login){.login = slice_text(id),
                                          .password = slice_text(password),
                                          .address = slice_text(address)},
                      reply_r);
}

static enum err try_at(struct scene *scene, const char *id, const char *password,
                       const char *address) {
    struct auth_login_reply reply;
    return log_in(scene, id, password, address, &reply);
}

/* Tries wrong passwords until it is refused without a look; how many were looked at. */
static int guess_until_refused(struct scene *scene, const char *id, const char *address) {
    int looked_at = 0;
    enum err err;
    while ((err = try_at(scene, id, "guess", address)) == ERR_BAD_LOGIN && looked_at < 1000)
        looked_at++;
    assert_err(err, ERR_THROTTLED);
    return looked_at;
}

#define OPTIONS(...) ((const char *[]){AUTH_CHEAP, __VA_ARGS__, NULL})

AUTH_TEST(test_failures_elsewhere_do_not_lock_the_owner_out) {
    struct scene scene = begin(f, OPTIONS("--login-failures=10"));
    assert_int_equal(guess_until_refused(&scene, scene.id, "192.0.2.66"), 10);
    assert_err(try_at(&scene, scene.id, PASSWORD, "192.0.2.66"), ERR_THROTTLED);
    assert_err(try_at(&scene, scene.id, PASSWORD, "192.0.2.1"), ERR_OK);
    /* Under its other names it is the same account. */
    assert_err(try_at(&scene, test_text("%s@EXAMPLE.org", scene.id), PASSWORD, "192.0.2.66"),
               ERR_THROTTLED);
    end(&scene);
}

/* Known to the other instance, too: the tokens say so. The address counts with its /64. */
AUTH_TEST(test_a_known_address_gets_in_whatever_others_do) {
    struct scene scene = begin(f, OPTIONS("--login-failures-per-account=5"));
    struct caller *strict = f->caller;
    f->caller = scene.first;
    assert_err(try_at(&scene, scene.id, PASSWORD, "2001:db8:1:2::3"), ERR_OK);
    f->caller = strict;
    for (int i = 0; i < 5; i++)
        assert_err(try_at(&scene, scene.id, "guess", test_text("198.51.100.%d", i)), ERR_BAD_LOGIN);
    assert_err(try_at(&scene, scene.id, PASSWORD, "198.51.100.9"), ERR_THROTTLED);
    assert_err(try_at(&scene, scene.id, PASSWORD, "2001:db8:1:3::3"), ERR_THROTTLED);
    assert_err(try_at(&scene, scene.id, PASSWORD, "2001:db8:1:2:ffff::"), ERR_OK);
    end(&scene);
}

AUTH_TEST(test_an_address_stays_known_after_a_log_out) {
    struct scene scene = begin(f, OPTIONS("--login-failures-per-account=1"));
    struct auth_login_reply login;
    struct done done;
    assert_err(log_in(&scene, scene.id, PASSWORD, "192.0.2.1", &login), ERR_OK);
    const struct auth_logout leave = {.account = login.account, .token = login.token};
    assert_err(auth_logout(f, leave, &done), ERR_OK);
    assert_err(try_at(&scene, scene.id, "guess", "192.0.2.66"), ERR_BAD_LOGIN);
    assert_err(try_at(&scene, scene.id, PASSWORD, "192.0.2.67"), ERR_THROTTLED);
    assert_err(try_at(&scene, scene.id, PASSWORD, "192.0.2.1"), ERR_OK);
    end(&scene);
}

/* Whoever had the password is shut out with 319: that address is no longer known. */
AUTH_TEST(test_the_address_of_a_device_that_was_closed_is_not_known) {
    struct scene scene = begin(f, OPTIONS("--login-failures-per-account=1"));
    struct auth_devices_reply devices;
    struct auth_end_device_reply ended;
    assert_err(try_at(&scene, scene.id, PASSWORD, "192.0.2.66"), ERR_OK);
    const struct auth_devices ask = {.account = scene.account};
    assert_err(
        caller_ask(f->caller, &message_AUTH_DEVICES, &ask, AUTH_ANSWER_MS, &f->arena, &devices),
        ERR_OK);
    assert_int_equal(devices.devices.count, 1);
    const struct device *device = devices.devices.items;
    const struct auth_end_device close = {.account = scene.account, .id = device->id};
    assert_err(
        caller_ask(f->caller, &message_AUTH_END_DEVICE, &close, AUTH_ANSWER_MS, &f->arena, &ended),
        ERR_OK);
    assert_err(try_at(&scene, scene.id, "guess", "192.0.2.66"), ERR_BAD_LOGIN);
    assert_err(try_at(&scene, scene.id, "guess", "192.0.2.66"), ERR_THROTTLED);
    end(&scene);
}

static bool gets_in(struct scene *scene, const char *id, const char *address) {
    enum err err = try_at(scene, id, PASSWORD, address);
    if (err != ERR_OK)
        assert_err(err, ERR_THROTTLED);
    return err == ERR_OK;
}

/* A shared address over its limit: those that it is known to get in, the others slowly. */
AUTH_TEST(test_unknown_ids_do_not_close_a_shared_address) {
    struct scene scene = begin(f, OPTIONS("--login-failures-per-address=100"));
    assert_err(try_at(&scene, scene.id, PASSWORD, "192.0.2.1"), ERR_OK);
    const char *other = auth_fresh(f, "newcomer");
    auth_registered(
        f, (struct auth_register){.id = slice_text(other), .password = slice_text(PASSWORD)});
    for (int i = 0; i < 101; i++)
        assert_err(try_at(&scene, test_text("nobody %d", i), "guess", "192.0.2.1"), ERR_BAD_LOGIN);
    for (int i = 0; i < 20; i++)
        assert_err(try_at(&scene, scene.id, PASSWORD, "192.0.2.1"), ERR_OK);
    TEST_UNTIL(gets_in(&scene, other, "192.0.2.1"), "the newcomer is refused for good");
    end(&scene);
}

/* A name that nobody has is refused like one that somebody has, in whichever form it is written. */
AUTH_TEST(test_refusals_do_not_show_which_names_there_are) {
    struct scene scene = begin(f, OPTIONS("--login-failures=4"));
    const char *emails[] = {test_text("%s@example.org", scene.id), "nobody@example.org"};
    const char *shouted[] = {test_text("%s@EXAMPLE.ORG", scene.id), "NOBODY@example.org"};
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++)
            assert_err(try_at(&scene, j % 2 ? emails[i] : shouted[i], "guess", "192.0.2.1"),
                       ERR_BAD_LOGIN);
        assert_err(try_at(&scene, emails[i], "guess", "192.0.2.1"), ERR_THROTTLED);
        assert_err(try_at(&scene, shouted[i], "guess", "192.0.2.1"), ERR_THROTTLED);
    }
    end(&scene);
}

/* Neither where a password is needed, nor where an account has none. */
AUTH_TEST(test_an_e_mail_without_a_password_tells_nothing) {
    const char *locked = auth_fresh(f, "locked"), *open = auth_fresh(f, "open");
    const char *logins[] = {test_text("%s@example.org", locked), test_text("%s@example.org", open),
                            "nobody@example.org"};
    struct auth_login_reply reply;
    auth_registered(f, (struct auth_register){.id = slice_text(locked),
                                              .email = slice_text(logins[0]),
                                              .password = slice_text(PASSWORD)});
    auth_registered(f,
                    (struct auth_register){.id = slice_text(open), .email = slice_text(logins[1])});
    for (size_t i = 0; i < 3; i++) {
        struct auth_login ask = {.login = slice_text(logins[i]), .open = true};
        assert_err(auth_login(f, ask, &reply), ERR_PASSWORD_NEEDED);
        ask.open = false;
        assert_err(auth_login(f, ask, &reply), ERR_BAD_LOGIN);
    }
    struct auth_login by_id = {.login = slice_text(open), .open = true};
    assert_err(auth_login(f, by_id, &reply), ERR_OK);
}

/* The one that was used least recently is void. */
AUTH_TEST(test_an_account_has_so_many_tokens) {
    const char *id = auth_fresh(f, "many");
    uint64_t account = auth_registered(f, (struct auth_register){.id = slice_text(id)});
    const struct auth_login ask = {.login = slice_text(id), .open = true};
    struct auth_login_reply logins[66], reply;
    for (size_t i = 0; i < 66; i++) {
        assert_err(auth_login(f, ask, &logins[i]), ERR_OK);
        /* An hour passes. */
        sql_run(f->database, "UPDATE token SET heard_ms = heard_ms - 3600000 WHERE account = %llu",
                (unsigned long long)account);
    }
    for (size_t i = 0; i < 66; i++)
        assert_err(auth_resume(f, (struct auth_resume){.token = logins[i].token}, &reply),
                   i < 2 ? ERR_BAD_TOKEN : ERR_OK);
}

/* Without a login, by two instances at once. Those that expired within the day stay. */
AUTH_TEST(test_expired_tokens_are_removed) {
    const char *id = auth_fresh(f, "expired");
    auth_registered(f, (struct auth_register){.id = slice_text(id)});
    const struct auth_login ask = {.login = slice_text(id), .open = true};
    struct auth_login_reply login, reply;
    assert_err(auth_login(f, ask, &login), ERR_OK);
    uint64_t others = sql_number(f->database, "SELECT COUNT(*) FROM token");
    sql_run(f->database,
            "INSERT INTO token (hash, account, created_ms, expires_ms)"
            " SELECT UNHEX(SHA2(seq, 256)), 77, 1, IF(seq = 1, UNIX_TIMESTAMP() * 1000, 1)"
            " FROM seq_1_to_1000");
    struct service_process *auths[2];
    struct caller *callers[2];
    for (size_t i = 0; i < 2; i++)
        auths[i] = auth_fixture_start((const char *[]){AUTH_CHEAP, NULL}, &callers[i]);
    TEST_UNTIL(sql_number(f->database, "SELECT COUNT(*) FROM token") == others + 1,
               "%d tokens are left of %d",
               (int)sql_number(f->database, "SELECT COUNT(*) FROM token"), (int)others + 1);
    for (size_t i = 0; i < 2; i++) {
        caller_destroy(&callers[i]);
        assert_int_equal(service_process_stop(&auths[i]), 0);
    }
    assert_err(auth_resume(f, (struct auth_resume){.token = login.token}, &reply), ERR_OK);
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
