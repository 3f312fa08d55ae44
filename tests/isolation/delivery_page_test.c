/*
 * parley-delivery alone: delivery.pull, how entries are cut into pages.
 */
#include "proto/conversation.h"
#include "tests/support/delivery_puller.h"

DELIVERY_TEST(test_pages_of_one_conversation) {
    uint64_t ada = new_account(f->database, "");
    new_pair(f, ada, new_account(f->database, ""));
    store_many(f, ada, 2 * PAGE_ENTRIES + 10, 5);
    struct puller *puller = puller_of(ada, false);
    const size_t counts[] = {PAGE_ENTRIES, PAGE_ENTRIES, 10, 0};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pull(f, puller), counts[i]);
        take_page(puller);
    }
}

/* Entries are in the order of their cids, also from page to page. */
DELIVERY_TEST(test_a_backlog_of_many_conversations) {
    uint64_t ada = new_account(f->database, ""), last = 0;
    make_pairs(f, ada, 20);
    store_many(f, ada, 100, 20);
    struct puller *puller = puller_of(ada, false);
    size_t total = 0, count;
    for (; (count = pull(f, puller)) > 0; total += count) {
        assert_true(puller->entries[0].cid > last);
        last = puller->entries[count - 1].cid;
        take_page(puller);
        if (total == 0) /* the first page has the positions of all */
            assert_int_equal(puller->reply.conversations.count, 20);
        puller->resumed = true;
    }
    assert_int_equal(total, 2000);
    assert_int_equal(puller->count, 20);
}

/* One has more than a page holds: of the other a page has only entries before the first one's last.
 */
DELIVERY_TEST(test_a_backlog_of_unequal_conversations) {
    uint64_t ada = new_account(f->database, ""), last = 0;
    uint64_t busy = new_pair(f, ada, new_account(f->database, "")),
             calm = new_pair(f, ada, ada + 1000);
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT %" PRIu64
            ", 2 * seq, 1, 0, 1, 'busy' FROM seq_1_to_700",
            busy);
    store(f, calm, 21, 1, "calm");
    store(f, calm, 1301, 1, "calm");
    struct puller *puller = puller_of(ada, true);
    size_t total = 0, count;
    for (; (count = pull(f, puller)) > 0; total += count) {
        assert_true(puller->entries[0].cid > last);
        last = puller->entries[count - 1].cid;
        take_page(puller);
    }
    assert_int_equal(total, 702);
}

DELIVERY_TEST(test_more_conversations_than_a_page_reads) {
    uint64_t ada = new_account(f->database, "");
    make_pairs(f, ada, 700);
    store_many(f, ada, 3, 10);
    assert_int_equal(pull_all(f, puller_of(ada, false)), 2100);
    struct puller *puller = puller_of(ada, true);
    assert_int_equal(pull_all(f, puller), 2100);
    assert_int_equal(puller->count, 700);
}

DELIVERY_TEST(test_more_conversations_than_are_reported) {
    uint64_t ada = new_account(f->database, "");
    make_pairs(f, ada, MAX_CONVERSATIONS - 1);
    struct puller *puller = puller_of(ada, false);
    assert_int_equal(pull(f, puller), 0);
    assert_int_equal(puller->reply.conversations.count, MAX_CONVERSATIONS - 1);
    assert_false(puller->reply.partial);
    uint64_t late = conversation_of_group(new_group_of(f, "", &ada, 1)); /* the last by its id */
    store(f, late, 1, 1, "text");
    assert_int_equal(pull(f, puller), 1);
    assert_int_equal(puller->reply.conversations.count, MAX_CONVERSATIONS - 1);
    assert_true(puller->reply.partial);
    puller->resumed = true;
    assert_int_equal(pull(f, puller), 1);
    assert_false(puller->reply.partial);
}

DELIVERY_TEST(test_large_texts) {
    uint64_t ada = new_account(f->database, "");
    new_pair(f, ada, new_account(f->database, ""));
    new_pair(f, ada, new_account(f->database, ""));
    store_many(f, ada, 20, TEXT_MAX_BYTES);
    struct puller *puller = puller_of(ada, false);
    size_t total = 0, count;
    for (; (count = pull(f, puller)) > 0; total += count) {
        assert_in_range(count, 1, PAGE_BYTES / TEXT_MAX_BYTES + 1);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(puller->entries[i].text.length, TEXT_MAX_BYTES);
        take_page(puller);
    }
    assert_int_equal(total, 40);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
