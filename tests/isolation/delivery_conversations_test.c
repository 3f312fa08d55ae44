/*
 * parley-delivery alone: delivery.conversations.
 */
#include "tests/support/delivery_puller.h"

static enum err try_list(struct delivery_fixture *f, struct delivery_conversations ask,
                         struct delivery_conversations_reply *reply_r) {
    *reply_r = (struct delivery_conversations_reply){.more = false};
    return test_caller_ask(f->caller, &message_DELIVERY_CONVERSATIONS, &ask, reply_r);
}

static const struct overview *item_of(const struct delivery_conversations_reply *reply,
                                      size_t index) {
    const struct overview *items = reply->conversations.items;
    assert_true(index < reply->conversations.count);
    return &items[index];
}

/* All of an account, which must be so many. */
static const struct overview *list_all(struct delivery_fixture *f, uint64_t account, size_t count) {
    static struct delivery_conversations_reply reply;
    assert_err(try_list(f, (struct delivery_conversations){.account = account}, &reply), ERR_OK);
    assert_int_equal(reply.conversations.count, count);
    assert_false(reply.more);
    return reply.conversations.items;
}

static struct entry last_of(const struct overview *item) {
    static struct record_arena arena;
    struct entry entry;
    const char *fault;
    record_arena_free(&arena);
    arena = (struct record_arena){0};
    assert_int_equal(record_unpack(&entry_desc, item->last, &arena, &entry, &fault), 0);
    return entry;
}

static void assert_last(const struct overview *item, uint64_t cid, const char *text) {
    struct entry entry = last_of(item);
    assert_int_equal(entry.cid, cid);
    assert_slice_text(entry.text, text);
}

/* An entry of another type. */
static void store_type(struct delivery_fixture *f, uint64_t conversation, uint64_t cid,
                       uint64_t sender, unsigned type) {
    store(f, conversation, cid, sender, "");
    sql_run(f->database, "UPDATE message SET type = %u WHERE cid = %" PRIu64, type, cid);
}

static void settle_all(struct delivery_fixture *f, uint64_t account) {
    sql_run(f->database,
            "UPDATE `cursor` c SET is_settled = TRUE, settled = LEAST(COALESCE(until, ~0),"
            " COALESCE((SELECT MAX(m.cid) FROM message m WHERE m.conversation = c.conversation),"
            " 0)) WHERE account = %" PRIu64,
            account);
}

/* --- which, and in which order ------------------------------------------------------------- */

DELIVERY_TEST(test_the_fields_of_a_row) {
    uint64_t ada = new_account(f->database, "ada-lists"),
             bob = new_account(f->database, "bob-listed");
    uint64_t carl = new_account(f->database, ""), members[] = {ada, bob};
    uint64_t group = new_group_of(f, "listed-group", members, 2);
    uint64_t pair = new_pair(f, ada, bob), other = new_pair(f, ada, carl);
    new_pair(f, ada, new_account(f->database, "")); /* it has no texts */
    sql_run(f->database,
            "UPDATE account SET name = 'Bob', avatar = 'face' WHERE number = %" PRIu64
            "; UPDATE conversation SET name = 'The group' WHERE id = %" PRIu64,
            bob, conversation_of_group(group));
    store(f, pair, 1001, bob, "hello");
    store(f, conversation_of_group(group), 1002, bob, "to all");
    store(f, other, 1003, ada, "to carl");
    sql_run(f->database,
            "UPDATE `cursor` SET received = 1001, quiet_until_ms = 77 WHERE account = %" PRIu64
            " AND conversation = %" PRIu64,
            ada, pair);
    for (int settled = 0; settled < 2; settled++) {
        const struct overview *items = list_all(f, ada, 3);
        assert_int_equal(items[0].conversation, other);
        assert_int_equal(items[0].peer, carl);
        assert_int_equal(items[0].peer_id.length, 0);
        assert_int_equal(items[0].unread, 0);
        assert_last(&items[0], 1003, "to carl");
        assert_int_equal(items[1].peer, group);
        assert_slice_text(items[1].peer_id, "listed-group");
        assert_slice_text(items[1].name, "The group");
        assert_int_equal(items[1].unread, 1);
        assert_last(&items[1], 1002, "to all");
        assert_int_equal(items[2].peer, bob);
        assert_slice_text(items[2].peer_id, "bob-listed");
        assert_slice_text(items[2].name, "Bob");
        assert_slice_text(items[2].avatar, "face");
        assert_int_equal(items[2].cid, 1001);
        assert_int_equal(items[2].received, 1001);
        assert_int_equal(items[2].quiet_until_ms, 77);
        assert_last(&items[2], 1001, "hello");
        settle_all(f, ada);
    }
    assert_int_equal(list_all(f, carl, 1)[0].peer, ada);
}

DELIVERY_TEST(test_pages) {
    enum { COUNT = LIST_MAX + 3 };
    struct delivery_conversations_reply reply;
    uint64_t ada = new_account(f->database, "");
    make_pairs(f, ada, COUNT);
    store_many(f, ada, 1, 10);
    /* Some are settled and some not. */
    settle_all(f, ada);
    sql_run(f->database,
            "UPDATE `cursor` SET is_settled = FALSE WHERE account = %" PRIu64
            " AND conversation %% 3 = 0",
            ada);
    struct delivery_conversations ask = {.account = ada};
    const struct {
        uint64_t limit;
        size_t count;
    } pages[] = {{0, 50}, {LIST_MAX, LIST_MAX}, {1, 1}};
    for (size_t i = 0; i < 3; i++) {
        ask.limit = pages[i].limit;
        assert_err(try_list(f, ask, &reply), ERR_OK);
        assert_int_equal(reply.conversations.count, pages[i].count);
        assert_true(reply.more);
    }
    size_t total = 0;
    uint64_t last = UINT64_MAX;
    ask.limit = 7;
    do {
        assert_err(try_list(f, ask, &reply), ERR_OK);
        for (size_t i = 0; i < reply.conversations.count; i++) {
            assert_true(item_of(&reply, i)->cid < last);
            last = item_of(&reply, i)->cid;
        }
        total += reply.conversations.count;
        ask.before = last;
    } while (reply.more);
    assert_int_equal(total, COUNT);
}

DELIVERY_TEST(test_bad_requests) {
    struct delivery_conversations_reply reply;
    uint64_t ada = new_account(f->database, "");
    assert_err(try_list(f, (struct delivery_conversations){.account = 0}, &reply), ERR_BAD_REQUEST);
    assert_err(
        try_list(f, (struct delivery_conversations){.account = ada, .limit = LIST_MAX + 1}, &reply),
        ERR_BAD_REQUEST);
    list_all(f, ada, 0);
    list_all(f, 12345, 0);
}

/* An account that left sees the texts until then, and none since. */
DELIVERY_TEST(test_one_that_left) {
    uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t id = conversation_of_group(new_group_of(f, "", members, 2));
    store(f, id, 2001, members[0], "before");
    store(f, id, 2003, members[0], "after");
    set_cursor(f, members[1], id, 0, 0, "2002");
    const struct overview *item = list_all(f, members[1], 1);
    assert_int_equal(item->cid, 2002);
    assert_int_equal(item->unread, 1);
    assert_last(item, 2001, "before");
    set_cursor(f, members[1], id, 2003, 2003, "NULL");
    list_all(f, members[1], 0);
}

/* A text by a writer of the release before is shown also to a settled account. */
DELIVERY_TEST(test_an_old_writer) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             pair = new_pair(f, ada, bob);
    store(f, pair, 3001, bob, "one");
    settle_all(f, ada);
    store(f, pair, 3002, bob, "two");
    sql_run(f->database, "UPDATE conversation SET writer = 5 WHERE id = %" PRIu64, pair);
    assert_int_equal(list_all(f, ada, 1)->cid, 3002);
    sql_run(f->database, "UPDATE conversation SET writer = 0 WHERE id = %" PRIu64, pair);
}

/* --- unread counts ------------------------------------------------------------------------- */

DELIVERY_TEST(test_unread) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             pair = new_pair(f, ada, bob);
    for (uint64_t cid = 4001; cid <= 4004; cid++)
        store(f, pair, cid, bob, "read and unread");
    store(f, pair, 4005, ada, "her own");
    store_type(f, pair, 4006, bob, ENTRY_RECALLED_TEXT);
    store_type(f, pair, 4007, bob, ENTRY_EDITED);
    sql_run(f->database,
            "UPDATE `cursor` SET seen = 4002 WHERE account = %" PRIu64
            " AND conversation = %" PRIu64 "; UPDATE message SET mentions = CONCAT(x'%016" PRIx64
            "', x'%016" PRIx64 "') WHERE cid = 4001 OR cid = 4003",
            ada, pair, bob, ada);
    const struct overview *item = list_all(f, ada, 1);
    assert_int_equal(item->unread, 2);
    assert_int_equal(item->mentions, 1);
    assert_int_equal(item->seen, 4002);
    assert_int_equal(item->cid, 4007);
    /* A change of a message is not shown as a message of its own. */
    assert_int_equal(last_of(item).cid, 4006);
    assert_int_equal(list_all(f, bob, 1)->unread, 1);
    sql_run(f->database, "UPDATE message SET mentions = x'%016x' WHERE cid = 4004", 0);
    assert_int_equal(list_all(f, ada, 1)->mentions, 2); /* all */
}

DELIVERY_TEST(test_texts_of_an_absence_are_not_unread) {
    uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t id = conversation_of_group(new_group_of(f, "", members, 2));
    for (uint64_t cid = 7001; cid <= 7004; cid++)
        store(f, id, cid, members[0], "text");
    assert_int_equal(list_all(f, members[1], 1)->unread, 4);
    sql_run(f->database, "INSERT INTO absence VALUES (%" PRIu64 ", %" PRIu64 ", 7001, 7003)",
            members[1], id);
    assert_int_equal(list_all(f, members[1], 1)->unread, 2);
}

DELIVERY_TEST(test_as_many_as_are_counted) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             pair = new_pair(f, ada, bob);
    for (unsigned count = UNREAD_MAX - 1; count <= UNREAD_MAX + 1; count++) {
        sql_run(f->database,
                "DELETE FROM message WHERE conversation = %" PRIu64
                "; INSERT INTO message (conversation, cid, time_ms, type, sender, mentions, body)"
                " SELECT %" PRIu64 ", 5000000 + seq, 1, 0, %" PRIu64 ", x'%016" PRIx64
                "', 'x' FROM seq_1_to_%u",
                pair, pair, bob, ada, count);
        const struct overview *item = list_all(f, ada, 1);
        assert_int_equal(item->unread, count < UNREAD_MAX ? count : UNREAD_MAX);
        assert_int_equal(item->mentions, item->unread);
    }
    /* Others' texts behind so many of her own are not looked for. */
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT %" PRIu64
            ", 6000000 + seq, 1, 0, %" PRIu64 ", 'x' FROM seq_1_to_%d",
            pair, ada, UNREAD_ROWS - 1);
    assert_int_equal(list_all(f, ada, 1)->unread, 1);
}

/* The list holds so many bytes of texts. */
DELIVERY_TEST(test_as_many_bytes_as_fit) {
    enum { LENGTH = 60000 };
    struct delivery_conversations_reply reply;
    uint64_t ada = new_account(f->database, "");
    make_pairs(f, ada, 6);
    store_many(f, ada, 1, LENGTH);
    struct delivery_conversations ask = {.account = ada};
    assert_err(try_list(f, ask, &reply), ERR_OK);
    assert_int_equal(reply.conversations.count, LIST_MAX_BYTES / LENGTH);
    assert_true(reply.more);
    ask.before = item_of(&reply, reply.conversations.count - 1)->cid;
    assert_err(try_list(f, ask, &reply), ERR_OK);
    assert_int_equal(reply.conversations.count, 6 - LIST_MAX_BYTES / LENGTH);
    assert_false(reply.more);
}

/* --- cost ---------------------------------------------------------------------------------- */

static uint64_t looked_at(struct delivery_fixture *f) {
    return sql_number(f->database,
                      "SELECT CAST(SUM(VARIABLE_VALUE) AS UNSIGNED) FROM"
                      " information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN"
                      " ('HANDLER_READ_KEY', 'HANDLER_READ_NEXT', 'HANDLER_READ_PREV')");
}

DELIVERY_TEST(test_the_cost_of_a_page_grows_with_its_rows) {
    enum { MANY = 5000, LISTED = 10, COST_OF_ONE = 60 };
    struct delivery_conversations_reply reply;
    uint64_t ada = new_account(f->database, ""), before, cost = UINT64_MAX;
    make_pairs(f, ada, MANY);
    store_many(f, ada, 2, 10);
    settle_all(f, ada);
    struct delivery_conversations ask = {.account = ada, .limit = LISTED};
    TEST_UNTIL((before = looked_at(f), assert_err(try_list(f, ask, &reply), ERR_OK),
                (cost = looked_at(f) - before) <= LISTED * COST_OF_ONE + 100),
               "a page of %d of %d conversations costs %" PRIu64 " keys and rows", LISTED, MANY,
               cost);
    assert_int_equal(reply.conversations.count, LISTED);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
