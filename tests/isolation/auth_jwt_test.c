/* auth alone: logins by JWT, and the accounts that they make and enter. */
#include <string.h>

#include "common/loop.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/jwt_signer.h"

struct scene {
    struct jwt_signer *signer;
    const char *keys;
    struct service_process *auth;
    struct caller *caller;
};

static struct scene scene;

static struct auth_fixture *start(void **state, const char *const *more) {
    const char *options[8] = {AUTH_CHEAP, test_text("--jwt-keys=%s", scene.keys)};
    for (size_t i = 0; more[i] != NULL; i++)
        options[3 + i] = more[i];
    scene.auth = auth_fixture_start(options, &scene.caller);
    return *state;
}

static int set_up(void **state) {
    scene.signer = jwt_signer_new(JWT_ES256, "k1");
    scene.keys = jwt_signer_file(test_text("{\"keys\":[%s]}", jwt_signer_jwk(scene.signer)));
    return auth_fixture_setup(state);
}

static int tear_down(void **state) {
    jwt_signer_destroy(&scene.signer);
    return auth_fixture_teardown(state);
}

static void stop(void) {
    if (scene.auth == NULL)
        return;
    caller_destroy(&scene.caller);
    assert_int_equal(service_process_stop(&scene.auth), 0);
}

static int start_plain(void **state) {
    start(state, (const char *[]){NULL});
    return 0;
}
static int start_closed(void **state) {
    start(state, (const char *[]){"--registration=closed", NULL});
    return 0;
}
static int start_existing(void **state) {
    start(state, (const char *[]){"--jwt-existing=true", "--jwt-create=false", NULL});
    return 0;
}
static int end_test(void **state) {
    stop();
    return auth_fixture_test_teardown(state);
}
#define JWT_TEST(name_, start_) TEST_WITH(name_, struct auth_fixture *f, start_, end_test)

static const char *token_of(const char *sub, const char *more) {
    return jwt_signer_token(scene.signer, test_text("{\"sub\":\"%s\",\"exp\":%lld%s}", sub,
                                                    (long long)loop_wall_ms() / 1000 + 60, more));
}

static enum err enter(struct auth_fixture *f, const char *token, const char *id,
                      struct auth_login_reply *reply_r) {
    const struct auth_enter ask = {.token = slice_text(token),
                                   .id = slice_text(id),
                                   .address = slice_text("127.0.0.1:1"),
                                   .device = slice_text("phone"),
                                   .transport = TRANSPORT_TCP};
    return caller_ask(scene.caller, &message_AUTH_ENTER, &ask, AUTH_ANSWER_MS, &f->arena, reply_r);
}

static enum err try_enter(struct auth_fixture *f, const char *token) {
    struct auth_login_reply reply;
    return enter(f, token, "", &reply);
}

static enum err try_login(struct auth_fixture *f, const char *id, const char *password) {
    const struct auth_login ask = {.login = slice_text(id),
                                   .password = slice_text(password),
                                   .open = true,
                                   .address = slice_text("127.0.0.1:1")};
    struct auth_login_reply reply;
    return caller_ask(scene.caller, &message_AUTH_LOGIN, &ask, AUTH_ANSWER_MS, &f->arena, &reply);
}

static uint64_t accounts(struct auth_fixture *f, const char *id) {
    return test_database_number(f->database,
                                test_text("SELECT COUNT(*) FROM account WHERE id = '%s'", id));
}

JWT_TEST(test_first_sight, start_plain) {
    struct auth_login_reply first, second;
    assert_err(enter(f, token_of("first", ",\"name\":\"Анна\""), "", &first), ERR_OK);
    assert_slice_text(first.id, "first");
    assert_slice_text(first.name, "Анна");
    assert_int_equal(first.token.length, 43);
    /* From then on the nickname is the user's. */
    assert_err(enter(f, token_of("first", ",\"name\":\"Anna\""), "first", &second), ERR_OK);
    assert_true(second.account == first.account);
    assert_slice_text(second.name, "Анна");
    assert_err(enter(f, token_of("unnamed", ""), "", &first), ERR_OK);
    assert_slice_text(first.name, "unnamed");
    assert_err(enter(f, token_of("4915112345", ""), "", &first), ERR_OK);
    assert_true(first.account == 4915112345);
}

/* Nobody enters it by its id, or with any password. */
JWT_TEST(test_account_is_not_open, start_plain) {
    assert_err(try_enter(f, token_of("shut", "")), ERR_OK);
    assert_err(try_login(f, "shut", ""), ERR_PASSWORD_NEEDED);
    assert_err(try_login(f, "shut", "!"), ERR_BAD_LOGIN);
    assert_err(try_login(f, "shut", "secret"), ERR_BAD_LOGIN);
}

JWT_TEST(test_resuming_devices_and_log_out, start_plain) {
    struct auth_login_reply login, resumed;
    struct auth_devices_reply devices;
    struct done done;
    assert_err(enter(f, token_of("resumes", ""), "", &login), ERR_OK);
    const struct auth_resume resume = {.token = login.token};
    assert_err(caller_ask(scene.caller, &message_AUTH_RESUME, &resume, AUTH_ANSWER_MS, &f->arena,
                          &resumed),
               ERR_OK);
    assert_true(resumed.account == login.account);
    const struct auth_devices list = {.account = login.account};
    assert_err(
        caller_ask(scene.caller, &message_AUTH_DEVICES, &list, AUTH_ANSWER_MS, &f->arena, &devices),
        ERR_OK);
    assert_int_equal(devices.devices.count, 1);
    const struct device *device = devices.devices.items;
    assert_slice_text(device->device, "phone");
    const struct auth_logout logout = {.account = login.account, .token = login.token};
    assert_err(
        caller_ask(scene.caller, &message_AUTH_LOGOUT, &logout, AUTH_ANSWER_MS, &f->arena, &done),
        ERR_OK);
    assert_err(caller_ask(scene.caller, &message_AUTH_RESUME, &resume, AUTH_ANSWER_MS, &f->arena,
                          &resumed),
               ERR_BAD_TOKEN);
}

JWT_TEST(test_disabled_and_deleted, start_plain) {
    struct auth_login_reply login;
    struct done done;
    assert_err(enter(f, token_of("ends", ""), "", &login), ERR_OK);
    const struct auth_set_disabled disable = {.account = login.account, .disabled = true},
                                   enable = {.account = login.account};
    assert_err(caller_ask(scene.caller, &message_AUTH_SET_DISABLED, &disable, AUTH_ANSWER_MS,
                          &f->arena, &done),
               ERR_OK);
    assert_err(try_enter(f, token_of("ends", "")), ERR_DISABLED);
    assert_err(caller_ask(scene.caller, &message_AUTH_SET_DISABLED, &enable, AUTH_ANSWER_MS,
                          &f->arena, &done),
               ERR_OK);
    assert_err(try_enter(f, token_of("ends", "")), ERR_OK);
    /* It has no password to be asked for. */
    const struct auth_forget forget = {.account = login.account, .confirm = true};
    assert_err(
        caller_ask(scene.caller, &message_AUTH_FORGET, &forget, AUTH_ANSWER_MS, &f->arena, &done),
        ERR_OK);
    assert_err(try_enter(f, token_of("ends", "")), ERR_DISABLED);
}

/* `sub` and `name` have to be what people could choose themselves, exactly. */
JWT_TEST(test_subjects_and_names, start_plain) {
    static const struct {
        const char *sub, *more;
    } rows[] = {
        {"SYSTEM", ""},
        {"system", ""},
        {"S\\u200bYSTEM", ""},
        {"0", ""},
        {" anna", ""},
        {"an\\nna", ""},
        {"an\\u202ena", ""},
        {"1234567890123456789012345678901234567890123456789012345678901234 65", ""},
        {"a\\u0308", ""}, /* as NFC it would be another user's */
        {"named", ",\"name\":\"SYSTEM\""},
        {"named", ",\"name\":\"a\\u0007b\""},
        {"named",
         ",\"name\":\"12345678901234567890123456789012345678901234567890123456789012345\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_err(try_enter(f, token_of(rows[i].sub, rows[i].more)), ERR_JWT_SUBJECT);
    assert_int_equal(accounts(f, "named"), 0);
    assert_err(try_enter(f, token_of("Case@example.org", "")), ERR_OK);
    assert_err(try_enter(f, token_of("case@example.org", "")), ERR_JWT_SUBJECT);
}

JWT_TEST(test_whom_the_client_names, start_plain) {
    struct auth_login_reply reply;
    assert_err(enter(f, token_of("anna-n", ""), "ben-n", &reply), ERR_JWT_SUBJECT);
    assert_int_equal(accounts(f, "anna-n"), 0);
    assert_err(enter(f, token_of("anna-n", ""), "anna-n", &reply), ERR_OK);
}

/* Whoever registered a likely id does not share it with the one who is vouched for. */
JWT_TEST(test_accounts_of_others, start_plain) {
    auth_registered(f, (struct auth_register){.id = slice_text("squatted")});
    auth_registered(
        f, (struct auth_register){.id = slice_text("own"), .password = slice_text("secret")});
    assert_err(try_enter(f, token_of("squatted", "")), ERR_OWN_LOGIN);
    assert_err(try_enter(f, token_of("own", "")), ERR_OWN_LOGIN);
    assert_err(try_login(f, "own", "secret"), ERR_OK);
}

JWT_TEST(test_accounts_that_are_there_alone, start_existing) {
    auth_registered(
        f, (struct auth_register){.id = slice_text("existing"), .password = slice_text("secret")});
    assert_err(try_enter(f, token_of("existing", "")), ERR_OK);
    assert_err(try_login(f, "existing", "secret"), ERR_OK);
    assert_err(try_enter(f, token_of("unknown", "")), ERR_NO_ACCOUNT);
    assert_int_equal(accounts(f, "unknown"), 0);
}

/* `registration` is for those who register themselves. The operator's accounts without a password
 * are users of the backend's. */
JWT_TEST(test_registration_is_closed, start_closed) {
    const struct auth_register self = {.id = slice_text("self")}, add = {.id = slice_text("added")};
    struct auth_register_reply made;
    assert_err(
        caller_ask(scene.caller, &message_AUTH_REGISTER, &self, AUTH_ANSWER_MS, &f->arena, &made),
        ERR_REGISTRATION_CLOSED);
    assert_err(try_enter(f, token_of("by-jwt", "")), ERR_OK);
    assert_err(caller_ask(scene.caller, &message_AUTH_ADD, &add, AUTH_ANSWER_MS, &f->arena, &made),
               ERR_OK);
    assert_err(try_login(f, "added", ""), ERR_PASSWORD_NEEDED);
    assert_err(try_enter(f, token_of("added", "")), ERR_OK);
}

JWT_TEST(test_faults_make_nothing, start_plain) {
    struct jwt_signer *stranger = jwt_signer_new(JWT_ES256, "k1");
    const char *expired = jwt_signer_token(scene.signer, "{\"sub\":\"nobody\",\"exp\":1}");
    assert_err(try_enter(f, expired), ERR_JWT_EXPIRED);
    assert_err(try_enter(f, jwt_signer_token(stranger, "{\"sub\":\"nobody\",\"exp\":4000000000}")),
               ERR_JWT_SIGNATURE);
    assert_err(try_enter(f, token_of("nobody", ",\"nbf\":4000000000")), ERR_JWT_EARLY);
    assert_err(try_enter(f, "no token"), ERR_JWT_MALFORMED);
    assert_int_equal(accounts(f, "nobody"), 0);
    jwt_signer_destroy(&stranger);
}

/* Keys change while it runs. */
JWT_TEST(test_rotation, start_plain) {
    struct jwt_signer *next = jwt_signer_new(JWT_RS256, "k2");
    const char *token = jwt_signer_token(next, "{\"sub\":\"rotated\",\"exp\":4000000000}");
    assert_err(try_enter(f, token), ERR_JWT_KEY);
    jwt_signer_replace(scene.keys, test_text("{\"keys\":[%s,%s]}", jwt_signer_jwk(scene.signer),
                                             jwt_signer_jwk(next)));
    assert_err(try_enter(f, token), ERR_OK);
    assert_err(try_enter(f, token_of("rotated", "")), ERR_OK);
    jwt_signer_replace(scene.keys, test_text("{\"keys\":[%s]}", jwt_signer_jwk(scene.signer)));
    assert_err(try_enter(f, token), ERR_JWT_KEY);
    jwt_signer_destroy(&next);
}

/* Without keys there are no such logins, and nothing else is different. */
AUTH_TEST(test_off) {
    const struct auth_enter ask = {.token = slice_text("a.b.c")};
    struct auth_login_reply reply;
    assert_err(caller_ask(f->caller, &message_AUTH_ENTER, &ask, AUTH_ANSWER_MS, &f->arena, &reply),
               ERR_JWT_OFF);
}

TEST(test_keys_that_are_none) {
    struct service_process *auth =
        service_process_start("parley-auth", NULL,
                              (const char *[]){test_text("--auth-port=%u", test_free_port()),
                                               AUTH_CHEAP, "--jwt-keys=/nowhere/keys", NULL});
    assert_int_equal(service_process_wait_exit(auth), 1);
    assert_non_null(
        strstr(service_process_output(auth), "jwt_keys=/nowhere/keys: No such file or directory"));
    service_process_stop(&auth);
}

int main(void) { return test_run_all(set_up, tear_down); }
