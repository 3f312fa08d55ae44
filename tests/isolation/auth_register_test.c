/* auth alone: registering accounts and resolving ids. */
#include <string.h>

#include "common/loop.h"
#include "proto/ids.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_keys.h"
#include "tests/support/test_list.h"

#define FOUR_BYTE_LETTER "\xf0\x9f\x98\x80"

static void repeat(char *out, const char *piece, size_t count) {
    size_t length = strlen(piece);
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * length, piece, length);
    out[count * length] = '\0';
}

AUTH_TEST(test_number_is_allocated) {
    struct auth_register_reply first, second;
    assert_err(auth_register(f, (struct auth_register){0}, &first), ERR_OK);
    assert_err(auth_register(f, (struct auth_register){0}, &second), ERR_OK);
    assert_true(first.account >= NUMBER_FIRST_ALLOCATED && first.account < NUMBER_LIMIT);
    assert_true(second.account != first.account);
    assert_slice_text(first.id, test_text("%llu", (unsigned long long)first.account));
    assert_int_equal(test_database_number(f->database,
                                          "SELECT COUNT(*) FROM account WHERE id = number"
                                          " AND name = id AND email IS NULL AND password IS NULL"),
                     2);
}

AUTH_TEST(test_chosen_id) {
    const char *id = auth_fresh(f, "Анна 安娜");
    struct auth_register ask = {.id = slice_text(id), .name = slice_text("Anna")};
    struct auth_register_reply reply;
    assert_err(auth_register(f, ask, &reply), ERR_OK);
    assert_true(reply.account >= NUMBER_FIRST_ALLOCATED);
    assert_slice_text(reply.id, id);
    assert_err(auth_register(f, ask, &reply), ERR_TAKEN);
    /* Case counts. */
    ask.id = slice_text(auth_fresh(f, "case"));
    assert_err(auth_register(f, ask, &reply), ERR_OK);
    ask.id = slice_text(test_text("C%s", ask.id.data + 1));
    assert_err(auth_register(f, ask, &reply), ERR_OK);
}

AUTH_TEST(test_decimal_id_is_its_number) {
    struct auth_register_reply reply;
    struct auth_register ask = {.id = slice_text("77")};
    assert_err(auth_register(f, ask, &reply), ERR_OK);
    assert_int_equal(reply.account, 77);
    assert_err(auth_register(f, ask, &reply), ERR_TAKEN);
    ask.id = slice_text("9007199254740991");
    assert_err(auth_register(f, ask, &reply), ERR_OK);
    assert_true(reply.account == NUMBER_LIMIT - 1);
    /* Neither is canonical, so both are words. */
    const char *const words[] = {"077", "9007199254740992"};
    for (size_t i = 0; i < 2; i++) {
        ask.id = slice_text(words[i]);
        assert_err(auth_register(f, ask, &reply), ERR_OK);
        assert_true(reply.account >= NUMBER_FIRST_ALLOCATED && reply.account < NUMBER_LIMIT - 1);
        assert_slice_text(reply.id, words[i]);
    }
}

AUTH_TEST(test_a_number_that_was_allocated_is_taken) {
    uint64_t number = auth_registered(f, (struct auth_register){.id = slice_text("has a number")});
    struct auth_register_reply reply;
    /* Its id is a word, but its number is that number all the same. */
    struct auth_register ask = {.id = slice_text(test_text("%llu", (unsigned long long)number))};
    assert_err(auth_register(f, ask, &reply), ERR_TAKEN);
}

/* Has the next `count` accounts that are added meet a number that is taken. */
static void take_next_numbers(struct auth_fixture *f, unsigned count) {
    test_database_run(f->database, "INSERT IGNORE INTO account (number, id, name, created_ms)"
                                   " VALUES (7, '7', '', 0)");
    test_database_run(f->database, "CREATE OR REPLACE SEQUENCE met");
    test_database_run(f->database,
                      test_text("CREATE OR REPLACE TRIGGER meet BEFORE INSERT ON account FOR EACH"
                                " ROW SET NEW.number = IF(NEXT VALUE FOR met <= %u, 7, NEW.number)",
                                count));
}

AUTH_TEST(test_allocation_moves_on) {
    struct auth_register_reply reply;
    take_next_numbers(f, 3);
    assert_err(auth_register(f, (struct auth_register){0}, &reply), ERR_OK);
    assert_slice_text(reply.id, test_text("%llu", (unsigned long long)reply.account));
    take_next_numbers(f, 99);
    assert_err(auth_register(f, (struct auth_register){.id = slice_text("moves on")}, &reply),
               ERR_OK);
    /* In a transaction, too. */
    take_next_numbers(f, 2);
    assert_err(auth_register(f, (struct auth_register){.email = slice_text("moves@on")}, &reply),
               ERR_OK);
    assert_int_equal(
        test_database_number(f->database,
                             test_text("SELECT number FROM account WHERE email = 'moves@on'"
                                       " AND id = number AND number = %llu",
                                       (unsigned long long)reply.account)),
        reply.account);
    test_database_run(f->database, "DROP TRIGGER meet");
}

AUTH_TEST(test_allocation_is_bounded) {
    struct auth_register_reply reply;
    take_next_numbers(f, 100);
    assert_err(auth_register(f, (struct auth_register){0}, &reply), ERR_UNAVAILABLE);
    assert_err(auth_register(f, (struct auth_register){0}, &reply), ERR_OK);
    test_database_run(f->database, "DROP TRIGGER meet");
}

/* A caller that takes all the numbers behind the last one takes none that is about to be given. */
AUTH_TEST(test_numbers_are_not_given_in_order) {
    uint64_t last = auth_registered(f, (struct auth_register){0});
    test_database_run(f->database,
                      test_text("INSERT IGNORE INTO account (number, id, name, created_ms)"
                                " SELECT seq, seq, '', 0 FROM seq_%llu_to_%llu",
                                (unsigned long long)last + 1, (unsigned long long)last + 2500));
    for (int i = 0; i < 10; i++) {
        uint64_t number = auth_registered(f, (struct auth_register){0});
        assert_in_range(number, NUMBER_FIRST_ALLOCATED, NUMBER_LAST_ALLOCATED);
    }
}

AUTH_TEST(test_email_is_unique_without_case) {
    struct auth_register_reply reply;
    struct auth_register ask = {.email = slice_text("Ann@Example.ORG"),
                                .password = slice_text("secret")};
    assert_err(auth_register(f, ask, &reply), ERR_OK);
    assert_int_equal(
        test_database_number(f->database,
                             "SELECT COUNT(*) FROM account WHERE email = 'ann@example.org'"),
        1);
    ask.email = slice_text("aNN@eXAMPLE.org");
    assert_err(auth_register(f, ask, &reply), ERR_EMAIL_TAKEN);
    ask.id = slice_text(auth_fresh(f, "other"));
    assert_err(auth_register(f, ask, &reply), ERR_EMAIL_TAKEN);
    /* Letters of any script. */
    ask.id = slice_text("");
    ask.email = slice_text("Ä@example.org");
    assert_err(auth_register(f, ask, &reply), ERR_OK);
    ask.email = slice_text("ä@example.org");
    assert_err(auth_register(f, ask, &reply), ERR_EMAIL_TAKEN);
    ask.email = slice_text("a\xcc\x88@example.org"); /* in NFD */
    assert_err(auth_register(f, ask, &reply), ERR_EMAIL_TAKEN);
}

AUTH_TEST(test_password_is_kept_as_a_hash) {
    auth_registered(
        f, (struct auth_register){.id = slice_text("hashed"), .password = slice_text("secret")});
    assert_int_equal(test_database_number(f->database,
                                          "SELECT COUNT(*) FROM account WHERE id = 'hashed'"
                                          " AND password LIKE '$argon2id$v=19$m=8,t=1,p=1$%'"),
                     1);
}

AUTH_TEST(test_refused_registrations) {
    static const char *const ids[] = {"SYSTEM",
                                      "system",
                                      "SyStEm",
                                      "0",
                                      "a\nb",
                                      "a\x7f",
                                      "a\xc2\x85",
                                      "\xff\xfe",
                                      "\xc0\x80",
                                      "\xed\xa0\x80",
                                      "cut \xe2\x82",
                                      "SYSTEM ",
                                      "SYSTEM\xe2\x80\x8b",
                                      "ben ",
                                      "ben\xef\xbb\xbf"};
    static const char *const emails[] = {"nobody", "@x", "x@", "a b@c", "a\t@c", "\xff@c"};
    static const char *const names[] = {"a\nb",   "\xff", "\x1b[1m",
                                        "SYSTEM", "ben ", "b\xe2\x80\xa8n"};
    struct auth_register_reply reply;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        assert_err(auth_register(f, (struct auth_register){.id = slice_text(ids[i])}, &reply),
                   ERR_BAD_REQUEST);
    for (size_t i = 0; i < sizeof emails / sizeof emails[0]; i++)
        assert_err(auth_register(f, (struct auth_register){.email = slice_text(emails[i])}, &reply),
                   ERR_BAD_REQUEST);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_err(auth_register(f, (struct auth_register){.name = slice_text(names[i])}, &reply),
                   ERR_BAD_REQUEST);
    /* A byte of 0 within an id. */
    assert_err(auth_register(f, (struct auth_register){.id = slice_make("a\0b", 3)}, &reply),
               ERR_BAD_REQUEST);
}

AUTH_TEST(test_lengths) {
    char longest[4 * 65 + 1], email[256];
    struct auth_register_reply reply;
    memset(longest, 'i', 65);
    assert_err(auth_register(f, (struct auth_register){.id = slice_make(longest, 64)}, &reply),
               ERR_OK);
    assert_err(auth_register(f, (struct auth_register){.id = slice_make(longest, 65)}, &reply),
               ERR_BAD_REQUEST);
    repeat(longest, FOUR_BYTE_LETTER, 65);
    assert_err(
        auth_register(f, (struct auth_register){.name = slice_make(longest, 4 * 64)}, &reply),
        ERR_OK);
    assert_err(
        auth_register(f, (struct auth_register){.name = slice_make(longest, 4 * 65)}, &reply),
        ERR_BAD_REQUEST);
    repeat(longest, "n", 65);
    assert_err(auth_register(f, (struct auth_register){.name = slice_text(longest)}, &reply),
               ERR_BAD_REQUEST);
    memset(email, 'e', sizeof email);
    email[1] = '@';
    assert_err(auth_register(f, (struct auth_register){.email = slice_make(email, 254)}, &reply),
               ERR_OK);
    assert_err(auth_register(f, (struct auth_register){.email = slice_make(email, 255)}, &reply),
               ERR_BAD_REQUEST);
    assert_int_equal(
        test_database_number(f->database, "SELECT MAX(CHAR_LENGTH(name)) FROM account"), 64);
}

/* Both are on the way before either is answered, so two workers meet in the database. */
AUTH_TEST(test_two_at_once) {
    for (int round = 0; round < 20; round++) {
        struct auth_register ask = {.id = slice_text(auth_fresh(f, "both"))};
        if (round % 2 != 0)
            ask = (struct auth_register){.email =
                                             slice_text(test_text("%s@x", auth_fresh(f, "both")))};
        struct auth_register_reply replies[2];
        enum err results[2];
        struct caller *other =
            caller_new(caller_address(f->caller), test_keys(TEST_KEYS_SELF), "auth");
        assert_non_null(other);
        assert_err(caller_send(f->caller, &message_AUTH_REGISTER, &ask), ERR_OK);
        assert_err(caller_send(other, &message_AUTH_REGISTER, &ask), ERR_OK);
        int64_t deadline_ms = loop_now_ms() + AUTH_ANSWER_MS;
        results[0] =
            caller_receive(f->caller, &message_AUTH_REGISTER, deadline_ms, &f->arena, &replies[0]);
        results[1] =
            caller_receive(other, &message_AUTH_REGISTER, deadline_ms, &f->arena, &replies[1]);
        caller_destroy(&other);
        assert_true((results[0] == ERR_OK) != (results[1] == ERR_OK));
        assert_err(results[results[0] == ERR_OK], round % 2 != 0 ? ERR_EMAIL_TAKEN : ERR_TAKEN);
    }
}

AUTH_TEST(test_resolve) {
    struct auth_resolve_reply reply;
    uint64_t ann = auth_registered(f, (struct auth_register){.id = slice_text("r-ann")});
    uint64_t bob = auth_registered(f, (struct auth_register){.id = slice_text("r-bob")});
    struct slice ids[] = {slice_text("r-bob"),  slice_text("R-bob"), slice_text("r-ann"),
                          slice_text("r-ann "), slice_text(""),      slice_text("\xff"),
                          slice_text("r-bob")};
    const uint64_t numbers[] = {bob, 0, ann, 0, 0, 0, bob};
    assert_err(auth_resolve(f, (struct slice_list){ids, 7}, &reply), ERR_OK);
    assert_int_equal(reply.accounts.count, 7);
    assert_memory_equal(reply.accounts.items, numbers, sizeof numbers);
    assert_err(auth_resolve(f, (struct slice_list){NULL, 0}, &reply), ERR_OK);
    assert_int_equal(reply.accounts.count, 0);
}

AUTH_TEST(test_resolve_many) {
    struct auth_resolve_reply reply;
    struct slice ids[257];
    uint64_t last = auth_registered(f, (struct auth_register){.id = slice_text("last of many")});
    for (size_t i = 0; i < 257; i++)
        ids[i] = slice_text("unknown");
    ids[255] = slice_text("last of many");
    assert_err(auth_resolve(f, (struct slice_list){ids, 256}, &reply), ERR_OK);
    assert_int_equal(reply.accounts.count, 256);
    assert_true(reply.accounts.items[255] == last && reply.accounts.items[0] == 0);
    assert_err(auth_resolve(f, (struct slice_list){ids, 257}, &reply), ERR_BAD_REQUEST);
    /* Longer than any id can be. */
    char *huge = test_malloc(1 << 20);
    memset(huge, 'x', 1 << 20);
    ids[0] = slice_make(huge, 1 << 20);
    assert_err(auth_resolve(f, (struct slice_list){ids, 1}, &reply), ERR_OK);
    assert_true(reply.accounts.items[0] == 0);
    test_free(huge);
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
