/* auth alone: who may make an account, and the tokens that let people do so. */
#include "common/loop.h"
#include "proto/ids.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_list.h"
#include "tests/support/until.h"

#define GUESSES 5

/* An auth that makes accounts for tokens, or for nobody; or callers of two of the former. */
struct door {
    struct service_process *auth;
    struct caller *caller;
};

static struct door open_door(const char *registration) {
    struct door door;
    door.auth = auth_fixture_start(
        (const char *[]){AUTH_CHEAP, test_text("--registration=%s", registration),
                         test_text("--login-failures-per-address=%d", GUESSES), NULL},
        &door.caller);
    return door;
}

static void close_door(struct door *door) {
    caller_destroy(&door->caller);
    assert_int_equal(service_process_stop(&door->auth), 0);
}

static struct slice new_nonce(void) {
    static unsigned count;
    return slice_make(test_text("token %010u", ++count), NONCE_BYTES);
}

static enum err ask_door(struct auth_fixture *f, const struct door *door,
                         const struct message_desc *message, const void *body, void *reply_r) {
    return caller_ask(door->caller, message, body, AUTH_ANSWER_MS, &f->arena, reply_r);
}

/* Registers a new id with this token. */
static enum err enter(struct auth_fixture *f, const struct door *door, struct slice token) {
    struct auth_register_reply reply;
    struct auth_register ask = {.id = slice_text(auth_fresh(f, "entering")),
                                .registration_token = token,
                                .nonce = new_nonce()};
    return ask_door(f, door, &message_AUTH_REGISTER, &ask, &reply);
}

static enum err try_make(struct auth_fixture *f, uint64_t uses, uint64_t days,
                         struct auth_make_registration_token_reply *reply_r) {
    struct auth_make_registration_token ask = {.uses = uses, .days = days};
    return caller_ask(f->caller, &message_AUTH_MAKE_REGISTRATION_TOKEN, &ask, AUTH_ANSWER_MS,
                      &f->arena, reply_r);
}

static struct auth_make_registration_token_reply make(struct auth_fixture *f, uint64_t uses) {
    struct auth_make_registration_token_reply reply;
    assert_err(try_make(f, uses, 1, &reply), ERR_OK);
    assert_int_equal(reply.token.length, 32);
    return reply;
}

static uint64_t uses_of(struct auth_fixture *f, uint64_t number) {
    return test_database_number(f->database,
                                test_text("SELECT uses FROM registration_token WHERE number = %llu",
                                          (unsigned long long)number));
}

static uint64_t accounts(struct auth_fixture *f) {
    return test_database_number(f->database, "SELECT COUNT(*) FROM account");
}

static bool revoke_token(struct auth_fixture *f, uint64_t number) {
    struct auth_revoke_registration_token ask = {.number = number};
    struct done done = {0};
    assert_err(caller_ask(f->caller, &message_AUTH_REVOKE_REGISTRATION_TOKEN, &ask, AUTH_ANSWER_MS,
                          &f->arena, &done),
               ERR_OK);
    return !done.repeat;
}

/* --- closed -------------------------------------------------------------------------------- */

AUTH_TEST(test_only_the_operator_makes_accounts_where_registration_is_closed) {
    struct door door = open_door("closed");
    struct auth_register_reply reply;
    uint64_t before = accounts(f);
    const char *taken = auth_fresh(f, "taken");
    auth_registered(f, (struct auth_register){.id = slice_text(taken)});
    struct auth_register asks[] = {
        {.id = slice_text(auth_fresh(f, "closed"))},
        {.id = slice_text(taken)}, /* nobody learns that it is */
        {.email = slice_text("closed@example.org"), .password = slice_text("secret")},
        {.registration_token = make(f, 1).token}};
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++)
        assert_err(ask_door(f, &door, &message_AUTH_REGISTER, &asks[i], &reply),
                   ERR_REGISTRATION_CLOSED);
    assert_int_equal(accounts(f), before + 1);
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++)
        assert_err(ask_door(f, &door, &message_AUTH_ADD, &asks[i], &reply),
                   i == 1 ? ERR_TAKEN : ERR_OK);
    assert_int_equal(accounts(f), before + 4);
    close_door(&door);
}

AUTH_TEST(test_an_account_that_was_made_before_is_answered_again) {
    struct door doors[] = {open_door("closed"), open_door("token")};
    struct auth_register ask = {.id = slice_text(auth_fresh(f, "before")),
                                .password = slice_text("secret"),
                                .nonce = new_nonce()};
    uint64_t account = auth_registered(f, ask);
    for (size_t i = 0; i < 2; i++) {
        struct auth_register_reply reply;
        assert_err(ask_door(f, &doors[i], &message_AUTH_REGISTER, &ask, &reply), ERR_OK);
        assert_int_equal(reply.account, account);
        struct auth_register other = ask;
        other.password = slice_text("guess");
        assert_err(ask_door(f, &doors[i], &message_AUTH_REGISTER, &other, &reply), ERR_TAKEN);
        other.id = slice_text(auth_fresh(f, "other"));
        assert_err(ask_door(f, &doors[i], &message_AUTH_REGISTER, &other, &reply),
                   i == 0 ? ERR_REGISTRATION_CLOSED : ERR_REGISTRATION_TOKEN);
        close_door(&doors[i]);
    }
}

/* --- tokens -------------------------------------------------------------------------------- */

AUTH_TEST(test_a_token_makes_as_many_accounts_as_it_has_uses) {
    struct door door = open_door("token");
    struct auth_make_registration_token_reply token = make(f, 3);
    uint64_t before = accounts(f);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(uses_of(f, token.number), 3 - i);
        assert_err(enter(f, &door, token.token), ERR_OK);
    }
    assert_err(enter(f, &door, token.token), ERR_REGISTRATION_TOKEN);
    assert_int_equal(accounts(f), before + 3);
    assert_int_equal(uses_of(f, token.number), 0);
    close_door(&door);
}

AUTH_TEST(test_tokens_that_are_none_any_more) {
    struct door door = open_door("token");
    struct auth_make_registration_token_reply revoked = make(f, 9), expired = make(f, 9);
    struct auth_register_reply reply;
    const char *taken = auth_fresh(f, "taken");
    auth_registered(f, (struct auth_register){.id = slice_text(taken)});
    assert_true(revoke_token(f, revoked.number));
    assert_false(revoke_token(f, revoked.number));
    assert_false(revoke_token(f, 0));
    test_database_run(f->database,
                      test_text("UPDATE registration_token SET expires_ms = 1 WHERE number = %llu",
                                (unsigned long long)expired.number));
    uint64_t before = accounts(f);
    assert_err(enter(f, &door, revoked.token), ERR_REGISTRATION_TOKEN);
    assert_err(enter(f, &door, expired.token), ERR_REGISTRATION_TOKEN);
    assert_err(enter(f, &door, slice_text("")), ERR_REGISTRATION_TOKEN);
    assert_err(enter(f, &door, slice_text("0123456789abcdef0123456789abcdef")),
               ERR_REGISTRATION_TOKEN);
    struct auth_register ask = {.id = slice_text(taken), .password = slice_text("secret")};
    assert_err(ask_door(f, &door, &message_AUTH_REGISTER, &ask, &reply), ERR_REGISTRATION_TOKEN);
    assert_int_equal(accounts(f), before);
    assert_int_equal(uses_of(f, expired.number), 9);
    /* One that expired a day ago is forgotten when the next is made. */
    make(f, 1);
    assert_int_equal(uses_of(f, expired.number), 0);
    close_door(&door);
}

AUTH_TEST(test_what_is_refused_otherwise_takes_no_use) {
    struct door door = open_door("token");
    struct auth_make_registration_token_reply token = make(f, 1);
    struct auth_register_reply reply;
    const char *taken = auth_fresh(f, "taken");
    auth_registered(f, (struct auth_register){.id = slice_text(taken)});
    struct auth_register asks[] = {{.id = slice_text(taken)},
                                   {.id = slice_text(taken), .password = slice_text("secret")},
                                   {.name = slice_text(" spaces ")},
                                   {.name = slice_text("n"), .nonce = slice_text("short")}};
    static const enum err errs[] = {ERR_TAKEN, ERR_TAKEN, ERR_OK, ERR_BAD_REQUEST};
    for (size_t i = 0; i < 4; i++) {
        asks[i].registration_token = token.token;
        if (errs[i] != ERR_OK)
            assert_err(ask_door(f, &door, &message_AUTH_REGISTER, &asks[i], &reply), errs[i]);
    }
    assert_int_equal(uses_of(f, token.number), 1);
    close_door(&door);
}

AUTH_TEST(test_a_registration_that_is_sent_again_takes_one_use) {
    struct door door = open_door("token");
    struct auth_make_registration_token_reply token = make(f, 2);
    for (int i = 0; i < 2; i++) {
        struct auth_register_reply first, again;
        struct auth_register ask = {.id = slice_text(auth_fresh(f, "again")),
                                    .password = slice_text(i == 0 ? "" : "secret"),
                                    .registration_token = token.token,
                                    .nonce = new_nonce()};
        assert_err(ask_door(f, &door, &message_AUTH_REGISTER, &ask, &first), ERR_OK);
        assert_err(ask_door(f, &door, &message_AUTH_REGISTER, &ask, &again), ERR_OK);
        assert_int_equal(again.account, first.account);
        assert_int_equal(uses_of(f, token.number), 1 - i);
    }
    close_door(&door);
}

/* Beyond its guesses an address has one a second. */
AUTH_TEST(test_guesses_of_one_address_are_counted) {
    enum { TRIES = 100 };
    uint16_t port = test_free_port();
    struct service_process *auth = service_process_start(
        "parley-auth", NULL,
        (const char *[]){test_text("--auth-port=%u", (unsigned)port), AUTH_CHEAP,
                         "--registration=token",
                         test_text("--login-failures-per-address=%d", GUESSES), NULL});
    service_process_wait_ready(auth);
    struct test_caller *caller = test_caller_new("caller", port);
    struct auth_register ask = {.id = slice_text(auth_fresh(f, "guess")),
                                .registration_token = slice_text("a guess"),
                                .address = slice_text("192.0.2.1")};
    int64_t begin_ms = loop_now_ms();
    for (int i = 0; i < TRIES; i++)
        test_caller_post(caller, &message_AUTH_REGISTER, &ask);
    int64_t looked_at = 0;
    for (int i = 0; i < TRIES; i++) {
        uint64_t id;
        enum err err = test_caller_take(caller, &id);
        looked_at += err == ERR_REGISTRATION_TOKEN;
        if (err != ERR_REGISTRATION_TOKEN)
            assert_err(err, ERR_THROTTLED);
    }
    assert_in_range(looked_at, GUESSES, GUESSES + 2 + (loop_now_ms() - begin_ms) / 1000);
    /* Other addresses are let in. */
    ask.registration_token = make(f, 1).token;
    ask.address = slice_text("192.0.2.2");
    assert_err(test_caller_ask(caller, &message_AUTH_REGISTER, &ask, NULL), ERR_OK);
    test_caller_destroy(&caller);
    assert_int_equal(service_process_stop(&auth), 0);
}

/* --- at once, and cut short ---------------------------------------------------------------- */

#define AT_ONCE 8

/* Two instances, so that nothing but the database puts them in order. */
AUTH_TEST(test_the_last_uses_are_taken_once_each) {
    struct service_process *auths[2];
    struct test_caller *callers[AT_ONCE];
    for (size_t i = 0; i < 2; i++) {
        uint16_t port = test_free_port();
        auths[i] =
            service_process_start("parley-auth", NULL,
                                  (const char *[]){test_text("--auth-port=%u", (unsigned)port),
                                                   AUTH_CHEAP, "--registration=token", NULL});
        service_process_wait_ready(auths[i]);
        for (size_t j = i; j < AT_ONCE; j += 2)
            callers[j] = test_caller_new(test_text("caller-%zu", j), port);
    }
    for (int round = 0; round < 10; round++) {
        struct auth_make_registration_token_reply token = make(f, 3);
        struct auth_register asks[AT_ONCE];
        uint64_t made = 0;
        /* All the same request, in every other round. */
        struct auth_register same = {.id = slice_text(auth_fresh(f, "same")),
                                     .registration_token = token.token,
                                     .nonce = new_nonce()};
        for (size_t i = 0; i < AT_ONCE; i++) {
            asks[i] = same;
            if (round % 2 == 0) {
                asks[i].id = slice_text(auth_fresh(f, "at once"));
                asks[i].nonce = new_nonce();
            }
            test_caller_start(callers[i], &message_AUTH_REGISTER, &asks[i]);
        }
        for (size_t i = 0; i < AT_ONCE; i++) {
            struct auth_register_reply reply;
            enum err err = test_caller_finish(callers[i], &message_AUTH_REGISTER, &reply);
            made += err == ERR_OK;
            if (err != ERR_OK)
                assert_err(err, ERR_REGISTRATION_TOKEN);
        }
        assert_int_equal(made, round % 2 == 0 ? 3 : AT_ONCE);
        assert_int_equal(uses_of(f, token.number), round % 2 == 0 ? 0 : 2);
    }
    for (size_t i = 0; i < AT_ONCE; i++)
        test_caller_destroy(&callers[i]);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(service_process_stop(&auths[i]), 0);
}

/* It is killed behind the use of the token, with the audit's row still to be written. */
AUTH_TEST(test_a_registration_that_is_cut_short_takes_no_use) {
    struct auth_make_registration_token_reply token = make(f, 1);
    uint16_t port = test_free_port();
    struct service_process *auth =
        service_process_start("parley-auth", NULL,
                              (const char *[]){test_text("--auth-port=%u", (unsigned)port),
                                               AUTH_CHEAP, "--registration=token", NULL});
    service_process_wait_ready(auth);
    struct test_caller *caller = test_caller_new("caller", port);
    struct db *held = test_database_hold(f->database, "audit");
    struct auth_register ask = {.id = slice_text(auth_fresh(f, "cut")),
                                .registration_token = token.token,
                                .nonce = new_nonce()};
    uint64_t before = accounts(f);
    test_caller_start(caller, &message_AUTH_REGISTER, &ask);
    TEST_UNTIL(test_database_number(f->database,
                                    "SELECT COUNT(*) FROM information_schema.processlist"
                                    " WHERE db = DATABASE() AND state LIKE 'Waiting for table%'"
                                    " AND info LIKE '%INTO audit%'") == 1,
               "the registration does not come as far as the audit");
    service_process_kill(&auth);
    db_destroy(&held);
    assert_int_equal(accounts(f), before);
    assert_int_equal(uses_of(f, token.number), 1);
    test_caller_destroy(&caller);
    struct door door = open_door("token");
    struct auth_register_reply reply;
    assert_err(ask_door(f, &door, &message_AUTH_REGISTER, &ask, &reply), ERR_OK);
    assert_int_equal(uses_of(f, token.number), 0);
    close_door(&door);
}

/* --- making them --------------------------------------------------------------------------- */

AUTH_TEST(test_what_a_token_may_be) {
    struct auth_make_registration_token_reply reply;
    assert_err(try_make(f, 0, 1, &reply), ERR_BAD_REQUEST);
    assert_err(try_make(f, 1, 0, &reply), ERR_BAD_REQUEST);
    assert_err(try_make(f, REGISTRATION_TOKEN_MAX_USES + 1, 1, &reply), ERR_BAD_REQUEST);
    assert_err(try_make(f, 1, REGISTRATION_TOKEN_MAX_DAYS + 1, &reply), ERR_BAD_REQUEST);
    assert_err(try_make(f, REGISTRATION_TOKEN_MAX_USES, REGISTRATION_TOKEN_MAX_DAYS, &reply),
               ERR_OK);
    assert_int_equal(uses_of(f, reply.number), REGISTRATION_TOKEN_MAX_USES);
    /* Nothing of the token itself is kept. */
    assert_int_equal(
        test_database_number(f->database,
                             test_text("SELECT COUNT(*) FROM registration_token WHERE hash LIKE"
                                       " '%.*s%%'",
                                       8, reply.token.data)),
        0);
}

AUTH_TEST(test_there_are_a_thousand_tokens_at_most) {
    struct auth_make_registration_token_reply reply;
    test_database_run(f->database,
                      "DELETE FROM registration_token;"
                      "INSERT INTO registration_token (hash, uses, created_ms, expires_ms)"
                      " SELECT CONCAT('hash ', seq), 1, 0, 1 << 60 FROM seq_1_to_999");
    assert_err(try_make(f, 1, 1, &reply), ERR_OK);
    assert_err(try_make(f, 1, 1, &reply), ERR_TOO_MANY);
    test_database_run(f->database, "DELETE FROM registration_token LIMIT 1");
    assert_err(try_make(f, 1, 1, &reply), ERR_OK);
    test_database_run(f->database, "DELETE FROM registration_token");
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
