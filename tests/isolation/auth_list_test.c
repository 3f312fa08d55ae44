/* auth alone: the operator's list of accounts, and searches in it. */
#include "services/lookup/search.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_list.h"

static enum err try_list(struct auth_fixture *f, struct auth_list ask,
                         struct auth_list_reply *reply_r) {
    return caller_ask(f->caller, &message_AUTH_LIST, &ask, AUTH_ANSWER_MS, &f->arena, reply_r);
}

/* How many have `words` in a name; *account_r: the last of them. */
static size_t found(struct auth_fixture *f, const char *words, uint64_t *account_r) {
    struct auth_list_reply reply;
    const struct auth_list ask = {.search = slice_text(words)};
    assert_err(try_list(f, ask, &reply), ERR_OK);
    assert_false(reply.more);
    assert_int_equal(reply.next, 0);
    const struct shown_account *items = reply.items.items;
    *account_r = reply.items.count == 0 ? 0 : items[reply.items.count - 1].account;
    return reply.items.count;
}

AUTH_TEST(test_a_search_finds_parts_of_names) {
    const uint64_t ada =
        auth_registered(f, (struct auth_register){.id = slice_text("ship-Lovelace"),
                                                  .name = slice_text("\u00c4da_K!"),
                                                  .email = slice_text("countess@example.org")});
    const uint64_t bob = auth_registered(
        f, (struct auth_register){.id = slice_text("b%b"), .name = slice_text("\u5f20\u4e09")});
    static const char *const adas[] = {"lovel", "LOVELACE", "ip-lo",    "\u00e4DA",
                                       "da_k",  "k!",       "COUNTESS", "ess@ex"};
    uint64_t account;
    for (size_t i = 0; i < sizeof adas / sizeof adas[0]; i++) {
        assert_int_equal(found(f, adas[i], &account), 1);
        assert_true(account == ada);
    }
    assert_int_equal(found(f, "\u4e09", &account), 1);
    assert_true(account == bob);
    /* What are wildcards to the database stand for themselves. */
    assert_int_equal(found(f, "%", &account), 1);
    assert_true(account == bob);
    static const char *const nobodys[] = {"d_k", "da%k", "lovelace!", "'", "\\", "\U0001F600"};
    for (size_t i = 0; i < sizeof nobodys / sizeof nobodys[0]; i++)
        assert_int_equal(found(f, nobodys[i], &account), 0);
}

AUTH_TEST(test_a_search_has_pages) {
    const char *stem = auth_fresh(f, "page");
    uint64_t accounts[3], after = 0;
    for (size_t i = 0; i < 3; i++)
        accounts[i] = auth_registered(f, (struct auth_register){.name = slice_text(stem)});
    for (size_t i = 0; i < 2; i++) { /* sorted by number */
        for (size_t j = i + 1; j < 3; j++) {
            if (accounts[j] < accounts[i]) {
                uint64_t other = accounts[i];
                accounts[i] = accounts[j];
                accounts[j] = other;
            }
        }
    }
    struct auth_list_reply reply;
    for (size_t i = 0; i < 3; i++) {
        const struct auth_list ask = {.search = slice_text(stem), .limit = 1, .after = after};
        assert_err(try_list(f, ask, &reply), ERR_OK);
        assert_int_equal(reply.items.count, 1);
        assert_true(((const struct shown_account *)reply.items.items)->account == accounts[i]);
        assert_true(reply.more == (i < 2) && reply.next == (i < 2 ? accounts[i] : 0));
        after = reply.next;
    }
}

AUTH_TEST(test_a_search_needs_utf8) {
    struct auth_list_reply reply;
    assert_err(try_list(f, (struct auth_list){.search = slice_text("\xff")}, &reply),
               ERR_BAD_REQUEST);
}

/* A request reads SEARCH_AT_ONCE accounts; the one behind them is found by the next. */
AUTH_TEST(test_a_search_reads_so_many_at_once) {
    const uint64_t last = UINT64_C(1) << 52, first = last - SEARCH_AT_ONCE;
    test_database_run(
        f->database,
        test_text("INSERT INTO account (number, id, name, created_ms) SELECT %ju + seq,"
                  " %ju + seq, 'many', 1 FROM seq_0_to_%d",
                  (uintmax_t)first, (uintmax_t)first, SEARCH_AT_ONCE));
    test_database_run(
        f->database,
        test_text("UPDATE account SET name = 'needle' WHERE number = %ju", (uintmax_t)last));
    struct auth_list ask = {.search = slice_text("needle"), .after = first - 1};
    struct auth_list_reply reply;
    assert_err(try_list(f, ask, &reply), ERR_OK);
    assert_int_equal(reply.items.count, 0);
    assert_true(reply.more);
    assert_true(reply.next == last - 1);
    ask.after = reply.next;
    assert_err(try_list(f, ask, &reply), ERR_OK);
    assert_int_equal(reply.items.count, 1);
    assert_false(reply.more);
    /* One account fewer to read, and it is among them. */
    ask.after = first;
    assert_err(try_list(f, ask, &reply), ERR_OK);
    assert_int_equal(reply.items.count, 1);
    test_database_run(f->database, "DELETE FROM account WHERE name IN ('many', 'needle')");
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
