/*
 * parley-delivery alone: the cost of reading for an account that is in many conversations. After
 * the first page it is in proportion to new entries, not to conversations; so is the cost of
 * delivery.check. Costs are counted in rows and keys that MariaDB looks at.
 */
#include "tests/support/delivery_puller.h"

#define MANY 2000
/* The cost of one conversation: its cursor, head, absences and entry, with names and all. */
#define COST_OF_ONE 100

/* Rows and keys that the server has looked at, all connections together. */
static uint64_t looked_at(struct delivery_fixture *f) {
    return sql_number(f->database,
                      "SELECT CAST(SUM(VARIABLE_VALUE) AS UNSIGNED) FROM"
                      " information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN"
                      " ('HANDLER_READ_KEY', 'HANDLER_READ_NEXT', 'HANDLER_READ_PREV')");
}

static void ask_pull(struct delivery_fixture *f, const struct delivery_pull *ask,
                     struct delivery_pull_reply *reply_r) {
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_PULL, ask, reply_r), ERR_OK);
}

/* An account in MANY conversations, with an entry in each. */
static uint64_t busy_account(struct delivery_fixture *f) {
    uint64_t ada = new_account(f->database, "");
    make_pairs(f, ada, MANY);
    store_many(f, ada, 1, 10);
    return ada;
}

static uint64_t cost_of_pull(struct delivery_fixture *f, const struct delivery_pull *ask,
                             struct delivery_pull_reply *reply_r) {
    uint64_t before = looked_at(f);
    ask_pull(f, ask, reply_r);
    return looked_at(f) - before;
}

/* --- pulls --------------------------------------------------------------------------------- */

DELIVERY_TEST(test_the_first_page_names_conversations_with_more) {
    struct puller *puller = puller_of(busy_account(f), false);
    size_t left = MANY;
    for (bool first = true; left > 0; first = false) {
        size_t count = pull(f, puller);
        assert_true(count > 0 && count <= left);
        left -= count;
        assert_true(puller->reply.complete);
        assert_int_equal(puller->reply.behind.count, left);
        assert_int_equal(puller->reply.count, MANY);
        take_page(puller);
        assert_true(first || puller->reply.conversations.count == MANY);
    }
}

DELIVERY_TEST(test_a_page_of_one_costs_one) {
    uint64_t ada = busy_account(f);
    uint64_t one = sql_number(
        f->database, "SELECT MAX(conversation) FROM `cursor` WHERE account = %" PRIu64, ada);
    uint64_t position = 0;
    struct delivery_pull ask = {.account = ada, .resumed = true};
    struct delivery_pull_reply reply;
    uint64_t of_all = cost_of_pull(f, &ask, &reply);
    assert_true(reply.entries.count > 0 && reply.behind.count > 0);
    assert_true(of_all >= MANY);
    ask.listed = true;
    ask.conversations = (struct u64_list){&one, 1};
    ask.positions = (struct u64_list){&position, 1};
    /* Other programs use the server, too: one quiet moment shows the cost of the page by itself. */
    uint64_t of_one = UINT64_MAX;
    TEST_UNTIL((of_one = cost_of_pull(f, &ask, &reply)) <= COST_OF_ONE,
               "a page of %d conversations costs %" PRIu64 " keys and rows, of one %" PRIu64, MANY,
               of_all, of_one);
    assert_int_equal(reply.entries.count, 1);
    assert_true(reply.complete);
    assert_int_equal(reply.behind.count, 0);
    assert_int_equal(reply.conversations.count, 0);
}

/* One without a position is read from the cursor, and the page tells where that is. */
DELIVERY_TEST(test_a_fresh_one_is_read_from_its_cursor) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t pair = new_pair(f, ada, bob), other = new_pair(f, ada, new_account(f->database, ""));
    for (uint64_t i = 1; i <= 3; i++) {
        store(f, pair, i, bob, "hello");
        store(f, other, 10 + i, bob, "not asked for");
    }
    set_cursor(f, ada, pair, 0, 2, "NULL");
    struct delivery_pull ask = {.account = ada, .listed = true, .fresh = {&pair, 1}};
    struct delivery_pull_reply reply;
    ask_pull(f, &ask, &reply);
    assert_int_equal(reply.entries.count, 1);
    assert_int_equal(reply.conversations.count, 1);
    assert_int_equal(reply.conversations.items[0], pair);
    assert_int_equal(reply.positions.items[0], 2);
    assert_true(reply.complete);
    assert_int_equal(reply.behind.count, 0);
    ask.resumed = true; /* it began after the connection did: all of it */
    ask_pull(f, &ask, &reply);
    assert_int_equal(reply.entries.count, 3);
    assert_int_equal(reply.conversations.count, 0);
}

/* Where the entry with which an account left is removed, so is all before it: nothing is left. */
DELIVERY_TEST(test_an_end_without_a_row_is_an_end) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             pair = new_pair(f, ada, bob);
    store(f, pair, 5, bob, "before");
    set_cursor(f, ada, pair, 0, 0, "7");
    struct puller *puller = puller_of(ada, false);
    expect_pulled(f, puller, 5);
    assert_int_equal(puller->reply.behind.count, 0);
    store(f, pair, 9, bob, "behind");
    sql_run(f->database, "DELETE FROM message WHERE cid = 5");
    assert_int_equal(pull(f, puller), 0);
    assert_true(puller->reply.complete);
    assert_int_equal(puller->reply.behind.count, 0);
}

DELIVERY_TEST(test_a_list_of_nothing_reads_nothing) {
    uint64_t ada = busy_account(f), strange = 12345;
    struct delivery_pull ask = {.account = ada, .resumed = true, .listed = true};
    struct delivery_pull_reply reply;
    ask_pull(f, &ask, &reply);
    assert_int_equal(reply.entries.count, 0);
    ask.fresh = (struct u64_list){&strange, 1};
    ask_pull(f, &ask, &reply);
    assert_int_equal(reply.entries.count, 0);
    assert_true(reply.complete);
    assert_int_equal(reply.behind.count, 0);
}

/* --- delivery.check ------------------------------------------------------------------------ */

DELIVERY_TEST(test_a_check_names_conversations_that_are_further) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             carl = new_account(f->database, "");
    uint64_t conversations[] = {new_pair(f, ada, bob), new_pair(f, ada, carl), 999999999,
                                new_pair(f, bob, carl)};
    uint64_t cids[] = {5, 7, 0, 0}, accounts[] = {carl, ada, 12345, bob}, counts[] = {2, 1, 0, 3};
    store(f, conversations[0], 5, ada, "known");
    store(f, conversations[1], 7, ada, "known");
    store(f, conversations[1], 8, ada, "not known");
    store(f, conversations[3], 9, carl, "the first");
    struct delivery_check ask = {.accounts = {accounts, 4},
                                 .counts = {counts, 4},
                                 .conversations = {conversations, 4},
                                 .cids = {cids, 4}};
    struct delivery_check_reply reply;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_CHECK, &ask, &reply), ERR_OK);
    assert_int_equal(reply.accounts.count, 2); /* ada is in two, bob in two */
    assert_int_equal(reply.accounts.items[0] + reply.accounts.items[1], ada + bob);
    assert_int_equal(reply.conversations.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(reply.heads.items[i],
                         reply.conversations.items[i] == conversations[1] ? 8 : 9);
    ask.counts.count = 3;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_CHECK, &ask, &reply), ERR_BAD_REQUEST);
    ask.counts.count = 4;
    ask.cids.count = 3;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_CHECK, &ask, &reply), ERR_BAD_REQUEST);
}

DELIVERY_TEST(test_a_check_of_nothing) {
    struct delivery_check ask = {.accounts = {NULL, 0}};
    struct delivery_check_reply reply;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_CHECK, &ask, &reply), ERR_OK);
    assert_int_equal(reply.accounts.count, 0);
    assert_int_equal(reply.conversations.count, 0);
}

/* As many as one request holds. */
DELIVERY_TEST(test_a_check_of_many) {
    enum { MOST = 8192 };
    static uint64_t conversations[MOST], cids[MOST];
    uint64_t ada = busy_account(f);
    uint64_t last = sql_number(
        f->database, "SELECT MAX(conversation) FROM `cursor` WHERE account = %" PRIu64, ada);
    for (size_t i = 0; i < MOST; i++) {
        conversations[i] = last - MOST + 1 + i;
        cids[i] = i % 2 == 0 ? 0 : RECORD_NUMBER_MOST;
    }
    struct delivery_check ask = {.conversations = {conversations, MOST}, .cids = {cids, MOST}};
    struct delivery_check_reply reply;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_CHECK, &ask, &reply), ERR_OK);
    assert_int_equal(reply.conversations.count, MANY / 2);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
