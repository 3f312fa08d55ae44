/* auth alone: ids, e-mail addresses and passwords that are written in several ways. */
#include <string.h>

#include <sodium.h>

#include "common/loop.h"
#include "services/schema/migrations.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_list.h"

#define NFC "jos\xc3\xa9"
#define NFD "jose\xcc\x81"

static enum err try_register(struct auth_fixture *f, const char *id, const char *email) {
    struct auth_register_reply reply;
    return auth_register(
        f, (struct auth_register){.id = slice_text(id), .email = slice_text(email)}, &reply);
}

/* The account that a login enters; 0: none. */
static uint64_t entered(struct auth_fixture *f, const char *login, const char *password) {
    struct auth_login_reply reply;
    const struct auth_login ask = {
        .login = slice_text(login), .password = slice_text(password), .open = true};
    return auth_login(f, ask, &reply) == ERR_OK ? reply.account : 0;
}

static uint64_t resolved(struct auth_fixture *f, const char *id) {
    struct slice text = slice_text(id);
    struct auth_resolve_reply reply;
    assert_err(auth_resolve(f, (struct slice_list){&text, 1}, &reply), ERR_OK);
    assert_int_equal(reply.accounts.count, 1);
    return reply.accounts.items[0];
}

/* An account as it was made before there were today's rules. */
static void insert_account(struct auth_fixture *f, unsigned number, const char *id) {
    test_database_run(f->database, test_text("INSERT INTO account (number, id, name, created_ms)"
                                             " VALUES (%u, '%s', '', 0)",
                                             number, id));
}

AUTH_TEST(test_other_forms_are_the_same) {
    struct auth_register ask = {.id = slice_text(NFD), .name = slice_text(NFD)};
    struct auth_register_reply reply;
    assert_err(auth_register(f, ask, &reply), ERR_OK);
    assert_slice_text(reply.id, NFC);
    assert_int_equal(test_database_number(f->database,
                                          "SELECT COUNT(*) FROM account WHERE id = '" NFC
                                          "' AND name = '" NFC "'"),
                     1);
    static const char *const forms[] = {NFC, NFD, "j\xe2\x80\x8dos\xc3\xa9"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_err(try_register(f, forms[i], ""), ERR_TAKEN);
        assert_true(entered(f, forms[i], "") == reply.account);
        assert_true(resolved(f, forms[i]) == reply.account);
    }
}

AUTH_TEST(test_ids_of_before_keep_working) {
    static const char *const ids[] = {"SYSTEM ", "ben\xe2\x80\x8b", "old" NFD,
                                      "ol\xe2\x80\x8d"
                                      "d"};
    for (unsigned i = 0; i < 4; i++) {
        insert_account(f, 800 + i, ids[i]);
        assert_int_equal(entered(f, ids[i], ""), 800 + i);
        assert_int_equal(resolved(f, ids[i]), 800 + i);
        assert_err(try_register(f, ids[i], ""), i < 2 ? ERR_BAD_REQUEST : ERR_TAKEN);
    }
    /* Nobody else has it in NFC, so it is found so, and can't be taken. */
    assert_int_equal(entered(f, "old" NFC, ""), 802);
    assert_int_equal(resolved(f, "old" NFC), 802);
    assert_err(try_register(f, "old" NFC, ""), ERR_TAKEN);
    /* Of two that were made then, each is found as it is written. */
    insert_account(f, 804, "old" NFC);
    assert_int_equal(entered(f, "old" NFC, ""), 804);
    assert_int_equal(entered(f, "old" NFD, ""), 802);
    assert_int_equal(resolved(f, "old" NFC), 804);
    assert_int_equal(resolved(f, "old" NFD), 802);
}

AUTH_TEST(test_ids_and_addresses_are_one_namespace) {
    uint64_t vic = auth_registered(f, (struct auth_register){.email = slice_text("vic@corp.com"),
                                                             .password = slice_text("secret")});
    static const char *const forms[] = {"vic@corp.com", "Vic@Corp.COM",
                                        "vi\xe2\x80\x8d"
                                        "c@corp.com"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_err(try_register(f, forms[i], ""), ERR_TAKEN);
        assert_err(try_register(f, "", forms[i]), ERR_EMAIL_TAKEN);
        assert_true(entered(f, forms[i], "secret") == vic);
    }
    /* An address is a name to log in by, no id. */
    assert_true(resolved(f, "vic@corp.com") == 0);
    uint64_t id = auth_registered(f, (struct auth_register){.id = slice_text("Jos\xc3\xa9@Home")});
    assert_err(try_register(f, "", "JOSE\xcc\x81@home"), ERR_EMAIL_TAKEN);
    assert_err(try_register(f, "jos\xc3\xa9@home", ""), ERR_TAKEN);
    assert_true(resolved(f, "JOS\xc3\x89@HOME") == id);
    assert_true(entered(f, "jose\xcc\x81@home", "") == id);
    /* No row of a refused registration is there. */
    assert_int_equal(test_database_number(f->database,
                                          "SELECT COUNT(*) FROM account WHERE id LIKE '%@home'"
                                          " OR id LIKE 'vi%@corp.com' OR email LIKE '%@home'"),
                     0);
    /* Both are the same account's. */
    assert_err(try_register(f, "own@address", "Own@Address"), ERR_OK);
}

AUTH_TEST(test_accounts_of_the_release_before) {
    /* It writes no row for accounts that it registers while both run. */
    insert_account(f, 900, "old@id");
    test_database_run(f->database, "INSERT INTO account (number, id, email, name, created_ms)"
                                   " VALUES (901, '901', 'old@email', '', 0)");
    assert_err(try_register(f, "", "old@id"), ERR_EMAIL_TAKEN);
    assert_err(try_register(f, "old@email", ""), ERR_TAKEN);
    assert_int_equal(entered(f, "old@id", ""), 900);
    struct auth_set_password ask = {.account = 901, .password = slice_text("secret")};
    struct done done;
    assert_err(
        caller_ask(f->caller, &message_AUTH_SET_PASSWORD, &ask, AUTH_ANSWER_MS, &f->arena, &done),
        ERR_OK);
    assert_int_equal(entered(f, "OLD@email", "secret"), 901);
}

static const char *sql_of_migration(const char *part_of_name) {
    for (size_t i = 0; i < migrations_count; i++)
        if (strstr(migrations[i].name, part_of_name) != NULL)
            return migrations[i].sql;
    fail_msg("there is no migration '%s'", part_of_name);
    return "";
}

AUTH_TEST(test_the_migration_takes_existing_accounts) {
    insert_account(f, 910, "Clash@x");
    insert_account(f, 911, "clash@X");
    insert_account(f, 912, "Alone@x");
    test_database_run(f->database,
                      "INSERT INTO account (number, id, email, name, created_ms) VALUES"
                      " (913, '913', 'clash@x', '', 0), (914, '914', 'Ä@x', '', 0)");
    test_database_run(f->database, "DROP TABLE address");
    test_database_run(f->database, sql_of_migration("_address"));
    assert_int_equal(
        test_database_number(f->database, "SELECT account FROM address WHERE folded = 'clash@x'"),
        913);
    assert_int_equal(
        test_database_number(f->database, "SELECT account FROM address WHERE folded = 'alone@x'"),
        912);
    assert_err(try_register(f, "", "aLONE@X"), ERR_EMAIL_TAKEN);
    assert_err(try_register(f, "", "ä@x"), ERR_EMAIL_TAKEN);
    assert_int_equal(entered(f, "Clash@x", ""), 910);
    assert_int_equal(entered(f, "clash@X", ""), 911);
    assert_int_equal(resolved(f, "Clash@x"), 910);
    assert_int_equal(resolved(f, "clash@X"), 911);
}

/* One takes the id, the other the address, at two instances. */
AUTH_TEST(test_two_at_once) {
    struct caller *other;
    struct service_process *second = auth_fixture_start((const char *[]){AUTH_CHEAP, NULL}, &other);
    for (int round = 0; round < 20; round++) {
        const char *name = test_text("%s@x", auth_fresh(f, "one"));
        struct auth_register by_id = {.id = slice_text(name)};
        struct auth_register by_email = {.email = slice_text(name)};
        struct auth_register_reply reply;
        assert_err(caller_send(f->caller, &message_AUTH_REGISTER, &by_id), ERR_OK);
        assert_err(caller_send(other, &message_AUTH_REGISTER, &by_email), ERR_OK);
        int64_t deadline_ms = loop_now_ms() + AUTH_ANSWER_MS;
        enum err first =
            caller_receive(f->caller, &message_AUTH_REGISTER, deadline_ms, &f->arena, &reply);
        enum err last =
            caller_receive(other, &message_AUTH_REGISTER, deadline_ms, &f->arena, &reply);
        assert_true((first == ERR_OK) != (last == ERR_OK));
        if (first == ERR_OK)
            assert_err(last, ERR_EMAIL_TAKEN);
        else
            assert_err(first, ERR_TAKEN);
    }
    caller_destroy(&other);
    assert_int_equal(service_process_stop(&second), 0);
}

AUTH_TEST(test_passwords_in_other_forms) {
    uint64_t account = auth_registered(
        f, (struct auth_register){.id = slice_text("typed"), .password = slice_text(NFD)});
    assert_true(entered(f, "typed", NFC) == account && entered(f, "typed", NFD) == account);
    assert_true(entered(f, "typed", "jose") == 0);
    const struct auth_set_password ask = {.account = account, .password = slice_text("2" NFC)};
    struct done done;
    assert_err(
        caller_ask(f->caller, &message_AUTH_SET_PASSWORD, &ask, AUTH_ANSWER_MS, &f->arena, &done),
        ERR_OK);
    assert_true(entered(f, "typed", "2" NFD) == account && entered(f, "typed", NFC) == 0);
    /* An older hash was made of the password as it was typed. */
    char hash[crypto_pwhash_STRBYTES];
    assert_true(sodium_init() >= 0);
    assert_int_equal(
        crypto_pwhash_str_alg(hash, NFD, strlen(NFD), 1, 8192, crypto_pwhash_ALG_ARGON2ID13), 0);
    test_database_run(f->database,
                      test_text("UPDATE account SET password = '%s' WHERE id = 'typed'", hash));
    assert_true(entered(f, "typed", NFD) == account && entered(f, "typed", "jose") == 0);
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
