/* hooks alone: what it is asked, what it reads from the journal, and what arrives at an address. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hook_words.h"
#include "proto/messages.h"
#include "services/ctl/caller.h"
#include "services/hooks/subscriptions_tidy.h"
#include "tests/support/assertions.h"
#include "tests/support/receiver.h"
#include "tests/support/service_process.h"
#include "tests/support/test_keys.h"
#include "tests/support/test_list.h"
#include "tests/support/until.h"

#define ANSWER_MS 60000

struct fixture {
    struct test_database *database;
    struct service_process *hooks;
    struct caller *caller;
    struct record_arena arena;
    struct receiver *receiver;
    uint64_t block;
};

/* --- hooks ----------------------------------------------------------------------------------- */

static void start_hooks(struct fixture *f) {
    unsigned port = test_free_port();
    f->hooks = service_process_start(
        "parley-hooks", NULL,
        (const char *[]){test_text("--hooks-port=%u", port), "--hooks-metrics-port=0",
                         "--hook-look-ms=10", "--hook-retry-max-ms=200",
                         test_text("--session-peers=tcp://127.0.0.1:%u", test_free_port()), NULL});
    service_process_wait_ready(f->hooks);
    f->caller =
        caller_new(test_text("tcp://127.0.0.1:%u", port), test_keys(TEST_KEYS_SELF), "hooks");
    assert_non_null(f->caller);
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    *state = f;
    f->database = test_database_new("hooks");
    test_database_run(f->database, "INSERT INTO account (number, id, name, created_ms) VALUES"
                                   " (101, 'anna', 'a', 0), (102, '102', 'b', 0);"
                                   "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES"
                                   " (7, 0, 101, 102, 0)");
    f->block = 128;
    start_hooks(f);
    f->receiver = receiver_new();
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    caller_destroy(&f->caller);
    int status = service_process_stop(&f->hooks);
    receiver_destroy(&f->receiver);
    test_database_destroy(&f->database);
    free(f);
    return status;
}

static int test_teardown(void **state) {
    struct fixture *f = *state;
    record_arena_free(&f->arena);
    test_database_run(f->database, "DELETE FROM hook; UPDATE hook_state SET version = version + 1");
    receiver_answer(f->receiver, "", "HTTP/1.1 200 X");
    return 0;
}

#define HOOKS_TEST(name_) TEST_WITH(name_, struct fixture *f, NULL, test_teardown)

static enum err add(struct fixture *f, struct hooks_add ask) {
    struct hooks_add_reply reply;
    if (ask.url.length == 0)
        ask.url =
            slice_text(test_text("http://127.0.0.1:%u/", (unsigned)receiver_port(f->receiver)));
    if (ask.events == 0)
        ask.events = HOOK_FAMILY_MESSAGES;
    return caller_ask(f->caller, &message_HOOKS_ADD, &ask, ANSWER_MS, &f->arena, &reply);
}

/* A text of anna to 102, as delivery stores it: the row, and the journal's. Its block. */
static uint64_t say_in(struct fixture *f, uint64_t block, const char *text) {
    test_database_run(
        f->database,
        test_text("INSERT INTO message (conversation, cid, time_ms, type, sender, body) VALUES"
                  " (7, %" PRIu64 ", 5, 0, 101, '%s');"
                  "INSERT INTO journal (block, entries, time_ms, conversations) VALUES"
                  " (%" PRIu64 ", 1, " DB_NOW_MS ", x'0000000000000007')",
                  block, text, block));
    return block;
}

static void say(struct fixture *f, const char *text) { say_in(f, f->block += 128, text); }

static uint64_t number(struct fixture *f, const char *sql) {
    return test_database_number(f->database, sql);
}

HOOKS_TEST(a_hook_is_told_of_what_stands_in_the_journal) {
    assert_err(add(f, (struct hooks_add){.name = slice_text("one")}), ERR_OK);
    say(f, "told-1");
    say(f, "told-2");
    receiver_await(f->receiver, "\"text\":\"told-2\"", 1);
    assert_int_equal(receiver_with(f->receiver, "\"text\":\"told-1\""), 1);
    receiver_await(f->receiver, "webhook-signature: v1,", 1);
    TEST_UNTIL(number(f, "SELECT told FROM hook") == 2, "it is not counted");
    assert_int_equal(number(f, "SELECT COUNT(*) FROM journal"), 0);
}

/* A transaction that took its block earlier commits later: nothing of it is skipped. */
HOOKS_TEST(what_commits_late_is_told) {
    const uint64_t late = f->block += 128;
    assert_err(add(f, (struct hooks_add){.name = slice_text("late")}), ERR_OK);
    say(f, "early-one");
    receiver_await(f->receiver, "early-one", 1);
    say_in(f, late, "late-one");
    receiver_await(f->receiver, "late-one", 1);
}

HOOKS_TEST(what_is_refused_is_told_again_after_a_kill) {
    assert_err(add(f, (struct hooks_add){.name = slice_text("again")}), ERR_OK);
    receiver_answer(f->receiver, "", "HTTP/1.1 503 X");
    say(f, "repeated");
    receiver_await(f->receiver, "repeated", 3);
    caller_destroy(&f->caller);
    service_process_kill(&f->hooks);
    start_hooks(f);
    receiver_answer(f->receiver, "", "HTTP/1.1 200 X");
    TEST_UNTIL(number(f, "SELECT told FROM hook") == 1, "it is not told");
    assert_int_equal(number(f, "SELECT failing_since_ms IS NULL FROM hook"), 1);
}

HOOKS_TEST(what_is_gone_is_parked_and_tried_again_when_asked) {
    const struct hooks_retry ask = {.name = slice_text("gone")};
    struct done reply = {0};
    assert_err(add(f, (struct hooks_add){.name = slice_text("gone")}), ERR_OK);
    receiver_answer(f->receiver, "", "HTTP/1.1 410 X");
    say(f, "parked-text");
    TEST_UNTIL(number(f, "SELECT parked_ms IS NOT NULL FROM hook") == 1, "it is not parked");
    receiver_answer(f->receiver, "", "HTTP/1.1 200 X");
    assert_err(caller_ask(f->caller, &message_HOOKS_RETRY, &ask, ANSWER_MS, &f->arena, &reply),
               ERR_OK);
    assert_false(reply.repeat);
    receiver_await(f->receiver, "parked-text", 2);
}

/* Rows that were removed since they were too old. */
HOOKS_TEST(what_is_lost_is_counted) {
    assert_err(add(f, (struct hooks_add){.name = slice_text("lost")}), ERR_OK);
    TEST_UNTIL(number(f, "SELECT seq FROM hook") == number(f, "SELECT seq FROM hook_state"),
               "it is behind");
    test_database_run(f->database, "UPDATE hook_state SET seq = seq + 3");
    say(f, "after-a-hole");
    receiver_await(f->receiver, "after-a-hole", 1);
    TEST_UNTIL(number(f, "SELECT lost FROM hook") == 3, "it is not counted");
}

HOOKS_TEST(at_most_32_hooks) {
    for (int i = 0; i < 32; i++)
        assert_err(add(f, (struct hooks_add){.name = slice_text(test_text("h%d", i))}), ERR_OK);
    assert_err(add(f, (struct hooks_add){.name = slice_text("more")}), ERR_TOO_MANY);
    assert_err(add(f, (struct hooks_add){.name = slice_text("h1")}), ERR_TOO_MANY);
}

/* --- subscriptions to Web Push --------------------------------------------------------------- */

#define ANY_PUBLIC_KEY                                                                             \
    "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"

/* A login of the account, with a token that ends in `ms`. */
static void log_in(struct fixture *f, uint64_t account, uint64_t login, const char *ms) {
    test_database_run(
        f->database,
        test_text("INSERT INTO token (hash, account, login, created_ms, expires_ms)"
                  " VALUES (UNHEX(SHA2('%ju %ju', 256)), %ju, %ju, 0, " DB_NOW_MS " + (%s))",
                  (uintmax_t)account, (uintmax_t)login, (uintmax_t)account, (uintmax_t)login, ms));
}

static void subscribe(struct fixture *f, uint64_t account, uint64_t login) {
    const struct hooks_subscribe ask = {
        .account = account,
        .login = login,
        .endpoint = slice_text(
            test_text("https://push.example.org/%ju/%ju", (uintmax_t)account, (uintmax_t)login)),
        .p256dh = slice_text(ANY_PUBLIC_KEY),
        .auth = slice_text("AAAAAAAAAAAAAAAAAAAAAA")};
    struct hooks_subscribe_reply reply;
    assert_err(caller_ask(f->caller, &message_HOOKS_SUBSCRIBE, &ask, ANSWER_MS, &f->arena, &reply),
               ERR_OK);
    assert_true(reply.on);
}

static uint64_t subscribed(struct fixture *f) {
    return number(f, "SELECT COUNT(*) FROM push_subscription");
}

static uint64_t web_push_hooks(struct fixture *f) {
    return number(f, "SELECT COUNT(*) FROM hook WHERE url = ''");
}

HOOKS_TEST(at_most_16_subscriptions_of_an_account) {
    for (uint64_t login = 1; login <= 17; login++) {
        log_in(f, 101, login, "3600000");
        subscribe(f, 101, login);
        assert_int_equal(subscribed(f), login < 17 ? login : 16);
    }
    assert_int_equal(number(f, "SELECT MIN(login) FROM push_subscription"), 2);
    test_database_run(f->database, "DELETE FROM token");
    TEST_UNTIL(subscribed(f) == 0, "ended ones stay");
}

HOOKS_TEST(subscriptions_end_with_their_logins_and_the_hook_with_the_last_one) {
    log_in(f, 101, 1, "3600000");
    log_in(f, 101, 2, "-1");
    const uint64_t deleted = UINT64_C(1) << 50; /* an account that is no more */
    subscribe(f, 101, 1);
    subscribe(f, 101, 2);
    subscribe(f, deleted, 3);
    TEST_UNTIL(subscribed(f) == 1, "ended ones stay");
    assert_int_equal(number(f, "SELECT login FROM push_subscription"), 1);
    assert_int_equal(web_push_hooks(f), 1);
    assert_err(add(f, (struct hooks_add){.name = slice_text("another")}), ERR_OK);
    test_database_run(f->database, "DELETE FROM token");
    TEST_UNTIL(web_push_hooks(f) == 0, "the hook stays");
    assert_int_equal(subscribed(f), 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM hook"), 1);
    log_in(f, 102, 4, "3600000");
    subscribe(f, 102, 4);
    assert_int_equal(web_push_hooks(f), 1);
    test_database_run(f->database, "DELETE FROM token");
    TEST_UNTIL(web_push_hooks(f) == 0, "the hook stays");
}

/* One behind the page is removed, too. */
HOOKS_TEST(subscriptions_are_tidied_page_by_page) {
    test_database_run(
        f->database,
        test_text("INSERT INTO push_subscription (account, login, endpoint, p256dh, auth,"
                  " created_ms) SELECT 200 + seq DIV 16, seq, CONCAT('https://a/', seq), '', '', 0"
                  " FROM seq_1_to_%d;"
                  "INSERT INTO token (hash, account, login, created_ms, expires_ms) SELECT"
                  " UNHEX(SHA2(seq, 256)), 200 + seq DIV 16, seq, 0, " DB_NOW_MS " + 3600000"
                  " FROM seq_1_to_%d",
                  SUBSCRIPTIONS_TIDY_ROWS + 100, SUBSCRIPTIONS_TIDY_ROWS + 99));
    TEST_UNTIL(subscribed(f) == SUBSCRIPTIONS_TIDY_ROWS + 99, "the last one stays");
    test_database_run(f->database, "DELETE FROM push_subscription; DELETE FROM token");
}

HOOKS_TEST(what_cannot_be_is_refused) {
    const struct hooks_add wrong[] = {
        {.name = slice_text("a b")},
        {.name = slice_text("web-push")},
        {.name = slice_text("a"), .url = slice_text("gopher://localhost/")},
        {.name = slice_text("a"), .url = slice_text("http://localhost:99999/")},
        {.name = slice_text("a"), .events = 64},
        {.name = slice_text("a"), .kinds = 64},
        {.name = slice_text("a"), .secret = slice_text("whsec_AAAA")},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_err(add(f, wrong[i]), ERR_BAD_REQUEST);
    assert_err(add(f, (struct hooks_add){.name = slice_text("a")}), ERR_OK);
    assert_err(add(f, (struct hooks_add){.name = slice_text("a")}), ERR_TAKEN);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM hook"), 1);
}

/* Of two instances one works; the other one goes on when it is gone. */
HOOKS_TEST(another_instance_takes_over) {
    struct service_process *first = f->hooks;
    caller_destroy(&f->caller);
    start_hooks(f);
    assert_err(add(f, (struct hooks_add){.name = slice_text("two")}), ERR_OK);
    say(f, "by-the-first");
    receiver_await(f->receiver, "by-the-first", 1);
    TEST_UNTIL(number(f, "SELECT told FROM hook") == 1, "its place is not noted");
    service_process_kill(&first);
    say(f, "by-the-second");
    receiver_await(f->receiver, "by-the-second", 1);
    assert_int_equal(receiver_with(f->receiver, "by-the-first"), 1);
}

int main(void) { return test_run_all(setup, teardown); }
