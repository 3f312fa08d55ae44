/*
 * Messages that have a scope, from a gateway: with every kind of API key. auth, group, session
 * and hooks run for real, with one database.
 */
#include "common/loop.h"
#include "common/program.h"
#include "common/scope.h"
#include "proto/messages.h"
#include "services/api_keys/api_keys.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_list.h"

#include <string.h>

#define ALL "accounts,logins,groups,messages,system,people,sessions,files,audit,status,hooks"

static const char *const services[] = {"auth", "group", "session", "hooks"};
#define SERVICES (sizeof services / sizeof services[0])

struct keyed_fixture {
    struct test_database *database;
    struct service_process *processes[SERVICES];
    struct test_caller *gateways[SERVICES]; /* callers with a gateway's key */
    struct test_caller *parleyctl;          /* of auth */
    uint16_t ports[SERVICES];
    uint64_t account;
};

static int set_up(void **state) {
    static struct keyed_fixture f;
    f.database = test_database_new("keyed");
    uint16_t *ports = f.ports;
    for (size_t i = 0; i < SERVICES; i++)
        ports[i] = test_free_port();
    for (size_t s = 0; s < SERVICES; s++) {
        const char *arguments[6] = {test_text("--%s-port=%u", services[s], ports[s]),
                                    "--heartbeat-ms=50",
                                    strcmp(services[s], "auth") == 0 ? "--password-memory-kib=8"
                                    : strcmp(services[s], "session") == 0
                                        ? test_text("--group-peers=tcp://127.0.0.1:%u", ports[1])
                                        : test_text("--session-peers=tcp://127.0.0.1:%u", ports[2]),
                                    strcmp(services[s], "session") == 0
                                        ? test_text("--auth-peers=tcp://127.0.0.1:%u", ports[0])
                                        : NULL};
        f.processes[s] =
            service_process_start(test_text("parley-%s", services[s]), NULL, arguments);
        f.gateways[s] = test_caller_new_as("gateway", "gateway", ports[s]);
    }
    f.parleyctl = test_caller_new_as("parleyctl", "operator", ports[0]);
    for (size_t s = 0; s < SERVICES; s++)
        service_process_wait_ready(f.processes[s]);
    struct auth_register_reply reply;
    assert_err(test_caller_ask(f.parleyctl, &message_AUTH_ADD,
                               &(struct auth_register){.id = slice_text("bound")}, &reply),
               ERR_OK);
    f.account = reply.account;
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct keyed_fixture *f = *state;
    int status = 0;
    test_caller_destroy(&f->parleyctl);
    for (size_t s = SERVICES; s-- > 0;) {
        test_caller_destroy(&f->gateways[s]);
        status |= service_process_stop(&f->processes[s]);
    }
    test_database_destroy(&f->database);
    return status;
}

#define KEYED_TEST(name_) TEST_WITH(name_, struct keyed_fixture *f, NULL, NULL)

/* --- keys ------------------------------------------------------------------------------------ */

static enum err try_make(struct keyed_fixture *f, struct auth_make_api_key ask, char *key_r) {
    struct auth_make_api_key_reply reply;
    if (ask.per_minute == 0)
        ask.per_minute = 1;
    enum err err = test_caller_ask(f->parleyctl, &message_AUTH_MAKE_API_KEY, &ask, &reply);
    if (err == ERR_OK && key_r != NULL)
        snprintf(key_r, API_KEY_MAX_BYTES + 1, "%.*s", (int)reply.key.length, reply.key.data);
    return err;
}

/* A key with these scopes; its text is the test program's. */
static struct slice make(struct keyed_fixture *f, const char *scopes, uint64_t account) {
    static unsigned count;
    char key[API_KEY_MAX_BYTES + 1];
    assert_err(try_make(f,
                        (struct auth_make_api_key){.name = slice_text(test_text("key %u", ++count)),
                                                   .scopes = slice_text(scopes),
                                                   .account = account},
                        key),
               ERR_OK);
    return slice_text(test_text("%s", key));
}

static void set_expired(struct keyed_fixture *f, struct slice key) {
    test_database_run(f->database, test_text("UPDATE api_key SET expires_ms = 1 WHERE hash ="
                                             " UNHEX(SHA2('%.*s', 256))",
                                             (int)key.length, key.data));
}

static uint64_t removed(struct keyed_fixture *f, const char *name) {
    struct done done = {0};
    assert_err(test_caller_ask(f->parleyctl, &message_AUTH_REMOVE_API_KEY,
                               &(struct auth_remove_api_key){.name = slice_text(name)}, &done),
               ERR_OK);
    return !done.repeat;
}

/* --- every message with a scope ----------------------------------------------------------------
 */

/* With every field 0 or empty; until auth is there, session can't ask it. */
static enum err send_as(struct test_caller *gateway, const struct message_desc *message,
                        struct slice key) {
    uint64_t body[512] = {0};
    int64_t until_ms = loop_now_ms() + TEST_DEADLINE_MS;
    enum err err;
    assert_true(message->body->size <= sizeof body);
    test_caller_set_credential(gateway, key);
    do
        err = test_caller_ask(gateway, message, body, NULL);
    while (err == ERR_UNAVAILABLE && loop_now_ms() < until_ms);
    return err;
}

static void check(const struct message_desc *message, enum err err, bool forbidden,
                  const char *what) {
    if ((err == ERR_FORBIDDEN) != forbidden)
        fail_msg("%s with %s: %s", message->name, what, err_word(err));
}

/* All scopes but the message's. */
static const char *others(unsigned scope) {
    const char *words = "";
    for (unsigned bit = 1; bit < 1u << SCOPE_COUNT; bit <<= 1)
        if ((scope & bit) == 0)
            words = test_text("%s%s%s", words, *words == '\0' ? "" : ",", scope_word(bit));
    return words;
}

KEYED_TEST(each_message_with_a_scope_needs_an_api_key_with_it) {
    struct slice good = make(f, ALL, 0), expired = make(f, ALL, 0), gone = make(f, ALL, 0);
    struct slice bound = make(f, "logins,groups,messages,people,files", f->account);
    set_expired(f, expired);
    assert_true(removed(f, "key 3"));
    size_t checked = 0;
    for (size_t i = 0; i < proto_messages_count; i++) {
        const struct message_desc *message = proto_messages[i];
        size_t s = 0;
        while (s < SERVICES && strncmp(message->name, services[s], strlen(services[s])) != 0)
            s++;
        if (message->scope == 0)
            continue;
        assert_true(s < SERVICES);
        struct test_caller *gateway = f->gateways[s];
        bool listed = (message->senders & PROGRAM_BIT_GATEWAY) != 0;
        const char *own = scope_word(message->scope & -message->scope); /* the first of them */
        check(message, send_as(gateway, message, slice_make(NULL, 0)), !listed, "no key");
        check(message, send_as(gateway, message, slice_text("parley_guess")), true, "a wrong key");
        check(message, send_as(gateway, message, expired), true, "an expired key");
        check(message, send_as(gateway, message, gone), true, "a removed key");
        check(message, send_as(gateway, message, bound), true, "an account's key");
        check(message, send_as(gateway, message, make(f, others(message->scope), 0)), true,
              "a key of the other scopes");
        check(message, send_as(gateway, message, make(f, own, 0)), false, "a key of its scope");
        check(message, send_as(gateway, message, good), false, "a key of all scopes");
        checked++;
    }
    assert_true(checked >= 27);
}

/* Written down by hand, so that a wrong line in the table does not pass as the truth. */
KEYED_TEST(no_api_key_makes_api_keys_or_changes_the_audit) {
    static const struct message_desc *const operators[] = {&message_AUTH_MAKE_API_KEY,
                                                           &message_AUTH_REMOVE_API_KEY,
                                                           &message_AUTH_AUDIT,
                                                           &message_AUTH_MAKE_REGISTRATION_TOKEN,
                                                           &message_AUTH_REVOKE_REGISTRATION_TOKEN,
                                                           &message_AUTH_ADMIT};
    struct slice good = make(f, ALL, 0);
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        assert_err(send_as(f->gateways[0], operators[i], good), ERR_FORBIDDEN);
}

/* An API key is for gateways: what another program was given is worth nothing to it. */
KEYED_TEST(another_program_gains_nothing_by_an_api_key) {
    struct test_caller *thief = test_caller_new_as("session", "thief", f->ports[1]);
    assert_err(send_as(thief, &message_GROUP_SAY, make(f, ALL, 0)), ERR_FORBIDDEN);
    test_caller_destroy(&thief);
}

/* --- the audit ------------------------------------------------------------------------------- */

static uint64_t noted(struct keyed_fixture *f, const char *detail) {
    return test_database_number(f->database,
                                test_text("SELECT COUNT(*) FROM audit WHERE event = 'api_key'"
                                          " AND subject = %llu AND detail = '%s'",
                                          (unsigned long long)f->account, detail));
}

KEYED_TEST(the_audit_names_the_api_key) {
    char key[API_KEY_MAX_BYTES + 1];
    assert_err(try_make(f,
                        (struct auth_make_api_key){.name = slice_text("shop"),
                                                   .scopes = slice_text("accounts,sessions")},
                        key),
               ERR_OK);
    struct auth_set_password password = {.account = f->account, .password = slice_text("secret")};
    struct session_kick kick = {.account = f->account};
    struct auth_set_disabled nobody = {.account = 1};
    test_caller_set_credential(f->gateways[0], slice_text(key));
    test_caller_set_credential(f->gateways[2], slice_text(key));
    assert_err(test_caller_ask(f->gateways[0], &message_AUTH_SET_PASSWORD, &password, NULL),
               ERR_OK);
    assert_err(test_caller_ask(f->gateways[2], &message_SESSION_KICK, &kick, NULL), ERR_OK);
    assert_int_equal(noted(f, "API key shop: auth.set_password"), 1);
    assert_int_equal(noted(f, "API key shop: session.kick"), 1);
    /* What was not done is not noted. */
    assert_err(test_caller_ask(f->gateways[0], &message_AUTH_SET_DISABLED, &nobody, NULL),
               ERR_NO_ACCOUNT);
    assert_int_equal(noted(f, "API key shop: auth.set_disabled"), 0);
    assert_null(strstr(service_process_output(f->processes[0]), key));
}

/* --- making, describing ------------------------------------------------------------------------
 */

KEYED_TEST(an_api_key_is_described_to_gateways) {
    char key[API_KEY_MAX_BYTES + 1];
    struct auth_find_api_key_reply found;
    assert_err(try_make(f,
                        (struct auth_make_api_key){.name = slice_text("described"),
                                                   .scopes = slice_text("files,groups"),
                                                   .addresses = slice_text("192.0.2.0/24,::1"),
                                                   .account = f->account,
                                                   .per_minute = 7,
                                                   .days = 1},
                        key),
               ERR_OK);
    struct auth_find_api_key ask = {.key = slice_text(key)};
    test_caller_set_credential(f->gateways[0], slice_make(NULL, 0));
    assert_err(test_caller_ask(f->gateways[0], &message_AUTH_FIND_API_KEY, &ask, &found), ERR_OK);
    assert_slice_text(found.name, "described");
    assert_slice_text(found.addresses, "192.0.2.0/24,::1");
    assert_int_equal(found.scopes, SCOPE_BIT_FILES | SCOPE_BIT_GROUPS);
    assert_int_equal(found.account, f->account);
    assert_int_equal(found.per_minute, 7);
    struct auth_set_disabled disable = {.account = f->account, .disabled = true}, enable = disable;
    enable.disabled = false;
    assert_err(test_caller_ask(f->parleyctl, &message_AUTH_SET_DISABLED, &disable, NULL), ERR_OK);
    assert_err(test_caller_ask(f->gateways[0], &message_AUTH_FIND_API_KEY, &ask, NULL),
               ERR_BAD_API_KEY);
    assert_err(test_caller_ask(f->parleyctl, &message_AUTH_SET_DISABLED, &enable, NULL), ERR_OK);
    assert_err(test_caller_ask(f->gateways[0], &message_AUTH_FIND_API_KEY, &ask, NULL), ERR_OK);
    assert_true(removed(f, "described"));
    assert_false(removed(f, "described"));
    assert_err(test_caller_ask(f->gateways[0], &message_AUTH_FIND_API_KEY, &ask, NULL),
               ERR_BAD_API_KEY);
}

static enum err find_from(struct keyed_fixture *f, struct slice key, const char *address,
                          bool known) {
    test_caller_set_credential(f->gateways[0], slice_make(NULL, 0));
    return test_caller_ask(
        f->gateways[0], &message_AUTH_FIND_API_KEY,
        &(struct auth_find_api_key){.key = key, .address = slice_text(address), .known = known},
        NULL);
}

static enum err find_wrong_from(struct keyed_fixture *f, const char *address) {
    static unsigned count;
    return find_from(f, slice_text(test_text("parley_wrong%u", ++count)), address, false);
}

/* Beyond the limit one in a second is looked at, so a slow machine may need several tries. */
KEYED_TEST(an_address_that_tries_wrong_keys_waits) {
    const char *address = "198.51.100.7";
    struct slice key = make(f, "files", 0);
    int64_t end_ms = loop_now_ms() + TEST_DEADLINE_MS;
    for (int i = 0; i < 100; i++)
        assert_err(find_wrong_from(f, address), ERR_BAD_API_KEY);
    enum err wrong, right;
    do {
        assert_true(loop_now_ms() < end_ms);
        wrong = find_wrong_from(f, address);
        right = find_from(f, key, address, false);
    } while (wrong != ERR_THROTTLED || right != ERR_THROTTLED);
    assert_err(find_from(f, key, address, true), ERR_OK);
    assert_err(find_from(f, key, "198.51.100.8", false), ERR_OK);
    assert_err(find_wrong_from(f, "198.51.100.8"), ERR_BAD_API_KEY);
    assert_err(find_from(f, key, "", false), ERR_OK);
}

/* Right keys count for nothing. */
KEYED_TEST(an_address_with_right_keys_never_waits) {
    struct slice key = make(f, "files", 0);
    for (int i = 0; i < 250; i++)
        assert_err(find_from(f, key, "198.51.100.9", false), ERR_OK);
    assert_err(find_wrong_from(f, "198.51.100.9"), ERR_BAD_API_KEY);
}

KEYED_TEST(api_keys_that_cannot_be_made) {
    const struct slice name = slice_text("unmade"), scopes = slice_text("files");
    static const char *const lists[] = {"", "files,", ",files", "files,,groups", "file", "Files"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        assert_err(
            try_make(f, (struct auth_make_api_key){.name = name, .scopes = slice_text(lists[i])},
                     NULL),
            ERR_BAD_REQUEST);
    const struct auth_make_api_key bad[] = {
        {.scopes = scopes},
        {.name = slice_text("a\tb"), .scopes = scopes},
        {.name = name, .scopes = scopes, .addresses = slice_text("192.0.2.0/33")},
        {.name = name, .scopes = scopes, .per_minute = API_KEY_PER_MINUTE_MAX + 1},
        {.name = name, .scopes = scopes, .days = API_KEY_DAYS_MAX + 1},
        {.name = name, .scopes = slice_text("files,accounts"), .account = f->account}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_err(try_make(f, bad[i], NULL), ERR_BAD_REQUEST);
    assert_err(
        try_make(f, (struct auth_make_api_key){.name = name, .scopes = scopes, .account = 1}, NULL),
        ERR_NO_ACCOUNT);
    assert_err(try_make(f, (struct auth_make_api_key){.name = name, .scopes = scopes}, NULL),
               ERR_OK);
    assert_err(try_make(f, (struct auth_make_api_key){.name = name, .scopes = scopes}, NULL),
               ERR_TAKEN);
}

KEYED_TEST(there_is_a_limit_to_api_keys) {
    test_database_run(f->database,
                      "INSERT INTO api_key (hash, name, scopes, addresses, per_minute, created_ms)"
                      " SELECT UNHEX(SHA2(seq, 256)), CONCAT('of many ', seq), 'files', '', 1, 1"
                      " FROM seq_1_to_1000");
    assert_err(try_make(f,
                        (struct auth_make_api_key){.name = slice_text("one more"),
                                                   .scopes = slice_text("files")},
                        NULL),
               ERR_TOO_MANY);
    test_database_run(f->database, "DELETE FROM api_key WHERE name LIKE 'of many %'");
}

int main(void) { return test_run_all(set_up, tear_down); }
