/*
 * parley-delivery alone: messages to all, and how much of them each account reads. An account's
 * cursor in that conversation is made when it first looks.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "tests/support/delivery_fixture.h"

#define MAX_ENTRIES 256

/* The last page; what it points to lives until the next request. */
struct page {
    struct delivery_pull_reply reply;
    struct entry entries[MAX_ENTRIES];
};

/* Pulls without positions; how many entries there are. */
static size_t pull_at(struct test_caller *caller, uint64_t account, bool resumed,
                      struct page *page) {
    static struct record_arena arena;
    struct delivery_pull ask = {.account = account, .resumed = resumed};
    const char *fault;
    record_arena_free(&arena);
    assert_err(test_caller_ask(caller, &message_DELIVERY_PULL, &ask, &page->reply), ERR_OK);
    assert_in_range(page->reply.entries.count, 0, MAX_ENTRIES);
    for (size_t i = 0; i < page->reply.entries.count; i++)
        assert_int_equal(record_unpack(&entry_desc, page->reply.entries.items[i], &arena,
                                       &page->entries[i], &fault),
                         0);
    return page->reply.entries.count;
}

static size_t pull(struct delivery_fixture *f, uint64_t account, struct page *page) {
    return pull_at(f->caller, account, false, page);
}

/* Stores as group does it; its cid. */
static uint64_t say_to_all(struct delivery_fixture *f, uint64_t time_ms, const char *text) {
    sql_run(f->database,
            "INSERT IGNORE INTO conversation (id, kind, lo, hi, created_ms) VALUES (%" PRIu64
            ", 3, 0, 0, 1); INSERT INTO message (conversation, cid, time_ms, type, sender, subject,"
            " about, accepted, body) SELECT %" PRIu64 ", NEXT VALUE FOR cid_block, %" PRIu64
            ", 14, 0, 0, 0, 0, '%s'",
            CONVERSATION_OF_ALL, CONVERSATION_OF_ALL, time_ms, text);
    return sql_number(f->database, "SELECT MAX(cid) FROM message WHERE conversation = %" PRIu64,
                      CONVERSATION_OF_ALL);
}

static uint64_t new_account_at(struct delivery_fixture *f, uint64_t created_ms) {
    uint64_t account = new_account(f->database, "");
    sql_run(f->database, "UPDATE account SET created_ms = %" PRIu64 " WHERE number = %" PRIu64,
            created_ms, account);
    return account;
}

static void assert_cursor(struct delivery_fixture *f, uint64_t account, uint64_t since,
                          uint64_t received) {
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64
                                " AND account = %" PRIu64 " AND since = %" PRIu64
                                " AND received = %" PRIu64 " AND until IS NULL",
                                CONVERSATION_OF_ALL, account, since, received),
                     1);
}

static void advance(struct delivery_fixture *f, uint64_t account, uint64_t cid) {
    uint64_t conversation = CONVERSATION_OF_ALL;
    struct delivery_advance ask = {
        .accounts = {&account, 1}, .conversations = {&conversation, 1}, .cids = {&cid, 1}};
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_ADVANCE, &ask, NULL), ERR_OK);
}

/* --- tests --------------------------------------------------------------------------------- */

/* The first test: no message to all has been stored before. */
DELIVERY_TEST(test_no_message_to_all) {
    struct page page;
    uint64_t ada = new_account(f->database, ""), rows = delivery_rows(f);
    assert_int_equal(pull(f, ada, &page), 0);
    assert_int_equal(page.reply.conversations.count, 0);
    assert_int_equal(delivery_rows(f), rows);
}

DELIVERY_TEST(test_an_account_reads_messages_since_it_was_made) {
    struct page page;
    uint64_t first = say_to_all(f, 1000, "first"), second = say_to_all(f, 2000, "it’s the second");
    uint64_t old = new_account_at(f, 900), same = new_account_at(f, 2000),
             late = new_account_at(f, 2001);
    assert_int_equal(pull(f, old, &page), 2);
    const struct entry *entry = &page.entries[1];
    assert_int_equal(page.entries[0].cid, first);
    assert_int_equal(entry->conversation, CONVERSATION_OF_ALL);
    assert_int_equal(entry->cid, second);
    assert_int_equal(entry->type, ENTRY_SYSTEM);
    assert_int_equal(entry->time_ms, 2000);
    assert_int_equal(entry->from + entry->to + entry->subject, 0);
    assert_int_equal(entry->from_id.length + entry->to_id.length + entry->subject_id.length, 0);
    assert_slice_text(entry->text, "it’s the second");
    assert_int_equal(page.reply.conversations.count, 1);
    assert_int_equal(page.reply.conversations.items[0], CONVERSATION_OF_ALL);
    assert_int_equal(page.reply.positions.items[0], 0);
    assert_cursor(f, old, 0, 0);
    /* A message of the same moment counts as a later one. */
    assert_int_equal(pull(f, same, &page), 1);
    assert_int_equal(page.entries[0].cid, second);
    assert_int_equal(page.reply.positions.items[0], first);
    assert_cursor(f, same, first, first);
    assert_int_equal(pull(f, late, &page), 0);
    assert_int_equal(page.reply.conversations.count, 1);
    assert_int_equal(page.reply.positions.items[0], second);
    assert_cursor(f, late, second, second);
    /* The cursor is there now, and stays where it is. */
    uint64_t rows = delivery_rows(f), third = say_to_all(f, 3000, "third");
    assert_int_equal(pull(f, late, &page), 1);
    assert_int_equal(page.entries[0].cid, third);
    assert_cursor(f, late, second, second);
    assert_int_equal(delivery_rows(f), rows + 1);
}

DELIVERY_TEST(test_once_per_account) {
    struct page page;
    uint64_t cid = say_to_all(f, 5000, "once"), ada = new_account_at(f, 4500);
    assert_int_equal(pull(f, ada, &page), 1);
    assert_int_equal(pull(f, ada, &page), 1);
    uint64_t since = page.reply.positions.items[0];
    advance(f, ada, cid);
    assert_cursor(f, ada, since, cid);
    assert_int_equal(pull(f, ada, &page), 0);
}

/* They are read with the account's other entries, in the order of cid; on a resumed connection,
 * too. */
DELIVERY_TEST(test_among_other_conversations) {
    struct page page;
    uint64_t ada = new_account_at(f, 6000), bob = new_account_at(f, 6000);
    uint64_t before = say(f, bob, ada, 0, "before");
    uint64_t cid = say_to_all(f, 6000, "in between"), after = say(f, ada, bob, 0, "after");
    skip_routed(f, 2);
    const uint64_t people[] = {ada, bob, ada, bob};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pull_at(f->caller, people[i], i >= 2, &page), 3);
        assert_int_equal(page.entries[0].cid, before);
        assert_int_equal(page.entries[1].cid, cid);
        assert_int_equal(page.entries[2].cid, after);
    }
    expect_no_text_routed(f);
}

/* A resumed connection that had no position in it when it was made. */
DELIVERY_TEST(test_a_resumed_connection_looks_first) {
    struct page page;
    uint64_t ada = new_account_at(f, 7000), cid = say_to_all(f, 7000, "resumed");
    assert_int_equal(pull_at(f->caller, ada, true, &page), 1);
    assert_int_equal(page.entries[0].cid, cid);
    assert_int_equal(page.reply.conversations.count, 0);
}

DELIVERY_TEST(test_two_connections_look_at_once) {
    struct test_caller *other = test_caller_new("other", f->port);
    uint64_t cid = say_to_all(f, 8000, "to both");
    for (unsigned round = 0; round < 20; round++) {
        uint64_t ada = new_account_at(f, 8000);
        struct delivery_pull ask = {.account = ada};
        struct delivery_pull_reply one, two;
        test_caller_start(f->caller, &message_DELIVERY_PULL, &ask);
        test_caller_start(other, &message_DELIVERY_PULL, &ask);
        assert_err(test_caller_finish(f->caller, &message_DELIVERY_PULL, &one), ERR_OK);
        assert_err(test_caller_finish(other, &message_DELIVERY_PULL, &two), ERR_OK);
        assert_int_equal(one.entries.count, 1);
        assert_int_equal(two.entries.count, 1);
        assert_true(slice_equal(one.entries.items[0], two.entries.items[0]));
        assert_cursor(f, ada, one.positions.items[0], one.positions.items[0]);
    }
    assert_true(cid > 0);
    test_caller_destroy(&other);
}

/* The row that all read from is locked while somebody speaks: no reader waits for that. */
DELIVERY_TEST(test_a_speaker_holds_nobody_up) {
    struct page page;
    uint64_t ada = new_account_at(f, 9000);
    say_to_all(f, 9000, "heard");
    struct db *holder = hold(f->database, CONVERSATION_OF_ALL);
    assert_int_equal(pull(f, ada, &page), 1);
    let_go(&holder);
}

DELIVERY_TEST(test_nobody_reads_nothing) {
    struct page page;
    say_to_all(f, 9000, "to those who exist");
    uint64_t rows = delivery_rows(f);
    const uint64_t nobody[] = {0, 1, NUMBER_LIMIT, UINT64_MAX};
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        assert_int_equal(pull(f, nobody[i], &page), 0);
        assert_int_equal(page.reply.conversations.count, 0);
    }
    assert_int_equal(delivery_rows(f), rows);
}

/* A reader that was connected when it was stored has no cursor there yet when its arrival is
 * reported. */
DELIVERY_TEST(test_a_pushed_message_to_all_is_not_read_again) {
    struct page page;
    uint64_t ada = new_account_at(f, 20000);
    uint64_t cid = say_to_all(f, 20000, "pushed");
    advance(f, ada, cid);
    assert_int_equal(pull(f, ada, &page), 0);
    say_to_all(f, 20001, "later");
    assert_int_equal(pull(f, ada, &page), 1);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
