/*
 * parley-delivery alone: delivery.search.
 */
#include "proto/conversation.h"
#include "tests/support/delivery_puller.h"
#include "tests/support/test_db.h"
#include "tests/support/test_listen.h"

#define MOST_MATCHES 50
#define MOST_ROWS 20000

struct matches {
    struct delivery_search_reply reply;
    uint64_t cids[LIST_MAX];
};

static enum err try_search(struct delivery_fixture *f, struct delivery_search ask,
                           const char *words, struct matches *matches) {
    *matches = (struct matches){.reply = {.before = 0}};
    ask.text = slice_text(words);
    enum err err = test_caller_ask(f->caller, &message_DELIVERY_SEARCH, &ask, &matches->reply);
    if (err == ERR_OK)
        cids_of(&matches->reply.entries, matches->cids);
    return err;
}

/* All of the matches, in one request. */
static void expect(struct delivery_fixture *f, struct delivery_search ask, const char *words,
                   const uint64_t *cids, size_t count) {
    struct matches matches;
    assert_err(try_search(f, ask, words, &matches), ERR_OK);
    assert_int_equal(matches.reply.entries.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(matches.cids[i], cids[i]);
    assert_int_equal(matches.reply.before, 0);
}
#define expect_matches(f_, ask_, words_, ...)                                                      \
    expect(f_, ask_, words_, (uint64_t[]){__VA_ARGS__},                                            \
           sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
#define expect_nothing(f_, ask_, words_) expect(f_, ask_, words_, NULL, 0)

static void refused(struct delivery_fixture *f, struct delivery_search ask, const char *words,
                    enum err expected) {
    struct matches matches;
    assert_err(try_search(f, ask, words, &matches), expected);
}

/* Goes on until there is no more; each match must be older than the one before it. */
static size_t search_on(struct delivery_fixture *f, struct delivery_search ask, const char *words,
                        size_t *requests_r) {
    size_t count = 0;
    uint64_t last = UINT64_MAX;
    *requests_r = 0;
    do {
        struct matches matches;
        uint64_t before = ask.before;
        assert_err(try_search(f, ask, words, &matches), ERR_OK);
        assert_true(matches.reply.entries.count <= MOST_MATCHES);
        for (size_t i = 0; i < matches.reply.entries.count; i++) {
            assert_true(matches.cids[i] < last);
            last = matches.cids[i];
        }
        count += matches.reply.entries.count;
        ask.before = matches.reply.before;
        assert_true(before == 0 || ask.before < before);
        ++*requests_r;
    } while (ask.before != 0);
    return count;
}

#define ASK(...) ((struct delivery_search){__VA_ARGS__})

/* --- beside texts -------------------------------------------------------------------------- */

/* A search that the database holds up holds up no text; another one is refused at once where there
 * is one thread for them. It runs before the others store texts with cids of their own. */
DELIVERY_TEST(test_it_delays_nobody) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint16_t port = test_free_port();
    struct service_process *delivery = start_delivery(f, port, "--search-threads=1", NULL, NULL);
    struct test_caller *caller = test_caller_new("searching", port);
    struct test_caller *other = test_caller_new("searching, too", port);
    say(f, ada, bob, 0, "this opens the conversation");
    skip_routed(f, 1);
    struct db *holder = test_db_new(test_database_settings(f->database));
    test_db_do(holder, "LOCK TABLES absence WRITE");
    struct delivery_search ask = ASK(.account = ada, .user = bob, .text = slice_text("open"));
    test_caller_start(caller, &message_DELIVERY_SEARCH, &ask);
    struct test_caller *observer = test_caller_new("observer", port);
    wait_for_calls(observer, 1);
    struct letter letter;
    struct delivery_send_reply sent;
    for (int i = 0; i < 10; i++) {
        letter_one(f, &letter, ada, bob, 0, "a text meanwhile");
        assert_err(ask_send(other, &letter, &sent), ERR_OK);
    }
    struct delivery_search_reply reply;
    test_caller_set_wait(other, 50);
    assert_err(test_caller_ask(other, &message_DELIVERY_SEARCH, &ask, &reply), ERR_OVERLOADED);
    db_destroy(&holder);
    assert_err(test_caller_finish(caller, &message_DELIVERY_SEARCH, &reply), ERR_OK);
    assert_int_equal(reply.entries.count, 1);
    skip_routed(f, 10);
    test_caller_destroy(&observer);
    test_caller_destroy(&other);
    test_caller_destroy(&caller);
    assert_int_equal(service_process_stop(&delivery), 0);
}

/* --- words --------------------------------------------------------------------------------- */

DELIVERY_TEST(test_words) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t pair = new_pair(f, ada, bob);
    static const char *const texts[] = {"Hello World",
                                        "help",
                                        "今天天气很好，我们去公园吧",
                                        "明天天气不好 Maybe",
                                        "Groß STRAẞE",
                                        "cafe\xcc\x81 noir",
                                        "CAF\xc3\x89",
                                        "\xce\x9f\xce\x94\xce\x9f\xce\xa3"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        store(f, pair, 10 + i, i % 2 == 0 ? ada : bob, texts[i]);
    const struct delivery_search ask = ASK(.account = ada, .user = bob);
    expect_matches(f, ask, "hel", 11, 10);
    expect_matches(f, ask, "O wOr", 10);
    expect_matches(f, ask, "天气", 13, 12);
    expect_matches(f, ask, "去公园", 12);
    expect_matches(f, ask, "好 MAYBE", 13);
    expect_nothing(f, ask, "天天天");
    expect_matches(f, ask, "strasse", 14);
    expect_matches(f, ask, "caf\xc3\xa9", 16, 15);
    expect_matches(f, ask, "Cafe\xcc\x81", 16, 15);
    expect_nothing(f, ask, "cafe ");
    expect_matches(f, ask, "\xce\xbf\xce\xb4\xce\xbf\xcf\x82", 17);
    expect_nothing(f, ask, "%%");
    expect_nothing(f, ask, "h_l");
}

DELIVERY_TEST(test_malformed) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    new_pair(f, ada, bob);
    char words[3 * (SEARCH_MOST + 1) + 1];
    for (size_t i = 0; i <= SEARCH_MOST; i++)
        memcpy(words + 3 * i, "天", 4);
    refused(f, ASK(.account = ada, .user = bob), "a", ERR_BAD_REQUEST);
    refused(f, ASK(.account = ada, .user = bob), "天", ERR_BAD_REQUEST);
    refused(f, ASK(.account = ada, .user = bob), words, ERR_BAD_REQUEST);
    words[3 * SEARCH_MOST] = '\0';
    expect_nothing(f, ASK(.account = ada, .user = bob), words);
    refused(f, ASK(.account = 0, .user = bob), "ab", ERR_BAD_REQUEST);
    refused(f, ASK(.account = ada, .user = bob, .group = 1), "ab", ERR_BAD_REQUEST);
    refused(f, ASK(.account = ada, .everywhere = true, .user = bob), "ab", ERR_BAD_REQUEST);
}

/* --- readable texts ------------------------------------------------------------------------ */

DELIVERY_TEST(test_only_readable_texts_are_found) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, bob}, 2);
    uint64_t conversation = conversation_of_group(group);
    for (uint64_t cid = 301; cid <= 309; cid++)
        store(f, conversation, cid, ada, "needle");
    sql_run(f->database,
            "UPDATE message SET type = 15, body = '' WHERE cid = 306 AND conversation = %" PRIu64,
            conversation);
    set_cursor(f, bob, conversation, 302, 0, "308");
    sql_run(f->database,
            "INSERT INTO absence (account, conversation, after, upto) VALUES (%" PRIu64 ", %" PRIu64
            ", 303, 304)",
            bob, conversation);
    expect_matches(f, ASK(.account = bob, .group = group), "needle", 308, 307, 305, 303);
    expect_matches(f, ASK(.account = bob, .everywhere = true), "needle", 308, 307, 305, 303);
    expect_matches(f, ASK(.account = bob, .group = group, .before = 307), "needle", 305, 303);
    expect_nothing(f, ASK(.account = bob, .group = group, .before = 303), "needle");
    uint64_t cleo = new_account(f->database, "");
    refused(f, ASK(.account = cleo, .group = group), "needle", ERR_NOT_MEMBER);
    refused(f, ASK(.account = cleo, .group = 999), "needle", ERR_NO_GROUP);
    refused(f, ASK(.account = cleo, .user = 999), "needle", ERR_NO_ACCOUNT);
    expect_nothing(f, ASK(.account = cleo, .user = ada), "needle");
    expect_nothing(f, ASK(.account = cleo, .everywhere = true), "needle");
    expect_nothing(f, ASK(.account = cleo), "needle");
}

/* --- going on ------------------------------------------------------------------------------ */

DELIVERY_TEST(test_everywhere) {
    uint64_t ada = new_account(f->database, "");
    size_t requests;
    make_pairs(f, ada, 300);
    store_many(f, ada, 100, 5);
    sql_run(f->database,
            "UPDATE message SET body = 'a NEEDLE in it' WHERE sender = %" PRIu64
            " AND cid %% 97 = 3",
            ada);
    uint64_t wanted = sql_number(
        f->database, "SELECT COUNT(*) FROM message WHERE sender = %" PRIu64 " AND cid %% 97 = 3",
        ada);
    assert_true(wanted > 2 * MOST_MATCHES);
    assert_int_equal(search_on(f, ASK(.account = ada, .everywhere = true), "needle", &requests),
                     wanted);
    assert_true(requests > 2);
}

/* One has more than a request reads, the others next to nothing. */
DELIVERY_TEST(test_more_than_one_request_reads) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t pair = new_pair(f, ada, bob);
    size_t requests;
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT %" PRIu64
            ", 30000000 + 3 * seq, 1, 0, %" PRIu64
            ", IF(seq %% 10000 = 1, 'a needle', 'hay') FROM seq_1_to_45000",
            pair, ada);
    struct matches matches;
    assert_err(try_search(f, ASK(.account = ada, .user = bob), "needle", &matches), ERR_OK);
    assert_int_equal(matches.reply.entries.count, 2);
    assert_int_equal(matches.reply.before, 30000000 + 3 * (45000 - MOST_ROWS + 1));
    assert_int_equal(search_on(f, ASK(.account = ada, .user = bob), "needle", &requests), 5);
    assert_int_equal(requests, 3);
    make_pairs(f, ada, 30);
    sql_run(f->database,
            "UPDATE `cursor` SET account = %" PRIu64 " WHERE account = %" PRIu64
            " AND conversation <> %" PRIu64,
            bob, ada, pair);
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT"
            " conversation, 30000001 + 3000 * seq + 3 * ROW_NUMBER() OVER (PARTITION BY seq ORDER"
            " BY conversation), 1, 0, 1, 'this needle' FROM `cursor`, seq_1_to_3"
            " WHERE account = %" PRIu64 " AND conversation <> %" PRIu64,
            bob, pair);
    assert_int_equal(search_on(f, ASK(.account = bob, .everywhere = true), "needle", &requests),
                     5 + 90);
}

/* Long texts: it stops after so many bytes, and gets on all the same. */
DELIVERY_TEST(test_most_bytes) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t pair = new_pair(f, ada, bob);
    size_t requests;
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT %" PRIu64
            ", 40000000 + seq, 1, 0, %" PRIu64
            ", CONCAT(REPEAT('x', 64000), IF(seq %% 100 = 0, 'needle', '')) FROM seq_1_to_600",
            pair, ada);
    assert_int_equal(search_on(f, ASK(.account = ada, .user = bob), "XNeedle", &requests), 6);
    assert_true(requests > 1);
}

/* More conversations than a search looks through; the newest are among them. */
DELIVERY_TEST(test_most_conversations) {
    uint64_t ada = new_account(f->database, "");
    size_t requests;
    make_pairs(f, ada, 510);
    store_many(f, ada, 1, 5);
    sql_run(f->database, "UPDATE message SET body = 'needle' WHERE sender = %" PRIu64, ada);
    assert_int_equal(search_on(f, ASK(.account = ada, .everywhere = true), "needle", &requests),
                     500);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
