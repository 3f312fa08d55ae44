/*
 * parley-delivery alone: delivery.send: stored rows, answers, refusals and routed entries.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "tests/support/delivery_fixture.h"

static uint64_t pair_of(struct delivery_fixture *f, uint64_t a, uint64_t b) {
    return sql_number(f->database,
                      "SELECT id FROM conversation WHERE kind = 0 AND lo = LEAST(%" PRIu64
                      ", %" PRIu64 ") AND hi = GREATEST(%" PRIu64 ", %" PRIu64 ")",
                      a, b, a, b);
}

/* That the log holds this row, a text, once. */
static void assert_stored(struct delivery_fixture *f, const struct entry *entry,
                          const char *nonce) {
    char hex[2 * NONCE_BYTES + 1];
    for (size_t i = 0; i < NONCE_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)(unsigned char)nonce[i]);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64
                                " AND cid = %" PRIu64 " AND time_ms = %" PRIu64
                                " AND type = 0 AND sender = %" PRIu64 " AND nonce = x'%s'"
                                " AND subject IS NULL AND accepted IS NULL AND body = '%.*s'",
                                entry->conversation, entry->cid, entry->time_ms, entry->from, hex,
                                (int)entry->text.length, entry->text.data),
                     1);
}

/* --- to one person ------------------------------------------------------------------------- */

DELIVERY_TEST(test_the_first_text_makes_the_conversation) {
    struct delivery_send_reply reply;
    struct letter letter;
    uint64_t ada = new_account(f->database, "ada"), bob = new_account(f->database, ""),
             rows = delivery_rows(f);
    int64_t before_ms = loop_wall_ms();
    letter_one(f, &letter, bob, ada, 0, "hello");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(conversation_kind(reply.conversation), CONVERSATION_PAIR);
    assert_int_equal(reply.cids.count, 1);
    assert_int_equal(reply.times_ms.count, 1);
    assert_true(reply.cids.items[0] > 0);
    assert_in_range(reply.times_ms.items[0], before_ms, loop_wall_ms());
    assert_int_equal(reply.repeats, 0);
    assert_int_equal(pair_of(f, ada, bob), reply.conversation);
    assert_int_equal(delivery_rows(f), rows + 4);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64
                                " AND account IN (%" PRIu64 ", %" PRIu64
                                ") AND since = 0 AND received = 0 AND until IS NULL",
                                reply.conversation, ada, bob),
                     2);
    struct entry entry = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    assert_int_equal(entry.conversation, reply.conversation);
    assert_int_equal(entry.cid, reply.cids.items[0]);
    assert_int_equal(entry.prev, 0);
    assert_int_equal(entry.time_ms, reply.times_ms.items[0]);
    assert_int_equal(entry.type, ENTRY_TEXT);
    assert_int_equal(entry.from, bob);
    assert_int_equal(entry.to, ada);
    assert_int_equal(entry.subject, 0);
    assert_int_equal(entry.from_id.length, 0);
    assert_slice_text(entry.text, "hello");
    assert_stored(f, &entry, letter.nonce_bytes[0]);
}

DELIVERY_TEST(test_both_sides_write_to_one_conversation) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""), prev = 0,
             conversation = 0;
    for (unsigned i = 0; i < 6; i++) {
        uint64_t from = i % 2 == 0 ? ada : bob, to = i % 2 == 0 ? bob : ada;
        uint64_t cid = say(f, from, to, 0, "text");
        struct entry entry = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
        assert_int_equal(entry.cid, cid);
        assert_int_equal(entry.prev, prev);
        assert_int_equal(entry.from, from);
        assert_int_equal(entry.to, to);
        assert_true(cid > prev);
        assert_true(conversation == 0 || conversation == entry.conversation);
        conversation = entry.conversation;
        prev = cid;
    }
    assert_int_equal(stored_in(f->database, conversation), 6);
}

DELIVERY_TEST(test_the_senders_string_id_travels) {
    struct letter letter;
    uint64_t ada = new_account(f->database, "ada the second"), bob = new_account(f->database, "");
    letter_one(f, &letter, ada, bob, 0, "hello");
    letter.body.account_id = slice_text("ada the second");
    assert_err(ask_send(f->caller, &letter, NULL), ERR_OK);
    struct entry entry = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    assert_slice_text(entry.from_id, "ada the second");
}

DELIVERY_TEST(test_many_texts_in_one_request) {
    static struct letter letter;
    static char texts[DELIVERY_SEND_MAX][16];
    struct delivery_send_reply reply;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""), prev;
    prev = say(f, bob, ada, 0, "before");
    skip_routed(f, 1);
    letter_begin(&letter, ada, bob, 0);
    for (unsigned i = 0; i < DELIVERY_SEND_MAX; i++) {
        snprintf(texts[i], sizeof texts[i], "text %u", i);
        letter_add(f, &letter, texts[i]);
    }
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.count, DELIVERY_SEND_MAX);
    assert_int_equal(reply.times_ms.count, DELIVERY_SEND_MAX);
    for (unsigned i = 0; i < DELIVERY_SEND_MAX; i++) {
        struct entry entry = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
        assert_int_equal(entry.cid, reply.cids.items[i]);
        assert_int_equal(entry.time_ms, reply.times_ms.items[i]);
        assert_int_equal(entry.prev, prev);
        assert_true(entry.cid > prev);
        assert_slice_text(entry.text, texts[i]);
        assert_stored(f, &entry, letter.nonce_bytes[i]);
        prev = entry.cid;
    }
    assert_int_equal(stored_in(f->database, reply.conversation), DELIVERY_SEND_MAX + 1);
}

/* --- to a group ---------------------------------------------------------------------------- */

DELIVERY_TEST(test_a_group) {
    struct delivery_send_reply reply;
    uint64_t members[] = {new_account(f->database, ""), new_account(f->database, ""),
                          new_account(f->database, "")};
    uint64_t stranger = new_account(f->database, ""),
             group = new_group_of(f, "stammtisch", members, 3);
    uint64_t decimal = new_group_of(f, "", members, 2);
    assert_err(try_send(f, members[1], 0, group, "evening", &reply), ERR_OK);
    assert_int_equal(reply.conversation, conversation_of_group(group));
    uint64_t cid = reply.cids.items[0];
    struct entry entry = expect_text_routed(f, members, 3);
    assert_int_equal(entry.conversation, conversation_of_group(group));
    assert_int_equal(entry.cid, cid);
    assert_int_equal(entry.prev, 0);
    assert_int_equal(entry.from, members[1]);
    assert_int_equal(entry.to, group);
    assert_slice_text(entry.to_id, "stammtisch");
    assert_slice_text(entry.text, "evening");
    assert_err(try_send(f, stranger, 0, group, "let me in", NULL), ERR_NOT_MEMBER);
    say(f, members[0], 0, decimal, "to fewer");
    assert_int_equal(expect_text_routed(f, members, 2).to_id.length, 0);
    say(f, members[2], 0, group, "again");
    assert_int_equal(expect_text_routed(f, members, 3).prev, cid);
}

/* Both instances have it in their caches. */
DELIVERY_TEST(test_members_come_and_go) {
    uint64_t a = new_account(f->database, ""), b = new_account(f->database, ""),
             c = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", (uint64_t[]){a, b}, 2);
    uint16_t port = test_free_port();
    struct service_process *second = start_delivery(f, port, NULL, NULL, NULL);
    struct test_caller *callers[] = {f->caller, test_caller_new("other", port)};
    struct letter letter;
    for (unsigned round = 0; round < 6; round++) {
        struct test_caller *caller = callers[round % 2];
        letter_one(f, &letter, b, 0, group, "of three or two");
        assert_err(ask_send(caller, &letter, NULL), ERR_OK);
        expect_text_routed(f, (uint64_t[]){a, b}, 2);
        join(f, group, c);
        letter_one(f, &letter, c, 0, group, "here I am");
        assert_err(ask_send(caller, &letter, NULL), ERR_OK);
        expect_text_routed(f, (uint64_t[]){a, b, c}, 3);
        leave(f, group, b);
        letter_one(f, &letter, b, 0, group, "but I am here");
        assert_err(ask_send(caller, &letter, NULL), ERR_NOT_MEMBER);
        letter_one(f, &letter, c, 0, group, "no more");
        assert_err(ask_send(caller, &letter, NULL), ERR_OK);
        expect_text_routed(f, (uint64_t[]){a, c}, 2);
        leave(f, group, c);
        sql_run(f->database, "DELETE FROM `cursor` WHERE account IN (%" PRIu64 ", %" PRIu64 ")", b,
                c);
        join(f, group, b);
    }
    test_caller_destroy(&callers[1]);
    assert_int_equal(service_process_stop(&second), 0);
}

/* --- refusals ------------------------------------------------------------------------------ */

DELIVERY_TEST(test_receivers_that_do_not_exist) {
    uint64_t ada = new_account(f->database, ""), group = new_group_of(f, "", &ada, 1);
    uint64_t gone = new_group_of(f, "", &ada, 1), empty = new_group_of(f, "", NULL, 0);
    say(f, ada, 0, gone, "farewell");
    say(f, ada, 0, group, "hello");
    skip_routed(f, 2);
    sql_run(f->database,
            "UPDATE conversation SET dissolved = 1, version = version + 1 WHERE id = %" PRIu64,
            conversation_of_group(gone));
    uint64_t rows = delivery_rows(f);
    assert_err(try_send(f, ada, ada, 0, "me", NULL), ERR_TO_ONESELF);
    const uint64_t no_accounts[] = {1,     FIRST_ACCOUNT - 1,           NUMBER_LIMIT, UINT64_MAX,
                                    group, conversation_of_group(group)};
    for (size_t i = 0; i < sizeof no_accounts / sizeof no_accounts[0]; i++) {
        assert_err(try_send(f, ada, no_accounts[i], 0, "text", NULL), ERR_NO_ACCOUNT);
        assert_err(try_send(f, no_accounts[i], ada, 0, "text", NULL), ERR_NO_ACCOUNT);
    }
    const uint64_t no_groups[] = {1,
                                  gone,
                                  ada,
                                  NUMBER_LIMIT,
                                  conversation_of_group(group),
                                  ((uint64_t)2 << 60) | group,
                                  UINT64_MAX};
    for (size_t i = 0; i < sizeof no_groups / sizeof no_groups[0]; i++)
        assert_err(try_send(f, ada, 0, no_groups[i], "text", NULL), ERR_NO_GROUP);
    assert_err(try_send(f, ada, 0, empty, "text", NULL), ERR_NOT_MEMBER);
    assert_err(try_send(f, 1, 0, group, "text", NULL), ERR_NOT_MEMBER);
    assert_int_equal(delivery_rows(f), rows);
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_blocked) {
    uint64_t lo = new_account(f->database, ""), hi = new_account(f->database, "");
    say(f, lo, hi, 0, "hello");
    uint64_t conversation = expect_text_routed(f, (uint64_t[]){lo, hi}, 2).conversation;
    for (unsigned blocked = 0; blocked <= 3; blocked++) {
        sql_run(f->database, "UPDATE conversation SET blocked = %u WHERE id = %" PRIu64, blocked,
                conversation);
        enum err from_lo = try_send(f, lo, hi, 0, "from lo", NULL);
        enum err from_hi = try_send(f, hi, lo, 0, "from hi", NULL);
        assert_err(from_lo, (blocked & 1) != 0 ? ERR_BLOCKED : ERR_OK);
        assert_err(from_hi, (blocked & 2) != 0 ? ERR_BLOCKED : ERR_OK);
        skip_routed(f, (size_t)(from_lo == ERR_OK) + (from_hi == ERR_OK));
    }
    assert_int_equal(stored_in(f->database, conversation), 5);
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_malformed) {
    static struct letter letter;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", &ada, 1), rows = delivery_rows(f);
    const uint64_t parties[][3] = {{ada, 0, 0}, {ada, bob, group}, {0, bob, 0}, {0, 0, group}};
    for (size_t i = 0; i < sizeof parties / sizeof parties[0]; i++)
        assert_err(try_send(f, parties[i][0], parties[i][1], parties[i][2], "text", NULL),
                   ERR_BAD_REQUEST);
    for (size_t length = 0; length <= 2 * NONCE_BYTES; length++) {
        letter_begin(&letter, ada, bob, 0);
        letter_add(f, &letter, "good");
        letter_add(f, &letter, "bad");
        letter.nonces[1].length = length;
        if (length != NONCE_BYTES)
            assert_err(ask_send(f->caller, &letter, NULL), ERR_BAD_REQUEST);
    }
    letter.nonces[1].length = NONCE_BYTES;
    for (size_t texts = 0; texts <= 2; texts++) {
        letter.body.texts.count = texts;
        letter.body.nonces.count = 2 - texts; /* 1 and 1 are as many */
        if (texts != 1)
            assert_err(ask_send(f->caller, &letter, NULL), ERR_BAD_REQUEST);
    }
    letter_begin(&letter, ada, bob, 0);
    assert_err(ask_send(f->caller, &letter, NULL), ERR_BAD_REQUEST);
    letter_add(f, &letter, "good");
    letter_add(f, &letter, "");
    assert_err(ask_send(f->caller, &letter, NULL), ERR_BAD_REQUEST);
    letter_begin(&letter, ada, bob, 0);
    for (unsigned i = 0; i <= DELIVERY_SEND_MAX; i++)
        letter_add(f, &letter, "one too many");
    assert_err(ask_send(f->caller, &letter, NULL), ERR_BAD_REQUEST);
    assert_int_equal(delivery_rows(f), rows);
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_long_texts) {
    static struct letter letter;
    static char text[TEXT_MAX_BYTES + 1];
    struct delivery_send_reply reply;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             rows = delivery_rows(f);
    memset(text, '\'', sizeof text); /* in SQL each becomes two */
    letter_begin(&letter, ada, bob, 0);
    letter_add_slice(f, &letter, slice_make(text, TEXT_MAX_BYTES + 1));
    assert_err(ask_send(f->caller, &letter, NULL), ERR_BAD_REQUEST);
    assert_int_equal(delivery_rows(f), rows);
    letter_begin(&letter, ada, bob, 0);
    for (unsigned i = 0; i < DELIVERY_SEND_MAX; i++)
        letter_add_slice(f, &letter, slice_make(text, TEXT_MAX_BYTES));
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.count, DELIVERY_SEND_MAX);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64
                                " AND body = REPEAT('\\'', %d)",
                                reply.conversation, TEXT_MAX_BYTES),
                     DELIVERY_SEND_MAX);
    for (unsigned i = 0; i < DELIVERY_SEND_MAX; i++) {
        struct entry entry = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
        assert_int_equal(entry.text.length, TEXT_MAX_BYTES);
        assert_memory_equal(entry.text.data, text, TEXT_MAX_BYTES);
    }
}

/* While the only writer waits, requests gather to one batch; a refused one takes none with it. */
DELIVERY_TEST(test_a_refusal_in_a_batch) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             stranger = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, bob}, 2);
    const uint64_t sends[][3] = {{ada, bob, 0},      {ada, 0, group}, {stranger, 0, group},
                                 {bob, 1, 0},        {bob, 0, 12345}, {bob, 0, group},
                                 {stranger, ada, 0}, {bob, ada, 0}};
    static const enum err outcomes[] = {ERR_OK,       ERR_OK, ERR_NOT_MEMBER, ERR_NO_ACCOUNT,
                                        ERR_NO_GROUP, ERR_OK, ERR_OK,         ERR_OK};
    enum { COUNT = sizeof outcomes / sizeof outcomes[0] };
    struct test_caller *callers[COUNT];
    uint16_t port = test_free_port();
    struct service_process *single = start_delivery(f, port, "--writers=1", NULL, NULL);
    struct letter letter;
    say(f, ada, bob, 0, "there it is");
    uint64_t conversation = expect_text_routed(f, (uint64_t[]){ada, bob}, 2).conversation;
    struct db *holder = hold(f->database, conversation);
    struct test_caller *observer = test_caller_new("observer", port);
    for (size_t i = 0; i < COUNT; i++) {
        callers[i] = test_caller_new(test_text("caller-%zu", i), port);
        letter_one(f, &letter, sends[i][0], sends[i][1], sends[i][2], "text");
        test_caller_start(callers[i], &message_DELIVERY_SEND, &letter.body);
        wait_for_calls(observer, i + 1);
    }
    let_go(&holder);
    for (size_t i = 0; i < COUNT; i++) {
        assert_err(test_caller_finish(callers[i], &message_DELIVERY_SEND, NULL), outcomes[i]);
        test_caller_destroy(&callers[i]);
    }
    assert_in_range(test_caller_metric(observer, "batches_total"), 1, 2);
    assert_int_equal(test_caller_metric(observer, "messages_total"), 5);
    skip_routed(f, 5);
    test_caller_destroy(&observer);
    assert_int_equal(service_process_stop(&single), 0);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
